// Groups: joining and leaving by interface and by source, several receivers on one port, how far
// it goes. Each test has a network namespace with two pairs of interfaces, a0-b0 and a1-b1.
#include <array>

#include "conformance/conformance.hpp"
#include "conformance/datagram/text_of.hpp"

namespace ieum::test {
namespace {

// One host is both ends, so it must take what comes from its own addresses.
constexpr std::string_view two_networks =
    "for i in 0 1; do ip link add name a$i type veth peer name b$i; "
    "for s in a b; do echo 0 > /proc/sys/net/ipv6/conf/$s$i/accept_dad; "
    "echo 0 > /proc/sys/net/ipv4/conf/$s$i/rp_filter; "
    "echo 1 > /proc/sys/net/ipv4/conf/$s$i/accept_local; ip link set $s$i up; done; "
    "ip addr add 10.1.$i.1/24 dev a$i; ip addr add 10.1.$i.3/24 dev a$i; "
    "ip addr add 10.1.$i.2/24 dev b$i; "
    "ip addr add fd01:$i::1/64 dev a$i nodad; ip addr add fd01:$i::2/64 dev b$i nodad; done; "
    "echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter";

std::uint32_t index_of(std::string_view name) { return interface_index(name).value(); }

/// The next text that comes, or "nothing".
Task<std::string> next(DatagramSocket& socket) {
  std::array<std::byte, 64> room{};
  const Result<Datagram> got = co_await attempt(with_timeout(50ms, socket.receive(room)));
  co_return got ? text_of(*got) : "nothing";
}

void in_two_networks(Task<> (*body)()) {
  const std::string reason =
      in_network_namespace(two_networks, [body] { expect_success_in_time(body()); });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

/// Sends by an interface, and not to ourselves but through the network.
Task<DatagramSocket> sender_by(std::string_view from, std::string_view interface) {
  DatagramSocket sender = co_await DatagramSocket::bind(from);
  co_await sender.set_multicast_interface(index_of(interface));
  co_await sender.set_multicast_loopback(false);
  co_return sender;
}

constexpr DatagramOptions shared{.reuse_address = true};

Task<> three_receivers(Address group, std::string_view wildcard, std::string_view from0,
                       std::string_view from1) {
  const std::string at = std::string(wildcard) + ":7000";
  DatagramSocket one = co_await DatagramSocket::bind(at, shared);
  DatagramSocket two = co_await DatagramSocket::bind(at, shared);
  DatagramSocket three = co_await DatagramSocket::bind(at, shared);
  co_await one.join({.group = group, .interface = index_of("b0"), .source = {}});
  co_await two.join({.group = group, .interface = index_of("b0"), .source = {}});
  co_await three.join({.group = group, .interface = index_of("b1"), .source = {}});
  DatagramSocket by0 = co_await sender_by(from0, "a0");
  DatagramSocket by1 = co_await sender_by(from1, "a1");

  co_await by0.send("zero", group);
  std::array<std::byte, 64> room{};
  Datagram got = co_await with_timeout(patience, one.receive(room));
  EXPECT_EQ(text_of(got), "zero");
  EXPECT_EQ(got.interface, index_of("b0"));
  Address came_to = got.local;  // a group of one interface has that as its scope
  EXPECT_EQ(came_to.bytes(), group.bytes());
  EXPECT_EQ(came_to.port(), 7000);
  std::string text = co_await next(two);
  EXPECT_EQ(text, "zero");
  // Linux looks at the interface of an IPv4 membership only: see DatagramSocket::join.
  const bool elsewhere = group.family() == Family::ipv6;
  text = co_await next(three);
  EXPECT_EQ(text, elsewhere ? "zero" : "nothing");

  co_await by1.send("one", group);
  text = co_await next(three);
  EXPECT_EQ(text, "one");
  text = co_await next(one);
  EXPECT_EQ(text, elsewhere ? "one" : "nothing");
  text = co_await next(two);
  EXPECT_EQ(text, elsewhere ? "one" : "nothing");

  // Leaving one of them leaves the other in.
  co_await one.leave({.group = group, .interface = index_of("b0"), .source = {}});
  co_await by0.send("again", group);
  text = co_await next(two);
  EXPECT_EQ(text, "again");
  text = co_await next(one);
  EXPECT_EQ(text, "nothing");

  Result<> wrong = two.join({.group = group, .interface = index_of("b0"), .source = {}});
  EXPECT_FALSE(wrong);
  wrong = one.leave({.group = group, .interface = index_of("b0"), .source = {}});
  CO_ASSERT(!wrong);
  EXPECT_EQ(wrong.error(), std::errc::address_not_available);
}

TEST(DatagramMulticast, three_receivers_on_two_interfaces) {
  in_two_networks([]() -> Task<> {
    return three_receivers(Address::ipv4({239, 1, 2, 3}, 7000), "0.0.0.0", "10.1.0.1:0",
                           "10.1.1.1:0");
  });
}

TEST(DatagramMulticast, three_receivers_on_two_interfaces_over_ipv6) {
  in_two_networks([]() -> Task<> {
    return three_receivers(Address::parse("[ff15::1234]:7000").value(), "[::]", "[fd01:0::1]:0",
                           "[fd01:1::1]:0");
  });
}

TEST(DatagramMulticast, a_receiver_of_both_families_is_in_groups_of_both) {
  in_two_networks([]() -> Task<> {
    DatagramSocket both = co_await DatagramSocket::bind("[::]:7000");
    const Address group4 = Address::ipv4({239, 1, 2, 3}, 7000);
    const Address group6 = Address::parse("[ff15::1234]:7000").value();
    co_await both.join({.group = group4, .interface = index_of("b0"), .source = {}});
    co_await both.join({.group = group6, .interface = index_of("b0"), .source = {}});
    DatagramSocket by4 = co_await sender_by("10.1.0.1:0", "a0");
    DatagramSocket by6 = co_await sender_by("[fd01:0::1]:0", "a0");
    co_await by4.send("four", group4);
    std::string text = co_await next(both);
    EXPECT_EQ(text, "four");
    co_await by6.send("six", group6);
    text = co_await next(both);
    EXPECT_EQ(text, "six");
  });
}

TEST(DatagramMulticast, a_group_of_an_interface_is_named_with_its_scope) {
  in_two_networks([]() -> Task<> {
    DatagramSocket one = co_await DatagramSocket::bind("[::]:7000");
    const Address at_b0 = Address::parse("[ff02::1234%b0]:7000").value();
    co_await one.join({.group = at_b0, .interface = 0, .source = {}});
    DatagramSocket sender = co_await DatagramSocket::bind("[::]:0");
    co_await sender.set_multicast_loopback(false);
    const Address by_a0 = Address::parse("[ff02::1234%a0]:7000").value();
    const Address by_a1 = Address::parse("[ff02::1234%a1]:7000").value();
    co_await sender.send("elsewhere", by_a1);
    co_await sender.send("here", by_a0);
    std::array<std::byte, 64> room{};
    Datagram got = co_await with_timeout(patience, one.receive(room));
    EXPECT_EQ(text_of(got), "here");
    EXPECT_EQ(got.local, at_b0);
    EXPECT_EQ(got.peer.scope(), index_of("b0")) << "a link-local peer";
    // And so it can be answered.
    co_await one.send("answer", got.peer);
    std::string text = co_await next(sender);
    EXPECT_EQ(text, "answer");
  });
}

TEST(DatagramMulticast, of_one_source_only_what_that_source_sends) {
  in_two_networks([]() -> Task<> {
    const Address group = Address::ipv4({232, 1, 2, 3}, 7000);
    DatagramSocket one = co_await DatagramSocket::bind("0.0.0.0:7000", shared);
    const Membership first{
        .group = group, .interface = index_of("b0"), .source = Address::ipv4({10, 1, 0, 1}, 0)};
    co_await one.join(first);
    DatagramSocket known = co_await sender_by("10.1.0.1:0", "a0");
    DatagramSocket other = co_await sender_by("10.1.0.3:0", "a0");
    co_await other.send("other", group);
    co_await known.send("known", group);
    std::string text = co_await next(one);
    EXPECT_EQ(text, "known");
    text = co_await next(one);
    EXPECT_EQ(text, "nothing");
    // A second source is a second membership; leaving the first keeps it.
    Membership second = first;
    second.source = Address::ipv4({10, 1, 0, 3}, 0);
    co_await one.join(second);
    co_await one.leave(first);
    co_await known.send("known", group);
    co_await other.send("other", group);
    text = co_await next(one);
    EXPECT_EQ(text, "other");
    text = co_await next(one);
    EXPECT_EQ(text, "nothing");
  });
}

TEST(DatagramMulticast, of_one_source_over_ipv6) {
  in_two_networks([]() -> Task<> {
    const Address group = Address::parse("[ff35::1234]:7000").value();
    DatagramSocket one = co_await DatagramSocket::bind("[::]:7000");
    const Membership membership{.group = group,
                                .interface = index_of("b1"),
                                .source = Address::parse("[fd01:1::1]:0").value()};
    co_await one.join(membership);
    DatagramSocket known = co_await sender_by("[fd01:1::1]:0", "a1");
    co_await known.send("known", group);
    std::string text = co_await next(one);
    EXPECT_EQ(text, "known");
    co_await one.leave(membership);
    co_await known.send("late", group);
    text = co_await next(one);
    EXPECT_EQ(text, "nothing");
  });
}

TEST(DatagramMulticast, only_of_groups_that_this_very_socket_has_joined) {
  in_two_networks([]() -> Task<> {
    const Address group = Address::ipv4({239, 1, 2, 3}, 7000);
    DatagramSocket member = co_await DatagramSocket::bind("0.0.0.0:7000", shared);
    DatagramSocket neighbour = co_await DatagramSocket::bind("0.0.0.0:7000", shared);
    co_await member.join({.group = group, .interface = index_of("b0"), .source = {}});
    DatagramSocket sender = co_await sender_by("10.1.0.1:0", "a0");
    co_await sender.send("x", group);
    std::string text = co_await next(member);
    EXPECT_EQ(text, "x");
    text = co_await next(neighbour);
    EXPECT_EQ(text, "nothing");
  });
}

TEST(DatagramMulticast, receivers_on_the_senders_host_get_it_unless_it_says_not) {
  in_two_networks([]() -> Task<> {
    const Address group = Address::ipv4({239, 1, 2, 3}, 7000);
    DatagramSocket here = co_await DatagramSocket::bind("0.0.0.0:7000");
    co_await here.join({.group = group, .interface = index_of("a0"), .source = {}});
    DatagramSocket sender = co_await DatagramSocket::bind("0.0.0.0:0");
    Datagram datagram;  // that names its interface itself
    datagram.data = bytes_of(std::string_view("loud"));
    datagram.peer = group;
    datagram.interface = index_of("a0");
    co_await sender.send(datagram);
    std::string text = co_await next(here);
    EXPECT_EQ(text, "loud");
    co_await sender.set_multicast_loopback(false);
    co_await sender.send(datagram);
    text = co_await next(here);
    EXPECT_EQ(text, "nothing");
  });
}

TEST(DatagramMulticast, goes_as_far_as_its_hop_limit) {
  in_two_networks([]() -> Task<> {
    const Address group = Address::ipv4({239, 1, 2, 3}, 7000);
    DatagramSocket one = co_await DatagramSocket::bind("0.0.0.0:7000", {.receive_hop_limit = true});
    co_await one.join({.group = group, .interface = index_of("b0"), .source = {}});
    DatagramSocket sender = co_await sender_by("10.1.0.1:0", "a0");
    std::array<std::byte, 64> room{};
    co_await sender.send("x", group);
    Datagram got = co_await with_timeout(patience, one.receive(room));
    EXPECT_EQ(got.hop_limit, 1) << "what is not told otherwise stays in the network";
    co_await sender.set_multicast_hop_limit(9);
    co_await sender.send("x", group);
    got = co_await with_timeout(patience, one.receive(room));
    EXPECT_EQ(got.hop_limit, 9);
  });
}

CO_TEST(DatagramMulticast, an_interface_that_does_not_exist_is_an_error) {
  DatagramSocket socket = co_await DatagramSocket::bind("0.0.0.0:0");
  const Address group = Address::ipv4({239, 1, 2, 3}, 7000);
  const Result<> joined = socket.join({.group = group, .interface = 99'999, .source = {}});
  CO_ASSERT(!joined);
  EXPECT_EQ(joined.error().to_string(), "join group 239.1.2.3:7000: no such device");
  const Result<std::uint32_t> index = interface_index("nosuch0");
  CO_ASSERT(!index);
  EXPECT_EQ(index.error().to_string(), "find interface nosuch0: no such device");
  DatagramSocket local = co_await DatagramSocket::open(Family::unix_path);
  EXPECT_FALSE(local.set_hop_limit(3));
}

}  // namespace
}  // namespace ieum::test
