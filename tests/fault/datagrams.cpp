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

// ---- A protocol over them: each request is repeated until it is answered
// -------------------------

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
