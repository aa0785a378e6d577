// No stack growth: a million of everything that completes at once, and chains of 100,000 tasks, on
// a thread with a small stack.
#include <pthread.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "torture/virtual.hpp"

namespace ieum::test {
namespace {

constexpr int million = sanitized ? 300'000 : 1'000'000;
constexpr int deep = 100'000;

/// Runs `work` on a thread with a stack of 256 KiB, which ends in a guard page.
template <class F>
void on_a_small_stack(F work) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, std::size_t{256} * 1024), 0);
  pthread_t thread{};
  auto run = [](void* given) -> void* {
    (*static_cast<F*>(given))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &work), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  EXPECT_EQ(detail::Frame::live, 0);
}

/// How far the stack was used. (Not by the address of a local: a sanitizer puts those elsewhere.)
class Extent {
 public:
  void look() {
    const auto at = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    low_ = std::min(low_, at);
    high_ = std::max(high_, at);
  }
  [[nodiscard]] std::uintptr_t bytes() const { return high_ - low_; }

 private:
  std::uintptr_t low_ = UINTPTR_MAX;
  std::uintptr_t high_ = 0;
};
// The bound on nesting is 64 awaits; a resumed frame may take a kilobyte where nothing is
// optimised.
constexpr std::uintptr_t extent_max = std::uintptr_t{96} * 1024;

[[gnu::noinline]] void look(Extent& extent) { extent.look(); }

Task<int> child(Extent& extent, int value) {
  look(extent);
  co_return value;
}
Task<int> failing_child(Extent& extent) {
  look(extent);
  co_return fail(std::errc::io_error, "child");
}
Task<int> throwing_child(Extent& extent) {
  look(extent);
  throw std::runtime_error("child");
  co_return 1;
}

Task<> operations(Extent& extent) {
  Event set;
  set.set();
  for (int i = 0; i < million; ++i) {
    co_await set.wait();
    look(extent);
  }
}
Task<> children(Extent& extent) {
  for (int i = 0; i < million; ++i) co_await child(extent, i);
}
Task<> failures(Extent& extent) {
  for (int i = 0; i < million; ++i) static_cast<void>(co_await attempt(failing_child(extent)));
}
Task<> failed_operations(Extent& extent) {
  for (int i = 0; i < million; ++i) {
    const Result<> result = co_await attempt(with_timeout(1s, sleep(0s)));
    look(extent);
    if (!result) co_await fail(result.error());
  }
}
Task<> exceptions(Extent& extent) {
  for (int i = 0; i < million / 20; ++i) {
    try {
      co_await throwing_child(extent);
    } catch (const std::runtime_error&) {
      look(extent);
    }
  }
}
Task<> results(Extent& extent) {
  for (int i = 0; i < million; ++i) co_await Result<int>(i);
  look(extent);
}
Task<> groups(Extent& extent) {
  for (int i = 0; i < million / 20; ++i) {
    co_await with_group([&extent](Group& group) -> Task<> {
      auto one = [](Extent& seen) -> Task<> {
        look(seen);
        co_return;
      };
      group.start(one(extent));
      co_await one(extent);
    });
  }
}
Task<> one_big_group(Extent& extent) {
  co_await with_group([&extent](Group& group) -> Task<> {
    auto one = [](Extent& seen, int i) -> Task<> {
      look(seen);
      if (i == deep / 2) co_await fail(std::errc::io_error, "one");
      static_cast<void>(co_await attempt(sleep(1h)));
    };
    for (int i = 0; i < deep; ++i) group.start(one(extent, i));
    co_await sleep(1h);
  });
}

template <class MakeTask>
void expect_flat(MakeTask make, bool succeeds = true) {
  on_a_small_stack([&] {
    Extent extent;
    const auto result = run_virtually(make(extent));
    EXPECT_EQ(result.has_value(), succeeds);
    EXPECT_LT(extent.bytes(), extent_max);
  });
}

TEST(Flat, AMillionOperations) { expect_flat(operations); }
TEST(Flat, AMillionChildTasks) { expect_flat(children); }
TEST(Flat, AMillionFailures) { expect_flat(failures); }
TEST(Flat, AMillionOperationsThatWait) { expect_flat(failed_operations); }
TEST(Flat, ManyExceptions) { expect_flat(exceptions); }
TEST(Flat, AMillionResults) { expect_flat(results); }
TEST(Flat, ManyGroups) { expect_flat(groups); }
TEST(Flat, AGroupOfAHundredThousandThatIsStopped) { expect_flat(one_big_group, false); }

// ---- Deep ---------------------------------------------------------------------------------------

enum class Bottom { value, failure, exception, wait };

Task<int> chain(Extent& extent, int left, Bottom bottom) {
  look(extent);
  if (left == 0) {
    if (bottom == Bottom::failure) co_await fail(std::errc::io_error, "bottom");
    if (bottom == Bottom::exception) throw std::runtime_error("bottom");
    if (bottom == Bottom::wait) co_await sleep(1h);
    co_return 0;
  }
  const int below = co_await chain(extent, left - 1, bottom);
  co_return below + 1;
}

TEST(Deep, AHundredThousandTasksSucceed) {
  expect_flat([](Extent& extent) { return chain(extent, deep, Bottom::value); });
}
TEST(Deep, AHundredThousandTasksFail) {
  expect_flat([](Extent& extent) { return chain(extent, deep, Bottom::failure); }, false);
}
TEST(Deep, AHundredThousandTasksFailLater) {
  expect_flat([](Extent& extent) { return with_timeout(1s, chain(extent, deep, Bottom::wait)); },
              false);
}
TEST(Deep, TenThousandTasksThrow) {
  on_a_small_stack([] {
    Extent extent;
    EXPECT_THROW(static_cast<void>(run_virtually(chain(extent, deep / 10, Bottom::exception))),
                 std::runtime_error);
    EXPECT_LT(extent.bytes(), extent_max);
  });
}

/// Every level with a deadline of its own and an attempt.
Task<int> timed_chain(Extent& extent, int left, Bottom bottom) {
  look(extent);
  if (left == 0) {
    const int value = co_await chain(extent, 0, bottom);
    co_return value;
  }
  const Result<int> below =
      co_await attempt(with_timeout(1h, timed_chain(extent, left - 1, bottom)));
  if (!below) co_return fail(below.error());
  co_return *below + 1;
}

TEST(Deep, AHundredThousandDeadlinesSucceedAndFail) {
  expect_flat([](Extent& extent) { return timed_chain(extent, deep, Bottom::value); });
  expect_flat([](Extent& extent) { return timed_chain(extent, deep, Bottom::failure); }, false);
}
TEST(Deep, AHundredThousandDeadlinesAreStopped) {
  expect_flat(
      [](Extent& extent) { return with_timeout(1s, timed_chain(extent, deep, Bottom::wait)); },
      false);
}

/// Every level a group.
Task<> group_chain(Extent& extent, int left, bool fails) {
  look(extent);
  if (left == 0) {
    if (fails) co_await fail(std::errc::io_error, "bottom");
    co_return;
  }
  co_await with_group([&extent, left, fails](Group& group) -> Task<> {
    group.start(group_chain(extent, left - 1, fails));
    co_return;
  });
}

TEST(Deep, TwentyThousandGroupsSucceedAndFail) {
  for (const bool fails : {false, true}) {
    expect_flat([=](Extent& extent) { return group_chain(extent, deep / 5, fails); }, !fails);
  }
}

}  // namespace
}  // namespace ieum::test
