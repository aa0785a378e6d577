// Datagrams, one at a time: sizes, truncation, who sent it and to which of our addresses, peers,
// what comes with a datagram, stops and closing.
#include <sys/socket.h>

#include <array>
#include <optional>

#include "conformance/conformance.hpp"
#include "conformance/datagram/text_of.hpp"
#include "conformance/waiting.hpp"

namespace ieum::test {
namespace {

EVERY_TRANSPORT(DatagramOver);

Result<DatagramSocket> bound(Transport transport, const DatagramOptions& options = {}) {
  return DatagramSocket::bind(any_address(transport), options);
}

CO_TEST_P(DatagramOver, goes_to_an_address_and_back) {
  DatagramSocket one = co_await bound(transport);
  DatagramSocket other = co_await bound(transport);
  co_await one.send("ping", other.address());
  std::array<std::byte, 64> room{};
  Datagram ping = co_await other.receive(room);
  EXPECT_EQ(text_of(ping), "ping");
  EXPECT_EQ(ping.peer, one.address());
  EXPECT_EQ(ping.local, other.address());
  EXPECT_FALSE(ping.truncated);
  co_await other.send("pong", ping.peer);
  Datagram pong = co_await one.receive(room);
  EXPECT_EQ(text_of(pong), "pong");
  EXPECT_EQ(pong.peer, other.address());
}

CO_TEST_P(DatagramOver, arrives_while_the_receive_waits) {
  DatagramSocket one = co_await bound(transport);
  DatagramSocket other = co_await bound(transport);
  std::array<std::byte, 64> room{};
  std::string got;
  auto receiving = [&]() -> Task<> {
    Datagram datagram = co_await other.receive(room);
    got = text_of(datagram);
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(receiving());
    co_await until_it_waits();
    co_await one.send("late", other.address());
  };
  co_await with_group(body);
  EXPECT_EQ(got, "late");
}

/// For those who have a descriptor of ours: waiting for it, and receiving, by turns.
CO_TEST_P(DatagramOver, may_be_waited_for_by_its_descriptor_too) {
  DatagramSocket one = co_await bound(transport);
  DatagramSocket other = co_await bound(transport);
  std::array<std::byte, 64> room{};
  int got = 0;
  auto receiving = [&]() -> Task<> {
    for (int i = 0; i < 3; ++i) {
      Datagram datagram = co_await other.receive(room);
      EXPECT_EQ(text_of(datagram), "by receive");
      ++got;
      co_await wait_readable(other.native_handle());
      co_await wait_writable(other.native_handle());
      datagram = co_await other.receive(room);
      EXPECT_EQ(text_of(datagram), "by wait");
      ++got;
    }
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(receiving());
    for (int i = 0; i < 6; ++i) {
      co_await until_it_waits();
      co_await one.send(i % 2 == 0 ? "by receive" : "by wait", other.address());
      while (got == i) co_await sleep(1ms);
    }
    co_await group.join();
  };
  co_await with_timeout(patience, with_group(body));
}

CO_TEST_P(DatagramOver, every_size_arrives_whole) {
  DatagramSocket one = co_await bound(transport);
  DatagramSocket other = co_await bound(transport);
  std::vector<std::byte> room(70'000);
  for (const std::size_t size : {0, 1, 1472, 1473, 9000, 65'507}) {
    const std::vector<std::byte> sent = random_bytes(size, seed() + size);
    co_await one.send(sent, other.address());
    Datagram got = co_await other.receive(room);
    EXPECT_TRUE(same_bytes(got.data, sent)) << size;
    EXPECT_FALSE(got.truncated) << size;
    EXPECT_EQ(got.peer, one.address());
  }
}

CO_TEST_P(DatagramOver, one_byte_too_many_is_refused_and_the_socket_goes_on) {
  DatagramSocket one = co_await bound(transport);
  DatagramSocket other = co_await bound(transport);
  // Over IPv6 the header lies outside what UDP's length counts; Unix sockets have their buffer.
  std::size_t size = Datagram::bytes_max + 1;
  if (transport == Transport::ipv6) size = 65'528;
  if (transport == Transport::unix_socket) size = 1'000'000;
  const std::vector<std::byte> much(size);
  const Result<> sent = co_await attempt(one.send(much, other.address()));
  CO_ASSERT(!sent);
  EXPECT_EQ(sent.error(), std::errc::message_size);
  EXPECT_EQ(sent.error().to_string(), "send " + other.address().to_string() +
                                          ": message too long: " + std::to_string(size) + " bytes");
  co_await one.send("fits", other.address());
  std::array<std::byte, 16> room{};
  Datagram got = co_await other.receive(room);
  EXPECT_EQ(text_of(got), "fits");
}

CO_TEST_P(DatagramOver, what_does_not_fit_is_cut_and_says_so) {
  DatagramSocket one = co_await bound(transport);
  DatagramSocket other = co_await bound(transport);
  co_await one.send("12345678", other.address());
  co_await one.send("next", other.address());
  std::array<std::byte, 4> room{};
  Datagram cut = co_await other.receive(room);
  EXPECT_EQ(text_of(cut), "1234");
  EXPECT_TRUE(cut.truncated);
  Datagram next = co_await other.receive(room);
  EXPECT_EQ(text_of(next), "next");
  EXPECT_FALSE(next.truncated);
  EXPECT_EQ(other.counters().truncated, 1U);
  EXPECT_EQ(other.counters().received, 2U);
  EXPECT_EQ(one.counters().sent, 2U);
  EXPECT_EQ(one.counters().sent_bytes, 12U);
}

CO_TEST_P(DatagramOver, a_socket_with_a_peer_hears_only_its_peer) {
  DatagramSocket server = co_await bound(transport);
  DatagramSocket stranger = co_await bound(transport);
  DatagramSocket client = co_await DatagramSocket::connect(server.address());
  EXPECT_EQ(client.peer_address(), server.address());
  co_await client.send("hello");
  std::array<std::byte, 16> room{};
  Datagram hello = co_await server.receive(room);
  EXPECT_EQ(hello.peer, client.address());
  const Result<> strange = co_await attempt(stranger.send("strange", client.address()));
  // A Unix socket refuses it; over IP it is lost.
  EXPECT_EQ(strange.has_value(), transport != Transport::unix_socket);
  co_await server.send("known", hello.peer);
  Datagram known = co_await client.receive(room);
  EXPECT_EQ(text_of(known), "known");
}

CO_TEST_P(DatagramOver, without_a_peer_or_an_address_nothing_is_sent) {
  DatagramSocket socket = co_await bound(transport);
  const Result<> sent = co_await attempt(socket.send("to nobody"));
  CO_ASSERT(!sent);
  const bool is_unix = transport == Transport::unix_socket;
  EXPECT_EQ(sent.error(),
            is_unix ? std::errc::not_connected : std::errc::destination_address_required);
}

CO_TEST_P(DatagramOver, a_peer_can_be_changed_and_dropped) {
  DatagramSocket first = co_await bound(transport);
  DatagramSocket second = co_await bound(transport);
  DatagramSocket client = co_await DatagramSocket::connect(first.address());
  std::array<std::byte, 16> room{};
  co_await client.set_peer(second.address());
  co_await client.send("2");
  Datagram got = co_await second.receive(room);
  EXPECT_EQ(text_of(got), "2");
  co_await client.set_peer({});
  const Result<> nobody = co_await attempt(client.send("nobody"));
  EXPECT_FALSE(nobody);
  co_await client.send("1", first.address());
  got = co_await first.receive(room);
  EXPECT_EQ(text_of(got), "1");
}

CO_TEST_P(DatagramOver, a_stop_ends_a_receive_and_loses_nothing) {
  DatagramSocket one = co_await bound(transport);
  DatagramSocket other = co_await bound(transport);
  std::array<std::byte, 16> room{};
  const Result<Datagram> none = co_await attempt(with_timeout(5ms, other.receive(room)));
  CO_ASSERT(!none);
  EXPECT_EQ(none.error(), std::errc::timed_out);
  co_await one.send("kept", other.address());
  Datagram got = co_await other.receive(room);
  EXPECT_EQ(text_of(got), "kept");
}

CO_TEST_P(DatagramOver, closing_ends_a_receive_that_waits) {
  DatagramSocket socket = co_await bound(transport);
  const std::string address = socket.address().to_string();
  std::array<std::byte, 16> room{};
  std::string ending;
  auto receiving = [&]() -> Task<> {
    const Result<Datagram> got = co_await attempt(socket.receive(room));
    ending = got ? "succeeded" : got.error().to_string();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(receiving());
    co_await until_it_waits();
    co_await socket.close();
  };
  co_await with_group(body);
  EXPECT_EQ(ending, "receive " + address + ": canceled");
  const Result<> sent = co_await attempt(socket.send("x", socket.address()));
  CO_ASSERT(!sent);
  EXPECT_EQ(sent.error(), std::errc::bad_file_descriptor);
}

TEST_P(DatagramOver, a_port_that_is_taken_names_its_holder) {
  if (!has(GetParam())) GTEST_SKIP() << "this machine has no IPv6";
  const std::unique_ptr<Runtime> runtime = make_runtime();
  auto body = [&]() -> Task<> {
    DatagramSocket one = co_await bound(GetParam());
    const Result<DatagramSocket> second = DatagramSocket::bind(one.address());
    CO_ASSERT(!second);
    EXPECT_EQ(second.error(), std::errc::address_in_use);
    const std::optional<PortOwner> owner = co_await find_datagram_port_owner(one.address());
    CO_ASSERT(owner);
    EXPECT_EQ(owner->to_string(), held_by(::getpid()));
  };
  EXPECT_TRUE(run(*runtime, body()));
}

/// A server on a wildcard answers from the address that it was asked at: the client has a peer, and
/// so hears nobody else.
Task<> answers_from_where_it_was_asked(std::string_view wildcard, const Address& asked,
                                       const Address& client_at) {
  DatagramSocket server = co_await DatagramSocket::bind(wildcard);
  Address to = asked;
  to.set_port(server.address().port());
  DatagramSocket client = co_await DatagramSocket::bind(client_at);
  co_await client.set_peer(to);
  co_await client.send("who are you?");
  std::array<std::byte, 32> room{};
  Datagram question = co_await server.receive(room);
  EXPECT_EQ(question.local, to);
  EXPECT_NE(question.interface, 0U);
  EXPECT_EQ(question.peer, client.address());
  co_await server.send(question);
  Datagram answer = co_await with_timeout(patience, client.receive(room));
  EXPECT_EQ(text_of(answer), "who are you?");
}

CO_TEST(Datagram, answers_from_the_right_one_of_two_addresses) {
  // 127.0.0.2 is another address of this host; an answer to 127.0.0.1 would come from there.
  co_await answers_from_where_it_was_asked("0.0.0.0:0", Address::ipv4({127, 0, 0, 2}, 0),
                                           Address::ipv4_loopback(0));
}

CO_TEST(Datagram, answers_ipv4_on_a_socket_for_both_families) {
  if (!has(Transport::ipv6)) co_return;
  co_await answers_from_where_it_was_asked("[::]:0", Address::ipv4({127, 0, 0, 2}, 0),
                                           Address::ipv4_loopback(0));
  co_await answers_from_where_it_was_asked("[::]:0", Address::ipv6_loopback(0),
                                           Address::ipv6_loopback(0));
}

TEST(Datagram, answers_from_the_right_address_of_two_on_one_interface) {
  const std::string reason = in_network_namespace(
      // Not a veth: until its link is seen to be up, what is sent may be lost.
      "ip link set lo up; ip addr add 10.1.1.1/24 dev lo; ip addr add 10.1.1.2/24 dev lo; "
      "ip addr add fd01::1/64 dev lo nodad; ip addr add fd01::2/64 dev lo nodad",
      [] {
        expect_success_in_time(answers_from_where_it_was_asked(
            "0.0.0.0:0", Address::ipv4({10, 1, 1, 2}, 0), Address::ipv4({10, 1, 1, 1}, 0)));
        const Address first = Address::parse("[fd01::1]:0").value();
        const Address second = Address::parse("[fd01::2]:0").value();
        expect_success_in_time(answers_from_where_it_was_asked("[::]:0", second, first));
        expect_success_in_time(answers_from_where_it_was_asked("[::]:0", first, second));
      });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

CO_TEST(Datagram, sends_from_the_address_that_it_is_told) {
  DatagramSocket server = co_await DatagramSocket::bind("0.0.0.0:0");
  DatagramSocket other = co_await DatagramSocket::bind("127.0.0.1:0");
  Datagram datagram;
  datagram.data = bytes_of(std::string_view("x"));
  datagram.peer = other.address();
  datagram.local = Address::ipv4({127, 0, 0, 9}, 0);
  co_await server.send(datagram);
  std::array<std::byte, 8> room{};
  Datagram got = co_await other.receive(room);
  EXPECT_EQ(got.peer, Address::ipv4({127, 0, 0, 9}, server.address().port()));
}

Task<> details_arrive(std::string_view at) {
  DatagramSocket from = co_await DatagramSocket::bind(at);
  DatagramSocket to = co_await DatagramSocket::bind(
      at, {.receive_hop_limit = true, .receive_traffic_class = true, .receive_time = true});
  co_await from.set_hop_limit(7);
  co_await from.set_traffic_class(0x28);
  co_await from.set_ecn(Ecn::capable_0);
  const auto before = std::chrono::system_clock::now();
  co_await from.send("x", to.address());
  std::array<std::byte, 8> room{};
  Datagram got = co_await to.receive(room);
  EXPECT_EQ(got.hop_limit, 7);
  EXPECT_EQ(got.traffic_class, 0x2a);
  EXPECT_EQ(got.ecn(), Ecn::capable_0);
  EXPECT_GE(got.received_at, before - 1s);  // the system's clock may be set meanwhile
  EXPECT_LE(got.received_at, std::chrono::system_clock::now() + 1s);
  EXPECT_EQ(got.local, to.address());
}

CO_TEST(Datagram, hop_limit_traffic_class_ecn_and_time_over_ipv4) {
  co_await details_arrive("127.0.0.1:0");
}
CO_TEST(Datagram, hop_limit_traffic_class_ecn_and_time_over_ipv6) {
  if (has(Transport::ipv6)) co_await details_arrive("[::1]:0");
}

CO_TEST(Datagram, nothing_of_that_is_told_unless_asked_for) {
  DatagramSocket from = co_await bound(Transport::ipv4);
  DatagramSocket to = co_await bound(Transport::ipv4);
  co_await from.send("x", to.address());
  std::array<std::byte, 8> room{};
  Datagram got = co_await to.receive(room);
  EXPECT_EQ(got.hop_limit, 0);
  EXPECT_EQ(got.traffic_class, 0);
  EXPECT_EQ(got.received_at, std::chrono::system_clock::time_point{});
}

CO_TEST(Datagram, moves_with_its_address_and_counters) {
  DatagramSocket from = co_await bound(Transport::ipv4);
  DatagramSocket to = co_await bound(Transport::ipv4);
  co_await from.send("1", to.address());
  std::array<std::byte, 8> room{};
  co_await to.receive(room);
  const Address address = to.address();
  DatagramSocket moved(std::move(to));
  EXPECT_FALSE(to.is_open());
  EXPECT_EQ(moved.address(), address);
  co_await from.send("2", moved.address());
  co_await moved.receive(room);
  EXPECT_EQ(moved.counters().received, 2U);
  to = std::move(moved);
  EXPECT_EQ(to.counters().received, 2U);
}

CO_TEST(Datagram, a_full_queue_drops_and_counts_what_it_dropped) {
  DatagramSocket from = co_await bound(Transport::ipv4);
  DatagramSocket to = co_await bound(Transport::ipv4, {.receive_buffer_bytes = 8192});
  const std::vector<std::byte> data(1000);
  constexpr std::uint64_t count = 100;
  for (std::uint64_t i = 0; i < count; ++i) co_await from.send(data, to.address());
  std::vector<std::byte> room(2000);
  for (;;) {
    const Result<Datagram> got = co_await attempt(with_timeout(20ms, to.receive(room)));
    if (!got) break;
  }
  const DatagramCounters counters = to.counters();
  EXPECT_GT(counters.dropped, 0U);
  EXPECT_EQ(counters.received + counters.dropped, count);
}

CO_TEST(Datagram, options_of_a_socket_for_both_families_are_set_for_both) {
  DatagramSocket socket = co_await DatagramSocket::bind("[::]:0");
  EXPECT_TRUE(socket.set_hop_limit(9));
  EXPECT_TRUE(socket.set_traffic_class(0x20));
  EXPECT_TRUE(socket.set_ecn(Ecn::capable_0));
  for (const SocketOption hops : {SocketOption::ip_ttl, SocketOption::ipv6_unicast_hops}) {
    EXPECT_EQ(socket.option(hops).value(), 9);
  }
  for (const SocketOption tc : {SocketOption::ip_tos, SocketOption::ipv6_tclass}) {
    EXPECT_EQ(socket.option(tc).value(), 0x22) << "ECN leaves the rest of it alone";
  }
}

CO_TEST(Datagram, a_full_send_buffer_makes_the_sender_wait) {
  // A Unix peer with a full queue: ours is the only wait that UDP over loopback never shows.
  DatagramSocket to = co_await bound(Transport::unix_socket);
  DatagramSocket from = co_await DatagramSocket::connect(to.address());
  constexpr int count = 500;  // net.unix.max_dgram_qlen is 10 or 512
  std::array<std::byte, 8> room{};
  int got = 0;
  auto sending = [&]() -> Task<> {
    for (int i = 0; i < count * 3; ++i) co_await from.send("x");
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(sending());
    co_await sleep(10ms);
    while (got < count * 3) {
      co_await to.receive(room);
      ++got;
    }
  };
  co_await with_group(body);
  EXPECT_EQ(got, count * 3);
}

/// In both orders: a descriptor is registered for the two of them in one way.
CO_TEST(Datagram, is_received_from_while_its_descriptor_waits_for_room) {
  for (const bool receives_first : {true, false}) {
    DatagramSocket to = co_await bound(Transport::unix_socket);
    DatagramSocket from = co_await DatagramSocket::connect(to.address());
    int sent = 0;
    for (; sent < 2000; ++sent) {
      if (!co_await attempt(with_timeout(2ms, from.send("x")))) break;
    }
    bool has_room = false;
    std::array<std::byte, 8> room{};
    std::array<std::byte, 8> room_of_receive{};
    auto waiting = [&]() -> Task<> {
      co_await wait_writable(from.native_handle());
      has_room = true;
    };
    auto receiving = [&]() -> Task<> {
      for (int i = 0; i < 2; ++i) co_await from.receive(room_of_receive);
    };
    auto body = [&](Group& group) -> Task<> {
      if (receives_first) group.start(receiving());
      co_await until_it_waits();
      group.start(waiting());
      co_await until_it_waits();
      if (!receives_first) group.start(receiving());
      co_await until_it_waits();
      co_await to.send("first", from.address());
      EXPECT_FALSE(has_room);
      for (int i = 0; i < sent; ++i) co_await to.receive(room);
      while (!has_room) co_await sleep(1ms);
      co_await to.send("second", from.address());
      co_await group.join();
    };
    co_await with_timeout(patience, with_group(body));
  }
}

CO_TEST(Datagram, an_unconnected_unix_peer_with_a_full_queue_is_waited_for) {
  DatagramSocket to = co_await bound(Transport::unix_socket);
  DatagramSocket from = co_await bound(Transport::unix_socket);
  constexpr int count = 1500;
  std::array<std::byte, 8> room{};
  int got = 0;
  auto sending = [&]() -> Task<> {
    for (int i = 0; i < count; ++i) co_await from.send("x", to.address());
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(sending());
    co_await sleep(5ms);
    while (got < count) {
      co_await to.receive(room);
      ++got;
    }
  };
  co_await with_group(body);
  EXPECT_EQ(got, count);
  // And a stop reaches it while it waits.
  auto endless = [&]() -> Task<> {
    for (;;) co_await from.send("x", to.address());
  };
  const Result<> stopped = co_await attempt(with_timeout(20ms, endless()));
  CO_ASSERT(!stopped);
  EXPECT_EQ(stopped.error(), std::errc::timed_out);
}

}  // namespace
}  // namespace ieum::test
