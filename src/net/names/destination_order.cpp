// Which of a name's addresses to try first: RFC 6724, whose words stand in the comments.
#include "net/names/destination_order.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "base/driver.hpp"

namespace ieum::detail {

namespace {

using Ip = std::array<std::uint8_t, 16>;

/// Section 2.1: the default policy table.
struct Policy {
  Ip prefix;
  int prefix_bits;
  int precedence;
  int label;
};
constexpr std::array<Policy, 9> policies = {{
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, 50, 0},  // ::1
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 35, 4},         // IPv4
    {{}, 96, 1, 3},                                                  // ::/96, IPv4-compatible
    {{0x20, 0x01}, 32, 5, 5},                                        // Teredo
    {{0x20, 0x02}, 16, 30, 2},                                       // 6to4
    {{0x3f, 0xfe}, 16, 1, 12},                                       // 6bone
    {{0xfe, 0xc0}, 10, 1, 11},                                       // site-local
    {{0xfc}, 7, 3, 13},                                              // unique local
    {{}, 0, 40, 1},
}};

/// An IPv4 address as an IPv4-mapped IPv6 address.
Ip ip_of(const Address& address) {
  const std::string_view bytes = address.bytes();
  Ip ip{};
  if (address.family() == Family::ipv4) ip[10] = ip[11] = 0xff;
  std::copy_backward(bytes.begin(), bytes.end(), ip.end());
  return ip;
}

int common_bits(const Ip& a, const Ip& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto differing = static_cast<std::uint8_t>(a[i] ^ b[i]);
    if (differing != 0) return static_cast<int>(i) * 8 + std::countl_zero(differing);
  }
  return 128;
}

const Policy& policy_of(const Ip& ip) {
  return *std::ranges::find_if(policies, [&](const Policy& policy) {
    return common_bits(ip, policy.prefix) >= policy.prefix_bits;
  });
}

/// Section 3.1: 2 is link-local (loopback too), 5 site-local, 14 global.
int scope_of(const Address& address) {
  const Ip ip = ip_of(address);
  if (address.family() == Family::ipv4) {
    return ip[12] == 127 || (ip[12] == 169 && ip[13] == 254) ? 2 : 14;
  }
  if (ip[0] == 0xff) return ip[1] & 0x0f;  // multicast tells its scope
  if (policy_of(ip).label == 0 || (ip[0] == 0xfe && (ip[1] & 0xc0U) == 0x80)) return 2;
  return policy_of(ip).label == 11 ? 5 : 14;
}

/// A destination with what the rules compare.
struct Ranked {
  Ranked(const Destination& of, std::size_t at) : position(at), destination(of) {
    const Address& to = destination.address;
    const Policy& policy = policy_of(ip_of(to));
    usable = destination.source.has_value();
    if (usable) {
      const Address& from = *destination.source;
      scope_matches = scope_of(from) == scope_of(to);
      label_matches = policy_of(ip_of(from)).label == policy.label;
      if (to.family() == Family::ipv6) prefix = common_bits(ip_of(from), ip_of(to));
    }
    precedence = policy.precedence;
    smaller_scope = -scope_of(to);
  }

  bool usable = false;         // rule 1: avoid unusable destinations
  bool scope_matches = false;  // rule 2: prefer matching scope
  bool label_matches = false;  // rule 5: prefer matching label
  int precedence = 0;          // rule 6: prefer higher precedence
  int smaller_scope = 0;       // rule 8: prefer smaller scope
  int prefix = 0;              // rule 9: use longest matching prefix, within IPv6
  std::size_t position;        // rule 10: else leave the order unchanged
  Destination destination;
};

bool goes_before(const Ranked& a, const Ranked& b) {
  if (a.usable != b.usable) return a.usable;
  if (a.scope_matches != b.scope_matches) return a.scope_matches;
  if (a.label_matches != b.label_matches) return a.label_matches;
  if (a.precedence != b.precedence) return a.precedence > b.precedence;
  if (a.smaller_scope != b.smaller_scope) return a.smaller_scope > b.smaller_scope;
  if (a.prefix != b.prefix) return a.prefix > b.prefix;
  return a.position < b.position;
}

}  // namespace

void order(std::vector<Destination>& destinations) {
  std::vector<Ranked> ranked;
  for (const Destination& destination : destinations) {
    ranked.emplace_back(destination, ranked.size());
  }
  std::ranges::sort(ranked, goes_before);
  for (std::size_t i = 0; i < ranked.size(); ++i) destinations[i] = ranked[i].destination;
}

void order(std::vector<Address>& addresses, Driver& driver) {
  std::vector<Destination> destinations;
  for (const Address& address : addresses) {
    Destination destination{address, std::nullopt};
    Address source;
    if (driver.source_address(address, source) >= 0) destination.source = source;
    destinations.push_back(destination);
  }
  order(destinations);
  for (std::size_t i = 0; i < addresses.size(); ++i) addresses[i] = destinations[i].address;
}

}  // namespace ieum::detail
