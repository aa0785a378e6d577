// What surrounds the awaits: tasks never awaited, traces and dumps, stop tokens, the pool, events,
// work posted by other threads, everyone's turn.
#include <gmock/gmock.h>

#include <atomic>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "torture/journal.hpp"
#include "torture/virtual.hpp"

namespace ieum::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;

// ---- Tasks never awaited ------------------------------------------------------------------------

Task<int> take(Tracked argument, bool* ran = nullptr) {
  if (ran != nullptr) *ran = true;
  co_await yield();
  co_return argument.number();
}

TEST(NeverAwaited, DestroysItsArgumentsAndDoesNothing) {
  Journal journal;
  bool ran = false;
  {
    Task<int> task = take(Tracked("a"), &ran);
    EXPECT_TRUE(task);
    journal.line("made");
  }
  EXPECT_EQ(journal.text(), "+a made -a");
  EXPECT_FALSE(ran);
}

TEST(NeverAwaited, IsMovedAndOverwritten) {
  Journal journal;
  {
    Task<int> first = take(Tracked("a"));
    Task<int> second = take(Tracked("b"));
    first = std::move(second);
    EXPECT_EQ(journal.text(), "+a +b -a");
    EXPECT_FALSE(second);  // NOLINT(bugprone-use-after-move): that is asked
    Task<int> third = std::move(first);
    EXPECT_EQ(run_virtually(std::move(third)), 1);
  }
  EXPECT_EQ(journal.text(), "+a +b -a -b");
}

TEST(NeverAwaited, InCombinators) {
  Journal journal;
  {
    auto timed = with_timeout(1s, take(Tracked("a")));
    auto shielded = shield(take(Tracked("b")), 1s);
    auto attempted = attempt(take(Tracked("c")));
    auto raced = race(take(Tracked("d")), take(Tracked("e")));
    auto nested = attempt(with_timeout(1s, shield(attempt(take(Tracked("f"))), 1s)));
  }
  EXPECT_EQ(journal.alive(), 0U);
  EXPECT_THAT(journal.defects(), testing::IsEmpty());
}

TEST(NeverAwaitedDeathTest, AwaitedTwiceAsserts) {
  EXPECT_DEATH(static_cast<void>(run_virtually(Task<int>())), "a task is awaited once");
}

// ---- A destructor that throws -------------------------------------------------------------------

struct ThrowsAtItsEnd {
  ~ThrowsAtItsEnd() noexcept(false) { throw std::runtime_error("destructor"); }
};
Task<int> fails_then_throws() {
  Tracked held("held");
  ThrowsAtItsEnd guard;
  co_return fail(std::errc::io_error, "return");
}

TEST(Exceptions, OfADestructorReplaceTheFailureThatWasBeingReturned) {
  Journal journal;
  EXPECT_THROW(static_cast<void>(run_virtually(fails_then_throws())), std::runtime_error);
  EXPECT_EQ(journal.text(), "+held -held");
  EXPECT_EQ(run_virtually(take(Tracked("a"))), 1) << "nothing of it is left";
}

// ---- Errors and dumps say where -----------------------------------------------------------------

constexpr auto address = Address::ipv4_loopback(9000);
constexpr unsigned line_a = __LINE__ + 3;
Task<> innermost() {
  co_await yield();
  co_await fail(std::errc::connection_refused, "connect", address);
}
constexpr unsigned line_b = __LINE__ + 2;
Task<int> middle() {
  co_await innermost();
  co_return 1;
}
constexpr unsigned line_c = __LINE__ + 2;
Task<> outermost() {
  const int value = co_await middle();
  static_cast<void>(value);
}

TEST(Trace, NamesOperationAddressAndTheAwaitsPassed) {
  const Result<> result = run_virtually(outermost());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().to_string(), "connect 127.0.0.1:9000: connection refused");
  ASSERT_EQ(result.error().trace().size(), 3U);
  EXPECT_EQ(result.error().trace()[0].line(), line_a);
  EXPECT_EQ(result.error().trace()[1].line(), line_b);
  EXPECT_EQ(result.error().trace()[2].line(), line_c);
  for (const std::source_location& where : result.error().trace()) {
    EXPECT_THAT(where.file_name(), HasSubstr("runtime_test.cpp"));
  }
  EXPECT_THAT(result.error().trace()[1].function_name(), HasSubstr("middle"));
  EXPECT_THAT(result.error().to_string_with_trace(),
              AllOf(HasSubstr("connection refused\n  awaited at "),
                    HasSubstr("runtime_test.cpp:" + std::to_string(line_c))));
}

TEST(Trace, KeepsTheInnermostEight) {
  struct Deep {
    static Task<int> level(int left) {
      if (left == 0) co_return fail(std::errc::io_error, "bottom");
      const int value = co_await level(left - 1);
      co_return value;
    }
  };
  const Result<int> result = run_virtually(Deep::level(20));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().trace().size(), Error::trace_max);
}

TEST(Trace, GoesThroughGroupsDeadlinesAndAttempts) {
  const Result<int> result =
      run_virtually(with_timeout(1s, with_group([](Group& group) -> Task<int> {
                                   group.start(outermost());
                                   co_await sleep(1h);
                                   co_return 1;
                                 })));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().trace().size(), 3U);
  const Result<int> again = run_virtually([]() -> Task<int> {
    const Result<int> tried = co_await attempt(middle());
    if (!tried) co_return fail(tried.error());
    co_return *tried;
  }());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().trace().size(), 3U) << "two of middle(), one of the co_return";
}

Task<> waits_here() { co_await sleep(1h); }
Task<> waits_for_it() { co_await with_timeout(2h, waits_here()); }

TEST(Dump, ShowsWhoAwaitsWhom) {
  Event never;
  const std::unique_ptr<Runtime> runtime = make_null_runtime();
  EXPECT_EQ(runtime->dump_tasks(), "");
  {
    auto first = runtime->start(waits_for_it());
    auto second = runtime->start(with_group([&](Group& group) -> Task<> {
      group.start(waits_for_it());
      co_await never.wait();
    }));
    auto third = runtime->start(shield(sleep(1h), 1s));
    for (int i = 0; i < 5; ++i) runtime->turn(0ms);
    const std::string dump = runtime->dump_tasks();
    EXPECT_THAT(dump, HasSubstr("sleep\n"));
    EXPECT_THAT(dump, HasSubstr("wait for event\n"));
    EXPECT_THAT(dump, HasSubstr("waits_here"));
    EXPECT_THAT(dump, HasSubstr("waits_for_it"));
    std::size_t lines = 0;
    for (std::size_t at = dump.find("awaited at "); at != std::string::npos;
         at = dump.find("awaited at ", at + 1)) {
      ++lines;
    }
    EXPECT_EQ(lines, 5U) << dump;
    EXPECT_EQ(runtime->pending_operations(), 4U);
  }
  EXPECT_EQ(runtime->dump_tasks(), "");
}

// ---- stop_token at the edge ---------------------------------------------------------------------

TEST(StopToken, StopsARunFromAnotherThread) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  std::stop_source source;
  std::jthread other([&] {
    std::this_thread::sleep_for(5ms);
    source.request_stop();
  });
  const Result<> result = run(*runtime, sleep(1h), source.get_token());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::operation_canceled);
}

TEST(StopToken, AskedBeforeTheRun) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(run(*runtime, sleep(1h), source.get_token()).error(), std::errc::operation_canceled);
}

TEST(StopToken, RacesWithTheEnd) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  for (int i = 0; i < 300; ++i) {
    std::stop_source source;
    std::jthread other([&] { source.request_stop(); });
    const Result<> result = run(*runtime, sleep(1us * (i % 50)), source.get_token());
    EXPECT_TRUE(result || result.error() == std::errc::operation_canceled);
  }
}

TEST(Clock, IsReadWhenARunBegins) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  EXPECT_TRUE(run(*runtime, yield()));
  std::this_thread::sleep_for(30ms);  // outside of any turn
  const auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(run(*runtime, sleep(20ms)));
  EXPECT_GE(std::chrono::steady_clock::now() - before, 19ms);
}

// ---- offload ------------------------------------------------------------------------------------

TEST(Offload, GivesValueAndException) {
  EXPECT_EQ(run_alone(offload([] { return 42; })), 42);
  EXPECT_TRUE(run_alone(offload([] {})));
  EXPECT_THROW(
      static_cast<void>(run_alone(offload([]() -> int { throw std::runtime_error("x"); }))),
      std::runtime_error);
  const Result<std::thread::id> id = run_alone(offload([] { return std::this_thread::get_id(); }));
  EXPECT_NE(id, std::this_thread::get_id());
}

TEST(Offload, MovesItsResultAndDestroysWhatItHeld) {
  Journal journal;
  {
    Tracked given("given");
    auto result =
        run_alone(offload([held = std::move(given)]() mutable { return std::move(held); }));
    ASSERT_TRUE(result);
    EXPECT_EQ(result->name(), "given");
  }
  EXPECT_EQ(journal.alive(), 0U);
  EXPECT_THAT(journal.defects(), testing::IsEmpty());
}

TEST(Offload, StopTakesBackWhatIsQueuedAndWaitsForWhatRuns) {
  const std::unique_ptr<Runtime> runtime = make_runtime({.offload_threads_max = 1});
  std::atomic<bool> began = false;
  std::atomic<bool> go_on = false;
  std::atomic<int> ran = 0;
  auto running = runtime->start(offload([&] {
    began = true;
    while (!go_on) std::this_thread::yield();
    ++ran;
    return 1;
  }));
  auto queued = runtime->start(offload([&] { ++ran; }));
  while (!began) std::this_thread::yield();
  running.stop();
  queued.stop();
  while (!queued.done()) runtime->turn(1ms);
  EXPECT_EQ(queued.take().error(), std::errc::operation_canceled);
  runtime->turn(0ms);
  EXPECT_FALSE(running.done()) << "work that has begun is waited for";
  go_on = true;
  while (!running.done()) runtime->turn();
  EXPECT_EQ(running.take(), 1) << "it won";
  EXPECT_EQ(ran, 1);
}

TEST(Offload, InAGroupOfManyWithOneFailing) {
  std::atomic<int> ran = 0;
  const Result<> result = run_alone(with_group([&](Group& group) -> Task<> {
    auto one = [](std::atomic<int>& count, int i) -> Task<> {
      co_await offload([&count] { ++count; });
      if (i == 50) co_await fail(std::errc::io_error, "one");
    };
    for (int i = 0; i < 200; ++i) group.start(one(ran, i));
    co_return;
  }));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::io_error);
}

TEST(Offload, UnderADeadlineKeepsItsResult) {
  EXPECT_EQ(run_alone(with_timeout(50ms, offload([] {
                                     std::this_thread::sleep_for(100ms);
                                     return 7;
                                   }))),
            7);
}

// ---- Event --------------------------------------------------------------------------------------

TEST(Events, WakeAllInTheOrderOfTheirComing) {
  Event event;
  std::string order;
  const Result<> result = run_virtually(with_group([&](Group& group) -> Task<> {
    auto wait = [](Event& on, std::string& log, char name) -> Task<> {
      co_await on.wait();
      log += name;
    };
    for (const char name : {'a', 'b', 'c'}) group.start(wait(event, order, name));
    co_await yield();
    co_await yield();
    event.set();
    EXPECT_EQ(order, "") << "none runs within set()";
    co_await sleep(1ms);
    EXPECT_EQ(order, "abc");
    co_await event.wait();
    event.reset();
    const Result<> late = co_await attempt(with_timeout(1ms, event.wait()));
    EXPECT_EQ(late.error(), std::errc::timed_out);
  }));
  EXPECT_TRUE(result);
}

TEST(Events, SetAndStoppedInOneTurnKeepsWhatCameFirst) {
  for (const bool set_first : {true, false}) {
    Event event;
    const std::unique_ptr<Runtime> runtime = make_null_runtime();
    auto running = runtime->start(event.wait());
    runtime->post([&] {
      if (set_first) event.set();
      running.stop();
      event.set();
    });
    while (!running.done()) runtime->turn();
    EXPECT_EQ(running.take().has_value(), set_first);
  }
}

// ---- post ---------------------------------------------------------------------------------------

TEST(Post, FromTwoThreadsKeepsEachOnesOrder) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  constexpr int count = 20000;
  std::array<int, 2> next{};
  bool in_order = true;
  int left = 2 * count;
  Event all;
  auto post = [&](std::size_t who) {
    for (int i = 0; i < count; ++i) {
      runtime->post([&, who, i] {
        in_order = in_order && next[who]++ == i;
        if (--left == 0) all.set();
      });
    }
  };
  std::jthread first(post, 0U);
  std::jthread second(post, 1U);
  EXPECT_TRUE(run(*runtime, all.wait()));
  EXPECT_TRUE(in_order);
}

TEST(Post, WakesALoopThatWaits) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  for (int i = 0; i < 200; ++i) {
    Event event;
    std::jthread other([&] { runtime->post([&] { event.set(); }); });
    EXPECT_TRUE(run(*runtime, event.wait()));
  }
}

TEST(Post, ThatNeverRanIsDestroyed) {
  Journal journal;
  {
    const std::unique_ptr<Runtime> runtime = make_runtime();
    runtime->post([held = Tracked("held")] { Journal::current->line("ran"); });
  }
  EXPECT_EQ(journal.text(), "+held -held");
}

// ---- Everyone's turn ----------------------------------------------------------------------------

TEST(Fairness, OthersRunWhileATaskCompletesAMillionOperationsInline) {
  Event set;
  set.set();
  int turns = 0;
  bool ended = false;
  const Result<> result = run_virtually(with_group([&](Group& group) -> Task<> {
    auto busy = [](Event& event, bool& done) -> Task<> {
      for (int i = 0; i < 1'000'000; ++i) co_await event.wait();
      done = true;
    };
    group.start(busy(set, ended));
    while (!ended) {
      co_await yield();
      ++turns;
    }
  }));
  EXPECT_TRUE(result);
  EXPECT_GE(turns, 1'000'000 / detail::Loop::budget_full);
}

TEST(Fairness, AndWhileItAwaitsAMillionChildTasksOrFailures) {
  for (const bool failing : {false, true}) {
    int turns = 0;
    bool ended = false;
    const Result<> result = run_virtually(with_group([&](Group& group) -> Task<> {
      struct Busy {
        static Task<int> child(bool fails) {
          if (fails) co_await fail(std::errc::io_error, "child");
          co_return 1;
        }
        static Task<> run(bool fails, bool& done) {
          for (int i = 0; i < 100'000; ++i) static_cast<void>(co_await attempt(child(fails)));
          done = true;
        }
      };
      group.start(Busy::run(failing, ended));
      while (!ended) {
        co_await yield();
        ++turns;
      }
    }));
    EXPECT_TRUE(result);
    EXPECT_GE(turns, 100'000 / detail::Loop::budget_full);
  }
}

}  // namespace
}  // namespace ieum::test
