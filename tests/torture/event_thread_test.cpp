// An event, a group and a runtime are their own thread's.
#include <thread>
#include <vector>

#include "torture/virtual.hpp"

namespace ieum::test {
namespace {

template <class F>
void elsewhere(F function) {
  std::jthread thread(std::move(function));
  thread.join();
}

Task<> set_from_a_thread() {
  Event event;
  auto waits = [](Event& what) -> Task<> { co_await what.wait(); };
  auto body = [&](Group& group) -> Task<> {
    group.start(waits(event));
    co_await yield();
    elsewhere([&] { event.set(); });
    co_await group.join();
  };
  co_await with_group(body);
}

/// Nobody waits when it is set, but somebody had.
Task<> set_from_a_thread_between_two_waits() {
  Event event;
  event.set();
  co_await event.wait();
  event.reset();
  elsewhere([&] { event.set(); });
  co_await event.wait();
}

/// The second runtime is another thread's.
Task<> wait_on_two_threads() {
  Event event;
  event.set();
  co_await event.wait();
  elsewhere([&] { static_cast<void>(run_virtually(event.wait())); });
}

Task<> stop_a_group_from_a_thread() {
  auto body = [&](Group& group) -> Task<> {
    elsewhere([&] { group.stop(); });
    co_return;
  };
  co_await with_group(body);
}

Task<> push_from_a_thread() {
  SendQueue queue;
  auto pops = [](SendQueue& from) -> Task<> { co_await from.pop(); };
  auto body = [&](Group& group) -> Task<> {
    group.start(pops(queue));
    co_await yield();
    elsewhere([&] { queue.try_push(Payload(std::string("x"))); });
    co_await group.join();
  };
  co_await with_group(body);
}

TEST(OwnThreadDeathTest, OfAnEvent) {
  constexpr const char* message = "an event is set on another thread.*post.*mailbox";
  EXPECT_DEATH(static_cast<void>(run_virtually(set_from_a_thread())), message);
  EXPECT_DEATH(static_cast<void>(run_virtually(set_from_a_thread_between_two_waits())), message);
  EXPECT_DEATH(static_cast<void>(run_virtually(wait_on_two_threads())),
               "an event is waited for on two threads");
}

TEST(OwnThreadDeathTest, OfAGroupAndAQueue) {
  constexpr const char* message = "on a thread that is not its own: use post.*mailbox";
  EXPECT_DEATH(static_cast<void>(run_virtually(stop_a_group_from_a_thread())), message);
  EXPECT_DEATH(static_cast<void>(run_virtually(push_from_a_thread())), message);
}

TEST(Event, MayBeMadeAndSetOnAnotherThreadBeforeATaskWaits) {
  Event event;
  elsewhere([&] { event.set(); });
  EXPECT_TRUE(run_virtually(event.wait()));
}

TEST(Event, MayBeMovedWhileNobodyWaits) {
  Event first;
  first.set();
  Event second(std::move(first));
  EXPECT_TRUE(second.is_set());
  Event third;
  third = std::move(second);
  EXPECT_TRUE(run_virtually(third.wait()));
  std::vector<Event> many(1);
  many[0].set();
  many.resize(100);
  EXPECT_TRUE(run_virtually(many[0].wait()));
}

}  // namespace
}  // namespace ieum::test
