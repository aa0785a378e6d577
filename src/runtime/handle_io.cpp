// PeerName: the peer's address in an error, small; and when its socket last moved a byte.
#include <ieum/detail/handle_io.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "base/driver.hpp"

namespace ieum::detail {

struct PeerName::Shared {
  Shared() noexcept = default;
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  virtual ~Shared() = default;
  [[nodiscard]] virtual Address address() const noexcept = 0;

  std::uint32_t owners = 1;
  bool is_watched = false;
};

struct PeerName::Ipv6 final : Shared {
  explicit Ipv6(const Address& address) noexcept : port(address.port()), scope(address.scope()) {
    std::ranges::copy(address.bytes(), ip.begin());
  }
  [[nodiscard]] Address address() const noexcept override { return Address::ipv6(ip, port, scope); }

  std::uint16_t port;
  std::uint32_t scope;
  std::array<std::uint8_t, 16> ip{};
};

struct PeerName::Long : Shared {
  explicit Long(const Address& of) noexcept : whole(of) {}
  [[nodiscard]] Address address() const noexcept override { return whole; }

  Address whole;
};

struct PeerName::Watched final : Long {
  Watched(const Address& of, TimePoint now) noexcept : Long(of), last_moved(now) {
    is_watched = true;
  }

  TimePoint last_moved;
  const Operation* writing = nullptr;  // the pending write
  // Of which so many bytes had gone, and so many were on their way, when it was looked at.
  std::size_t seen_moved = 0;
  std::int64_t seen_on_way = INT64_MAX;
};

namespace {

constexpr unsigned port_bit = 16;
constexpr unsigned ip_bit = 32;

}  // namespace

PeerName::PeerName(const Address& address) {
  switch (address.family()) {
    case Family::none: break;
    case Family::ipv4: {
      std::uint32_t ip = 0;
      std::memcpy(&ip, address.bytes().data(), sizeof ip);
      word_ = ipv4 | std::uintptr_t{address.port()} << port_bit | std::uintptr_t{ip} << ip_bit;
      break;
    }
    case Family::ipv6: *this = PeerName(new Ipv6(address)); break;
    case Family::unix_path:
    case Family::unix_abstract: *this = PeerName(new Long(address)); break;
  }
}

PeerName PeerName::watched(const Address& address, TimePoint now) {
  return PeerName(new Watched(address, now));
}

PeerName::Watched* PeerName::watch() const noexcept {
  return is_shared() && shared().is_watched ? static_cast<Watched*>(&shared()) : nullptr;
}

void PeerName::begin_shared(Operation& operation) noexcept {
  retain();
  Watched* const watched = watch();
  const bool is_write = operation.kind == Operation::Kind::send;
  if (watched == nullptr || !is_write || watched->writing != nullptr) return;
  watched->writing = &operation;
  watched->seen_moved = 0;
  watched->seen_on_way = INT64_MAX;
}

void PeerName::end_shared(const Operation& operation) noexcept {
  if (Watched* const watched = watch()) {
    if (watched->writing == &operation) watched->writing = nullptr;
    const Loop* const loop = Loop::current();  // none while a runtime ends
    if (operation.result >= 0 && loop != nullptr) watched->last_moved = loop->now();
  }
  drop();
}

void PeerName::moved(TimePoint now) const noexcept {
  if (Watched* const watched = watch()) watched->last_moved = now;
}

TimePoint PeerName::last_moved(TimePoint now) const noexcept {
  Watched& watched = *watch();
  const Operation* const writing = watched.writing;
  if (writing == nullptr) return watched.last_moved;
  // The system takes more of a write only once the peer has taken much of what is on its way.
  const std::int64_t on_way = Loop::current()->driver().unacknowledged(writing->handle);
  if (writing->moved > watched.seen_moved || (on_way > 0 && on_way < watched.seen_on_way)) {
    watched.last_moved = now;
  }
  watched.seen_moved = writing->moved;
  watched.seen_on_way = on_way;
  return watched.last_moved;
}

void PeerName::retain() const noexcept { ++shared().owners; }

void PeerName::drop() noexcept {
  if (--shared().owners == 0) delete &shared();
}

Address PeerName::address() const noexcept {
  if (is_shared()) return shared().address();
  if (word_ == none) return {};
  std::array<std::uint8_t, 4> ip{};
  const auto number = static_cast<std::uint32_t>(word_ >> ip_bit);
  std::memcpy(ip.data(), &number, sizeof number);
  return Address::ipv4(ip, static_cast<std::uint16_t>(word_ >> port_bit));
}

Error HandleLeafBase::error() const noexcept {
  return error_at(has_peer() ? peer_.address() : Address());
}

const char* HandleLeafBase::name() const noexcept {
  switch (static_cast<HandleName>(called)) {
    case HandleName::own: break;
    case HandleName::read: return "read";
    case HandleName::receive: return "receive";
    case HandleName::write: return "write";
    case HandleName::wait_readable: return "wait until readable";
    case HandleName::close: return "close";
    case HandleName::send_descriptors: return "send descriptors";
    case HandleName::receive_descriptors: return "receive descriptors";
  }
  return name_;
}

}  // namespace ieum::detail
