// Servers that drain while clients come, talk and crash; the chat of the examples; connecting to
// one of several addresses.
#include <map>

#include "fault/fault.hpp"
#include "hub.hpp"

namespace ieum::test {
namespace {

// ---- Draining -----------------------------------------------------------------------------------

/// Answers each line with the same line.
Task<> answer_lines(StreamSocket peer) {
  std::string buffer;
  for (;;) {
    const std::size_t end = co_await peer.read_until(buffer, "\n", 1000);
    if (end == 0) break;
    const std::string line = buffer.substr(0, end);
    buffer.erase(0, end);
    co_await peer.write_all(line);
  }
}

struct Drain {
  DrainReport report;
  ServerCounters counters;
  std::size_t ended = 0;
  bool done = false;
};

Task<> serve_then_drain(Duration serve_for, Duration limit, Drain& drain) {
  Listener listener = co_await Listener::bind("*:7");
  Server server(std::move(listener), answer_lines);
  server.on_session_end([&drain](const SessionEnd&) { ++drain.ended; });
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    co_await sleep(serve_for);
    drain.report = co_await server.drain(limit);
  };
  co_await with_group(body);
  drain.counters = server.counters();
  drain.done = true;
}

/// Says lines until the server goes; every line that is answered is answered rightly.
Task<> say_lines(std::uint64_t seed, std::uint64_t& answered) {
  SimRandom random(seed);
  StreamSocket socket = co_await StreamSocket::connect("server:7");
  std::string buffer;
  for (int i = 0; i < 200; ++i) {
    const std::string line = std::to_string(seed) + " says " + std::to_string(i) + "\n";
    co_await socket.write_all(line);
    const std::size_t end = co_await socket.read_until(buffer, "\n", 1000);
    if (end == 0) co_return;
    EXPECT_EQ(buffer.substr(0, end), line);
    buffer.erase(0, end);
    ++answered;
    if (random.below(3) == 0) co_await sleep(Duration(random.between(0, 50'000'000)));
  }
}
Task<> say_lines_and_bear_it(std::uint64_t seed, std::uint64_t& answered) {
  const Result<> said = co_await attempt(with_timeout(5min, say_lines(seed, answered)));
  static_cast<void>(said);
}

FAULT_TEST(Servers, drain_while_clients_talk) {
  SimRandom& random = net.random();
  LinkOptions link = random_link(random);
  link.bandwidth = 0;
  net.set_links(link);
  SimHost& server = net.add_host("server");
  Drain drain;
  std::uint64_t answered = 0;
  const EndsFirst end(net);
  const Duration serve_for(random.between(100'000'000, 2'000'000'000));
  const Duration limit(random.between(0, 2'000'000'000));
  server.start(serve_then_drain(serve_for, limit, drain));
  const std::uint64_t clients = 1 + random.below(6);
  for (std::uint64_t i = 0; i < clients; ++i) {
    SimHost& client = net.add_host("client" + std::to_string(i));
    client.start(say_lines_and_bear_it(random(), answered));
    if (random.below(4) == 0) {
      net.at(Duration(random.between(0, 2'000'000'000)), [&client] { client.crash(); });
    }
  }
  expect_success(net, net.run());
  EXPECT_TRUE(drain.done);
  EXPECT_EQ(drain.ended, drain.counters.accepted) << "a session was left";
  EXPECT_LE(drain.report.finished + drain.report.cut, drain.counters.accepted);
}

FAULT_TEST(Servers, go_on_when_descriptors_run_out) {
  SimRandom& random = net.random();
  SimHost& server = net.add_host("server", {.descriptors_max = 3});
  SimFaults faults;
  faults.no_descriptors = 0.2;
  faults.no_buffers = 0.05;
  Drain drain;
  std::uint64_t answered = 0;
  const EndsFirst end(net);
  server.start(serve_then_drain(1min, 0s, drain));
  net.run_for(1ms);  // it listens
  server.set_faults(faults);
  for (int i = 0; i < 6; ++i) {
    SimHost& client = net.add_host("client" + std::to_string(i));
    client.start(say_lines_and_bear_it(random(), answered));
  }
  expect_success(net, net.run());
  EXPECT_EQ(drain.ended, drain.counters.accepted);
  EXPECT_GT(drain.counters.refused_by_system, 0U);
  EXPECT_GT(answered, 0U);
}

// ---- The chat -----------------------------------------------------------------------------------

Task<> serve_chat(Duration serve_for, std::size_t& left) {
  Listener listener = co_await Listener::bind("*:7000");
  chat::Hub hub;
  auto handler = [&hub](StreamSocket socket) { return hub.session(std::move(socket)); };
  Server server(std::move(listener), handler);
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    co_await sleep(serve_for);
    hub.shut_down("The server is going down.");
    co_await server.drain(20s);
  };
  co_await with_group(body);
  left = server.sessions();
}

/// What a member has heard: of each other the numbers of the lines.
struct Heard {
  std::map<std::string, std::vector<int>> lines;
  bool ended = false;
};

Task<> hear_lines(StreamSocket& socket, Heard& heard) {
  std::string buffer;
  for (;;) {
    const std::size_t end = co_await socket.read_until(buffer, "\n", 100'000);
    if (end == 0) break;
    const std::string line = buffer.substr(0, end - 1);
    buffer.erase(0, end);
    const std::size_t says = line.find(" line ");
    if (says == std::string::npos) continue;
    heard.lines[line.substr(0, says)].push_back(std::stoi(line.substr(says + 6)));
  }
  heard.ended = true;
}

Task<> chat_for_a_while(std::string name, std::uint64_t seed, Heard& heard) {
  SimRandom random(seed);
  StreamSocket socket = co_await StreamSocket::connect("server:7000");
  auto body = [&](Group& group) -> Task<> {
    group.start(hear_lines(socket, heard));
    co_await socket.write_all("/name " + name + "\n");
    for (int i = 0; i < 30; ++i) {
      co_await socket.write_all("line " + std::to_string(i) + "\n");
      co_await sleep(Duration(random.between(0, 100'000'000)));
    }
  };
  co_await with_group(body);
}
Task<> chat_and_bear_it(std::string name, std::uint64_t seed, Heard& heard) {
  const Result<> ended = co_await attempt(with_timeout(10min, chat_for_a_while(name, seed, heard)));
  static_cast<void>(ended);
}

FAULT_TEST(Chat, tells_everyone_each_line_once_and_in_order) {
  SimRandom& random = net.random();
  LinkOptions link = random_link(random);
  link.bandwidth = 0;
  net.set_links(link);
  SimHost& server = net.add_host("server");
  std::size_t left = 1;
  const std::uint64_t members = 2 + random.below(4);
  std::vector<Heard> heard(members);
  const EndsFirst end(net);
  server.start(serve_chat(8s, left));
  for (std::uint64_t i = 0; i < members; ++i) {
    const std::string name = "member" + std::to_string(i);
    SimHost& client = net.add_host(name);
    client.start(chat_and_bear_it(name, random(), heard[i]));
    if (random.below(4) == 0) {
      net.at(Duration(random.between(0, 3'000'000'000)), [&client] { client.crash(); });
    }
    if (random.below(4) == 0) {
      const Duration begin(random.between(0, 3'000'000'000));
      net.at(begin, [&net, &server, &client] { net.partition(server, client); });
      net.at(begin + 2s, [&net, &server, &client] { net.heal(server, client); });
    }
  }
  expect_success(net, net.run());
  EXPECT_EQ(left, 0U);
  for (const Heard& member : heard) {
    for (const auto& [name, numbers] : member.lines) {
      for (std::size_t i = 1; i < numbers.size(); ++i) {
        ASSERT_LT(numbers[i - 1], numbers[i]) << "of " << name << ": twice, or out of order";
      }
    }
  }
}

// ---- Connecting to one of several addresses -----------------------------------------------------

Task<> connect_by_name(SimNetwork& net, bool& connected, Family& family, Duration& took) {
  const Duration begin = net.now();
  Result<StreamSocket> socket = co_await attempt(StreamSocket::connect("server:7"));
  took = net.now() - begin;
  connected = socket.has_value();
  if (!socket) co_return;
  family = socket->peer_address().family();
  co_await expect_echo(*socket, "hello");
}

FAULT_TEST(HappyEyeballs, connect_by_whatever_family_works) {
  SimRandom& random = net.random();
  LinkOptions link;
  link.latency = Duration(random.between(0, 40'000'000));
  net.set_links(link);
  const std::vector<Address> global{Address::parse("203.0.113.1:0").value(),
                                    Address::parse("[2001:db9::1]:0").value()};
  const std::vector<Address> ours{Address::parse("203.0.113.2:0").value(),
                                  Address::parse("[2001:db9::2]:0").value()};
  SimHost& server = net.add_host_at("server", global);
  SimHost& client = net.add_host_at("client", ours);
  server.start_background(serve_echo(7));
  const std::uint64_t broken = random.below(3);
  if (broken == 1) net.partition(client, server, Family::ipv6);
  if (broken == 2) net.partition(client, server, Family::ipv4);
  bool connected = false;
  Family family = Family::none;
  Duration took{};
  const EndsFirst end(net);
  client.start(connect_by_name(net, connected, family, took));
  expect_success(net, net.run());
  EXPECT_TRUE(connected);
  EXPECT_EQ(family, broken == 1 ? Family::ipv4 : Family::ipv6);
  const Duration expected = (broken == 1 ? 250ms : 0ms) + 2 * link.latency;
  EXPECT_LT(took, expected + 5ms);
}

Task<> connect_to_any(std::string_view name, bool& connected, std::string& failure) {
  const Result<StreamSocket> socket =
      co_await attempt(StreamSocket::connect(name, {.attempt_delay = 250ms}));
  connected = socket.has_value();
  if (!socket) failure = socket.error().to_string();
}

// Each takes a descriptor, and whoever may choose a name may choose what it stands for.
FAULT_TEST(HappyEyeballs, holds_few_attempts_however_many_addresses_are_silent) {
  const std::vector<Address> at{Address::parse("203.0.113.1:0").value()};
  const std::vector<Address> silent_at{Address::parse("203.0.113.3:0").value()};
  SimHost& server = net.add_host_at("server", at);
  SimHost& client = net.add_host_at("client", {Address::parse("203.0.113.2:0").value()},
                                    {.descriptors_max = ConnectOptions::attempts_at_once_max + 2});
  SimHost& silent = net.add_host_at("silent", silent_at);
  net.partition(client, silent);
  server.start_background(serve_echo(7));
  std::vector<Address> many(40, silent_at.front());
  net.add_name("nobody", many);
  many.push_back(at.front());
  net.add_name("one", many);
  bool connected = false;
  std::string failure;
  const EndsFirst end(net);
  client.start(connect_to_any("one:7", connected, failure));
  expect_success(net, net.run());
  EXPECT_TRUE(connected) << failure;
  client.start(connect_to_any("nobody:7", connected, failure));
  expect_success(net, net.run());
  EXPECT_FALSE(connected);
  EXPECT_EQ(failure, "connect 203.0.113.3:7: timed out: tried 40 addresses of nobody");
}

}  // namespace
}  // namespace ieum::test
