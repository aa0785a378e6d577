#include "bench/load.hpp"

#include <gtest/gtest.h>

#include <optional>

#include <ieum/datagram_socket.hpp>
#include <ieum/listener.hpp>
#include <ieum/serve.hpp>
#include <ieum/sim_network.hpp>
#include <ieum/timeout.hpp>

namespace ieum::cli {
namespace {

using namespace std::chrono_literals;

// ---- Servers of a simulated network -------------------------------------------------------------

/// What goes wrong with them, and when.
struct Behaviour {
  Duration stalls_after = Duration::max();  ///< their first message: for a second, whatever comes
  std::size_t bytes_max = SIZE_MAX;         ///< of each answer, then no more
  std::size_t answers_max = SIZE_MAX;       ///< of a connection, which is then closed
};

Task<> echo(StreamSocket peer, const Behaviour& behaviour, std::optional<TimePoint>& first) {
  for (std::size_t answers = 0; answers < behaviour.answers_max; ++answers) {
    const Lease data = co_await peer.receive();
    if (data.empty()) co_return;
    const TimePoint when = now();
    if (!first) first = when;
    const Duration since = when - *first;
    if (since >= behaviour.stalls_after && since < behaviour.stalls_after + 1s) {
      co_await sleep(behaviour.stalls_after + 1s - since);
    }
    const ConstBuffer all = data;
    co_await peer.write_all(all.first(std::min(behaviour.bytes_max, all.size())));
  }
}

Task<> serve_echo(const Behaviour& behaviour) {
  Listener listener = co_await Listener::bind("*:7");
  std::optional<TimePoint> first;
  auto handler = [&](StreamSocket socket) { return echo(std::move(socket), behaviour, first); };
  co_await serve(std::move(listener), handler);
}

Task<> echo_datagrams() {
  DatagramSocket socket = co_await DatagramSocket::bind("*:7");
  std::vector<std::byte> buffer(2048);
  for (;;) {
    const Datagram datagram = co_await socket.receive(buffer);
    co_await socket.send(datagram.data, datagram.peer);
  }
}

struct Sim {
  Behaviour behaviour;
  BenchTarget target;
  LoadOptions options;
  LinkOptions link{.latency = 1ms};
  std::optional<Error> error;
  LoadResult result;

  void run() {
    options.timeout = options.timeout == 5s ? 3s : options.timeout;
    if (target.message.empty()) target.message.assign(64, 'x');
    target.answer_bytes = target.message.size();
    SimNetwork net(7);
    net.set_links(link);
    SimHost& server = net.add_host("server");
    SimHost& client = net.add_host("client");
    target.addresses.assign(1, server.address(7));
    Load load(target, options);
    server.start_background(target.protocol == Protocol::datagrams ? echo_datagrams()
                                                                   : serve_echo(behaviour));
    client.start(measure(load));
    const Result<> ran = net.run();
    if (!ran) error = ran.error();
    result = load.result();
  }
  static Task<> measure(Load& load) {
    co_await sleep(10ms);
    co_await load.run();
  }
  [[nodiscard]] Duration percentile(double percent) const {
    return result.latency().percentile(percent);
  }
  [[nodiscard]] std::uint64_t troubles(const std::string& kind) const {
    const auto found = result.troubles.find(kind);
    return found == result.troubles.end() ? 0 : found->second.count;
  }
};

// ---- The two loops ------------------------------------------------------------------------------

TEST(Load, a_closed_loop_sends_the_next_message_when_one_was_answered) {
  Sim sim;
  sim.options = {.duration = 5s, .warmup = 500ms};
  sim.run();
  EXPECT_FALSE(sim.error);
  // 2 ms there and back, and what the hosts take.
  EXPECT_NEAR(static_cast<double>(sim.result.answers()), 2500, 50);
  EXPECT_GE(sim.percentile(50), 2ms);
  EXPECT_LE(sim.percentile(99.9), 2100us);
  EXPECT_TRUE(sim.result.troubles.empty());
  for (const Slice& slice : sim.result.slices) {
    EXPECT_NEAR(static_cast<double>(slice.answers), 250, 8);
    EXPECT_EQ(slice.bytes_received, slice.answers * 64);
  }
}

TEST(Load, more_connections_and_messages_under_way_answer_more) {
  Sim sim;
  sim.options = {.connections = 5, .depth = 4, .duration = 2s, .warmup = 100ms};
  sim.run();
  EXPECT_NEAR(static_cast<double>(sim.result.answers()), 5 * 4 * 1000, 1000);
  EXPECT_LE(sim.percentile(99), 2200us);
}

TEST(Load, an_open_loop_keeps_its_rate) {
  Sim sim;
  sim.options = {.connections = 10, .rate = 500, .duration = 4s, .warmup = 500ms};
  sim.run();
  EXPECT_EQ(sim.result.intended, 2000U);
  EXPECT_NEAR(static_cast<double>(sim.result.answers()), 2000, 3);
  EXPECT_EQ(sim.result.latency().count(), 2000U);
  EXPECT_LE(sim.percentile(99.9), 2200us);
  EXPECT_EQ(sim.result.unbegun, 0U);
  EXPECT_LE(sim.result.lateness.max(), 100us);
}

/// The one that this is for: a second in which the server does nothing.
TEST(Load, an_open_loop_shows_the_stall_that_a_closed_loop_hides) {
  Sim closed;
  closed.options = {.duration = 10s, .warmup = 500ms};
  closed.behaviour.stalls_after = 4s;
  closed.run();
  Sim open;
  open.options = {.depth = 1000, .rate = 400, .duration = 10s, .warmup = 500ms};
  open.behaviour.stalls_after = 4s;
  open.run();
  // One message of 4,500 met it.
  EXPECT_LE(closed.percentile(99.9), 2200us);
  EXPECT_GE(closed.result.latency().max(), 990ms);
  // A tenth of all were to begin in that second: they waited half of it in the mean.
  EXPECT_GE(open.percentile(99), 850ms);
  EXPECT_GE(open.percentile(95), 400ms);
  EXPECT_LE(open.percentile(85), 10ms);
  EXPECT_EQ(open.result.latency().count(), open.result.intended);
}

TEST(Load, what_an_overloaded_server_never_gets_is_counted_too) {
  Sim sim;
  sim.options = {.rate = 1000, .duration = 2s, .warmup = 100ms};  // it answers 500 a second
  sim.run();
  EXPECT_EQ(sim.result.intended, 2000U);
  EXPECT_NEAR(static_cast<double>(sim.result.answers()), 1000, 20);
  EXPECT_NEAR(static_cast<double>(sim.result.unbegun), 1050, 30);
  EXPECT_EQ(sim.result.latency().count(), 2000U);
  EXPECT_GE(sim.percentile(90), 800ms);
}

TEST(Load, a_connection_for_each_message_counts_with_it) {
  Sim sim;
  sim.options = {.duration = 2s, .warmup = 100ms, .fresh = true};
  sim.run();
  EXPECT_FALSE(sim.error);
  EXPECT_NEAR(static_cast<double>(sim.result.answers()), 500, 20);  // 4 ms each
  EXPECT_GE(sim.percentile(50), 4ms);
  EXPECT_NEAR(static_cast<double>(sim.result.connecting.count()), 500, 20);
  EXPECT_GE(sim.result.connecting.percentile(50), 2ms);
  EXPECT_LE(sim.result.connecting.percentile(50), 2100us);
}

// ---- What goes wrong ----------------------------------------------------------------------------

TEST(Load, nobody_listens) {
  Sim sim;
  sim.options = {.duration = 1s, .warmup = 0s};
  SimNetwork net(1);
  SimHost& server = net.add_host("server");
  SimHost& client = net.add_host("client");
  sim.target.addresses.assign(1, server.address(9));
  sim.target.message = "x";
  Load load(sim.target, sim.options);
  client.start(load.run());
  const Result<> ran = net.run();
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error(), std::errc::connection_refused);
}

TEST(Load, connections_that_the_server_closes_are_made_anew) {
  Sim sim;
  sim.behaviour.answers_max = 10;
  sim.options = {.duration = 2s, .warmup = 0s};
  sim.run();
  EXPECT_FALSE(sim.error);
  EXPECT_GT(sim.result.answers(), 500U);
  const std::uint64_t closed =
      sim.troubles("the server closed the connection before it had answered");
  EXPECT_NEAR(static_cast<double>(closed), static_cast<double>(sim.result.answers()) / 10, 3);
  EXPECT_NEAR(static_cast<double>(sim.result.unanswered), static_cast<double>(closed), 1);
}

TEST(Load, an_answer_that_lacks_its_end_is_given_up_in_time) {
  Sim sim;
  sim.behaviour.bytes_max = 20;
  sim.options = {.duration = 3s, .warmup = 0s, .timeout = 1s};
  sim.run();
  EXPECT_FALSE(sim.error);
  EXPECT_EQ(sim.result.answers(), 0U);
  EXPECT_EQ(sim.troubles("no answer in time"), 3U);
  EXPECT_TRUE(sim.result.troubles.at("no answer in time")
                  .example.ends_with("20 of 64 bytes of the answer had come"))
      << sim.result.troubles.at("no answer in time").example;
  EXPECT_GE(sim.percentile(50), 1s);  // they count with what they were waited for
}

TEST(Load, datagrams_that_are_lost_are_counted) {
  Sim sim;
  sim.target.protocol = Protocol::datagrams;
  sim.link.loss = 0.1;
  sim.options = {.depth = 50, .rate = 200, .duration = 10s, .warmup = 0s, .timeout = 200ms};
  sim.run();
  EXPECT_FALSE(sim.error);
  EXPECT_EQ(sim.result.intended, 2000U);
  const std::uint64_t lost = sim.troubles("lost: no answer in time");
  EXPECT_NEAR(static_cast<double>(lost), 2000 * 0.19, 60);  // there or back
  EXPECT_EQ(sim.result.latency().count(), 2000U);
}

TEST(Load, datagrams_find_their_messages_in_any_order) {
  Sim sim;
  sim.target.protocol = Protocol::datagrams;
  sim.link = {.latency = 1ms, .jitter = 20ms, .duplication = 0.2, .reordering = 0.2};
  sim.options = {.depth = 100, .rate = 1000, .duration = 3s, .warmup = 0s};
  sim.run();
  EXPECT_FALSE(sim.error);
  EXPECT_TRUE(sim.result.troubles.empty());
  EXPECT_EQ(sim.result.latency().count(), 3000U);
  EXPECT_GT(sim.result.strays, 500U);
  EXPECT_LE(sim.percentile(100), 51ms);  // 21 ms each way, and held back for 4
}

Task<> stop_after(Duration time, Load& load) {
  co_await sleep(time);
  load.stop();
}

TEST(Load, is_stopped_with_what_it_has) {
  Sim sim;
  sim.target.message.assign(64, 'x');
  sim.target.answer_bytes = 64;
  sim.options = {.duration = 100s, .warmup = 100ms};
  SimNetwork net(7);
  net.set_links({.latency = 1ms});
  SimHost& server = net.add_host("server");
  SimHost& client = net.add_host("client");
  sim.target.addresses.assign(1, server.address(7));
  Load load(sim.target, sim.options);
  server.start_background(serve_echo(sim.behaviour));
  client.start(Sim::measure(load));
  client.start(stop_after(5110ms, load));
  EXPECT_TRUE(net.run());
  EXPECT_LT(net.now(), 6s);
  EXPECT_NEAR(std::chrono::duration<double>(load.result().measured).count(), 5, 0.02);
  EXPECT_NEAR(static_cast<double>(load.result().answers()), 2500, 30);
}

}  // namespace
}  // namespace ieum::cli
