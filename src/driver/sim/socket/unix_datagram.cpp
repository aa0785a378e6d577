// UnixDatagram: a queue for each socket, and who waits for room in it.
#include "driver/sim/socket/unix_datagram.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include <ieum/error.hpp>

#include "driver/operations.hpp"
#include "driver/sim/host_driver.hpp"
#include "driver/sim/socket/tcp_options.hpp"
#include "driver/sim/socket/unix_stream.hpp"

namespace ieum::detail::sim {

// ---- Receiving ----------------------------------------------------------------------------------

bool UnixDatagram::receive_datagrams(Operation& operation) noexcept {
  if (error_ != 0) return done_with(operation, -std::exchange(error_, 0));
  if (queue_.empty()) return false;
  receives_ = true;
  std::size_t count = 0;
  for (Datagram& datagram : operation.transfer->datagrams) {
    if (queue_.empty()) break;
    fill(datagram, queue_.front(), *operation.transfer->state);
    take_first();
    ++count;
  }
  for (UnixDatagram* const follower : followers_) follower->go_on_sending();
  receives_ = false;
  return done_with(operation, static_cast<std::int64_t>(count));
}

void UnixDatagram::fill(Datagram& datagram, const Received& received,
                        DatagramState& state) const noexcept {
  const ConstBuffer room = datagram.data;
  const std::size_t bytes = std::min(received.data.size(), room.size());
  auto* into = const_cast<std::byte*>(room.data());  // the caller's room
  std::ranges::copy_n(received.data.begin(), static_cast<std::ptrdiff_t>(bytes), into);
  datagram = {};
  datagram.data = room.first(bytes);
  datagram.truncated = bytes < received.data.size();
  datagram.peer = received.from;
  datagram.local = state.local;
  if (tells_time_) {
    using Clock = std::chrono::system_clock;
    datagram.received_at =
        Clock::time_point(std::chrono::duration_cast<Clock::duration>(Duration(received.at)));
  }
  ++state.counters.received;
  ++state.counters.received_calls;
  state.counters.received_bytes += bytes;
  if (datagram.truncated) ++state.counters.truncated;
}

void UnixDatagram::take_first() noexcept {
  const std::size_t bytes = queue_.front().data.size() + overhead_bytes;
  UnixDatagram* const sender = queue_.front().sender;
  queue_.pop_front();
  if (sender == nullptr) return;
  sender->unread_bytes_ -= bytes;
  sender->go_on_sending();
}

// ---- Sending ------------------------------------------------------------------------------------

bool UnixDatagram::send_datagrams(Operation& operation) noexcept {
  sends_ = true;
  const bool done = send_rest(operation);
  sends_ = false;
  return done;
}

/// A socket is not held up by its own peer's queue, but by what it has sent itself.
bool UnixDatagram::has_room(const UnixDatagram& to) const noexcept {
  if (unread_bytes_ >= static_cast<std::size_t>(send_buffer_)) return false;
  return &to == this || to.peer_ == this || to.queue_.size() < queue_max;
}

int UnixDatagram::find(const Address& name, UnixDatagram*& found) const noexcept {
  if (!name.is_unix()) return -EINVAL;
  const std::string key = key_of(name);
  const auto place = node().unix_datagrams.find(key);
  if (place != node().unix_datagrams.end()) {
    found = place->second;
    return 0;
  }
  if (name.family() == Family::unix_abstract) return -ECONNREFUSED;
  return node().unix_names.contains(key) ? -EPROTOTYPE : -ENOENT;
}

int UnixDatagram::send_one(const Datagram& datagram, const DatagramState& /*state*/) noexcept {
  const bool named = datagram.peer.family() != Family::none;
  if (!named && !has_peer_) return -ENOTCONN;
  if (datagram.data.size() + 32 > static_cast<std::size_t>(send_buffer_)) return -EMSGSIZE;
  UnixDatagram* to = peer_;
  if (named) {
    if (const int status = find(datagram.peer, to); status < 0) return status;
  } else if (to == nullptr) {  // told once, as with Linux
    has_peer_ = false;
    peer_name_ = {};
    return -ECONNREFUSED;
  }
  if (to->has_peer_ && to->peer_ != this) return -EPERM;
  if (!has_room(*to)) return -EAGAIN;
  unread_bytes_ += datagram.data.size() + overhead_bytes;
  to->queue_.push_back({.from = local_,
                        .sender = this,
                        .at = node().wall_time(world().now()),
                        .data = {datagram.data.begin(), datagram.data.end()}});
  if (!to->receives_) to->wake_in();
  return 0;
}

// ---- Names and peers ----------------------------------------------------------------------------

int UnixDatagram::bind(const Address& address) noexcept {
  const bool chosen_here = address.family() == Family::none;
  if (!name_.empty() || (!chosen_here && !address.is_unix())) return -EINVAL;
  local_ = address;
  while (chosen_here &&
         (local_.family() == Family::none || node().unix_datagrams.contains(key_of(local_)))) {
    std::array<char, 6> digits{};
    std::snprintf(digits.data(), digits.size(), "%05x", node().unix_names_chosen++ & 0xfffffU);
    local_ = Address::unix_abstract(digits.data()).value();
  }
  std::string key = key_of(local_);
  const bool is_path = local_.family() == Family::unix_path;
  const bool taken = is_path && node().unix_names.contains(key);
  if (taken || !node().unix_datagrams.emplace(key, this).second) {
    local_ = {};
    return -EADDRINUSE;
  }
  name_ = std::move(key);
  return 0;
}

/// What came from the old peer and was not received is lost, which that peer is told.
void UnixDatagram::forget_peer() noexcept {
  if (!has_peer_) return;
  const bool loses = !queue_.empty();
  while (!queue_.empty()) take_first();
  if (UnixDatagram* const peer = std::exchange(peer_, nullptr)) {
    std::erase(peer->followers_, this);
    if (loses && peer->peer_ == this) {
      peer->error_ = ECONNRESET;
      peer->wake_in();
    }
  }
  has_peer_ = false;
  peer_name_ = {};
}

int UnixDatagram::set_peer(const Address& peer) noexcept {
  UnixDatagram* to = nullptr;
  if (peer.family() != Family::none) {
    if (const int status = find(peer, to); status < 0) return status;
    if (to->has_peer_ && to->peer_ != this) return -EPERM;
    if (to == peer_) return 0;
  }
  forget_peer();
  if (to == nullptr) return 0;
  peer_ = to;
  has_peer_ = true;
  peer_name_ = peer;
  to->followers_.push_back(this);
  return 0;
}

void UnixDatagram::close() noexcept {
  if (!name_.empty()) node().unix_datagrams.erase(name_);
  for (const auto& [name, other] : node().unix_datagrams) {
    for (Received& received : other->queue_) {
      if (received.sender == this) received.sender = nullptr;
    }
  }
  // First: who waits for room here must not take the queue's end for room.
  const std::vector<UnixDatagram*> followers = std::exchange(followers_, {});
  for (UnixDatagram* const follower : followers) follower->peer_ = nullptr;
  while (!queue_.empty()) take_first();
  if (peer_ != nullptr) std::erase(peer_->followers_, this);
  for (UnixDatagram* const follower : followers) follower->wake_out();
  world().retire(*this);
}

// ---- Options ------------------------------------------------------------------------------------

int UnixDatagram::set_option(SocketOption option, int value) noexcept {
  switch (option) {
    case SocketOption::so_sndbuf:
      send_buffer_ = buffer_bytes(option, value);
      wake_out();
      return 0;
    case SocketOption::so_rcvbuf: receive_buffer_ = buffer_bytes(option, value); return 0;
    case SocketOption::so_timestampns: tells_time_ = value != 0; return 0;
    case SocketOption::so_error: return -ENOPROTOOPT;
    default: return -EOPNOTSUPP;
  }
}

int UnixDatagram::get_option(SocketOption option, int& value) noexcept {
  switch (option) {
    case SocketOption::so_sndbuf: value = send_buffer_; return 0;
    case SocketOption::so_rcvbuf: value = receive_buffer_; return 0;
    case SocketOption::so_timestampns: value = tells_time_ ? 1 : 0; return 0;
    case SocketOption::so_error: value = std::exchange(error_, 0); return 0;
    default: return -EOPNOTSUPP;
  }
}

}  // namespace ieum::detail::sim
