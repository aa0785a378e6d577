// Semaphore and Mutex: who gets a permit, in which order, and that none is lost.
#include <ieum/mutex.hpp>

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "torture/virtual.hpp"

namespace ieum::test {
namespace {

TEST(Semaphore, LetsSoManyInAtATime) {
  int inside = 0;
  int most = 0;
  const auto visitor = [](Semaphore& semaphore, int& now_inside, int& most_inside) -> Task<> {
    Semaphore::Permit permit = co_await semaphore.acquire();
    most_inside = std::max(most_inside, ++now_inside);
    co_await sleep(1ms);
    --now_inside;
  };
  Semaphore semaphore(3);
  auto body = [&](Group& group) -> Task<> {
    for (int i = 0; i < 10; ++i) group.start(visitor(semaphore, inside, most));
    co_return;
  };
  EXPECT_TRUE(run_virtually(with_group(body)));
  EXPECT_EQ(most, 3);
  EXPECT_EQ(inside, 0);
  EXPECT_EQ(semaphore.available(), 3U);
}

Task<> note(Mutex& mutex, std::string& order, char name, Duration holds) {
  Mutex::Lock lock = co_await mutex.lock();
  order += name;
  co_await sleep(holds);
}

TEST(Mutex, ServesInTheOrderOfArrival) {
  Mutex mutex;
  std::string order;
  auto body = [&](Group& group) -> Task<> {
    for (const char name : {'a', 'b', 'c', 'd'}) group.start(note(mutex, order, name, 1ms));
    co_await sleep(500us);
    EXPECT_FALSE(mutex.try_lock()) << "it is held, and others wait";
    EXPECT_TRUE(mutex.is_locked());
  };
  EXPECT_TRUE(run_virtually(with_group(body)));
  EXPECT_EQ(order, "abcd");
  EXPECT_FALSE(mutex.is_locked());
  EXPECT_TRUE(mutex.try_lock());
}

TEST(Mutex, NobodyOvertakesWhoWaitsWhenItIsReleased) {
  Mutex mutex;
  std::string order;
  auto body = [&](Group& group) -> Task<> {
    Mutex::Lock lock = co_await mutex.lock();
    group.start(note(mutex, order, 'a', 1ms));
    co_await sleep(1ms);
    lock.release();
    EXPECT_FALSE(mutex.try_lock()) << "it is the other's already";
    Mutex::Lock again = co_await mutex.lock();
    order += 'b';
  };
  EXPECT_TRUE(run_virtually(with_group(body)));
  EXPECT_EQ(order, "ab");
}

TEST(Mutex, IsReleasedByAnErrorThatEndsTheTask) {
  Mutex mutex;
  const auto fails = [](Mutex& locks) -> Task<> {
    Mutex::Lock lock = co_await locks.lock();
    co_await fail(std::errc::io_error, "holder");
  };
  const auto program = [&]() -> Task<> {
    EXPECT_FALSE(co_await attempt(fails(mutex)));
    EXPECT_FALSE(mutex.is_locked());
  };
  EXPECT_TRUE(run_virtually(program()));
}

TEST(Mutex, AWaitThatIsStoppedOrTimesOutLeavesTheQueue) {
  Mutex mutex;
  std::string order;
  auto body = [&](Group& group) -> Task<> {
    Mutex::Lock lock = co_await mutex.lock();
    group.start(note(mutex, order, 'a', 0ms));
    const Result<Mutex::Lock> late = co_await attempt(with_timeout(1ms, mutex.lock()));
    EXPECT_FALSE(late);
    if (!late) {
      EXPECT_EQ(late.error().to_string(), "lock mutex: timed out after 1 ms");
    }
    group.start(note(mutex, order, 'b', 0ms));
    auto either = co_await select(mutex.lock(), sleep(1ms));
    EXPECT_FALSE(std::get<0>(either));
    lock.release();
  };
  EXPECT_TRUE(run_virtually(with_group(body)));
  EXPECT_EQ(order, "ab");
  EXPECT_FALSE(mutex.is_locked());
  auto holder = mutex.try_lock();
  EXPECT_EQ(run_stopped(1ms, mutex.lock()).error().to_string(), "lock mutex: canceled");
}

TEST(Mutex, WhatWasGivenWhenTheStopCameIsKeptOrGivenBack) {
  Mutex mutex;
  auto body = [&](Group& group) -> Task<> {
    Mutex::Lock lock = co_await mutex.lock();
    auto waits = [](Mutex& locks, bool& got) -> Task<> {
      Result<Mutex::Lock> lock_here = co_await attempt(locks.lock());
      got = lock_here.has_value();
    };
    bool got = false;
    group.start(waits(mutex, got));
    co_await sleep(1ms);
    lock.release();  // given now,
    group.stop();    // stopped before the other goes on
    co_await group.join();
    EXPECT_TRUE(got);
  };
  EXPECT_TRUE(run_virtually(with_group(body)));
  EXPECT_FALSE(mutex.is_locked());
}

/// Random holders, deadlines and stops: the number of permits is always kept.
TEST(Semaphore, LosesNoPermit) {
  std::mt19937_64 random(seed());
  Semaphore semaphore(3);
  int inside = 0;
  const auto visitor = [](Semaphore& of, int& now_inside, Duration limit,
                          Duration holds) -> Task<> {
    Result<Semaphore::Permit> permit = co_await attempt(with_timeout(limit, of.acquire()));
    if (!permit) co_return;
    EXPECT_LE(++now_inside, 3);
    co_await attempt(sleep(holds));
    --now_inside;
  };
  for (int round = 0; round < 50; ++round) {
    auto body = [&](Group& group) -> Task<> {
      for (int i = 0; i < 40; ++i) {
        const auto some = [&] { return Duration(1ms) * static_cast<int>(random() % 8); };
        group.start(visitor(semaphore, inside, some(), some()));
        if (random() % 4 == 0) co_await sleep(1ms);
      }
      if (round % 2 == 0) group.stop();
      co_await group.join();
    };
    EXPECT_TRUE(run_virtually(with_group(body)));
    ASSERT_EQ(semaphore.available(), 3U);
    ASSERT_EQ(inside, 0);
  }
}

TEST(SemaphoreDeathTest, OutlivesItsPermits) {
  // A forked child with runtimes of its parent may leave what these hold: here a program of its
  // own.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto too_early = [] {
    auto semaphore = std::make_unique<Semaphore>(1);
    Semaphore::Permit permit = semaphore->try_acquire();
    semaphore.reset();
  };
  EXPECT_DEATH(too_early(), "destroyed while a task holds it");
}

}  // namespace
}  // namespace ieum::test
