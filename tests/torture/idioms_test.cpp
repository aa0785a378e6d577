// Torture of awaiting: every idiom is compiled twice, as a task whose awaits fail and as plain
// functions that throw, and fails at each of its points in each way. Both must construct and
// destroy the same objects in the same order: that is what "early return at await" means.
//
// To add an idiom, write it into one of idioms_*.inc; nothing else.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "support/null_driver.hpp"
#include "support/support.hpp"
#include "torture/gcc12.hpp"
#include "torture/probe.hpp"

namespace ieum::test {

using T = Tracked;

/// The two ways to run an idiom.
struct Idiom {
  std::string name;
  bool ordered = true;  // the order of evaluation is the language's, not the compiler's
  Task<int> (*awaited)(awaited::Probe&) = nullptr;
  int (*plain)(plain::Probe&) = nullptr;
};

static void PrintTo(const Idiom& one, std::ostream* out) { *out << one.name; }

static std::vector<Idiom>& idioms() {
  static std::vector<Idiom> all;
  return all;
}
static Idiom& idiom(const char* name) {
  for (Idiom& known : idioms()) {
    if (known.name == name) return known;
  }
  return idioms().emplace_back(Idiom{.name = name});
}

// ---- The idioms as tasks ------------------------------------------------------------------------
#define DEFINE_IDIOM(idiom_name, is_ordered)                   \
  static Future<int> idiom_name(Probe& p);                     \
  [[maybe_unused]] static const bool idiom_name##_known = [] { \
    know(idiom(#idiom_name), &idiom_name);                     \
    idiom(#idiom_name).ordered = (is_ordered);                 \
    return true;                                               \
  }();                                                         \
  static Future<int> idiom_name([[maybe_unused]] Probe& p)
#define IDIOM(name) DEFINE_IDIOM(name, true)
#define UNORDERED_IDIOM(name) DEFINE_IDIOM(name, false)

namespace awaited {
namespace {
void know(Idiom& of, Task<int> (*function)(Probe&)) { of.awaited = function; }

#define AWAIT co_await
#define RETURN co_return
#define ATTEMPT(...) (co_await attempt(__VA_ARGS__))
#define CATCH_ALL catch (...)
#define RAISE co_await fail(std::errc::io_error, "raise")
#define RETURN_FAILURE co_return fail(std::errc::io_error, "return")
#define RETURN_FAILURE_OF(result) co_return fail((result).error())
#define RETURN_RESULT(fails, value) \
  co_return (fails) ? Result<int>(fail(std::errc::io_error, "return")) : Result<int>(value)
#define AWAIT_RESULT(result) co_await std::move(result)
#define HOLD(argument) static_assert(true)
#define HELD(argument) argument
#define LATER(name, ...) auto name = __VA_ARGS__
#define AWAIT_LATER(name) co_await std::move(name)
#define NEVER(...) static_cast<void>(__VA_ARGS__)
#include "torture/idioms.inc"
#undef AWAIT
#undef RETURN
#undef ATTEMPT
#undef CATCH_ALL
#undef RAISE
#undef RETURN_FAILURE
#undef RETURN_FAILURE_OF
#undef RETURN_RESULT
#undef AWAIT_RESULT
#undef HOLD
#undef HELD
#undef LATER
#undef AWAIT_LATER
#undef NEVER
}  // namespace
}  // namespace awaited

// ---- The idioms as plain functions --------------------------------------------------------------
namespace plain {
namespace {
void know(Idiom& of, int (*function)(Probe&)) { of.plain = function; }

[[noreturn]] int raise(std::errc code = std::errc::io_error) { throw Failed{code}; }
int value_or_throw(const Result<int>& result) {
  if (!result) raise(static_cast<std::errc>(result.error().code().value()));
  return *result;
}

#define AWAIT
#define RETURN return
#define ATTEMPT(...) attempt([&] { return __VA_ARGS__; })
#define CATCH_ALL catch (const UserException&)
#define RAISE raise()
#define RETURN_FAILURE raise()
#define RETURN_FAILURE_OF(result) return value_or_throw(result)
#define RETURN_RESULT(fails, value) return (fails) ? raise() : (value)
#define AWAIT_RESULT(result) value_or_throw(result)
#define HOLD(argument) auto held_##argument = std::move(argument)
#define HELD(argument) held_##argument
#define LATER(name, ...) auto name = [&] { return __VA_ARGS__; }
#define AWAIT_LATER(name) name()
#define NEVER(...) static_cast<void>(T("argument"))
#include "torture/idioms.inc"
}  // namespace
}  // namespace plain

namespace {

/// How a run ended, as text: "value 3", "failed: ...", "threw".
struct Run {
  std::string end;
  std::string journal;
  std::vector<std::string> lines;
  int points = 0;
};

Run run_plain(const Idiom& of, Plan plan) {
  Journal journal;
  Run run;
  plain::Probe probe(plan);
  try {
    run.end = "value " + std::to_string(of.plain(probe));
  } catch (const Failed& failed) {
    run.end = "failed: " + std::make_error_code(failed.code).message();
  } catch (const UserException&) {
    run.end = "threw";
  }
  run.journal = journal.text();
  run.lines = journal.lines();
  run.points = plan.points;
  EXPECT_EQ(journal.alive(), 0U) << "of the plain twin";
  return run;
}

/// Runs the idiom as a child of a task that goes on afterwards and looks.
Task<std::string> watch(const Idiom& of, awaited::Probe& probe, const Plan& plan, int spent) {
  const std::int64_t frames = detail::Frame::live;
  for (int i = 0; i < spent; ++i) co_await stop_requested();  // of the bound on inline completions
  std::string end;
  try {
    Result<int> result = fail(std::errc::io_error, "none");
    if (plan.way == Way::deadline) {
      result = co_await attempt(with_timeout(std::chrono::seconds(5), of.awaited(probe)));
    } else {
      result = co_await attempt(of.awaited(probe));
    }
    if (result) {
      end = "value " + std::to_string(*result);
    } else {
      end = "failed: " + result.error().code().message();
      EXPECT_FALSE(result.error().trace().empty());
    }
  } catch (const UserException&) {
    end = "threw";
  }
  // Here the awaiter goes on: nothing of the idiom may be left.
  EXPECT_EQ(Journal::current->alive(), 0U) << Journal::current->text();
  EXPECT_EQ(detail::Frame::live, frames);
  co_return end;
}

Run run_awaited(const Idiom& of, Plan plan, int spent) {
  Journal journal;
  Run run;
  const std::unique_ptr<Runtime> runtime = make_null_runtime();
  awaited::Probe probe(plan);
  Running<std::string>* running_task = nullptr;
  plan.stop_now = [&] { running_task->stop(); };
  plan.stop_soon = [&] { runtime->post([&] { running_task->stop(); }); };
  {
    Running<std::string> running = runtime->start(watch(of, probe, plan, spent));
    running_task = &running;
    while (!running.done()) runtime->turn();
    const Result<std::string> end = running.take();
    run.end = end ? *end : "the watcher failed";
  }
  EXPECT_EQ(runtime->pending_operations(), 0U);
  EXPECT_EQ(journal.alive(), 0U);
  EXPECT_THAT(journal.defects(), testing::IsEmpty());
  run.journal = journal.text();
  run.lines = journal.lines();
  run.points = plan.points;
  return run;
}

const char* name_of(Way way) {
  switch (way) {
    case Way::error: return "error";
    case Way::exception: return "exception";
    case Way::stop: return "stop";
    case Way::deadline: return "deadline";
  }
  return "";
}

/// Compares the two at every point; the number of runs.
int compare(const Idiom& of, Way way, bool suspended, int spent) {
  for (int fail_at = 1;; ++fail_at) {
    const Plan plan{.way = way, .suspended = suspended, .fail_at = fail_at};
    SCOPED_TRACE(of.name + ": " + name_of(way) + (suspended ? " suspended" : " inline") +
                 " at point " + std::to_string(fail_at) + ", spent " + std::to_string(spent));
    Run expected = run_plain(of, plan);
    Run got = run_awaited(of, plan, spent);
    EXPECT_EQ(got.end, expected.end);
    EXPECT_EQ(got.points, expected.points);
    if (of.ordered) {
      EXPECT_EQ(got.journal, expected.journal);
    } else if (!expected.end.starts_with("value")) {
      // Which of the arguments had been made is the compiler's choice: each is destroyed once.
    } else {
      std::ranges::sort(got.lines);
      std::ranges::sort(expected.lines);
      EXPECT_EQ(got.lines, expected.lines);
    }
    if (testing::Test::HasFailure() || expected.points < fail_at) return fail_at;
  }
}

class Idioms : public testing::TestWithParam<Idiom> {};

TEST_P(Idioms, FailAtEveryPoint) {
  int runs = 0;
  for (const Way way : {Way::error, Way::stop, Way::deadline, Way::exception}) {
    if (way == Way::exception && is_left_out(GetParam().name, LeftOut::exceptions)) continue;
    for (const bool suspended : {false, true}) {
      // 0, and just before the task has to give others their turn.
      for (const int spent : {0, 58, 59, 60, 61, 62, 63}) {
        runs += compare(GetParam(), way, suspended, spent);
        if (HasFailure()) return;
      }
    }
  }
  EXPECT_GT(runs, 3 * 2 * 7) << "an idiom has at least one point";
  RecordProperty("runs", runs);
}

std::vector<Idiom> idioms_of_this_compiler() {
  std::vector<Idiom> all;
  std::ranges::copy_if(idioms(), std::back_inserter(all),
                       [](const Idiom& one) { return !is_left_out(one.name, LeftOut::all); });
  return all;
}

INSTANTIATE_TEST_SUITE_P(Torture, Idioms, testing::ValuesIn(idioms_of_this_compiler()),
                         [](const auto& of) { return of.param.name; });

TEST(IdiomTable, HasAtLeastSixtyAndListsOnlyKnownOnes) {
  EXPECT_GE(idioms().size(), 60U);
  for (const Idiom& one : idioms()) {
    EXPECT_TRUE(one.awaited != nullptr && one.plain != nullptr) << one.name;
  }
  for (const LeftOut& one : left_out) {
    const bool known =
        std::ranges::any_of(idioms(), [&](const Idiom& i) { return i.name == one.idiom; });
    EXPECT_TRUE(known || one.how == LeftOut::refused || one.idiom == "none") << one.idiom;
  }
}

}  // namespace
}  // namespace ieum::test
