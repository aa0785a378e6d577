// The simulated TCP, as its users know it: how long things take, what they fail with, what is full
// when.
#include <set>

#include "fault/fault.hpp"

namespace ieum::test {
namespace {

double in_ms(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

/// Two hosts on a link of 10 ms.
struct Two {
  explicit Two(std::uint64_t seed = 1) : net(seed) {
    LinkOptions link;
    link.latency = 10ms;
    net.set_links(link);
    server = &net.add_host("server");
    client = &net.add_host("client");
  }
  SimNetwork net;
  SimHost* server = nullptr;
  SimHost* client = nullptr;
};

/// Connects and fails; the error and the time that it took.
Task<> fail_to_connect(SimNetwork& net, std::string to, std::string& text, Duration& took) {
  const Duration begin = net.now();
  const Result<StreamSocket> socket = co_await attempt(StreamSocket::connect(to));
  took = net.now() - begin;
  text = socket ? "connected" : socket.error().to_string();
}

// ---- Connecting ---------------------------------------------------------------------------------

TEST(SimTcp, connecting_takes_a_round_trip) {
  Two two;
  two.server->start_background(serve_echo(7));
  Duration took{};
  auto connect = [](SimNetwork& net, Duration& time) -> Task<> {
    const Duration begin = net.now();
    StreamSocket socket = co_await StreamSocket::connect("server:7");
    time = net.now() - begin;
  };
  two.client->start(connect(two.net, took));
  expect_success(two.net, two.net.run());
  EXPECT_GE(in_ms(took), 20);
  EXPECT_LT(in_ms(took), 21);
}

TEST(SimTcp, a_port_without_a_listener_refuses_after_a_round_trip) {
  Two two;
  std::string text;
  Duration took{};
  two.client->start(fail_to_connect(two.net, "10.0.0.1:7", text, took));
  expect_success(two.net, two.net.run());
  EXPECT_EQ(text, "connect 10.0.0.1:7: connection refused");
  EXPECT_GE(in_ms(took), 20);
  EXPECT_LT(in_ms(took), 21);
}

TEST(SimTcp, a_host_that_does_not_answer_is_given_up_after_two_minutes) {
  Two two;
  two.net.partition(*two.server, *two.client);
  std::string text;
  Duration took{};
  two.client->start(fail_to_connect(two.net, "10.0.0.1:7", text, took));
  expect_success(two.net, two.net.run());
  EXPECT_EQ(text, "connect 10.0.0.1:7: timed out");
  EXPECT_GE(took, 127s);  // 1 + 2 + 4 + ... + 64 seconds, as Linux
  EXPECT_LT(took, 128s);
}

TEST(SimTcp, an_address_that_nobody_has_is_unreachable) {
  Two two;
  std::string text;
  Duration took{};
  two.client->start(fail_to_connect(two.net, "10.9.9.9:7", text, took));
  expect_success(two.net, two.net.run());
  EXPECT_EQ(text, "connect 10.9.9.9:7: no route to host");
  EXPECT_GE(took, 3s);
}

TEST(SimTcp, a_family_that_the_host_has_no_address_of_is_unreachable_at_once) {
  SimNetwork net{1};
  SimHost& host = net.add_host_at("host", {Address::ipv4({10, 1, 1, 1}, 0)});
  std::string text;
  Duration took{};
  host.start(fail_to_connect(net, "[fd00::7]:7", text, took));
  expect_success(net, net.run());
  EXPECT_EQ(text, "connect [fd00::7]:7: network is unreachable");
  EXPECT_LT(in_ms(took), 1);
}

Task<> connect_only(std::vector<StreamSocket>& sockets, int& failed) {
  Result<StreamSocket> socket =
      co_await attempt(with_timeout(20s, StreamSocket::connect("server:7")));
  if (socket) {
    sockets.push_back(*std::move(socket));
  } else {
    EXPECT_EQ(socket.error(), std::errc::timed_out);
    ++failed;
  }
}

TEST(SimTcp, a_full_backlog_makes_clients_wait) {
  Two two;
  auto listen_only = []() -> Task<> {
    Listener listener = co_await Listener::bind("*:7", {.backlog = 2});
    co_await sleep(1h);
  };
  two.server->start_background(listen_only());
  two.net.run_for(1ms);
  std::vector<StreamSocket> sockets;
  int failed = 0;
  for (int i = 0; i < 10; ++i) {
    two.client->start(connect_only(sockets, failed));
    two.net.run_for(100ms);
  }
  expect_success(two.net, two.net.run());
  EXPECT_EQ(sockets.size(), 3U);  // one more than the backlog, as Linux
  EXPECT_EQ(failed, 7);
  sockets.clear();
}

TEST(SimTcp, ephemeral_ports_run_out) {
  SimNetwork net{1};
  SimHost& server = net.add_host("server");
  SimHost& client = net.add_host("client", {.ephemeral_first = 40'000, .ephemeral_last = 40'009});
  server.start_background(serve_echo(7));
  std::vector<StreamSocket> sockets;
  auto connect_all = [](std::vector<StreamSocket>& all) -> Task<> {
    std::set<std::uint16_t> ports;
    for (int i = 0; i < 10; ++i) {
      StreamSocket socket = co_await StreamSocket::connect("10.0.0.1:7");
      const Address local = co_await socket.local_address();
      EXPECT_TRUE(ports.insert(local.port()).second);
      all.push_back(std::move(socket));
    }
    Result<StreamSocket> one_more = co_await attempt(StreamSocket::connect("10.0.0.1:7"));
    CO_ASSERT(!one_more);
    EXPECT_EQ(one_more.error().to_string(), "connect 10.0.0.1:7: cannot assign requested address");
    // A port that has closed first is kept for a minute.
    co_await all.back().close();
    co_await sleep(30s);
    one_more = co_await attempt(StreamSocket::connect("10.0.0.1:7"));
    EXPECT_FALSE(one_more);
    co_await sleep(31s);
    one_more = co_await attempt(StreamSocket::connect("10.0.0.1:7"));
    EXPECT_TRUE(one_more);
    all.clear();
  };
  client.start(connect_all(sockets));
  expect_success(net, net.run());
}

TEST(SimTcp, descriptors_run_out) {
  SimNetwork net{1};
  SimHost& host = net.add_host("host", {.descriptors_max = 3});
  auto open_all = []() -> Task<> {
    std::vector<Listener> listeners;
    for (int i = 0; i < 3; ++i) {
      Listener listener = co_await Listener::bind("*:0");
      listeners.push_back(std::move(listener));
    }
    const Result<Listener> one_more = Listener::bind("*:0");
    CO_ASSERT(!one_more);
    EXPECT_EQ(one_more.error(), std::errc::too_many_files_open);
    listeners.pop_back();
    const Listener again = co_await Listener::bind("*:0");
  };
  host.start(open_all());
  expect_success(net, net.run());
}

// ---- Flow ---------------------------------------------------------------------------------------

TEST(SimTcp, a_reader_that_does_not_read_holds_the_writer_back) {
  Two two;
  std::size_t written = 0;
  auto keep = []() -> Task<> {
    Listener listener = co_await Listener::bind("*:7");
    StreamSocket peer = co_await listener.accept();
    co_await sleep(10s);
    const std::string text = co_await read_to_end(peer);
    EXPECT_EQ(text.size(), 4'000'000U);
  };
  auto write = [](std::size_t& count) -> Task<> {
    StreamSocket socket = co_await StreamSocket::connect("server:7");
    const std::string block(100'000, 'x');
    for (int i = 0; i < 40; ++i) {
      co_await socket.write_all(block);
      count += block.size();
    }
    co_await socket.close();
  };
  two.server->start(keep());
  two.client->start(write(written));
  two.net.run_for(9s);
  EXPECT_GE(written, 400'000U);
  EXPECT_LE(written, 600'000U);  // both buffers' worth
  expect_success(two.net, two.net.run());
  EXPECT_EQ(written, 4'000'000U);
}

TEST(SimTcp, bandwidth_is_what_was_asked_for) {
  Two two;
  LinkOptions link;
  link.latency = 10ms;
  link.bandwidth = 1'000'000;
  two.net.set_link(*two.server, *two.client, link);
  const std::string text = random_text(3'000'000, 1);
  std::string got;
  auto serve_once = [](std::string_view bytes) -> Task<> {
    Listener listener = co_await Listener::bind("*:7");
    StreamSocket peer = co_await listener.accept();
    co_await write_and_finish(peer, bytes);
    co_await peer.wait_acknowledged();
  };
  auto read = [](std::string& into) -> Task<> {
    StreamSocket socket = co_await StreamSocket::connect("server:7");
    into = co_await read_to_end(socket);
  };
  two.server->start(serve_once(text));
  two.client->start(read(got));
  expect_success(two.net, two.net.run());
  EXPECT_TRUE(got == text);
  EXPECT_GE(two.net.now(), 3s);
  EXPECT_LE(two.net.now(), 5s);
}

// ---- The end ------------------------------------------------------------------------------------

Task<> accept_and_hold(Duration time) {
  Listener listener = co_await Listener::bind("*:7");
  StreamSocket peer = co_await listener.accept();
  co_await sleep(time);
}

/// Reads until it fails; the error, and when.
Task<> wait_for_failure(SimNetwork& net, bool keep_alive, std::string write, std::string& text,
                        Duration& when) {
  StreamSocket socket = co_await StreamSocket::connect("server:7");
  if (keep_alive) {
    co_await socket.set_option(SocketOption::so_keepalive, 1);
    co_await socket.set_option(SocketOption::tcp_keepidle, 60);
    co_await socket.set_option(SocketOption::tcp_keepintvl, 10);
    co_await socket.set_option(SocketOption::tcp_keepcnt, 3);
  }
  co_await sleep(2s);
  if (!write.empty()) co_await socket.write_all(write);
  const Result<Lease> data = co_await attempt(socket.receive());
  when = net.now();
  text = !data ? data.error().to_string() : data->empty() ? "end" : "data";
}

TEST(SimTcp, a_dead_peer_is_found_by_keep_alive) {
  Two two;
  std::string text;
  Duration when{};
  two.server->start_background(accept_and_hold(1h));
  two.client->start(wait_for_failure(two.net, true, "", text, when));
  two.net.at(1s, [&] { two.server->crash(); });
  expect_success(two.net, two.net.run());
  EXPECT_TRUE(text.ends_with(": timed out")) << text;
  EXPECT_GE(when, 89s);
  EXPECT_LE(when, 92s);
}

TEST(SimTcp, a_living_peer_answers_keep_alive) {
  Two two;
  std::string text;
  Duration when{};
  two.server->start_background(accept_and_hold(30min));
  two.client->start(wait_for_failure(two.net, true, "", text, when));
  expect_success(two.net, two.net.run());
  EXPECT_EQ(text, "end");
  EXPECT_GE(when, 30min);
}

TEST(SimTcp, a_dead_peer_is_given_up_after_fifteen_retransmissions) {
  Two two;
  std::string text;
  Duration when{};
  two.server->start_background(accept_and_hold(1h));
  two.client->start(wait_for_failure(two.net, false, "anybody?", text, when));
  two.net.at(1s, [&] { two.net.partition(*two.server, *two.client); });
  expect_success(two.net, two.net.run());
  EXPECT_TRUE(text.ends_with(": timed out")) << text;
  EXPECT_GE(when, 10min);  // tcp(7): between 13 and 30 minutes with a longer round trip
  EXPECT_LE(when, 30min);
}

TEST(SimTcp, a_peer_that_has_lost_its_memory_resets) {
  Two two;
  std::string text;
  Duration when{};
  two.server->start_background(accept_and_hold(1h));
  two.client->start(wait_for_failure(two.net, false, "anybody?", text, when));
  two.net.at(1s, [&] { two.server->restart(); });
  expect_success(two.net, two.net.run());
  EXPECT_TRUE(text.ends_with(": connection reset by peer")) << text;
  EXPECT_LT(when, 3s);
}

TEST(SimTcp, half_closed_it_goes_on_the_other_way) {
  Two two;
  auto count = []() -> Task<> {
    Listener listener = co_await Listener::bind("*:7");
    StreamSocket peer = co_await listener.accept();
    const std::string text = co_await read_to_end(peer);
    co_await peer.write_all("I got " + std::to_string(text.size()));
    co_await peer.close();
  };
  auto ask = []() -> Task<> {
    StreamSocket socket = co_await StreamSocket::connect("server:7");
    const std::string text(12'345, 'x');
    co_await write_and_finish(socket, text);
    const std::string answer = co_await read_to_end(socket);
    EXPECT_EQ(answer, "I got 12345");
  };
  two.server->start(count());
  two.client->start(ask());
  expect_success(two.net, two.net.run());
}

TEST(SimTcp, says_why_it_does_not_move) {
  Two two;
  std::string explanation;
  auto ask = [](std::string& sentence) -> Task<> {
    StreamSocket socket = co_await StreamSocket::connect("server:7");
    co_await sleep(1s);
    co_await socket.write_all("anybody?");
    co_await sleep(10s);
    sentence = co_await socket.explain();
  };
  two.server->start_background(accept_and_hold(1h));
  two.client->start(ask(explanation));
  two.net.at(500ms, [&] { two.net.partition(*two.server, *two.client); });
  expect_success(two.net, two.net.run());
  EXPECT_TRUE(explanation.starts_with("retransmitting: 8 bytes in 1 segment")) << explanation;
}

}  // namespace
}  // namespace ieum::test
