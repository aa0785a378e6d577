// Tcp: what it sends, and when it sends it again.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "driver/sim/network/world.hpp"
#include "driver/sim/socket/tcp.hpp"

namespace ieum::detail::sim {

using State = SocketState;

namespace {

constexpr Time rto_min = 200 * millisecond;
constexpr Time rto_max = 120 * second;
constexpr std::uint32_t syn_retries = 6;      // tcp_syn_retries
constexpr std::uint32_t syn_ack_retries = 5;  // tcp_synack_retries
constexpr std::uint32_t retries = 15;         // tcp_retries2
constexpr std::uint32_t orphan_retries = 8;   // tcp_orphan_retries
constexpr Time cork_waits = 200 * millisecond;

}  // namespace

std::uint64_t Tcp::segment_max() const noexcept {
  const std::uint32_t headers = remote_.ip.is_ipv4() ? 40 : 60;
  const std::uint64_t fits = world().link(node().index(), remote_node_).mtu() - headers;
  const auto asked = static_cast<std::uint64_t>(options_.get(SocketOption::tcp_maxseg));
  return asked > 0 ? std::min(asked, fits) : fits;
}

std::unique_ptr<Packet> Tcp::make_segment(std::uint64_t sequence) noexcept {
  std::unique_ptr<Packet> packet = world().make_packet();
  packet->from = local_;
  packet->to = remote_;
  packet->from_node = node().index();
  packet->to_node = remote_node_;
  packet->socket = number;
  TcpHeader& header = packet->tcp;
  header.sequence = sequence;
  if (state_ == State::syn_sent) return packet;
  header.ack = true;
  header.acknowledged = expected_;
  // The window never shrinks, and opens by what is worth a segment (RFC 9293, section 3.8.6.2).
  const std::uint64_t edge = expected_ + room_to_receive();
  const std::uint64_t worth =
      std::min<std::uint64_t>(segment_max(), options_.receive_bytes_max() / 2);
  if (edge >= promised_ + worth || promised_ < expected_) promised_ = std::max(edge, promised_);
  header.window = promised_ > expected_ ? promised_ - expected_ : 0;
  for (auto range = ahead_.begin(); range != ahead_.end(); ++range) {
    const std::uint64_t end = range->first + range->second.size();
    if (header.sacked_count > 0 && header.sacked[header.sacked_count - 1U].end >= range->first) {
      header.sacked[header.sacked_count - 1U].end = end;
    } else if (header.sacked_count < header.sacked.size()) {
      header.sacked[header.sacked_count++] = {range->first, end};
    } else {
      break;
    }
  }
  not_acknowledged_ = 0;  // this segment is the acknowledgement that was owed
  ack_at_ = never;
  return packet;
}

void Tcp::transmit(const Sent& sent) noexcept {
  std::unique_ptr<Packet> packet = make_segment(sent.begin);
  const std::uint64_t end = std::min(sent.end, data_end());
  if (end > sent.begin) {
    packet->data.resize(end - sent.begin);
    send_.copy(sent.begin - data_begin_, packet->data);
  }
  packet->tcp.fin = sent.end > data_end();
  ++segments_sent_;
  bytes_sent_ += packet->data.size();
  sent_at_ = world().now();
  if (sent.again) {
    ++again_total_;
    bytes_again_ += packet->data.size();
    trace(SimEvent::What::retransmit, static_cast<std::int64_t>(sent.begin));
  }
  world().send(std::move(packet));
}

void Tcp::send_syn() noexcept {
  const bool again = next_ > 0;
  std::unique_ptr<Packet> packet = make_segment(0);
  packet->tcp.syn = true;
  if (state_ == State::syn_sent) packet->tcp.window = options_.receive_bytes_max();
  if (state_ == State::syn_sent) promised_ = 1 + options_.receive_bytes_max();
  next_ = 1;  // the SYN's own number is used up, also by one that is lost
  ++segments_sent_;
  if (again) {
    ++again_total_;
    trace(SimEvent::What::retransmit, 0);
  }
  retransmit_at_ = world().now() + timeout();
  world().send(std::move(packet));
  arm();
}

void Tcp::send_ack() noexcept {
  ++segments_sent_;
  world().send(make_segment(next_));
}

/// One before what the peer expects: it must answer.
void Tcp::send_probe() noexcept {
  ++segments_sent_;
  world().send(make_segment(una_ - 1));
}

void Tcp::send_reset() noexcept {
  if (!has_flow_ || state_ == State::syn_sent) return;
  std::unique_ptr<Packet> packet = make_segment(next_);
  packet->tcp.reset = true;
  ++segments_sent_;
  world().send(std::move(packet));
}

void Tcp::refuse(Node& node, const Packet& to) noexcept {
  std::unique_ptr<Packet> packet = node.world().make_packet();
  packet->from = to.to;
  packet->to = to.from;
  packet->from_node = to.to_node;
  packet->to_node = to.from_node;
  TcpHeader& header = packet->tcp;
  header.reset = true;
  if (to.tcp.ack) {
    header.sequence = to.tcp.acknowledged;
  } else {
    header.ack = true;
    header.acknowledged = to.tcp.sequence + (to.tcp.syn ? 1 : 0) + to.data.size();
  }
  node.world().send(std::move(packet));
}

// ---- Data ---------------------------------------------------------------------------------------

void Tcp::output(bool force) noexcept {
  if (!may_send() || dead_) return;
  // What was lost goes first: all behind it waits in the peer's buffer.
  if (lost_count_ > 0) output_lost();
  while (output_new(force)) force = false;
  // With nothing on its way this is the persist timer: a window that opens may be told in vain.
  if (retransmit_at_ == never && (!flight_.empty() || unsent() > 0)) {
    retransmit_at_ = world().now() + timeout();
  }
  arm();
}

void Tcp::output_lost() noexcept {
  for (Sent& sent : flight_) {
    if (!sent.lost) continue;
    if (pipe_ > 0 && pipe_ + sent.bytes() > window_) return;
    // Under way again. `again` stays for good: its acknowledgement measures nothing.
    sent.lost = false;
    sent.again = true;
    sent.at = world().now();
    --lost_count_;
    pipe_ += sent.bytes();
    transmit(sent);
    if (lost_count_ == 0) return;
  }
}

/// Sends a segment of what was not sent before, if it may; true if there may be another one.
bool Tcp::output_new(bool force) noexcept {
  const std::uint64_t all = unsent();
  Sent sent{.begin = next_, .end = next_, .at = world().now()};
  if (all > 0) {
    const std::uint64_t room = limit_ > next_ ? limit_ - next_ : 0;
    const std::uint64_t bytes = std::min({all, segment_max(), room});
    if (bytes == 0) return false;
    if (pipe_ > 0 && pipe_ + bytes > window_) return false;
    if (bytes < segment_max() && !force && is_held_back(bytes, all)) return false;
    sent.end += bytes;
  } else if (!finish_ || finish_sent_) {
    return false;
  }
  if (finish_ && sent.end == data_end()) {  // the FIN goes with the last of the data
    ++sent.end;
    finish_sent_ = true;
  }
  next_ = sent.end;
  // The timer runs from the oldest that is on its way, so a later one does not start it anew.
  if (flight_.empty()) {
    retransmit_at_ = world().now() + timeout();
    unanswered_since_ = world().now();
  }
  flight_.push_back(sent);
  pipe_ += sent.bytes();
  transmit(sent);
  return true;
}

/// Whether `bytes`, less than a segment, of `all` that wait, should wait for more.
bool Tcp::is_held_back(std::uint64_t bytes, std::uint64_t all) noexcept {
  if (bytes < all) return bytes < window_max_ / 2;  // the window is silly (RFC 9293, 3.8.6.2.1)
  if (finish_) return false;
  if (options_.get(SocketOption::tcp_cork) != 0) {
    if (std::exchange(cork_expired_, false)) return false;
    if (cork_at_ == never) cork_at_ = world().now() + cork_waits;
    return true;
  }
  return options_.get(SocketOption::tcp_nodelay) == 0 && !flight_.empty();  // Nagle
}

// ---- Timers -------------------------------------------------------------------------------------

Time Tcp::timeout() const noexcept {
  const Time backed_off = rto_ << std::min(backoff_, 20U);
  return std::min(backed_off, rto_max);
}

void Tcp::measure(Time round_trip) noexcept {
  rtt_min_ = std::min(rtt_min_, round_trip);
  if (rtt_ == 0) {
    rtt_ = std::max<Time>(round_trip, microsecond);
    rtt_variance_ = rtt_ / 2;
  } else {
    const Time off = rtt_ > round_trip ? rtt_ - round_trip : round_trip - rtt_;
    rtt_variance_ = (3 * rtt_variance_ + off) / 4;
    rtt_ = std::max<Time>((7 * rtt_ + round_trip) / 8, microsecond);
  }
  rto_ = std::min(rtt_ + std::max(rto_min, 4 * rtt_variance_), rto_max);
}

bool Tcp::gave_up() const noexcept {
  const Time limit = options_.get(SocketOption::tcp_user_timeout) * millisecond;
  if (limit > 0 && unanswered_since_ != never && world().now() - unanswered_since_ >= limit) {
    return true;
  }
  if (state_ == State::syn_sent) return timeouts_ > syn_retries;
  if (state_ == State::syn_received) return timeouts_ > syn_ack_retries;
  if (limit > 0) return false;
  return timeouts_ > (orphan_ ? orphan_retries : retries) || probes_ > retries;
}

void Tcp::arm() noexcept {
  if (dead_) return;
  const Time next = std::min({retransmit_at_, ack_at_, cork_at_, keep_at_, linger_at_});
  if (next >= timer_set_) return;  // timer() arms again for what is later
  timer_set_ = next;
  world().set_timer(*this, next);
}

void Tcp::timer() noexcept {
  const Time now = world().now();
  if (timer_set_ > now) return;  // an older one, which a nearer one has replaced
  timer_set_ = never;
  const auto ran_out = [now](Time& at) { return at <= now && std::exchange(at, never) <= now; };
  if (ran_out(linger_at_)) {
    if (unreachable_) return fail(EHOSTUNREACH);
    return die();
  }
  if (ran_out(ack_at_)) send_ack();
  if (ran_out(cork_at_)) {
    cork_expired_ = true;
    output();
  }
  if (ran_out(retransmit_at_)) retransmit_timeout();
  if (!dead_ && ran_out(keep_at_)) keep_alive_timeout();
  arm();
}

void Tcp::retransmit_timeout() noexcept {
  const bool handshake = state_ == State::syn_sent || state_ == State::syn_received;
  if (!handshake && flight_.empty()) return persist_timeout();
  ++timeouts_;
  trace(SimEvent::What::timeout, timeouts_);
  if (gave_up()) return fail(ETIMEDOUT);
  ++backoff_;
  if (handshake) return send_syn();
  // The threshold falls for the first timeout only: the next ones find a pipe that we emptied
  // ourselves (RFC 5681, section 3.1).
  if (timeouts_ == 1) {
    threshold_ = std::max<std::uint64_t>(pipe_ / 2, 2 * segment_max());
    recover_ = next_;
  }
  window_ = segment_max();
  // Nothing was heard for so long that all of it counts as lost, and slow start begins again.
  for (Sent& sent : flight_) {
    if (!sent.is_under_way()) continue;
    sent.lost = true;
    ++lost_count_;
  }
  pipe_ = 0;
  output();
  retransmit_at_ = world().now() + timeout();
}

/// The peer's window has no room: asks whether that is still so, and again.
void Tcp::persist_timeout() noexcept {
  if (unsent() == 0 || !may_send()) return;
  if (limit_ > next_) return output(true);  // there is room, but less than is worth a segment
  ++probes_;
  trace(SimEvent::What::timeout, probes_);
  if (gave_up()) return fail(ETIMEDOUT);
  ++backoff_;
  send_probe();
  retransmit_at_ = world().now() + timeout();
}

void Tcp::keep_alive_timeout() noexcept {
  if (!may_send() && state_ != State::fin_wait_2) return;
  const Time idle = options_.get(SocketOption::tcp_keepidle) * second;
  const Time pause = options_.get(SocketOption::tcp_keepintvl) * second;
  const Time now = world().now();
  if (now - heard_at_ < idle || !flight_.empty()) {
    keep_at_ = std::max(heard_at_ + idle, now + millisecond);
    return;
  }
  const auto unanswered = (now - heard_at_ - idle) / pause;
  if (unanswered >= options_.get(SocketOption::tcp_keepcnt)) {
    send_reset();
    return fail(ETIMEDOUT);
  }
  send_probe();
  keep_at_ = now + pause;
}

}  // namespace ieum::detail::sim
