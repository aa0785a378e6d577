// Groups and deadlines at their edges: children started by destructors, bodies that throw before
// they are tasks, stops asked for while something starts.
#include <stdexcept>

#include "support/support.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;

struct StartsWhenDestroyed {
  StartsWhenDestroyed(Group& in, bool& mark) : group(&in), ended(&mark) {}
  StartsWhenDestroyed(StartsWhenDestroyed&& other) noexcept
      : group(std::exchange(other.group, nullptr)), ended(other.ended) {}
  ~StartsWhenDestroyed() {
    if (group != nullptr) group->start(late(*ended));
  }
  static Task<> late(bool& ended) {
    co_await sleep(1ms);
    ended = true;
  }
  Group* group;
  bool* ended;
};

Task<> child(StartsWhenDestroyed /*argument*/) { co_return; }

Task<> join_what_an_argument_starts(bool& ended) {
  auto body = [&ended](Group& group) -> Task<> {
    group.start(child(StartsWhenDestroyed(group, ended)));
    co_return;
  };
  co_await with_group(body);
  EXPECT_TRUE(ended);
}

TEST(LateStart, AChildThatAnArgumentsDestructorStartsIsJoined) {
  bool ended = false;
  expect_success(join_what_an_argument_starts(ended));
}

Task<> sleep_long(bool& stopped) {
  Result<> slept = co_await attempt(sleep(10s));
  stopped = !slept;
  co_await slept;
}

Task<> throw_before_being_a_task(bool& stopped) {
  auto body = [&stopped](Group& group) -> Task<> {  // no coroutine
    group.start(sleep_long(stopped));
    throw std::runtime_error("no body");
  };
  co_await with_group(body);
}

TEST(LateStart, ABodyThatThrowsBeforeItIsATaskIsRethrownAfterTheJoin) {
  bool stopped = false;
  EXPECT_THROW(static_cast<void>(run_alone(throw_before_being_a_task(stopped))),
               std::runtime_error);
  EXPECT_TRUE(stopped);
}

Task<> sleep_ten_seconds() { co_await sleep(10s); }

Task<> stop_while_a_deadline_starts() {
  auto outer_body = [](Group& outer) -> Task<> {
    auto inner_body = [&outer](Group& /*inner*/) -> Task<> {  // no coroutine: runs while it starts
      outer.stop();
      return sleep_ten_seconds();
    };
    auto inner = with_group(inner_body);
    co_await with_timeout(5s, std::move(inner));
  };
  co_await with_group(outer_body);
}

TEST(LateStart, AStopWhileADeadlineStartsIsNotLost) {
  expect_failure(std::errc::operation_canceled, stop_while_a_deadline_starts());
}

Task<> refuse() { co_await fail(std::errc::connection_refused, "refuse"); }

TEST(LateStart, ARaceThatRunsOutOfTimeTimesOutAlthoughOneLegHadFailed) {
  expect_failure(std::errc::timed_out, with_timeout(5ms, race(refuse(), sleep_ten_seconds())));
}

TEST(LateStart, ARaceTakesSingleOperations) {
  const auto winner = run_alone(race(sleep(10s), sleep(1ms)));
  ASSERT_TRUE(winner);
  EXPECT_EQ(winner->index(), 1U);
}

}  // namespace
}  // namespace ieum::test
