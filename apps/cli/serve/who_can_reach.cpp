#include "serve/who_can_reach.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

#include <fmt/format.h>

namespace ieum::cli {

namespace {

/// Addresses by which others reach this machine.
std::vector<Address> own_addresses(bool with_ipv6) {
  std::vector<Address> found;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) < 0) return found;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || (one->ifa_flags & IFF_UP) == 0) continue;
    if ((one->ifa_flags & IFF_LOOPBACK) != 0) continue;
    if (one->ifa_addr->sa_family == AF_INET) {
      sockaddr_in address{};
      std::memcpy(&address, one->ifa_addr, sizeof address);
      std::array<std::uint8_t, 4> ip{};
      std::memcpy(ip.data(), &address.sin_addr, ip.size());
      found.push_back(Address::ipv4(ip, 0));
    }
    if (one->ifa_addr->sa_family == AF_INET6 && with_ipv6) {
      sockaddr_in6 address{};
      std::memcpy(&address, one->ifa_addr, sizeof address);
      if (IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr)) continue;
      std::array<std::uint8_t, 16> ip{};
      std::memcpy(ip.data(), &address.sin6_addr, ip.size());
      found.push_back(Address::ipv6(ip, 0));
    }
  }
  ::freeifaddrs(all);
  return found;
}

std::string url_of(std::string_view scheme, Address address, std::uint16_t port) {
  address.set_port(port);
  return fmt::format("{}://{}/", scheme, address.to_string());
}

}  // namespace

bool is_loopback(const Address& address) noexcept {
  if (address.family() == Family::ipv4) return address.bytes().front() == '\x7f';
  return address == Address::ipv6_loopback(address.port());
}

Reach who_can_reach(const Address& local, std::string_view scheme) {
  const std::uint16_t port = local.port();
  const std::string here = fmt::format("{}://localhost:{}/", scheme, port);
  if (is_loopback(local)) return {"only programs of this machine can reach it", {here}};
  if (!local.is_wildcard()) {
    return {"everyone who reaches this address can", {url_of(scheme, local, port)}};
  }
  Reach reach{"everyone who reaches this machine can", {here}};
  for (const Address& one : own_addresses(local.family() == Family::ipv6)) {
    reach.urls.push_back(url_of(scheme, one, port));
  }
  return reach;
}

}  // namespace ieum::cli
