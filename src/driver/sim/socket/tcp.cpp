// Tcp: what its owner asks of it: to connect, to listen, to read and write, to close.
#include "driver/sim/socket/tcp.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "driver/operations.hpp"
#include "driver/sim/host_driver.hpp"
#include "driver/sim/network/world.hpp"

namespace ieum::detail::sim {

using State = SocketState;

namespace {

constexpr Time unreachable_after = 3 * second;  // what asking for a neighbour's address takes
constexpr Time orphan_waits = 60 * second;      // tcp_fin_timeout
constexpr Time time_wait = 60 * second;

}  // namespace

// ---- Connecting and listening -------------------------------------------------------------------

int Tcp::bind(const Address& address) noexcept {
  if (bound_ || state_ != State::closed) return -EINVAL;
  if (address.family() != family()) return -EAFNOSUPPORT;
  Endpoint at = Endpoint::of(address);
  if (const int status = node().bind(*this, at); status < 0) return status;
  local_ = at;
  bound_ = true;
  return 0;
}

int Tcp::listen(int backlog) noexcept {
  if (state_ == State::listen) {
    backlog_ = std::max(backlog, 0);
    return 0;
  }
  if (state_ != State::closed || was_connected_) return -EINVAL;
  if (!bound_) {
    Endpoint any;
    if (family() == Family::ipv4) any.ip.bytes[10] = any.ip.bytes[11] = 0xff;
    if (const int status = bind(any.address(family())); status < 0) return status;
  }
  if (const int status = node().may_listen(*this); status < 0) return status;
  backlog_ = std::max(backlog, 0);
  set_state(State::listen);
  return 0;
}

int Tcp::connect(const Address& to) noexcept {
  if (state_ != State::closed || was_connected_) {
    return state_ == State::syn_sent ? -EALREADY : -EISCONN;
  }
  if (to.family() != family()) return -EAFNOSUPPORT;
  Flow flow{local_, Endpoint::of(to)};
  if (flow.remote.ip.is_wildcard()) {
    flow.remote.ip =
        Ip::of(family() == Family::ipv4 ? Address::ipv4_loopback(0) : Address::ipv6_loopback(0));
  }
  if ((!bound_ || local_.ip.is_wildcard()) && !node().source_for(flow.remote.ip, flow.local.ip)) {
    return -ENETUNREACH;
  }
  if (!bound_) {
    if (const int status = node().choose_port(flow); status < 0) return status;
  } else if (node().has_flow(flow)) {
    return -EADDRNOTAVAIL;
  }
  if (flow.local == flow.remote) return -ECONNREFUSED;  // a kernel connects it to itself
  if (bound_) {  // the flow holds the port from here on, and gives it back in die()
    node().unbind(*this);
    bound_ = false;
  }
  local_ = flow.local;
  remote_ = flow.remote;
  const Node* const there = node().has(remote_.ip) ? &node() : world().node_with(remote_.ip);
  unreachable_ = there == nullptr;
  remote_node_ = unreachable_ ? node().index() : there->index();
  node().add_flow(flow, *this);
  // For good: whoever failed to connect needs a new socket (connect(2)).
  has_flow_ = was_connected_ = true;
  set_state(State::syn_sent);
  unanswered_since_ = world().now();
  if (unreachable_) {  // the network has no node that could answer or refuse
    linger_at_ = world().now() + unreachable_after;
    arm();
  } else {
    send_syn();
  }
  return -EINPROGRESS;
}

int Tcp::connected() noexcept {
  if (state_ == State::syn_sent) return -EINPROGRESS;
  if (error_ != 0) {  // told now, and to every later read
    broken_ = std::exchange(error_, 0);
    return -broken_;
  }
  return broken_ != 0 ? -broken_ : 0;
}

int Tcp::accept(Socket*& child) noexcept {
  if (state_ != State::listen) return -EINVAL;
  if (accepted_.empty()) return -EAGAIN;
  Tcp* const client = accepted_.front();
  accepted_.pop_front();
  client->listener_ = nullptr;  // its owner's now: the listener's end is not its end
  child = client;
  return 0;
}

void Tcp::client_arrived(const Packet& packet) noexcept {
  // As Linux: who does not fit is not answered, and asks again.
  const auto most = static_cast<std::size_t>(backlog_);
  if (accepted_.size() > most || handshakes_.size() > std::max<std::size_t>(most, 8)) return;
  auto& child = static_cast<Tcp&>(world().add(std::make_unique<Tcp>(node(), family())));
  child.options_ = options_;
  child.local_ = packet.to;
  child.remote_ = packet.from;
  child.remote_node_ = packet.from_node;
  child.listener_ = this;
  child.was_connected_ = true;
  child.expected_ = 1;  // a SYN counts as one, and is number 0 in both directions
  child.limit_ = packet.tcp.window;
  node().add_flow({child.local_, child.remote_}, child);
  child.has_flow_ = true;
  // To be accepted once the handshake is over; until then it only counts against the backlog.
  handshakes_.push_back(&child);
  child.set_state(State::syn_received);
  child.unanswered_since_ = world().now();
  child.send_syn();
}

Address Tcp::peer() const noexcept {
  const bool stands = state_ != State::listen && state_ != State::syn_sent && connected_at_ > 0;
  return stands || state_ == State::established ? remote_.told(family()) : Address();
}

void Tcp::set_state(State state) noexcept {
  state_ = state;
  trace(SimEvent::What::state, static_cast<std::int64_t>(state));
}

void Tcp::established() noexcept {
  set_state(State::established);
  const Time now = world().now();
  connected_at_ = std::max<Time>(now, 1);  // 0: never was
  sent_at_ = received_at_ = ack_received_at_ = heard_at_ = now;
  timeouts_ = backoff_ = 0;  // those of the handshake say nothing of the data
  unanswered_since_ = never;
  window_ = 10 * segment_max();  // RFC 6928
  if (options_.get(SocketOption::so_keepalive) != 0) {
    keep_at_ = now + options_.get(SocketOption::tcp_keepidle) * second;
  }
}

// ---- Reading and writing ------------------------------------------------------------------------

bool Tcp::readable() const noexcept {
  if (state_ == State::listen) return !accepted_.empty();
  if (state_ == State::syn_sent || state_ == State::syn_received) return false;
  return !receive_.empty() || peer_finished_ || error_ != 0 || broken_ != 0 || read_shut_ ||
         state_ == State::closed || orphan_;
}

bool Tcp::writable() const noexcept {
  return state_ == State::closed || error_ != 0 || !may_send() || room_to_write() > 0;
}

std::int64_t Tcp::read(std::span<std::byte> into) noexcept {
  if (state_ == State::listen) return -ENOTCONN;
  if (!receive_.empty()) {
    const std::size_t count = receive_.take(into);
    // Tells the peer of the room once that is worth a segment.
    const std::uint64_t edge = expected_ + room_to_receive();
    const std::uint64_t worth =
        std::min<std::uint64_t>(2 * segment_max(), options_.receive_bytes_max() / 2);
    if (!peer_finished_ && edge >= promised_ + worth && state_ != State::closed) send_ack();
    return static_cast<std::int64_t>(count);
  }
  if (peer_finished_) return 0;
  // After the data and the peer's end: what came in order before the connection broke is whole.
  if (error_ != 0) broken_ = std::exchange(error_, 0);
  if (broken_ != 0) return -broken_;
  if (read_shut_) return 0;
  return state_ == State::closed ? -ENOTCONN : -EAGAIN;
}

std::int64_t Tcp::write(ConstBuffer data) noexcept {
  if (error_ != 0) {
    const int error = std::exchange(error_, 0);
    if (breaks_connection(error)) broken_ = error;  // a read must not take it for the peer's end
    return -error;
  }
  if (state_ == State::syn_sent || state_ == State::syn_received) return -EAGAIN;
  if (finish_ || !may_send()) return -EPIPE;
  const std::size_t count = std::min(data.size(), room_to_write());
  if (count == 0) return -EAGAIN;
  // Nothing was waiting for the peer: TCP_USER_TIMEOUT counts from here, not from the last answer.
  if (send_.empty() && flight_.empty()) unanswered_since_ = world().now();
  send_.append(data.first(count));
  return static_cast<std::int64_t>(count);
}

bool Tcp::may_send() const noexcept {
  switch (state_) {
    case State::established:
    case State::close_wait:
    case State::fin_wait_1:
    case State::closing:
    case State::last_ack: return true;
    default: return false;
  }
}

std::size_t Tcp::room_to_write() const noexcept {
  const std::size_t most = options_.send_bytes_max();
  if (send_.size() >= most) return 0;
  const auto low = static_cast<std::uint64_t>(options_.get(SocketOption::tcp_notsent_lowat));
  if (low > 0 && unsent() >= low) return 0;
  return most - send_.size();
}

std::uint64_t Tcp::room_to_receive() const noexcept {
  const std::size_t most = options_.receive_bytes_max();
  return receive_.size() >= most ? 0 : most - receive_.size();
}

std::uint64_t Tcp::unsent() const noexcept {
  const std::uint64_t end = data_end();
  return end > next_ ? end - next_ : 0;
}

// ---- Ending -------------------------------------------------------------------------------------

int Tcp::shutdown(Half half) noexcept {
  if (state_ == State::listen || state_ == State::closed || state_ == State::syn_sent) {
    return -ENOTCONN;
  }
  if (half != Half::sending) {
    read_shut_ = true;
    wake_in();
  }
  if (half != Half::receiving && !finish_) {
    // The state changes at once, the FIN goes behind what was written (RFC 9293, section 3.10.4).
    finish_ = true;
    if (state_ == State::established) set_state(State::fin_wait_1);
    if (state_ == State::close_wait) set_state(State::last_ack);
    output();
  }
  return 0;
}

void Tcp::close() noexcept {
  orphan_ = true;
  switch (state_) {
    case State::listen:
      for (Tcp* const child : accepted_) {  // clients that believe they are connected
        child->listener_ = nullptr;
        child->orphan_ = true;
        child->break_off();
      }
      accepted_.clear();
      // Taken out first: die() removes each from its listener's lists.
      for (Tcp* const child : std::exchange(handshakes_, {})) {
        child->listener_ = nullptr;
        child->orphan_ = true;
        child->send_reset();
        child->die();
      }
      return die();
    case State::closed:
    case State::syn_sent: return die();
    case State::time_wait: return;  // its timer frees it
    default: break;
  }
  // A FIN would say that all was read (RFC 2525, section 2.17).
  if (reset_on_close_ || !receive_.empty()) {
    send_reset();
    return die();
  }
  if (state_ == State::fin_wait_2) {  // nobody reads any more: the peer may take for ever to finish
    linger_at_ = world().now() + orphan_waits;
    return arm();
  }
  if (!finish_) shutdown(Half::sending);
}

void Tcp::break_off() noexcept {
  if (state_ == State::listen || state_ == State::closed || state_ == State::syn_sent) return;
  send_reset();
  fail(ECONNRESET);
}

void Tcp::enter_time_wait() noexcept {
  set_state(State::time_wait);
  // Both ends are acknowledged, so nothing is owed; we stay to answer if our last ACK was lost.
  retransmit_at_ = ack_at_ = cork_at_ = keep_at_ = never;
  linger_at_ = world().now() + time_wait;
  arm();
}

void Tcp::fail(int error) noexcept {
  error_ = error;
  die();  // first: waking tries what waits, which must see it closed
  wake_in();
  wake_out();
}

void Tcp::die() noexcept {
  if (has_flow_) node().remove_flow({local_, remote_});
  if (bound_) node().unbind(*this);
  has_flow_ = bound_ = false;
  if (listener_ != nullptr) {  // nobody has accepted it, so nobody will close it
    std::erase(listener_->handshakes_, this);
    std::erase(listener_->accepted_, this);
    listener_ = nullptr;
    orphan_ = true;
  }
  if (state_ != State::closed) set_state(State::closed);
  retransmit_at_ = ack_at_ = cork_at_ = keep_at_ = linger_at_ = never;
  flight_.clear();
  pipe_ = sacked_count_ = lost_count_ = 0;
  ahead_.clear();
  // Retired, not deleted: whoever called us is still in a member of this. A socket that has an
  // owner waits for its close.
  if (orphan_ && !dead_) {
    dead_ = true;
    world().retire(*this);
  }
}

// ---- Options ------------------------------------------------------------------------------------

int Tcp::set_option(SocketOption option, int value) noexcept {
  if (option == SocketOption::ipv6_v6only && bound_) return -EINVAL;
  const int status = options_.set(family(), option, value);
  if (status < 0) return status;
  switch (option) {
    case SocketOption::tcp_quickack: quick_acks_ = value != 0 ? 16 : 0; break;
    case SocketOption::tcp_nodelay:
    case SocketOption::tcp_cork:
      cork_at_ = never;  // what was held back may go by the new rule
      output();
      break;
    case SocketOption::so_keepalive:
    case SocketOption::tcp_keepidle:
      keep_at_ = never;
      if (options_.get(SocketOption::so_keepalive) != 0 && connected_at_ > 0 && may_send()) {
        keep_at_ = heard_at_ + options_.get(SocketOption::tcp_keepidle) * second;
        arm();
      }
      break;
    case SocketOption::so_sndbuf:
    case SocketOption::tcp_notsent_lowat: wake_out(); break;
    default: break;
  }
  return 0;
}

int Tcp::get_option(SocketOption option, int& value) noexcept {
  if (!TcpOptions::has(family(), option)) return -ENOPROTOOPT;
  if (option == SocketOption::so_error) {
    value = std::exchange(error_, 0);
    if (value != 0) broken_ = value;
  } else if (option == SocketOption::tcp_maxseg && options_.get(option) == 0) {
    value = static_cast<int>(segment_max());
  } else {
    value = options_.get(option);
  }
  return 0;
}

}  // namespace ieum::detail::sim
