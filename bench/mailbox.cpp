// What a message between two runtimes costs: a stream of them, and one there and back at a time.
#include <benchmark/benchmark.h>

#include <ieum/ieum.hpp>

namespace {

using namespace ieum;

constexpr int messages = 500'000;
constexpr int rounds = 20'000;

Task<> send_all(MailboxSender<int> sender) {
  for (int i = 0; i < messages; ++i) co_await sender.send(i);
}

Task<> receive_all(Mailbox<int> mailbox) {
  std::int64_t sum = 0;
  for (int i = 0; i < messages; ++i) {
    const int message = co_await mailbox.receive();
    sum += message;
  }
  benchmark::DoNotOptimize(sum);
}

/// One core sends, the other receives; the argument is the mailbox's capacity.
void stream(benchmark::State& state) {
  for (auto _ : state) {
    auto ends = Mailbox<int>::create(static_cast<std::size_t>(state.range(0)));
    auto body = [&](Core& core) {
      return core.index() == 0 ? send_all(std::move(ends.sender))
                               : receive_all(std::move(ends.mailbox));
    };
    if (!run_on_cores(body, {.count = 2})) state.SkipWithError("it failed");
  }
  state.SetItemsProcessed(state.iterations() * messages);
}
BENCHMARK(stream)->Arg(1)->Arg(64)->Arg(1024)->Unit(benchmark::kMillisecond)->UseRealTime();

Task<> serve(Mailbox<int>& from, MailboxSender<int>& to, bool begins) {
  if (begins) co_await to.send(0);
  for (int i = 0; i < rounds; ++i) {
    const int message = co_await from.receive();
    if (!begins || i + 1 < rounds) co_await to.send(message + 1);
  }
}

void there_and_back(benchmark::State& state) {
  for (auto _ : state) {
    auto there = Mailbox<int>::create(1);
    auto back = Mailbox<int>::create(1);
    auto body = [&](Core& core) {
      return core.index() == 0 ? serve(back.mailbox, there.sender, true)
                               : serve(there.mailbox, back.sender, false);
    };
    if (!run_on_cores(body, {.count = 2})) state.SkipWithError("it failed");
  }
  state.SetItemsProcessed(state.iterations() * rounds);
}
BENCHMARK(there_and_back)->Unit(benchmark::kMillisecond)->UseRealTime();

/// Sender and receiver on one runtime: no thread, no wake-up.
void within_a_runtime(benchmark::State& state) {
  auto program = []() -> Task<> {
    auto ends = Mailbox<int>::create(64);
    Task<> sending = send_all(std::move(ends.sender));
    Task<> receiving = receive_all(std::move(ends.mailbox));
    auto body = [&](Group& group) -> Task<> {
      group.start(std::move(sending));
      co_await std::move(receiving);
    };
    co_await with_group(body);
  };
  for (auto _ : state) {
    if (!run(program())) state.SkipWithError("it failed");
  }
  state.SetItemsProcessed(state.iterations() * messages);
}
BENCHMARK(within_a_runtime)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
