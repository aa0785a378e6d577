// Random programs of groups, races, deadlines, shields, clean-ups and attempts, each failing,
// throwing, stopped and timed out at each of its points. Whatever the program: the result tells the
// truth, all children are joined, every clean-up has run, every object is destroyed once.
#include <gmock/gmock.h>

#include <random>
#include <string>
#include <vector>

#include "torture/journal.hpp"
#include "torture/plan.hpp"
#include "torture/virtual.hpp"

namespace ieum::test {
namespace {

class Program {
 public:
  Program(Plan& plan, std::uint64_t seed) : plan_(plan), random_(seed) {}

  Task<int> node(int depth);

  int cleanups = 0;  // owed

 private:
  unsigned pick(unsigned count) { return static_cast<unsigned>(random_() % count); }
  Duration some_time() { return std::chrono::milliseconds(pick(5)); }

  Task<int> sequence(int depth);
  Task<int> group(int depth);
  Task<int> group_body(Group& group, int depth, int& running);
  Task<> group_child(int depth, int& running);
  Task<int> race_of(int depth);
  Task<int> cleaned(int depth);
  Task<> clean_up();
  Task<int> tried(int depth);

  Plan& plan_;
  std::mt19937_64 random_;
};

/// Counted while it lives: a child that was not joined is found by its group.
class Counted {
 public:
  explicit Counted(int& count) : count_(count) { ++count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --count_; }

 private:
  int& count_;
};

Task<int> Program::node(int depth) {
  Tracked local("node");
  const unsigned kind = depth == 0 ? pick(2) : pick(10);
  int value = 0;
  switch (kind) {
    case 0: value = co_await Point(plan_, 1); break;
    case 1: co_await sleep(some_time()); break;
    case 2: value = co_await sequence(depth); break;
    case 3:
    case 4: value = co_await group(depth); break;
    case 5: value = co_await race_of(depth); break;
    case 6: value = co_await with_timeout(1h, node(depth - 1)); break;
    case 7: value = co_await shield(node(depth - 1), 10ms); break;
    case 8: value = co_await cleaned(depth); break;
    default: value = co_await tried(depth);
  }
  const int more = co_await Point(plan_, 1);
  co_return value + more + local.number();
}

Task<int> Program::sequence(int depth) {
  Tracked before("before");
  int value = co_await node(depth - 1);
  Tracked between("between");
  value += co_await node(depth - 1);
  co_return value;
}

Task<int> Program::group(int depth) {
  int running = 0;
  auto body = [this, depth, &running](Group& all) -> Task<int> {
    const int value = co_await group_body(all, depth, running);
    co_return value;
  };
  const Result<int> result = co_await attempt(with_group(body));
  EXPECT_EQ(running, 0) << "the body or a child was not joined";
  if (!result) co_await fail(result.error());
  co_return *result;
}

Task<int> Program::group_body(Group& group, int depth, int& running) {
  Counted counted(running);
  const unsigned count = pick(3) + 1;
  for (unsigned i = 0; i < count; ++i) group.start(group_child(depth, running));
  const int value = co_await node(depth - 1);
  co_return value;
}

Task<> Program::group_child(int depth, int& running) {
  Counted counted(running);
  co_await node(depth - 1);
}

Task<int> Program::race_of(int depth) {
  if (pick(2) == 0) {
    const auto winner = co_await race(node(depth - 1), node(depth - 1));
    co_return winner.index() == 0 ? std::get<0>(winner) : std::get<1>(winner);
  }
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 3; ++i) tasks.push_back(node(depth - 1));
  const int winner = co_await race(std::move(tasks));
  co_return winner;
}

Task<int> Program::cleaned(int depth) {
  ++cleanups;
  const int value = co_await finally(node(depth - 1), [this] { return clean_up(); }, 1h);
  co_return value;
}

Task<> Program::clean_up() {
  co_await sleep(some_time());
  --cleanups;
}

Task<int> Program::tried(int depth) {
  const Duration limit = pick(2) == 0 ? some_time() : Duration(1h);
  const Result<int> result = co_await attempt(with_timeout(limit, node(depth - 1)));
  co_return result.value_or(5);
}

struct End {
  std::string told;
  int points = 0;
};

End run_program(std::uint64_t seed, Plan plan) {
  Journal journal;
  const std::unique_ptr<Runtime> runtime = make_null_runtime();
  Running<int>* task = nullptr;
  plan.stop_now = [&] { task->stop(); };
  plan.stop_soon = [&] { runtime->post([&] { task->stop(); }); };
  Program program(plan, seed);
  End end;
  {
    Running<int> running = plan.way == Way::deadline
                               ? runtime->start(with_timeout(24h, program.node(4)))
                               : runtime->start(program.node(4));
    task = &running;
    while (!running.done()) runtime->turn();
    try {
      const Result<int> result = running.take();
      end.told = result ? "value" : result.error().code().message();
    } catch (const UserException&) {
      end.told = "threw";
    }
  }
  EXPECT_EQ(journal.alive(), 0U);
  EXPECT_THAT(journal.defects(), testing::IsEmpty());
  EXPECT_EQ(runtime->pending_operations(), 0U);
  EXPECT_EQ(program.cleanups, 0) << "a clean-up did not run";
  end.points = plan.points;
  return end;
}

/// The only ways that the program may end if this happened to it.
std::string truth(Way way) {
  switch (way) {
    case Way::exception: return "threw";
    case Way::stop: return std::make_error_code(std::errc::operation_canceled).message();
    case Way::deadline: return std::make_error_code(std::errc::timed_out).message();
    case Way::error: break;
  }
  return std::make_error_code(std::errc::io_error).message();
}

TEST(Programs, TellTheTruthAtEveryPoint) {
  const int programs = long_form() ? 3000 : 150;
  constexpr int points_max = 60;
  int runs = 0;
  int failed = 0;
  for (int i = 0; i < programs; ++i) {
    const std::uint64_t program = seed() + static_cast<std::uint64_t>(i);
    for (const Way way : {Way::error, Way::exception, Way::stop, Way::deadline}) {
      for (const bool suspended : {false, true}) {
        for (int fail_at = 1; fail_at <= points_max; ++fail_at) {
          SCOPED_TRACE("program " + std::to_string(program) + " way " +
                       std::to_string(static_cast<int>(way)) +
                       (suspended ? " suspended" : " inline") + " point " +
                       std::to_string(fail_at));
          const End end =
              run_program(program, Plan{.way = way, .suspended = suspended, .fail_at = fail_at});
          ++runs;
          if (end.told != "value") {
            ++failed;
            ASSERT_EQ(end.told, truth(way));
          }
          ASSERT_FALSE(HasFailure());
          if (end.points < fail_at) {
            EXPECT_EQ(end.told, "value");
            break;
          }
        }
      }
    }
  }
  EXPECT_GT(failed, runs / 4);
  RecordProperty("runs", runs);
}

}  // namespace
}  // namespace ieum::test
