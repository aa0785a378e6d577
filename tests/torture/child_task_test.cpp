// ChildTask: children whose values are awaited, and which are stopped alone.
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "torture/journal.hpp"
#include "torture/virtual.hpp"

namespace ieum::test {
namespace {

Task<int> work(Duration duration, int value) {
  co_await sleep(duration);
  co_return value;
}
Task<int> refuse(Duration duration) {
  co_await sleep(duration);
  co_return fail(std::errc::io_error, "refuse");
}
Task<> quiet(Duration duration) { co_await sleep(duration); }
Task<std::unique_ptr<int>> make(int value) {
  co_await yield();
  co_return std::make_unique<int>(value);
}

TEST(ChildTask, GivesItsValue) {
  EXPECT_EQ(run_virtually(with_group([](Group& group) -> Task<int> {
              ChildTask<int> first = group.spawn(work(20ms, 1));
              ChildTask<int> second = group.spawn(work(10ms, 2));
              ChildTask<> none = group.spawn(quiet(5ms));
              ChildTask<std::unique_ptr<int>> third = group.spawn(make(4));
              EXPECT_FALSE(second.has_ended());
              const int one = co_await first.result();
              EXPECT_TRUE(second.has_ended());
              const int two = co_await second.result();
              co_await none.result();
              const std::unique_ptr<int> four = co_await third.result();
              co_return one + two + *four;
            })),
            7);
}

TEST(ChildTask, FailsWhoAwaitsItAndNotTheGroup) {
  EXPECT_EQ(run_virtually(with_group([](Group& group) -> Task<int> {
              ChildTask<int> bad = group.spawn(refuse(1ms));
              group.start(quiet(10ms));
              const Result<int> result = co_await attempt(bad.result());
              EXPECT_FALSE(result);
              if (!result) {
                EXPECT_EQ(result.error(), std::errc::io_error);
              }
              co_await sleep(1ms);
              co_return 1;
            })),
            1);
}

TEST(ChildTask, IsStoppedAlone) {
  Journal journal;
  EXPECT_EQ(run_virtually(with_group([](Group& group) -> Task<int> {
              auto held = []() -> Task<int> {
                Tracked in("in");
                const int value = co_await work(1h, 1);
                co_return value;
              };
              ChildTask<int> stopped = group.spawn(held());
              ChildTask<int> other = group.spawn(work(10ms, 2));
              co_await sleep(1ms);
              stopped.stop();
              stopped.stop();
              const Result<int> result = co_await attempt(stopped.result());
              EXPECT_FALSE(result);
              if (!result) {
                EXPECT_EQ(result.error(), std::errc::operation_canceled);
              }
              EXPECT_EQ(Journal::current->alive(), 0U);
              const int two = co_await other.result();
              co_return two;
            })),
            2);
}

TEST(ChildTask, MayBeStoppedBeforeItRuns) {
  EXPECT_TRUE(run_virtually(with_group([](Group& group) -> Task<> {
    ChildTask<int> child = group.spawn(work(1h, 1));
    child.stop();
    const Result<int> result = co_await attempt(child.result());
    EXPECT_FALSE(result);
  })));
}

TEST(ChildTask, IsStoppedWhenItsHandleGoes) {
  const std::unique_ptr<Runtime> runtime = make_null_runtime();
  const std::int64_t before = now_ms(*runtime);
  EXPECT_TRUE(run(*runtime, with_group([](Group& group) -> Task<> {
    {
      ChildTask<int> child = group.spawn(work(1h, 1));
      co_await sleep(1ms);
    }
    ChildTask<int> replaced = group.spawn(work(1h, 1));
    replaced = group.spawn(work(1ms, 2));
    const int two = co_await replaced.result();
    EXPECT_EQ(two, 2);
  })));
  EXPECT_LT(now_ms(*runtime) - before, 10);
}

TEST(ChildTask, WaitingForItMayBeStoppedWithoutStoppingIt) {
  EXPECT_EQ(run_virtually(with_group([](Group& group) -> Task<int> {
              ChildTask<int> child = group.spawn(work(20ms, 3));
              const Result<int> early = co_await attempt(with_timeout(5ms, child.result()));
              EXPECT_FALSE(early);
              auto either = co_await select(child.result(), sleep(5ms));
              EXPECT_FALSE(std::get<0>(either));
              const int three = co_await child.result();
              co_return three;
            })),
            3);
}

Task<int> after_yields(int count, int value) {
  for (int i = 0; i < count; ++i) co_await yield();
  co_return value;
}
Task<> wait_for(ChildTask<int>& child, std::vector<Result<int>>& told) {
  Result<int> result = co_await attempt(child.result());
  told.push_back(std::move(result));
}

Task<> stop_after_yields(int count, std::optional<ChildTask<>>& waiting) {
  for (int i = 0; i < count; ++i) co_await yield();
  waiting->stop();
}

TEST(ChildTask, EndsAtAnyMomentRoundTheStopOfAWaitForIt) {
  for (int turns = 1; turns < 12; ++turns) {
    EXPECT_TRUE(run_virtually(with_group([turns](Group& group) -> Task<> {
      std::optional<ChildTask<>> waiting;
      group.start(stop_after_yields(5, waiting));  // before the child in every turn
      ChildTask<int> child = group.spawn(after_yields(turns, 3));
      std::vector<Result<int>> told;
      waiting = group.spawn(wait_for(child, told));
      co_await sleep(1ms);
      EXPECT_EQ(told.size(), 1U);
      EXPECT_EQ(told.front().has_value(), turns < 5) << turns;
      if (told.front()) co_return;
      const int three = co_await child.result();  // who was stopped has not taken it
      EXPECT_EQ(three, 3);
    })));
  }
}

TEST(ChildTask, AnExceptionIsTheGroups) {
  EXPECT_THROW(static_cast<void>(run_virtually(with_group([](Group& group) -> Task<> {
                 auto throws = []() -> Task<int> {
                   co_await sleep(1ms);
                   throw std::runtime_error("child");
                 };
                 ChildTask<int> child = group.spawn(throws());
                 const Result<int> result = co_await attempt(child.result());
                 EXPECT_FALSE(result);
               }))),
               std::runtime_error);
}

TEST(ChildTask, AStopOfTheGroupReachesIt) {
  const Result<int> result = run_stopped(5ms, with_group([](Group& group) -> Task<int> {
                                           ChildTask<int> child = group.spawn(work(1h, 1));
                                           const int value = co_await child.result();
                                           co_return value;
                                         }));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::operation_canceled);
}

// ---- attempt of a Result ------------------------------------------------------------------------

TEST(Attempt, TakesAResultAsItTakesAnOperation) {
  const auto parse = [](bool good) -> Result<int> {
    if (good) return 5;
    return fail(std::errc::invalid_argument, "parse");
  };
  const auto program = [](Result<int> good, Result<int> bad) -> Task<int> {
    const Result<int> failed = co_await attempt(std::move(bad));
    EXPECT_FALSE(failed);
    const Result<> nothing = co_await attempt(Result<>());
    EXPECT_TRUE(nothing);
    const Result<int> five = co_await attempt(std::move(good));
    co_return *five;
  };
  EXPECT_EQ(run_virtually(program(parse(true), parse(false))), 5);
}

}  // namespace
}  // namespace ieum::test
