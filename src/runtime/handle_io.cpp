// PeerName: the peer's address in an error, small.
#include <ieum/detail/handle_io.hpp>

#include <algorithm>
#include <array>

namespace ieum::detail {

struct PeerName::Shared {
  std::atomic<std::uint32_t> owners = 1;
  Address address;
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
