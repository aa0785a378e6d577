// Time: deadlines count from the moment at which they are set, and none is too long.
#include <limits>
#include <memory>
#include <string>

#include "torture/virtual.hpp"

namespace ieum::test {
namespace {

/// A null driver whose time a task can let pass, as if it computed.
struct Clocked {
  NullDriver* driver = new NullDriver;
  Runtime runtime{std::unique_ptr<detail::Driver>(driver)};
};

Task<std::string> limited(Clocked& clocked, Duration computes) {
  clocked.driver->pass(computes);
  const TimePoint before = now();
  const Result<> result = co_await attempt(with_timeout(200ms, sleep(100ms)));
  EXPECT_EQ(now() - before, 100ms);
  co_return result ? "in time" : result.error().to_string();
}

TEST(Clock, ADeadlineCountsFromWhereItIsSet) {
  Clocked clocked;
  EXPECT_EQ(run(clocked.runtime, limited(clocked, 0ms)), "in time");
  EXPECT_EQ(run(clocked.runtime, limited(clocked, 300ms)), "in time");
}

TEST(Clock, ASleepTakesItsTimeAfterComputing) {
  Clocked clocked;
  const auto program = [](Clocked& c) -> Task<Duration> {
    c.driver->pass(300ms);
    const TimePoint before = now();
    co_await sleep(200ms);
    co_return now() - before;
  };
  EXPECT_EQ(run(clocked.runtime, program(clocked)), Duration(200ms));
}

TEST(Clock, AGraceCountsFromTheStop) {
  Clocked clocked;
  const auto program = [](Clocked& c) -> Task<bool> {
    auto shielded = []() -> Task<> { co_await shield(sleep(200ms), 250ms); };
    auto body = [&](Group& group) -> Task<> {
      group.start(shielded());
      co_await yield();
      co_await yield();
      c.driver->pass(300ms);
      group.stop();
    };
    const TimePoint before = now();
    co_await with_group(body);
    co_return now() - before >= 300ms;
  };
  EXPECT_EQ(run(clocked.runtime, program(clocked)), true);
}

TEST(Clock, OfATaskIsTheDrivers) {
  Clocked clocked;
  const auto program = [](Clocked& c) -> Task<Duration> {
    const TimePoint before = now();
    c.driver->pass(7ms);
    co_return now() - before;
  };
  EXPECT_EQ(run(clocked.runtime, program(clocked)), Duration(7ms));
  const TimePoint before = now();  // outside, the system's
  EXPECT_LE(before, TimePoint::clock::now());
}

TEST(AnyDuration, TakesEveryUnitAndSaturates) {
  using Real = std::chrono::duration<double>;
  static_assert(AnyDuration(5s) == Duration(5s));
  static_assert(AnyDuration(-5s) == Duration(-5s));
  static_assert(AnyDuration(Duration::max()) == Duration::max());
  static_assert(AnyDuration(std::chrono::hours::max()) == Duration::max());
  static_assert(AnyDuration(std::chrono::hours::min()) == Duration::min());
  static_assert(AnyDuration(std::chrono::seconds::max()) == Duration::max());
  static_assert(AnyDuration(std::chrono::milliseconds::max()) == Duration::max());
  static_assert(AnyDuration(std::chrono::years(1000)) == Duration::max());
  static_assert(AnyDuration(std::chrono::years(100)) == Duration(std::chrono::years(100)));
  static_assert(AnyDuration(std::chrono::duration<std::uint64_t>(UINT64_MAX)) == Duration::max());
  static_assert(AnyDuration(std::chrono::duration<int>(3)) == Duration(3s));
  static_assert(AnyDuration(std::chrono::duration<std::int64_t, std::pico>(2500)) == Duration(2));
  static_assert(AnyDuration(Real(0.25)) == Duration(250ms));
  static_assert(AnyDuration(Real(1e300)) == Duration::max());
  static_assert(AnyDuration(Real(-1e300)) == Duration::min());
  static_assert(AnyDuration(std::chrono::duration<float>(0.5F)) == Duration(500ms));
  static_assert(AnyDuration(Real(std::numeric_limits<double>::infinity())) == Duration::max());
  EXPECT_EQ(AnyDuration(Real(std::numeric_limits<double>::quiet_NaN())), Duration::zero());
  static_assert(std::is_trivially_copyable_v<AnyDuration>);
  static_assert(std::is_trivially_copyable_v<ConnectOptions>);
  static_assert(std::is_trivially_copyable_v<ServeOptions>);
}

TEST(Clock, NoTimeIsTooLong) {
  constexpr auto for_ever = std::chrono::hours::max();
  EXPECT_TRUE(run_virtually(with_timeout(for_ever, sleep(5ms))));
  EXPECT_TRUE(run_virtually(with_timeout(std::chrono::years(1000), sleep(5ms))));
  EXPECT_TRUE(run_virtually(shield(sleep(5ms), for_ever)));
  EXPECT_TRUE(run_stopped(1ms, shield(sleep(5ms), for_ever)));
  const Result<> slept = run_virtually(with_timeout(5ms, sleep(for_ever)));
  ASSERT_FALSE(slept);
  EXPECT_EQ(slept.error(), std::errc::timed_out);
  EXPECT_TRUE(run_virtually(with_timeout(std::chrono::duration<double>(0.01), sleep(5ms))));
  EXPECT_FALSE(run_virtually(with_timeout(std::chrono::hours::min(), sleep(5ms))));
  auto cleanup = []() -> Task<> { co_await sleep(1ms); };
  auto body = []() -> Task<> { co_await sleep(1ms); };
  EXPECT_TRUE(run_virtually(finally(body(), cleanup, for_ever)));
}

}  // namespace
}  // namespace ieum::test
