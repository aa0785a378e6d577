// UnixSocket: two queues of bytes, one for each direction.
#include "driver/sim/socket/unix_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "driver/sim/host_driver.hpp"
#include "driver/sim/socket/tcp_options.hpp"

namespace ieum::detail::sim {

std::string key_of(const Address& address) {
  return (address.family() == Family::unix_path ? "/" : "@") + std::string(address.bytes());
}

void UnixSocket::join(UnixSocket& other) noexcept {
  peer_ = &other;
  other.peer_ = this;
  was_connected_ = other.was_connected_ = true;
}

int UnixSocket::bind(const Address& address) noexcept {
  if (!name_.empty() || !address.is_unix()) return -EINVAL;
  std::string key = key_of(address);
  // Names without a file are apart for each kind of socket.
  const bool is_path = address.family() == Family::unix_path;
  if (is_path && node().unix_datagrams.contains(key)) return -EADDRINUSE;
  if (!node().unix_names.emplace(key, this).second) return -EADDRINUSE;
  name_ = std::move(key);
  local_ = address;
  return 0;
}

int UnixSocket::listen(int backlog) noexcept {
  if (name_.empty() || was_connected_) return -EINVAL;
  listens_ = true;
  backlog_ = std::max(backlog, 0);
  return 0;
}

int UnixSocket::connect(const Address& to) noexcept {
  if (was_connected_) return -EISCONN;
  if (!to.is_unix()) return -EAFNOSUPPORT;
  const auto found = node().unix_names.find(key_of(to));
  if (found == node().unix_names.end()) {
    if (to.family() == Family::unix_abstract) return -ECONNREFUSED;
    return node().unix_datagrams.contains(key_of(to)) ? -EPROTOTYPE : -ENOENT;
  }
  UnixSocket& listener = *found->second;
  if (!listener.listens_) return -ECONNREFUSED;
  if (listener.accepted_.size() > static_cast<std::size_t>(listener.backlog_)) return -EAGAIN;
  auto& other = static_cast<UnixSocket&>(world().add(std::make_unique<UnixSocket>(node())));
  other.local_ = listener.local_;
  other.peer_name_ = local_;
  other.receive_buffer_ = listener.receive_buffer_;
  other.send_buffer_ = listener.send_buffer_;
  peer_name_ = to;
  join(other);
  listener.accepted_.push_back(&other);
  listener.wake_in();
  return 0;
}

int UnixSocket::accept(Socket*& child) noexcept {
  if (!listens_) return -EINVAL;
  if (accepted_.empty()) return -EAGAIN;
  child = accepted_.front();
  accepted_.pop_front();
  return 0;
}

// ---- Bytes --------------------------------------------------------------------------------------

/// What may still be put into the peer's queue.
std::size_t UnixSocket::room() const noexcept {
  const auto most = static_cast<std::size_t>(send_buffer_) / 2;
  const std::size_t held = peer_ == nullptr ? 0 : peer_->receive_.size();
  return held >= most ? 0 : most - held;
}

bool UnixSocket::readable() const noexcept {
  if (listens_) return !accepted_.empty();
  return !receive_.empty() || peer_finished_ || read_shut_ || peer_ == nullptr || error_ != 0;
}

bool UnixSocket::writable() const noexcept {
  return peer_ == nullptr || write_shut_ || peer_->read_shut_ || room() > 0;
}

std::int64_t UnixSocket::read(std::span<std::byte> into) noexcept {
  if (!was_connected_) return -EINVAL;
  if (!receive_.empty()) {
    const std::size_t count = receive_.take(into);
    // As with TCP, a writer that is woken should find room for something.
    if (peer_ != nullptr && peer_->room() >= static_cast<std::size_t>(peer_->send_buffer_) / 6) {
      static_cast<UnixSocket*>(peer_)->wake_out();
    }
    return static_cast<std::int64_t>(count);
  }
  if (error_ != 0) broken_ = std::exchange(error_, 0);
  if (broken_ != 0) return -broken_;
  if (peer_finished_ || read_shut_ || peer_ == nullptr) return 0;
  return -EAGAIN;
}

std::int64_t UnixSocket::write(ConstBuffer data) noexcept {
  if (!was_connected_) return -ENOTCONN;
  if (peer_ == nullptr || write_shut_ || peer_->read_shut_) return -EPIPE;
  const std::size_t count = std::min(data.size(), room());
  if (count == 0) return -EAGAIN;
  peer_->receive_.append(data.first(count));
  peer_->wake_in();
  return static_cast<std::int64_t>(count);
}

// ---- Ending -------------------------------------------------------------------------------------

int UnixSocket::shutdown(Half half) noexcept {
  if (!was_connected_) return -ENOTCONN;
  if (half != Half::receiving && !std::exchange(write_shut_, true) && peer_ != nullptr) {
    peer_->peer_finished_ = true;
    peer_->wake_in();
  }
  if (half != Half::sending) {
    read_shut_ = true;
    wake_in();
    if (peer_ != nullptr) peer_->wake_out();
  }
  return 0;
}

int UnixSocket::reset_on_close() noexcept { return 0; }  // as with Linux, it changes nothing

void UnixSocket::close() noexcept {
  if (!name_.empty()) node().unix_names.erase(name_);
  for (UnixSocket* const child : accepted_) child->break_off();
  accepted_.clear();
  if (UnixSocket* const peer = std::exchange(peer_, nullptr)) {
    peer->peer_ = nullptr;
    peer->peer_finished_ = true;
    if (!receive_.empty()) peer->error_ = ECONNRESET;
    peer->wake_in();
    peer->wake_out();
  }
  world().retire(*this);
}

/// For one that nobody has a handle on, its end too.
void UnixSocket::break_off() noexcept {
  if (UnixSocket* const peer = std::exchange(peer_, nullptr)) {
    peer->peer_ = nullptr;
    peer->peer_finished_ = true;
    peer->error_ = ECONNRESET;
    peer->wake_in();
    peer->wake_out();
  }
  receive_.clear();
  error_ = ECONNRESET;
  if (driver == nullptr) world().retire(*this);
}

// ---- What it tells ------------------------------------------------------------------------------

int UnixSocket::set_option(SocketOption option, int value) noexcept {
  switch (option) {
    case SocketOption::so_sndbuf:
      send_buffer_ = buffer_bytes(option, value);
      wake_out();
      return 0;
    case SocketOption::so_rcvbuf: receive_buffer_ = buffer_bytes(option, value); return 0;
    case SocketOption::so_error: return -ENOPROTOOPT;
    default: return -EOPNOTSUPP;
  }
}

int UnixSocket::get_option(SocketOption option, int& value) noexcept {
  switch (option) {
    case SocketOption::so_sndbuf: value = send_buffer_; return 0;
    case SocketOption::so_rcvbuf: value = receive_buffer_; return 0;
    case SocketOption::so_error: value = std::exchange(error_, 0); return 0;
    default: return -EOPNOTSUPP;
  }
}

std::int64_t UnixSocket::unacknowledged() noexcept {
  return peer_ == nullptr ? 0 : static_cast<std::int64_t>(peer_->receive_.size());
}

void UnixSocket::information(SocketInfo& info) noexcept {
  info.kind = listens_ ? SocketKind::unix_listener : SocketKind::unix_stream;
  info.receive_buffer_bytes = static_cast<std::uint64_t>(receive_buffer_);
  info.send_buffer_bytes = static_cast<std::uint64_t>(send_buffer_);
  if (listens_) {
    info.state = SocketState::listen;
    info.backlog = {.waiting = static_cast<std::uint32_t>(accepted_.size()),
                    .max = static_cast<std::uint32_t>(backlog_)};
    return;
  }
  info.error_waiting = error_ != 0;
  info.receive_queue_bytes = receive_.size();
  info.send_queue_bytes = static_cast<std::uint64_t>(unacknowledged());
  if (peer_ == nullptr || (peer_finished_ && write_shut_)) {
    info.state = SocketState::closed;
  } else if (peer_finished_) {
    info.state = SocketState::close_wait;
  } else {
    info.state = write_shut_ ? SocketState::fin_wait_2 : SocketState::established;
  }
}

}  // namespace ieum::detail::sim
