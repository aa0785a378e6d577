// What the simulated network costs: events a second, on one core, of connections that ask and
// answer, and of one that moves much over a link that loses. The counter `events` is what counts.
#include <benchmark/benchmark.h>

#include <chrono>
#include <string>

#include <ieum/ieum.hpp>
#include <ieum/sim_network.hpp>

namespace {

using namespace ieum;
using namespace std::chrono_literals;

Task<> echo(StreamSocket peer) {
  while (Lease data = co_await peer.receive()) co_await peer.write_all(data);
}
Task<> serve_echo() {
  Listener listener = co_await Listener::bind("*:7");
  co_await serve(std::move(listener), echo);
}

Task<> ask(int rounds) {
  StreamSocket socket = co_await StreamSocket::connect("server:7");
  std::string answer(100, '\0');
  const std::string question(100, 'q');
  for (int i = 0; i < rounds; ++i) {
    co_await socket.write_all(question);
    co_await socket.read_exact(std::as_writable_bytes(std::span(answer)));
  }
}

Task<> send_much(std::size_t bytes) {
  StreamSocket socket = co_await StreamSocket::connect("server:7");
  const std::string block(100'000, 'b');
  for (std::size_t sent = 0; sent < bytes; sent += block.size()) co_await socket.write_all(block);
  co_await socket.close();
}
Task<> swallow(StreamSocket peer) {
  while (Lease data = co_await peer.receive()) benchmark::DoNotOptimize(data.data());
}
Task<> serve_swallow() {
  Listener listener = co_await Listener::bind("*:7");
  co_await serve(std::move(listener), swallow);
}

/// Runs the network that `set_up` makes, again and again.
template <class SetUp>
void measure(benchmark::State& state, SetUp set_up) {
  std::uint64_t events = 0;
  for (auto _ : state) {
    SimNetwork net{1};
    set_up(net);
    const Result<> result = net.run(24h);
    if (!result) state.SkipWithError(result.error().to_string().c_str());
    events += net.events();
  }
  state.counters["events"] =
      benchmark::Counter(static_cast<double>(events), benchmark::Counter::kIsRate);
}

void questions_and_answers(benchmark::State& state) {
  const auto hosts = static_cast<int>(state.range(0));
  measure(state, [hosts](SimNetwork& net) {
    net.add_host("server").start_background(serve_echo());
    for (int i = 0; i < hosts; ++i) {
      net.add_host("client" + std::to_string(i)).start(ask(1000));
    }
  });
}

void much_over_a_link_that_loses(benchmark::State& state) {
  measure(state, [](SimNetwork& net) {
    LinkOptions link;
    link.latency = 5ms;
    link.loss = 0.05;
    link.reordering = 0.05;
    net.set_links(link);
    net.add_host("server").start_background(serve_swallow());
    net.add_host("client").start(send_much(10'000'000));
  });
}

BENCHMARK(questions_and_answers)->Arg(1)->Arg(10)->Arg(100)->Unit(benchmark::kMillisecond);
BENCHMARK(much_over_a_link_that_loses)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
