// Locals of a group's body, and the children that use them.
#include <array>
#include <string>

#include "torture/journal.hpp"
#include "torture/virtual.hpp"

namespace ieum::test {
namespace {

/// Uses `local` after `duration`, and once more when it is stopped.
Task<> use(const Tracked& local, Duration duration) {
  const Result<> slept = co_await attempt(sleep(duration));
  static_cast<void>(local.number());
  co_await slept;
}
Task<> use_although_stopped(const Tracked& local) {
  co_await attempt(sleep(1h));
  co_await shield(sleep(10ms), 1h);
  static_cast<void>(local.number());
}
Task<> refuse(Duration duration) {
  co_await sleep(duration);
  co_await fail(std::errc::io_error, "refuse");
}

void expect_no_defects(const Journal& journal) {
  for (const std::string& defect : journal.defects()) ADD_FAILURE() << defect;
  EXPECT_EQ(journal.alive(), 0U);
}

TEST(GroupLocals, AJoinKeepsThem) {
  Journal journal;
  EXPECT_EQ(run_virtually(with_group([](Group& group) -> Task<int> {
              Tracked local("local");
              group.start(use(local, 10ms));
              group.start(use(local, 20ms));
              co_await group.join();
              EXPECT_EQ(group.running(), 0U);
              co_await group.join();  // nothing to wait for
              group.start(use(local, 10ms));
              co_await group.join();
              co_return 1;
            })),
            1);
  expect_no_defects(journal);
}

TEST(GroupLocals, AFailedAwaitKeepsThemUntilTheChildrenHaveEnded) {
  Journal journal;
  const Result<> result = run_virtually(with_group([](Group& group) -> Task<> {
    Tracked local("local");
    group.start(use_although_stopped(local));
    co_await refuse(5ms);
  }));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::io_error);
  expect_no_defects(journal);
}

TEST(GroupLocals, AFailureRaisedByTheBodyKeepsThemToo) {
  Journal journal;
  const Result<> result = run_virtually(with_group([](Group& group) -> Task<> {
    Tracked local("local");
    group.start(use_although_stopped(local));
    co_await sleep(1ms);
    co_await fail(std::errc::io_error, "body");
  }));
  EXPECT_FALSE(result);
  expect_no_defects(journal);
}

TEST(GroupLocals, AStopKeepsThemUntilTheChildrenHaveEnded) {
  Journal journal;
  const Result<> result = run_stopped(5ms, with_group([](Group& group) -> Task<> {
                                        Tracked local("local");
                                        group.start(use_although_stopped(local));
                                        co_await sleep(1h);
                                      }));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::operation_canceled);
  expect_no_defects(journal);
}

TEST(GroupLocals, AreGoneBeforeTheAwaiterGoesOn) {
  Journal journal;
  const auto program = []() -> Task<> {
    auto body = [](Group& group) -> Task<> {
      Tracked local("local");
      group.start(use_although_stopped(local));
      co_await refuse(5ms);
    };
    const Result<> result = co_await attempt(with_group(body));
    EXPECT_FALSE(result);
    Journal::current->line("on");
  };
  EXPECT_TRUE(run_virtually(program()));
  EXPECT_EQ(journal.text(), "+local -local on");
  expect_no_defects(journal);
}

TEST(GroupLocals, OneWhoseEndStartsAChildIsJoinedAsWell) {
  struct Starter {
    Group& group;
    bool& ended;
    ~Starter() { group.start(late(ended)); }
    static Task<> late(bool& ended) {
      co_await attempt(sleep(1ms));
      ended = true;
    }
  };
  bool ended = false;
  auto body = [&ended](Group& group) -> Task<> {
    Starter starter{group, ended};
    co_await refuse(1ms);
  };
  EXPECT_FALSE(run_virtually(with_group(body)));
  EXPECT_TRUE(ended);
}

// ---- join() -------------------------------------------------------------------------------------

TEST(GroupJoin, FailsOnceAllHaveEndedIfOneFailed) {
  Journal journal;
  const Result<> result = run_virtually(with_group([](Group& group) -> Task<> {
    Tracked local("local");
    group.start(use_although_stopped(local));
    group.start(refuse(5ms));
    const Result<> joined = co_await attempt(group.join());
    EXPECT_FALSE(joined);
    EXPECT_EQ(group.running(), 0U);
    co_await joined;
  }));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::io_error) << "the child's, not the join's";
  expect_no_defects(journal);
}

TEST(GroupJoin, GoesOnAfterTheBodysOwnStop) {
  EXPECT_EQ(run_virtually(with_group([](Group& group) -> Task<int> {
              group.start([]() -> Task<> { co_await sleep(1h); }());
              co_await sleep(1ms);
              group.stop();
              co_await group.join();
              co_return 3;
            })),
            3);
}

TEST(GroupJoin, FailsAfterAStopFromOutsideOnceAllHaveEnded) {
  Journal journal;
  const Result<int> result = run_stopped(5ms, with_group([](Group& group) -> Task<int> {
                                           Tracked local("local");
                                           group.start(use_although_stopped(local));
                                           co_await group.join();
                                           co_return 3;
                                         }));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), std::errc::operation_canceled);
  expect_no_defects(journal);
}

TEST(GroupJoin, MayHaveADeadlineOfItsOwn) {
  EXPECT_EQ(run_virtually(with_group([](Group& group) -> Task<int> {
              group.start([]() -> Task<> { co_await sleep(1h); }());
              const Result<> joined = co_await attempt(with_timeout(5ms, group.join()));
              EXPECT_FALSE(joined);
              EXPECT_EQ(group.running(), 1U);
              group.stop();
              co_await group.join();
              co_return 4;
            })),
            4);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)

Task<> read_later(const std::array<char, 256>& local, char& seen) {
  co_await sleep(1ms);
  seen = local[100];
}
Task<> leave_too_early() {
  char seen = 0;
  auto body = [&seen](Group& group) -> Task<> {
    std::array<char, 256> local{};  // without a destructor: nothing else would notice
    group.start(read_later(local, seen));
    co_await yield();
    seen = local[7];
  };
  co_await with_group(body);
}

TEST(GroupLocalsDeathTest, AddressSanitizerReportsAChildThatUsesOneOfABodyThatHasEnded) {
  EXPECT_DEATH(static_cast<void>(run_virtually(leave_too_early())), "use-after-poison");
}

#endif
#endif

}  // namespace
}  // namespace ieum::test
