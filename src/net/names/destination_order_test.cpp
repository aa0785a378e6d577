// The order of destinations: the examples of RFC 6724, section 10.2, and rule 1.
#include "net/names/destination_order.hpp"

#include <string>

#include "support/support.hpp"

namespace ieum::detail {
namespace {

Address at(const std::string& ip) {
  const bool ipv6 = ip.find(':') != std::string::npos;
  const Result<Address> address = Address::parse((ipv6 ? "[" + ip + "]" : ip) + ":80");
  if (!address) ADD_FAILURE() << address.error().to_string();
  return address.value_or(Address{});
}

/// An empty `from`: there is no way to `to`.
Destination destination(const std::string& to, const std::string& from) {
  Destination destination{at(to), std::nullopt};
  if (!from.empty()) destination.source = at(from);
  return destination;
}

/// Expects `first` before `second`, whichever way round they come.
void expect_first(const Destination& first, const Destination& second) {
  std::vector<Destination> destinations = {first, second};
  order(destinations);
  EXPECT_EQ(destinations[0].address, first.address);
  destinations = {second, first};
  order(destinations);
  EXPECT_EQ(destinations[0].address, first.address);
}

TEST(DestinationOrder, PrefersWhatCanBeReached) {
  expect_first(destination("198.51.100.121", "198.51.100.117"), destination("2001:db8:1::1", ""));
}

TEST(DestinationOrder, PrefersMatchingScope) {
  expect_first(destination("2001:db8:1::1", "2001:db8:1::2"),
               destination("198.51.100.121", "169.254.13.78"));
  expect_first(destination("198.51.100.121", "198.51.100.117"),
               destination("2001:db8:1::1", "fe80::1"));
}

TEST(DestinationOrder, PrefersMatchingScopeWithinIpv4) {
  expect_first(destination("198.51.100.121", "198.51.100.117"),
               destination("203.0.113.5", "169.254.13.78"));
}

TEST(DestinationOrder, PrefersHigherPrecedence) {
  expect_first(destination("2001:db8:1::1", "2001:db8:1::2"), destination("10.1.2.3", "10.1.2.4"));
  expect_first(destination("::1", "::1"), destination("127.0.0.1", "127.0.0.1"));
  // Unique local addresses stand behind IPv4.
  expect_first(destination("10.1.2.3", "10.1.2.4"), destination("fd00::1", "fd00::2"));
}

TEST(DestinationOrder, PrefersMatchingLabel) {
  expect_first(destination("2002:c633:6401::1", "2002:c633:6401::2"),
               destination("2001:db8:1::1", "2002:c633:6401::2"));
}

TEST(DestinationOrder, PrefersSmallerScope) {
  expect_first(destination("fe80::1", "fe80::2"), destination("2001:db8:1::1", "2001:db8:1::2"));
}

TEST(DestinationOrder, PrefersTheLongerPrefixWithinIpv6) {
  expect_first(destination("2001:db8:1::1", "2001:db8:1::2"),
               destination("2001:db8:3ffe::1", "2001:db8:3f44::2"));
}

TEST(DestinationOrder, LeavesEqualOnesAsTheyCome) {
  std::vector<Destination> destinations;
  for (const char* to : {"192.0.2.3", "192.0.2.1", "192.0.2.2"}) {
    destinations.push_back(destination(to, "192.0.2.9"));
  }
  order(destinations);
  EXPECT_EQ(destinations[0].address, at("192.0.2.3"));
  EXPECT_EQ(destinations[1].address, at("192.0.2.1"));
  EXPECT_EQ(destinations[2].address, at("192.0.2.2"));
}

}  // namespace
}  // namespace ieum::detail
