// Addresses of a simulated network.
#include "driver/sim/network/packet.hpp"

#include <algorithm>

namespace ieum::detail::sim {

namespace {

constexpr std::size_t mapped_bytes = 12;

}  // namespace

Ip Ip::of(const Address& address) noexcept {
  Ip ip;
  const std::string_view bytes = address.bytes();
  if (address.family() == Family::ipv4) {
    ip.bytes[10] = ip.bytes[11] = 0xff;
    std::ranges::copy(bytes, ip.bytes.begin() + mapped_bytes);
  } else if (address.family() == Family::ipv6) {
    std::ranges::copy(bytes, ip.bytes.begin());
  }
  return ip;
}

bool Ip::is_ipv4() const noexcept {
  return bytes[10] == 0xff && bytes[11] == 0xff &&
         std::all_of(bytes.begin(), bytes.begin() + 10,
                     [](std::uint8_t byte) { return byte == 0; });
}

bool Ip::is_wildcard() const noexcept {
  const auto zero = [](std::uint8_t byte) { return byte == 0; };
  return std::all_of(bytes.begin() + mapped_bytes, bytes.end(), zero) &&
         (is_ipv4() || std::all_of(bytes.begin(), bytes.begin() + mapped_bytes, zero));
}

bool Ip::is_loopback() const noexcept {
  if (is_ipv4()) return bytes[mapped_bytes] == 127;
  return bytes[15] == 1 && std::all_of(bytes.begin(), bytes.begin() + 15,
                                       [](std::uint8_t byte) { return byte == 0; });
}

bool Ip::is_group() const noexcept {
  return is_ipv4() ? (bytes[mapped_bytes] & 0xf0U) == 0xe0U : bytes[0] == 0xff;
}

bool Ip::is_broadcast() const noexcept {
  return is_ipv4() && std::all_of(bytes.begin() + mapped_bytes, bytes.end(),
                                  [](std::uint8_t byte) { return byte == 0xff; });
}

Address Endpoint::address(Family family) const noexcept {
  if (family == Family::ipv6) return Address::ipv6(ip.bytes, port);
  return Address::ipv4({ip.bytes[12], ip.bytes[13], ip.bytes[14], ip.bytes[15]}, port);
}

}  // namespace ieum::detail::sim
