// Datagrams over simulated links: lost, doubled and out of order at the rates that were set;
// groups; refusals; and a protocol that bears all of it.
#include <set>

#include "fault/fault.hpp"

namespace ieum::test {
namespace {

Address address_of(SimHost& host, std::uint16_t port) { return host.address(port); }

Task<> send_numbers(Address to, std::uint32_t count, Duration pause) {
  DatagramSocket socket = co_await DatagramSocket::open(Family::ipv4);
  for (std::uint32_t i = 0; i < count; ++i) {
    co_await socket.send(std::as_bytes(std::span(&i, 1)), to);
    co_await sleep(pause);
  }
}

/// Those that came, in the order in which they came.
Task<> receive_numbers(std::vector<std::uint32_t>& numbers) {
  DatagramSocket socket = co_await DatagramSocket::bind("0.0.0.0:9");
  for (;;) {
    std::uint32_t number = 0;
    const auto room = std::as_writable_bytes(std::span(&number, 1));
    const Datagram datagram = co_await socket.receive(room);
    EXPECT_EQ(datagram.data.size(), sizeof number);
    numbers.push_back(number);
  }
}

TEST(SimDatagrams, are_lost_doubled_and_out_of_order_at_the_rates_that_were_set) {
  constexpr std::uint32_t count = 100'000;
  std::vector<std::uint32_t> numbers;
  SimNetwork net{1};
  LinkOptions link;
  link.latency = 10ms;
  link.loss = 0.1;
  link.duplication = 0.05;
  link.reordering = 0.02;
  link.corruption = 0.01;
  net.set_links(link);
  SimHost& receiver = net.add_host("receiver");
  SimHost& sender = net.add_host("sender");
  receiver.start_background(receive_numbers(numbers));
  sender.start(send_numbers(address_of(receiver, 9), count, 100us));
  expect_success(net, net.run());
  net.run_for(1s);
  const std::set<std::uint32_t> distinct(numbers.begin(), numbers.end());
  std::uint32_t overtaken = 0;
  std::uint32_t highest = 0;
  std::set<std::uint32_t> seen;
  for (const std::uint32_t number : numbers) {
    if (seen.insert(number).second && number < highest) ++overtaken;
    highest = std::max(highest, number);
  }
  // What is 0.1 of 100,000 is within five standard deviations.
  const double lost = 1 - static_cast<double>(distinct.size()) / count;
  const double doubled = static_cast<double>(numbers.size() - distinct.size()) / count;
  EXPECT_NEAR(lost, 0.1 + 0.9 * 0.01, 0.006);
  EXPECT_NEAR(doubled, 0.9 * 0.99 * 0.05, 0.004);
  EXPECT_NEAR(static_cast<double>(overtaken) / count, 0.9 * 0.99 * 0.02, 0.003);
}

TEST(SimDatagrams, larger_than_the_mtu_are_lost_as_often_as_their_fragments) {
  std::vector<std::uint32_t> numbers;
  SimNetwork net{1};
  LinkOptions link;
  link.loss = 0.1;
  net.set_links(link);
  SimHost& receiver = net.add_host("receiver");
  SimHost& sender = net.add_host("sender");
  std::size_t got = 0;
  auto receive = [](std::size_t& count) -> Task<> {
    DatagramSocket socket = co_await DatagramSocket::bind("0.0.0.0:9");
    std::vector<std::byte> room(20'000);
    for (;;) {
      const Datagram datagram = co_await socket.receive(room);
      EXPECT_EQ(datagram.data.size(), 14'000U);
      EXPECT_FALSE(datagram.truncated);
      ++count;
    }
  };
  auto send = [](Address to) -> Task<> {
    DatagramSocket socket = co_await DatagramSocket::open(Family::ipv4);
    const std::vector<std::byte> large(14'000);
    for (int i = 0; i < 5000; ++i) {
      co_await socket.send(large, to);
      co_await sleep(1ms);
    }
  };
  receiver.start_background(receive(got));
  sender.start(send(address_of(receiver, 9)));
  expect_success(net, net.run());
  net.run_for(1s);
  EXPECT_NEAR(static_cast<double>(got) / 5000, 0.349, 0.035);  // 0.9 to the power of 10
  net.end();
}

TEST(SimDatagrams, that_nobody_listens_for_are_refused) {
  SimNetwork net{1};
  net.add_host("server");
  SimHost& client = net.add_host("client");
  auto ask = []() -> Task<> {
    DatagramSocket socket = co_await DatagramSocket::connect("10.0.0.1:9");
    co_await socket.send("anybody?");
    std::array<std::byte, 10> room;
    const Result<Datagram> answer = co_await attempt(socket.receive(room));
    CO_ASSERT(!answer);
    EXPECT_EQ(answer.error().to_string(), "receive 10.0.0.1:9: connection refused");
  };
  client.start(ask());
  expect_success(net, net.run());
}

TEST(SimDatagrams, to_a_group_reach_its_members) {
  std::array<int, 3> heard{};
  SimNetwork net{1};
  auto listen = [](bool joins, int& count) -> Task<> {
    DatagramSocket socket = co_await DatagramSocket::bind("0.0.0.0:9");
    Membership membership;
    membership.group = co_await Address::parse("239.1.2.3:0");
    if (joins) co_await socket.join(membership);
    std::array<std::byte, 10> room;
    for (;;) {
      const Datagram datagram = co_await socket.receive(room);
      EXPECT_EQ(datagram.local, Address::ipv4({239, 1, 2, 3}, 9));
      ++count;
    }
  };
  for (std::size_t i = 0; i < heard.size(); ++i) {
    SimHost& host = net.add_host("host" + std::to_string(i));
    host.start_background(listen(i != 1, heard[i]));
  }
  auto send = []() -> Task<> {
    DatagramSocket socket = co_await DatagramSocket::open(Family::ipv4);
    const Address group = co_await Address::parse("239.1.2.3:9");
    for (int i = 0; i < 5; ++i) co_await socket.send("hear", group);
  };
  net.run_for(1ms);
  net.add_host("sender").start(send());
  expect_success(net, net.run());
  net.run_for(1s);
  EXPECT_EQ(heard, (std::array<int, 3>{5, 0, 5}));
  net.end();
}

/// Says where it was asked, and answers.
Task<> answer_one(std::string_view at, Address& asked_at) {
  DatagramSocket socket = co_await DatagramSocket::bind(at);
  std::array<std::byte, 16> room;
  const Datagram question = co_await socket.receive(room);
  EXPECT_NE(question.interface, 0U);
  asked_at = question.local;
  co_await socket.send(question);
}
/// Hears nobody but whom it has asked.
Task<> ask_once(Address to) {
  DatagramSocket socket = co_await DatagramSocket::connect(to);
  co_await socket.send("who are you?");
  std::array<std::byte, 16> room;
  const Datagram answer = co_await with_timeout(5s, socket.receive(room));
  EXPECT_EQ(answer.data.size(), 12U);
  EXPECT_EQ(answer.peer, to);
}

TEST(SimDatagrams, are_answered_from_the_right_address_of_several) {
  struct Case {
    const char* server_at;
    std::vector<const char*> asked;
  };
  const std::vector<Case> cases{{"0.0.0.0:9", {"10.1.1.1:9", "10.1.1.2:9"}},
                                {"[::]:9", {"[fd01::1]:9", "[fd01::2]:9", "10.1.1.2:9"}}};
  for (const Case& of : cases) {
    for (const char* const asked : of.asked) {
      Address asked_at;
      SimNetwork net{1};
      std::vector<Address> addresses;
      for (const char* const text : {"10.1.1.1:0", "10.1.1.2:0", "[fd01::1]:0", "[fd01::2]:0"}) {
        addresses.push_back(Address::parse(text).value());
      }
      SimHost& server = net.add_host_at("server", addresses);
      SimHost& client = net.add_host("client");
      const Address to = Address::parse(asked).value();
      server.start(answer_one(of.server_at, asked_at));
      client.start(ask_once(to));
      expect_success(net, net.run());
      EXPECT_EQ(asked_at, to);
    }
  }
}

/// Hears a broadcast, knows the address that it can answer from, and answers.
Task<> hear_and_answer(Address answers_from, int& heard) {
  DatagramSocket socket = co_await DatagramSocket::bind("0.0.0.0:7000", {.reuse_address = true});
  std::array<std::byte, 16> room;
  const Datagram question = co_await with_timeout(5s, socket.receive(room));
  EXPECT_EQ(question.data.size(), 3U);
  EXPECT_EQ(question.local, answers_from);
  ++heard;
  co_await socket.send(question);
}
Task<> ask_everyone(std::size_t answers) {
  DatagramSocket socket = co_await DatagramSocket::bind("10.0.0.1:0", {.broadcast = true});
  co_await sleep(1ms);
  co_await socket.send("all", Address::ipv4({255, 255, 255, 255}, 7000));
  std::array<std::byte, 16> room;
  for (std::size_t i = 0; i < answers; ++i) {
    const Datagram answer = co_await with_timeout(5s, socket.receive(room));
    EXPECT_EQ(answer.data.size(), 3U);
    EXPECT_EQ(answer.peer.port(), 7000);
  }
}

TEST(SimDatagrams, that_are_broadcast_reach_all_who_share_the_port) {
  int heard = 0;
  SimNetwork net{1};
  const EndsFirst end(net);
  SimHost& first = net.add_host("first");
  SimHost& second = net.add_host("second");
  for (SimHost* const host : {&first, &first, &second, &second}) {
    host->start(hear_and_answer(host->address(7000), heard));
  }
  first.start(ask_everyone(4));
  expect_success(net, net.run());
  EXPECT_EQ(heard, 4);
}

TEST(SimDatagrams, keep_to_the_mtu_of_the_way_if_they_may_not_be_cut) {
  SimNetwork net{1};
  LinkOptions link;
  link.mtu = 1400;
  net.set_links(link);
  net.add_host("server");
  SimHost& client = net.add_host("client");
  auto send = [](Address to) -> Task<> {
    DatagramSocket whole = co_await DatagramSocket::connect(to, {.dont_fragment = true});
    const Result<std::size_t> mtu = whole.path_mtu();
    CO_ASSERT(mtu);
    EXPECT_EQ(*mtu, 1400U);
    const std::vector<std::byte> large(1400 - 27);
    const Result<> refused = co_await attempt(whole.send(large));
    CO_ASSERT(!refused);
    EXPECT_EQ(refused.error(), std::errc::message_size);
    co_await whole.send(ConstBuffer(large).first(1400 - 28));
    DatagramSocket cut = co_await DatagramSocket::connect(to);
    co_await cut.send(large);
  };
  client.start(send(Address::ipv4({10, 0, 0, 1}, 9)));
  expect_success(net, net.run());
}

// ---- Unix datagrams ----------------------------------------------------------------------------

Task<> fill_the_queue_of_a_peer() {
  DatagramSocket to = co_await DatagramSocket::bind("unix:@to");
  DatagramSocket from = co_await DatagramSocket::connect(to.address());
  std::size_t sent = 0;
  auto endless = [&]() -> Task<> {
    for (;; ++sent) co_await from.send("x");
  };
  const Result<> stopped = co_await attempt(with_timeout(1s, endless()));
  CO_ASSERT(!stopped);
  EXPECT_EQ(stopped.error(), std::errc::timed_out);
  EXPECT_EQ(sent, 11U);  // net.unix.max_dgram_qlen, and one
  std::array<std::byte, 4> room;
  for (std::size_t i = 0; i < sent; ++i) co_await to.receive(room);
  co_await from.send("goes on");
  co_await to.close();
  // Told once, to one that waited in vain too; then there is no peer any more.
  const Result<> refused = co_await attempt(from.send("x"));
  CO_ASSERT(!refused);
  EXPECT_EQ(refused.error(), std::errc::connection_refused);
  const Result<> nobody = co_await attempt(from.send("x"));
  CO_ASSERT(!nobody);
  EXPECT_EQ(nobody.error(), std::errc::not_connected);
}

TEST(SimDatagrams, of_unix_sockets_wait_for_room_and_are_told_of_a_peer_that_has_gone) {
  SimNetwork net{1};
  net.add_host("host").start(fill_the_queue_of_a_peer());
  expect_success(net, net.run());
}

/// Both ends send more than the system holds before the other has received.
Task<> exchange_at_once() {
  DatagramSocket one = co_await DatagramSocket::bind("unix:@one");
  DatagramSocket other = co_await DatagramSocket::connect(one.address());
  co_await one.set_peer(other.address());
  constexpr std::size_t count = 1000;
  auto sending = [](DatagramSocket& socket) -> Task<> {
    const std::vector<std::byte> data(5000);
    for (std::size_t i = 0; i < count; ++i) co_await socket.send(data);
  };
  auto receiving = [](DatagramSocket& socket) -> Task<> {
    std::vector<std::byte> room(5000);
    for (std::size_t i = 0; i < count; ++i) {
      const Datagram datagram = co_await socket.receive(room);
      EXPECT_EQ(datagram.data.size(), room.size());
    }
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(sending(one));
    group.start(sending(other));
    co_await sleep(1ms);
    group.start(receiving(other));
    co_await receiving(one);
  };
  co_await with_group(body);
}

TEST(SimDatagrams, of_unix_sockets_go_both_ways_at_once) {
  SimNetwork net{1};
  net.add_host("host").start(exchange_at_once());
  expect_success(net, net.run());
}

// ---- A protocol over them: each request is repeated until it is answered -----------------------

Task<> answer_requests(std::set<std::uint32_t>& done, std::uint32_t& executed) {
  DatagramSocket socket = co_await DatagramSocket::bind("*:9");
  for (;;) {
    std::uint32_t number = 0;
    const auto room = std::as_writable_bytes(std::span(&number, 1));
    const Datagram request = co_await socket.receive(room);
    if (request.data.size() != sizeof number) continue;
    if (done.insert(number).second) ++executed;
    co_await socket.send(std::as_bytes(std::span(&number, 1)), request.peer);
  }
}

Task<> ask_until_answered(Address server, std::uint32_t first, std::uint32_t count) {
  DatagramSocket socket = co_await DatagramSocket::open(server.family());
  for (std::uint32_t number = first; number < first + count; ++number) {
    for (;;) {
      co_await attempt(socket.send(std::as_bytes(std::span(&number, 1)), server));
      std::uint32_t answer = 0;
      const auto room = std::as_writable_bytes(std::span(&answer, 1));
      const Result<Datagram> came = co_await attempt(with_timeout(300ms, socket.receive(room)));
      if (came && answer == number) break;
    }
  }
}

FAULT_TEST(Datagrams, requests_are_done_once_each) {
  SimRandom& random = net.random();
  std::set<std::uint32_t> done;
  std::uint32_t executed = 0;
  const EndsFirst end(net);
  net.set_links(random_link(random));
  SimHost& server = net.add_host("server");
  server.start_background(answer_requests(done, executed));
  for (std::uint32_t i = 0; i < 3; ++i) {
    SimHost& client = net.add_host("client" + std::to_string(i));
    SimFaults faults;
    faults.no_buffers = 0.1;
    client.set_faults(faults);
    const Family family = random.below(2) == 0 ? Family::ipv4 : Family::ipv6;
    client.start(ask_until_answered(server.address(9, family), i * 100, 20));
    const Duration begin(random.between(0, 1'000'000'000));
    net.at(begin, [&net, &client, &server] { net.partition(client, server); });
    net.at(begin + 1s, [&net, &client, &server] { net.heal(client, server); });
  }
  const Duration crash(random.between(0, 1'000'000'000));
  net.at(crash, [&] {
    server.restart();
    server.start_background(answer_requests(done, executed));
  });
  expect_success(net, net.run());
  EXPECT_EQ(executed, 60U);
}

}  // namespace
}  // namespace ieum::test
