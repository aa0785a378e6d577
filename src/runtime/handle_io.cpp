// PeerName: the peer's address in an error, small; and when its socket last moved a byte.
#include <ieum/detail/handle_io.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/driver.hpp"

namespace ieum::detail {

struct PeerName::Shared {
  std::atomic<std::uint32_t> owners = 1;
  bool is_watched = false;
  Address address;
  // Of a watched one:
  TimePoint last_moved{};
  const Operation* writing = nullptr;  // the pending write
  // Of which so many bytes had gone, and so many were on their way, when it was looked at.
  std::size_t seen_moved = 0;
  std::int64_t seen_on_way = INT64_MAX;
};

PeerName::PeerName(const Address& address)
    : family_(address.family()), port_(address.port()), scope_(address.scope()) {
  if (address.is_unix()) {
    shared_ = new Shared;
    shared_->address = address;
    is_shared_ = true;
  } else {
    std::ranges::copy(address.bytes(), ip_);
  }
}

PeerName PeerName::watched(const Address& address, TimePoint now) {
  PeerName name;
  name.shared_ = new Shared;
  name.shared_->is_watched = true;
  name.shared_->address = address;
  name.shared_->last_moved = now;
  name.is_shared_ = true;
  return name;
}

PeerName PeerName::unwatched() const {
  return is_shared_ && shared_->is_watched ? PeerName(shared_->address) : *this;
}

void PeerName::begin_shared(Operation& operation) noexcept {
  retain();
  const bool is_write = operation.kind == Operation::Kind::send;
  if (!shared_->is_watched || !is_write || shared_->writing != nullptr) return;
  shared_->writing = &operation;
  shared_->seen_moved = 0;
  shared_->seen_on_way = INT64_MAX;
}

void PeerName::end_shared(const Operation& operation) noexcept {
  if (shared_->is_watched) {
    if (shared_->writing == &operation) shared_->writing = nullptr;
    const Loop* const loop = Loop::current();  // none while a runtime ends
    if (operation.result >= 0 && loop != nullptr) shared_->last_moved = loop->now();
  }
  drop();
}

void PeerName::moved(TimePoint now) const noexcept {
  if (is_shared_ && shared_->is_watched) shared_->last_moved = now;
}

TimePoint PeerName::last_moved(TimePoint now) const noexcept {
  const Operation* const writing = shared_->writing;
  if (writing == nullptr) return shared_->last_moved;
  // The system takes more of a write only once the peer has taken much of what is on its way.
  const std::int64_t on_way = Loop::current()->driver().unacknowledged(writing->handle);
  if (writing->moved > shared_->seen_moved || (on_way > 0 && on_way < shared_->seen_on_way)) {
    shared_->last_moved = now;
  }
  shared_->seen_moved = writing->moved;
  shared_->seen_on_way = on_way;
  return shared_->last_moved;
}

void PeerName::retain() noexcept { shared_->owners.fetch_add(1, std::memory_order_relaxed); }

void PeerName::drop() noexcept {
  if (shared_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete shared_;
}

Address PeerName::address() const noexcept {
  if (is_shared_) return shared_->address;
  if (family_ == Family::ipv4) return Address::ipv4({ip_[0], ip_[1], ip_[2], ip_[3]}, port_);
  if (family_ == Family::none) return {};
  std::array<std::uint8_t, 16> ip{};
  std::ranges::copy(ip_, ip.begin());
  return Address::ipv6(ip, port_, scope_);
}

}  // namespace ieum::detail
