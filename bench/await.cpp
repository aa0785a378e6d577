// What awaiting costs: a level of a failure beside the same with exceptions, a child task, and the
// library's share of an echo, on a driver that does nothing. Times are nanoseconds for one of what
// the name says (a level, a child, an echo).
#include <benchmark/benchmark.h>

#include <array>
#include <coroutine>
#include <exception>
#include <stdexcept>
#include <utility>

#include <ieum/ieum.hpp>

#include "support/null_driver.hpp"

namespace {

using namespace ieum;
using namespace std::chrono_literals;

constexpr int rounds = 256;

/// Runs `make(rounds)` again and again; reports the time for one of `per_round` things.
template <class Make>
void measure(benchmark::State& state, int per_round, Make make) {
  const std::unique_ptr<Runtime> runtime = test::make_null_runtime();
  for (auto _ : state) {
    const Result<> result = run(*runtime, make(rounds));
    if (!result) state.SkipWithError(result.error().to_string().c_str());
  }
  state.counters["each"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * rounds * per_round,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// ---- A failure through N levels -----------------------------------------------------------------

Task<int> chain(int left, bool fails) {
  if (left == 1) {
    if (fails) co_return fail(std::errc::io_error, "bottom");
    co_return 1;
  }
  const int below = co_await chain(left - 1, fails);
  co_return below + 1;
}
Task<> chains(int count, int levels, bool fails) {
  for (int i = 0; i < count; ++i) {
    const Result<int> result = co_await attempt(chain(levels, fails));
    benchmark::DoNotOptimize(&result);
  }
}
void task_succeeds(benchmark::State& state) {
  const int levels = static_cast<int>(state.range(0));
  measure(state, levels, [=](int count) { return chains(count, levels, false); });
}
void task_fails(benchmark::State& state) {
  const int levels = static_cast<int>(state.range(0));
  measure(state, levels, [=](int count) { return chains(count, levels, true); });
}

// The same tasks with an exception instead of an error.
Task<int> throwing_chain(int left) {
  if (left == 1) throw std::runtime_error("bottom");
  const int below = co_await throwing_chain(left - 1);
  co_return below + 1;
}
Task<> throwing_chains(int count, int levels) {
  for (int i = 0; i < count; ++i) {
    try {
      co_await throwing_chain(levels);
    } catch (const std::runtime_error& error) {
      benchmark::DoNotOptimize(&error);
    }
  }
}
void task_throws(benchmark::State& state) {
  const int levels = static_cast<int>(state.range(0));
  measure(state, levels, [=](int count) { return throwing_chains(count, levels); });
}

// Plain functions: with an exception, and with std::expected.
[[gnu::noinline]] int plain_throwing(int left) {
  if (left == 1) throw std::runtime_error("bottom");
  const int below = plain_throwing(left - 1);
  benchmark::DoNotOptimize(below);
  return below + 1;
}
void function_throws(benchmark::State& state) {
  const int levels = static_cast<int>(state.range(0));
  for (auto _ : state) {
    try {
      benchmark::DoNotOptimize(plain_throwing(levels));
    } catch (const std::runtime_error& error) {
      benchmark::DoNotOptimize(&error);
    }
  }
  state.counters["each"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * levels,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
[[gnu::noinline]] Result<int> plain_result(int left) {
  if (left == 1) return fail(std::errc::io_error, "bottom");
  Result<int> below = plain_result(left - 1);
  if (!below) return fail(below.error());
  return *below + 1;
}
void function_returns_error(benchmark::State& state) {
  const int levels = static_cast<int>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(plain_result(levels));
  state.counters["each"] =
      benchmark::Counter(static_cast<double>(state.iterations()) * levels,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK(task_succeeds)->Arg(1)->Arg(10)->Arg(100);
BENCHMARK(task_fails)->Arg(1)->Arg(10)->Arg(100);
BENCHMARK(task_throws)->Arg(1)->Arg(10)->Arg(100);
BENCHMARK(function_throws)->Arg(1)->Arg(10)->Arg(100);
BENCHMARK(function_returns_error)->Arg(1)->Arg(10)->Arg(100);

// ---- An echo ------------------------------------------------------------------------------------

using Buffer = std::array<std::byte, 64>;

Task<StreamSocket> connected() {
  StreamSocket socket = co_await StreamSocket::connect(Address::ipv4_loopback(7));
  co_return socket;
}

Task<> echo_with_deadline(int count) {
  StreamSocket socket = co_await connected();
  Buffer buffer{};
  for (int i = 0; i < count; ++i) {
    const std::size_t bytes = co_await with_timeout(5s, socket.read_some(buffer));
    co_await socket.write_all(std::span(buffer).first(bytes));
  }
}
Task<> echo_without_deadline(int count) {
  StreamSocket socket = co_await connected();
  Buffer buffer{};
  for (int i = 0; i < count; ++i) {
    const std::size_t bytes = co_await socket.read_some(buffer);
    co_await socket.write_all(std::span(buffer).first(bytes));
  }
}
Task<> echo_once(Stream& stream, Buffer& buffer) {
  const std::size_t bytes = co_await with_timeout(5s, stream.read_some(buffer));
  co_await stream.write_all(std::span(buffer).first(bytes));
}
Task<> echo_through_stream_and_child(int count) {
  StreamSocket socket = co_await connected();
  Buffer buffer{};
  for (int i = 0; i < count; ++i) co_await echo_once(socket, buffer);
}

void echo(benchmark::State& state) {
  measure(state, 1, [](int count) { return echo_without_deadline(count); });
}
void echo_deadline(benchmark::State& state) {
  measure(state, 1, [](int count) { return echo_with_deadline(count); });
}
void echo_stream_child(benchmark::State& state) {
  measure(state, 1, [](int count) { return echo_through_stream_and_child(count); });
}
BENCHMARK(echo);
BENCHMARK(echo_deadline);
BENCHMARK(echo_stream_child);

// ---- Other things that are done once a request --------------------------------------------------

Task<int> child() { co_return 1; }
Task<> children(int count) {
  for (int i = 0; i < count; ++i) benchmark::DoNotOptimize(co_await child());
}
void child_task(benchmark::State& state) {
  measure(state, 1, [](int count) { return children(count); });
}
Task<> children_with_deadline(int count) {
  for (int i = 0; i < count; ++i) benchmark::DoNotOptimize(co_await with_timeout(5s, child()));
}
void child_task_with_deadline(benchmark::State& state) {
  measure(state, 1, [](int count) { return children_with_deadline(count); });
}
Task<> yields(int count) {
  for (int i = 0; i < count; ++i) co_await yield();
}
void suspend_and_resume(benchmark::State& state) {
  measure(state, 1, [](int count) { return yields(count); });
}
Task<> groups(int count) {
  for (int i = 0; i < count; ++i) {
    co_await with_group([](Group& group) -> Task<> {
      auto one = []() -> Task<> { co_return; };
      group.start(one());
      co_return;
    });
  }
}
void group_of_one(benchmark::State& state) {
  measure(state, 1, [](int count) { return groups(count); });
}
BENCHMARK(child_task);
BENCHMARK(child_task_with_deadline);
BENCHMARK(suspend_and_resume);
BENCHMARK(group_of_one);

}  // namespace

BENCHMARK_MAIN();
