// Deadlines, stops and shields: the result tells the truth about which came first.
#include <string>

#include "torture/journal.hpp"
#include "torture/virtual.hpp"

namespace ieum::test {
namespace {

Task<int> work(Duration duration) {
  co_await sleep(duration);
  co_return 1;
}
/// Asked to stop, it ends after `duration` all the same, with a value.
Task<int> stubborn(Duration duration) {
  const int value = co_await shield(work(duration), 24h);
  co_return value;
}
/// Asked to stop, it fails with an error of its own.
Task<int> spiteful(Duration duration) {
  const Result<> slept = co_await attempt(sleep(duration));
  if (!slept) co_await fail(std::errc::broken_pipe, "spiteful");
  co_return 1;
}

std::string told(const Result<int>& result) {
  return result ? "value" : result.error().to_string();
}

TEST(Deadline, LeavesAQuickOperationAlone) {
  EXPECT_EQ(told(run_virtually(with_timeout(10ms, work(5ms)))), "value");
  EXPECT_EQ(told(run_virtually(with_timeout(Duration::max(), work(5ms)))), "value");
}

TEST(Deadline, EndsASlowOne) {
  EXPECT_EQ(told(run_virtually(with_timeout(10ms, work(20ms)))), "sleep: timed out after 10 ms");
  EXPECT_EQ(told(run_virtually(with_timeout(2s, work(20s)))), "sleep: timed out after 2 s");
  EXPECT_EQ(told(run_virtually(with_timeout(0ms, work(20ms)))), "sleep: timed out after 0 ms");
  EXPECT_EQ(told(run_virtually(with_timeout(-5ms, work(20ms)))), "sleep: timed out after -5 ms");
}

TEST(Deadline, OfTheSameInstantComesInTheOrderOfTheStarts) {
  EXPECT_TRUE(run_virtually(with_timeout(10ms, sleep(10ms)))) << "the sleep was started first";
  EXPECT_EQ(told(run_virtually(with_timeout(10ms, work(10ms)))), "sleep: timed out after 10 ms");
}

TEST(Deadline, KeepsAResultThatCameAllTheSame) {
  EXPECT_EQ(told(run_virtually(with_timeout(10ms, stubborn(20ms)))), "value");
  EXPECT_EQ(told(run_virtually(with_timeout(10ms, spiteful(20ms)))), "spiteful: broken pipe");
}

TEST(Deadline, CompletesAtOnceWithoutOne) {
  auto at_once = []() -> Task<int> { co_return 1; };
  EXPECT_EQ(told(run_virtually(with_timeout(0ms, at_once()))), "value");
}

TEST(Deadline, NestedOnesTakeTheNearer) {
  for (const bool inner_first : {true, false}) {
    const Duration inner = inner_first ? 10ms : 30ms;
    const Duration outer = inner_first ? 30ms : 10ms;
    const Result<int> result = run_virtually(with_timeout(outer, with_timeout(inner, work(1h))));
    EXPECT_EQ(told(result), "sleep: timed out after 10 ms");
  }
  EXPECT_EQ(told(run_virtually(with_timeout(10ms, with_timeout(10ms, work(1h))))),
            "sleep: timed out after 10 ms");
}

/// What each of two nested deadlines saw.
Task<std::string> two(Duration outer, Duration inner, Duration duration) {
  auto inside = [](Duration limit, Duration time, std::string& seen) -> Task<int> {
    Result<int> result = co_await attempt(with_timeout(limit, work(time)));
    seen = result ? "value" : result.error() == std::errc::timed_out ? "timed out" : "canceled";
    if (!result) co_await fail(result.error());
    co_return *result;
  };
  std::string seen_inside;
  Result<int> result = co_await attempt(with_timeout(outer, inside(inner, duration, seen_inside)));
  std::string seen = result                                   ? "value"
                     : result.error() == std::errc::timed_out ? "timed out"
                                                              : "canceled";
  co_return seen_inside + ", " + seen;
}

TEST(Deadline, EachOfTwoSaysWhatItIs) {
  EXPECT_EQ(run_virtually(two(30ms, 10ms, 1h)), "timed out, timed out");
  EXPECT_EQ(run_virtually(two(10ms, 30ms, 1h)), "canceled, timed out");
  EXPECT_EQ(run_virtually(two(30ms, 20ms, 10ms)), "value, value");
  EXPECT_EQ(run_stopped(5ms, two(30ms, 10ms, 1h)), "canceled, canceled");
}

TEST(Deadline, AStopThatCameFirstStaysCanceled) {
  // The stop at 5 ms; the deadline passes while the work still goes on, until 50 ms.
  const Result<int> result = run_stopped(5ms, with_timeout(10ms, [](Duration d) -> Task<int> {
                                           const int value = co_await shield(work(d), 40ms);
                                           co_return value;
                                         }(1h)));
  EXPECT_EQ(told(result), "sleep: canceled");
}

TEST(Deadline, ThatCameFirstStaysTimedOutWhateverStopsLater) {
  const Result<int> result = run_stopped(15ms, with_timeout(10ms, [](Duration d) -> Task<int> {
                                           const int value = co_await shield(work(d), 40ms);
                                           co_return value;
                                         }(1h)));
  EXPECT_EQ(told(result), "sleep: timed out after 10 ms");
}

TEST(Deadline, CoversAWholeGroup) {
  const Result<int> result =
      run_virtually(with_timeout(10ms, with_group([](Group& group) -> Task<int> {
                                   group.start([]() -> Task<> { co_await sleep(1h); }());
                                   co_return 1;
                                 })));
  EXPECT_EQ(told(result), "sleep: timed out after 10 ms");
}

TEST(Deadline, OnSomethingStoppedAlreadyIsCanceled) {
  const Result<int> result = run_stopped(5ms, []() -> Task<int> {
    static_cast<void>(co_await attempt(sleep(1h)));
    const int value = co_await with_timeout(1h, work(1h));
    co_return value;
  }());
  EXPECT_EQ(told(result), "sleep: canceled");
}

TEST(Deadline, OneThousandNested) {
  struct Nest {
    static Task<int> levels(int left) {
      if (left == 0) {
        co_await sleep(1h);
        co_return 1;
      }
      const int value = co_await with_timeout(1min + 1ms * left, levels(left - 1));
      co_return value;
    }
  };
  EXPECT_EQ(told(run_virtually(Nest::levels(1000))), "sleep: timed out after 60.001 s");
  EXPECT_EQ(told(run_stopped(5ms, Nest::levels(1000))), "sleep: canceled");
}

// ---- Stops --------------------------------------------------------------------------------------

TEST(Stop, BeforeTheStartReachesTheFirstOperation) {
  const std::unique_ptr<Runtime> runtime = make_null_runtime();
  bool began = false;
  auto running = runtime->start([](bool& began_here) -> Task<int> {
    began_here = true;
    co_await sleep(1h);
    co_return 1;
  }(began));
  running.stop();
  while (!running.done()) runtime->turn();
  EXPECT_EQ(told(running.take()), "sleep: canceled");
  EXPECT_TRUE(began);
}

TEST(Stop, CanBeAskedForByWorkThatComputes) {
  const Result<int> result = run_stopped(0ms, []() -> Task<int> {
    int turns = 0;
    while (!co_await stop_requested()) ++turns;
    co_return turns;
  }());
  ASSERT_TRUE(result);
  EXPECT_GT(*result, 0);
}

TEST(Stop, ReachesEveryKindOfWait) {
  Event never;
  EXPECT_EQ(run_stopped(1ms, never.wait()).error().to_string(), "wait for event: canceled");
  EXPECT_EQ(run_stopped(1ms, sleep(1h)).error().to_string(), "sleep: canceled");
  const Result<> yields = run_stopped(1ms, []() -> Task<> {
    for (;;) {
      co_await sleep(100us);
      co_await yield();
    }
  }());
  EXPECT_EQ(yields.error(), std::errc::operation_canceled);
}

TEST(Stop, OfTheRuntimeReachesAllTasks) {
  const std::unique_ptr<Runtime> runtime = make_null_runtime();
  auto one = runtime->start(work(1h));
  auto two = runtime->start(with_timeout(2h, work(1h)));
  runtime->post([&] { runtime->stop(); });
  while (!one.done() || !two.done()) runtime->turn();
  EXPECT_EQ(told(one.take()), "sleep: canceled");
  EXPECT_EQ(told(two.take()), "sleep: canceled");
}

TEST(Stop, OfARunningThatGoesOutOfScopeJoins) {
  Journal journal;
  const std::unique_ptr<Runtime> runtime = make_null_runtime();
  {
    auto running = runtime->start([]() -> Task<> {
      Tracked held("held");
      co_await shield(work(5ms), 1h);
    }());
    runtime->turn(0ms);
    EXPECT_EQ(journal.text(), "+held");
  }
  EXPECT_EQ(journal.text(), "+held -held");
}

// ---- Shields ------------------------------------------------------------------------------------

TEST(Shield, LetsItFinishWithinTheGrace) {
  const Result<int> result = run_stopped(5ms, []() -> Task<int> {
    const int value = co_await shield(work(20ms), 30ms);
    const bool stopped = co_await stop_requested();
    co_return value + (stopped ? 10 : 0);
  }());
  EXPECT_EQ(result, 11);
}

TEST(Shield, EndsWithTheGraceWhichCountsFromTheStop) {
  const std::unique_ptr<Runtime> runtime = make_null_runtime();
  const std::int64_t before = now_ms(*runtime);
  auto running = runtime->start(shield(work(1h), 30ms));
  auto stopper = runtime->start(sleep(50ms));
  while (!stopper.done()) runtime->turn();
  running.stop();
  while (!running.done()) runtime->turn();
  EXPECT_EQ(told(running.take()), "sleep: canceled");
  EXPECT_EQ(now_ms(*runtime) - before, 80);
}

TEST(Shield, CountsFromItsStartIfTheStopCameBefore) {
  const std::unique_ptr<Runtime> runtime = make_null_runtime();
  auto running = runtime->start([]() -> Task<int> {
    static_cast<void>(co_await attempt(sleep(1h)));
    const int good = co_await shield(work(20ms), 30ms);
    const Result<int> bad = co_await attempt(shield(work(40ms), 30ms));
    co_return good + (bad ? 10 : 0);
  }());
  runtime->turn(0ms);
  const std::int64_t before = now_ms(*runtime);
  running.stop();
  while (!running.done()) runtime->turn();
  EXPECT_EQ(running.take(), 1);
  EXPECT_EQ(now_ms(*runtime) - before, 50);
}

TEST(Shield, WithoutAStopDoesNothing) {
  EXPECT_EQ(told(run_virtually(shield(work(1h), 1ms))), "value");
  EXPECT_EQ(told(run_virtually(shield(spiteful(1h), 1ms))), "value");
}

TEST(Shield, WithinAShieldIsStoppedByTheOuterGrace) {
  // Stopped at 5 ms, the outer grace ends at 15 ms, the inner at 45 ms.
  const std::unique_ptr<Runtime> runtime = make_null_runtime();
  const std::int64_t before = now_ms(*runtime);
  auto running = runtime->start([]() -> Task<int> {
    auto inside = []() -> Task<int> {
      const int value = co_await shield(work(1h), 30ms);
      co_return value;
    };
    const int value = co_await shield(inside(), 10ms);
    co_return value;
  }());
  auto stopper = runtime->start(sleep(5ms));
  while (!stopper.done()) runtime->turn();
  running.stop();
  while (!running.done()) runtime->turn();
  EXPECT_EQ(told(running.take()), "sleep: canceled");
  EXPECT_EQ(now_ms(*runtime) - before, 45);
}

TEST(Shield, AnOperationAloneCanBeShielded) {
  EXPECT_TRUE(run_stopped(5ms, shield(sleep(20ms), 30ms)));
  EXPECT_FALSE(run_stopped(5ms, shield(sleep(20ms), 10ms)));
}

}  // namespace
}  // namespace ieum::test
