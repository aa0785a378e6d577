// TimerHeap against a model: a multimap, which keeps equal deadlines in the order of their arming.
#include <ieum/detail/timer.hpp>

#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "support/support.hpp"

namespace ieum {
namespace {

class Clock final : public detail::Timer {
 public:
  explicit Clock(int name) : name_(name) {}
  void fire() noexcept override {}
  [[nodiscard]] int name() const { return name_; }

 private:
  int name_;
};

TimePoint at(std::int64_t time) { return TimePoint(Duration(time)); }

std::vector<int> drain(detail::TimerHeap& heap, TimePoint now = TimePoint::max()) {
  std::vector<int> names;
  while (detail::Timer* timer = heap.take_due(now))
    names.push_back(static_cast<Clock*>(timer)->name());
  return names;
}

TEST(TimerHeap, GivesTimersInTheOrderOfTheirDeadlines) {
  detail::TimerHeap heap;
  EXPECT_TRUE(heap.empty());
  EXPECT_EQ(heap.take_due(TimePoint::max()), nullptr);
  Clock one(1);
  Clock two(2);
  Clock three(3);
  heap.arm(two, at(20));
  heap.arm(three, at(30));
  heap.arm(one, at(10));
  EXPECT_EQ(heap.nearest().deadline(), at(10));
  EXPECT_EQ(drain(heap, at(9)), std::vector<int>{});
  EXPECT_EQ(drain(heap, at(20)), (std::vector{1, 2}));
  EXPECT_FALSE(one.armed());
  EXPECT_TRUE(three.armed());
  heap.disarm(three);
  EXPECT_FALSE(three.armed());
  EXPECT_TRUE(heap.empty());
  heap.disarm(three);  // twice is allowed
}

TEST(TimerHeap, GivesEqualDeadlinesInTheOrderOfTheirArming) {
  constexpr int count = 100;
  detail::TimerHeap heap;
  std::vector<std::unique_ptr<Clock>> clocks;
  std::vector<int> expected;
  for (int i = 0; i < count; ++i) {
    clocks.push_back(std::make_unique<Clock>(i));
    heap.arm(*clocks.back(), at(5));
  }
  for (int i = 0; i < count; ++i) {
    if (i % 3 == 0)
      heap.disarm(*clocks[static_cast<std::size_t>(i)]);
    else
      expected.push_back(i);
  }
  heap.arm(*clocks[0], at(5));  // armed anew: now the last
  expected.push_back(0);
  EXPECT_EQ(drain(heap), expected);
}

TEST(TimerHeap, TakesTheFarthestDeadlines) {
  detail::TimerHeap heap;
  Clock first(1);
  Clock last(2);
  heap.arm(last, TimePoint::max());
  heap.arm(first, TimePoint::min());
  EXPECT_EQ(drain(heap, at(0)), std::vector{1});
  EXPECT_EQ(drain(heap), std::vector{2});
}

// What a server does: arms a far deadline, disarms it soon.
TEST(TimerHeap, DisarmsAMillionTimes) {
  detail::TimerHeap heap;
  std::vector<std::unique_ptr<Clock>> clocks;
  for (int i = 0; i < 1000; ++i) clocks.push_back(std::make_unique<Clock>(i));
  std::mt19937_64 random(test::seed());
  for (int i = 0; i < 1'000'000; ++i) {
    Clock& clock = *clocks[random() % clocks.size()];
    heap.disarm(clock);
    heap.arm(clock, at(1'000'000 + i));
  }
  EXPECT_LE(drain(heap).size(), clocks.size());
}

TEST(TimerHeap, BehavesLikeAMultimap) {
  std::mt19937_64 random(test::seed());
  for (int round = 0; round < 200; ++round) {
    detail::TimerHeap heap;
    std::multimap<TimePoint, int> model;
    std::vector<std::unique_ptr<Clock>> clocks;
    for (int i = 0; i < 40; ++i) clocks.push_back(std::make_unique<Clock>(i));
    auto erase = [&model](int name) {
      std::erase_if(model, [name](const auto& entry) { return entry.second == name; });
    };
    for (int step = 0; step < 400; ++step) {
      Clock& clock = *clocks[random() % clocks.size()];
      const TimePoint time = at(static_cast<std::int64_t>(random() % 20));
      switch (random() % 4) {
        case 0:
        case 1:
          if (clock.armed()) break;
          heap.arm(clock, time);
          model.emplace(time, clock.name());
          break;
        case 2:
          heap.disarm(clock);
          erase(clock.name());
          break;
        default: {
          detail::Timer* due = heap.take_due(time);
          if (model.empty() || model.begin()->first > time) {
            ASSERT_EQ(due, nullptr);
          } else {
            ASSERT_NE(due, nullptr);
            ASSERT_EQ(static_cast<Clock*>(due)->name(), model.begin()->second);
            model.erase(model.begin());
          }
        }
      }
      ASSERT_EQ(heap.empty(), model.empty());
      if (!model.empty()) {
        ASSERT_EQ(heap.nearest().deadline(), model.begin()->first);
      }
    }
    std::vector<int> expected;
    for (const auto& [time, name] : model) expected.push_back(name);
    ASSERT_EQ(drain(heap), expected);
  }
}

}  // namespace
}  // namespace ieum
