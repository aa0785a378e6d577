// Groups and races: who is joined, whose failure counts, whose value is kept.
#include <gmock/gmock.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "torture/journal.hpp"
#include "torture/virtual.hpp"

namespace ieum::test {
namespace {

/// A child that works for `duration` and then ends as told; writes "name in", "name out".
enum class End { value, failure, exception };
Task<int> child(std::string name, Duration duration, End end, int value = 1) {
  Tracked in(name);
  co_await sleep(duration);
  if (end == End::failure) co_await fail(std::errc::io_error, "child");
  if (end == End::exception) throw std::runtime_error(name);
  co_return value;
}
Task<> quiet(std::string name, Duration duration, End end) {
  co_await child(std::move(name), duration, end);
}
/// One that goes on for `more` after it was asked to stop.
Task<> stubborn(std::string name, Duration duration, Duration more) {
  Tracked in(name);
  co_await shield(child(name + " inside", duration, End::value), more);
}

TEST(Group, GivesTheBodysValueWhenAllHaveEnded) {
  Journal journal;
  const Result<int> result = run_virtually(with_group([](Group& group) -> Task<int> {
    group.start(quiet("a", 30ms, End::value));
    group.start(quiet("b", 10ms, End::value));
    const int value = co_await child("body", 20ms, End::value, 7);
    Journal::current->line("body ends");
    co_return value;
  }));
  EXPECT_EQ(result, 7);
  EXPECT_EQ(journal.text(), "+body +a +b -b -body body ends -a");
  EXPECT_EQ(journal.alive(), 0U);
}

TEST(Group, WithoutChildrenIsItsBody) {
  EXPECT_EQ(run_virtually(with_group([](Group&) -> Task<int> { co_return 3; })), 3);
}

TEST(Group, TheFirstFailureStopsTheOthersAndIsTheResult) {
  Journal journal;
  const Result<int> result = run_virtually(with_group([](Group& group) -> Task<int> {
    group.start(quiet("a", 10ms, End::failure));
    group.start(quiet("b", 20ms, End::exception));  // stopped before it can throw
    const int value = co_await child("body", 30ms, End::value);
    co_return value;
  }));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::io_error);
  EXPECT_STREQ(result.error().operation(), "child");
  EXPECT_EQ(journal.text(), "+body +a +b -a -body -b");
}

TEST(Group, AFailingBodyStopsTheChildren) {
  Journal journal;
  const Result<int> result = run_virtually(with_group([](Group& group) -> Task<int> {
    group.start(stubborn("a", 15ms, 1s));
    group.start(quiet("b", 20ms, End::value));
    const int value = co_await child("body", 10ms, End::failure);
    co_return value;
  }));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::io_error);
  EXPECT_EQ(journal.text(), "+body +a +a inside +b -body -b -a inside -a") << "a is joined";
}

TEST(Group, RethrowsAfterTheJoin) {
  for (const bool body_throws : {false, true}) {
    Journal journal;
    EXPECT_THROW(static_cast<void>(run_virtually(with_group([=](Group& group) -> Task<> {
                   group.start(stubborn("a", 15ms, 1s));
                   group.start(quiet("b", 10ms, body_throws ? End::value : End::exception));
                   co_await quiet("body", 10ms, body_throws ? End::exception : End::value);
                 }))),
                 std::runtime_error);
    EXPECT_EQ(journal.lines().back(), "-a");
    EXPECT_EQ(journal.alive(), 0U);
  }
}

TEST(Group, AnExceptionOutranksAFailure) {
  Journal journal;
  EXPECT_THROW(static_cast<void>(run_virtually(with_group([](Group& group) -> Task<> {
                 group.start([]() -> Task<> {
                   static_cast<void>(co_await attempt(sleep(1s)));
                   throw std::runtime_error("while stopping");
                 }());
                 group.start(quiet("b", 10ms, End::failure));
                 co_return;
               }))),
               std::runtime_error)
      << "after a failure had stopped the group";
}

TEST(Group, AnOutsideStopIsCanceled) {
  Journal journal;
  const Result<> result = run_stopped(5ms, with_group([](Group& group) -> Task<> {
                                        group.start(quiet("a", 10ms, End::value));
                                        co_await quiet("body", 20ms, End::value);
                                      }));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::operation_canceled);
}

TEST(Group, StopByItsBodyIsNoFailureOfTheChildren) {
  Journal journal;
  const Result<int> result = run_virtually(with_group([](Group& group) -> Task<int> {
    for (int i = 0; i < 3; ++i) group.start(quiet("a", 1h, End::value));
    co_await yield();
    EXPECT_EQ(group.running(), 3U);
    group.stop();
    EXPECT_TRUE(co_await stop_requested());
    co_return 5;
  }));
  EXPECT_EQ(result, 5);
}

TEST(Group, AChildMayStartSiblings) {
  Journal journal;
  const Result<> result = run_virtually(with_group([](Group& group) -> Task<> {
    auto start_another = [](Group& siblings) -> Task<> {
      co_await sleep(10ms);
      siblings.start(quiet("grandchild", 10ms, End::value));
    };
    group.start(start_another(group));
    co_return;
  }));
  EXPECT_TRUE(result);
  EXPECT_EQ(journal.text(), "+grandchild -grandchild");
}

TEST(Group, ABodyMayStartChildrenBeforeItIsATask) {
  // What is called before the body's first await: no coroutine, only a function that gives one.
  int sum = 0;
  auto add = [&sum](int value) -> Task<> {
    sum += value;
    co_return;
  };
  const Result<> result = run_virtually(with_group([&](Group& group) {
    group.start(add(1));
    group.start(add(2));
    return add(4);
  }));
  EXPECT_TRUE(result);
  EXPECT_EQ(sum, 7);
}

TEST(Group, JoinsAThousandChildrenWhicheverFails) {
  for (const int failing : {0, 500, 999, 1000}) {
    Journal journal;
    const Result<> result = run_virtually(with_group([=](Group& group) -> Task<> {
      for (int i = 0; i < 1000; ++i) {
        group.start(
            quiet("c", std::chrono::microseconds(i % 7), i == failing ? End::failure : End::value));
      }
      co_return;
    }));
    EXPECT_EQ(result.has_value(), failing == 1000);
    EXPECT_EQ(journal.alive(), 0U);
    EXPECT_THAT(journal.defects(), testing::IsEmpty());
  }
}

TEST(Group, WithinAGroup) {
  Journal journal;
  const Result<> result = run_virtually(with_group([](Group& outer) -> Task<> {
    outer.start([]() -> Task<> {
      co_await with_group([](Group& inner) -> Task<> {
        inner.start(quiet("inner", 1h, End::value));
        co_return;
      });
    }());
    co_await sleep(5ms);
    co_await fail(std::errc::broken_pipe, "body");
  }));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::broken_pipe);
  EXPECT_EQ(journal.text(), "+inner -inner");
}

TEST(Group, HoldsItsBodysValueWhileChildrenGoOnAndDestroysItIfOneFails) {
  Journal journal;
  const Result<Tracked> result = run_virtually(with_group([](Group& group) -> Task<Tracked> {
    group.start(quiet("a", 10ms, End::failure));
    co_return Tracked("value");
  }));
  EXPECT_FALSE(result);
  EXPECT_EQ(journal.text(), "+value +a -a -value");
  EXPECT_EQ(journal.alive(), 0U);
}

// ---- race ---------------------------------------------------------------------------------------

Task<Tracked> make(std::string name, Duration after, End end = End::value) {
  Tracked made(name);
  co_await sleep(after);
  if (end == End::failure) co_await fail(std::errc::io_error, made.name() == "a" ? "a" : "b");
  if (end == End::exception) throw std::runtime_error(name);
  co_return made;
}
/// One that succeeds although it was asked to stop.
Task<Tracked> make_anyway(std::string name, Duration after) {
  Tracked made = co_await shield(make(std::move(name), after), 1h);
  co_return made;
}

TEST(Race, KeepsTheWinnersValueAndStopsTheOthers) {
  Journal journal;
  {
    const auto result = run_virtually(race(make("a", 20ms), make("b", 10ms)));
    ASSERT_TRUE(result);
    EXPECT_EQ(result->index(), 1U);
    EXPECT_EQ(std::get<1>(*result).name(), "b");
    EXPECT_EQ(journal.text(), "+a +b -a");
  }
  EXPECT_EQ(journal.text(), "+a +b -a -b");
  EXPECT_THAT(journal.defects(), testing::IsEmpty());
}

TEST(Race, DestroysALaterWinnersValue) {
  Journal journal;
  const auto result = run_virtually(race(make_anyway("a", 20ms), make("b", 10ms)));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->index(), 1U);
  EXPECT_EQ(journal.text(), "+a +b -a");
}

TEST(Race, TwoThatWinInOneTurnGiveOneValue) {
  Journal journal;
  const auto result = run_virtually(race(make("a", 10ms), make("b", 10ms)));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->index(), 0U);
  EXPECT_EQ(journal.text(), "+a +b -b");
}

TEST(Race, SurvivesAFailureAndGivesTheFirstIfAllFail) {
  Journal journal;
  const auto won = run_virtually(race(make("a", 5ms, End::failure), make("b", 10ms)));
  ASSERT_TRUE(won);
  EXPECT_EQ(won->index(), 1U);
  const auto lost =
      run_virtually(race(make("a", 10ms, End::failure), make("b", 5ms, End::failure)));
  ASSERT_FALSE(lost);
  EXPECT_STREQ(lost.error().operation(), "b");
}

TEST(Race, RethrowsAfterTheJoin) {
  Journal journal;
  EXPECT_THROW(static_cast<void>(
                   run_virtually(race(make("a", 5ms, End::exception), make_anyway("b", 10ms)))),
               std::runtime_error);
  EXPECT_EQ(journal.text(), "+a +b -a -b");
}

TEST(Race, OutsideStopAndDeadlineTellTheTruth) {
  Journal journal;
  const auto stopped = run_stopped(5ms, race(make("a", 10ms), make("b", 20ms)));
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error(), std::errc::operation_canceled);
  const auto late = run_virtually(with_timeout(5ms, race(make("a", 10ms), make("b", 20ms))));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error(), std::errc::timed_out);
  EXPECT_EQ(journal.alive(), 0U);
}

TEST(Race, OfManyAndOfNothingness) {
  Journal journal;
  std::vector<Task<Tracked>> tasks;
  for (int i = 0; i < 50; ++i) tasks.push_back(make("x" + std::to_string(i), 1ms * (100 - i)));
  const Result<Tracked> result = run_virtually(race(std::move(tasks)));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->name(), "x49");
  EXPECT_EQ(journal.alive(), 1U);

  std::vector<Task<>> voids;
  voids.push_back(quiet("v", 1ms, End::failure));
  voids.push_back(quiet("w", 2ms, End::value));
  EXPECT_TRUE(run_virtually(race(std::move(voids))));
  const auto mixed = run_virtually(race(quiet("v", 1ms, End::value), child("w", 2ms, End::value)));
  ASSERT_TRUE(mixed);
  EXPECT_EQ(mixed->index(), 0U);
}

TEST(Race, OfOne) {
  Journal journal;
  const auto result = run_virtually(race(make("a", 5ms)));
  ASSERT_TRUE(result);
  EXPECT_EQ(std::get<0>(*result).name(), "a");
}

}  // namespace
}  // namespace ieum::test
