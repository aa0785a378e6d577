// load_balancer: upstreams that fail and come back, on the system's network and on a simulated one.
#include <csignal>
#include <map>

#include <ieum/sim_network.hpp>

#include "balancer.hpp"
#include "examples/programs.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

/// Sends a line, and gives the answer, which names the upstream.
Task<std::string> ask(std::string at, std::string line) {
  StreamSocket socket = co_await StreamSocket::connect(at);
  co_await socket.write_all(line + "\n");
  BufferedReader reader(socket);
  const std::optional<std::string_view> answer = co_await reader.read_line();
  co_return std::string(answer.value_or("nothing"));
}

/// Answers each line with its own name, and keeps the connection.
Task<> serve_lines(std::string address, std::string name) {
  Listener listener = co_await Listener::bind(address);
  auto session = [name](StreamSocket peer) -> Task<> {
    BufferedReader reader(peer);
    while (const std::optional<std::string_view> line = co_await reader.read_line()) {
      co_await peer.write_all(name + "\n");
    }
  };
  co_await serve(std::move(listener), session);
}

class LoadBalancerOn : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(, LoadBalancerOn, testing::Values("io_uring", "epoll"),
                         [](const auto& of) { return std::string(of.param); });

TEST_P(LoadBalancerOn, SharesClientsRetriesAndDrains) {
  const std::string one = at(free_port());
  const std::string nobody = at(free_port());
  const std::string two = at(free_port());
  Child balancer({"env", "IEUM_DRIVER="s + GetParam(), example("load_balancer"), "127.0.0.1:0",
                  nobody, one, two},
                 Input::nothing());
  balancer.read_error_until("listening on ");
  std::string address = balancer.read_error_until("\n");
  address.pop_back();
  std::map<std::string, int> answers;
  auto talk = [&](Group& group) -> Task<> {
    group.start(serve_lines(one, "one"));
    group.start(serve_lines(two, "two"));
    co_await sleep(10ms);
    std::vector<StreamSocket> clients;  // all stay, so that the load has to be shared
    for (int i = 0; i < 8; ++i) {
      StreamSocket client = co_await StreamSocket::connect(address);
      co_await client.write_all("hello\n");
      BufferedReader reader(client);
      const std::optional<std::string_view> answer = co_await reader.read_line();
      ++answers[std::string(answer.value_or("nothing"))];
      clients.push_back(std::move(client));
    }
    clients.resize(2);  // the others leave, the two are cut at the end of the drain
    co_await sleep(50ms);
    balancer.signal(SIGTERM);
    while (!Listener::bind(address)) co_await sleep(1ms);  // then the drain has begun
    clients.pop_back();
    co_await sleep(50ms);
    clients.pop_back();
    group.stop();
  };
  const Result<> talked = run(with_timeout(patience, with_group(talk)));
  EXPECT_TRUE(talked) << talked.error().to_string_with_trace();
  EXPECT_EQ(answers, (std::map<std::string, int>{{"one", 4}, {"two", 4}}));
  EXPECT_EQ(balancer.wait(), 0);
  const std::string said = balancer.error_output();
  EXPECT_TRUE(said.contains(nobody + " is down\n")) << said;
  EXPECT_TRUE(said.contains("2 finished, 0 idle, 0 cut\n")) << said;
  EXPECT_TRUE(said.contains(nobody + ": 0\n")) << said;
}

TEST_P(LoadBalancerOn, ResetsClientsWhenNobodyCanServeThem) {
  const std::string nobody = at(free_port());
  Child balancer(
      {"env", "IEUM_DRIVER="s + GetParam(), example("load_balancer"), "127.0.0.1:0", nobody},
      Input::nothing());
  balancer.read_error_until("listening on ");
  std::string address = balancer.read_error_until("\n");
  address.pop_back();
  const Result<std::string> answer = run(with_timeout(patience, ask(address, "hello")));
  EXPECT_TRUE(!answer || *answer == "nothing");
  balancer.signal(SIGTERM);
  EXPECT_EQ(balancer.wait(), 0);
}

TEST(LoadBalancer, RefusesWrongArguments) {
  Child none({example("load_balancer"), "127.0.0.1:0"}, Input::nothing());
  EXPECT_EQ(none.wait(), 2);
  Child bad({example("load_balancer"), "127.0.0.1:0", "here"}, Input::nothing());
  EXPECT_EQ(bad.wait(), 1);
  EXPECT_TRUE(bad.error_output().contains("\"here\""));
}

// ---- On a simulated network ---------------------------------------------------------------------

struct Sim {
  std::map<std::string, int> answers;
  int failed = 0;
  std::vector<bool> up;  // as the balancer has it at the end
};

Task<> balance(std::vector<Address> upstreams, Duration serve_for, Sim& sim) {
  Listener listener = co_await Listener::bind("*:80");
  load_balancer::Balancer balancer({.check_interval = 200ms, .connect_max = 500ms});
  for (const Address& upstream : upstreams) balancer.add(upstream);
  auto session = [&](StreamSocket client) { return balancer.session(std::move(client)); };
  Server server(std::move(listener), session);
  auto body = [&](Group& group) -> Task<> {
    group.start(balancer.check_health());
    group.start(server.run());
    co_await sleep(serve_for);
    for (const auto& upstream : balancer.upstreams()) sim.up.push_back(upstream.is_up);
    co_await server.drain(1s);
    group.stop();
  };
  co_await with_group(body);
}

Task<> ask_now_and_then(int times, Sim& sim) {
  for (int i = 0; i < times; ++i) {
    co_await sleep(50ms);
    const Result<std::string> answer =
        co_await attempt(with_timeout(5s, ask("balancer:80", "hello")));
    if (answer) {
      ++sim.answers[*answer];
    } else {
      ++sim.failed;
    }
  }
}

TEST(LoadBalancerInSimulation, GoesAroundAnUpstreamThatCrashesAndTakesItBack) {
  for (const std::uint64_t seed : sim_seeds(20)) {
    Sim sim;
    SimNetwork net{seed};
    SimHost& one = net.add_host("one");
    SimHost& two = net.add_host("two");
    one.start_background(serve_lines("*:7", "one"));
    two.start_background(serve_lines("*:7", "two"));
    SimHost& balancer = net.add_host("balancer");
    SimHost& client = net.add_host("client");
    balancer.start(balance({one.address(7), two.address(7)}, 12s, sim));
    net.at(5ms, [&] { client.start(ask_now_and_then(100, sim)); });
    net.at(1s, [&] { one.crash(); });
    net.at(8s, [&] {
      one.restart();
      one.start_background(serve_lines("*:7", "one"));
    });
    const Result<> result = net.run();
    EXPECT_TRUE(result) << "seed " << seed << ": " << result.error().to_string_with_trace();
    EXPECT_GT(sim.answers["one"], 0);
    EXPECT_GT(sim.answers["two"], 40);
    EXPECT_EQ(sim.answers["nothing"], 0);
    EXPECT_LE(sim.failed, 2) << "only who was with it as it crashed";
    EXPECT_EQ(sim.up, (std::vector<bool>{true, true}));
  }
}

}  // namespace
}  // namespace ieum::test
