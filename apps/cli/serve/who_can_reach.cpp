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

}  // namespace

std::string host_of(const Address& address) {
  const std::string text = address.to_string();
  return text.substr(0, text.rfind(':'));
}

bool is_loopback(const Address& address) noexcept {
  if (address.family() == Family::ipv4) return address.bytes().front() == '\x7f';
  return address == Address::ipv6_loopback(address.port());
}

Reach who_can_reach(const Address& local, std::string_view scheme,
                    std::span<const std::string> hosts) {
  const auto url = [&](std::string_view host) {
    return fmt::format("{}://{}:{}/", scheme, host, local.port());
  };
  const bool is_any = local.is_wildcard();
  Reach reach;
  if (is_loopback(local)) {
    reach.who = "only programs of this machine can reach it";
    // That name leads to these two; any other address of the loopback has only itself.
    const bool is_localhost = local == Address::ipv4_loopback(local.port()) ||
                              local == Address::ipv6_loopback(local.port());
    reach.urls.push_back(url(is_localhost ? "localhost" : host_of(local)));
  } else {
    reach.who =
        is_any ? "everyone who reaches this machine can" : "everyone who reaches this address can";
    if (!hosts.empty()) reach.who += ", by no other name";
  }
  for (const std::string& host : hosts) reach.urls.push_back(url(host));
  if (!reach.urls.empty()) return reach;
  reach.urls.push_back(url(is_any ? "localhost" : host_of(local)));
  if (!is_any) return reach;
  for (const Address& one : own_addresses(local.family() == Family::ipv6)) {
    reach.urls.push_back(url(host_of(one)));
  }
  return reach;
}

}  // namespace ieum::cli
