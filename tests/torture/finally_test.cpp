// finally: the clean-up runs on every way out, may await, and does not hide how the body ended.
#include <stdexcept>
#include <string>

#include "torture/journal.hpp"
#include "torture/virtual.hpp"

namespace ieum::test {
namespace {

enum class End { value, failure, exception, wait };

Task<Tracked> body(End end) {
  Tracked value("value");
  co_await sleep(1ms);
  if (end == End::failure) co_await fail(std::errc::io_error, "body");
  if (end == End::exception) throw std::runtime_error("body");
  if (end == End::wait) co_await sleep(1h);
  co_return value;
}
Task<> nothing(End end) { static_cast<void>(co_await body(end)); }

Task<> clean(End end) {
  Journal::current->line("clean");
  co_await sleep(5ms);
  if (end == End::failure) co_await fail(std::errc::broken_pipe, "clean-up");
  if (end == End::exception) throw std::logic_error("clean-up");
  if (end == End::wait) co_await sleep(1h);
  Journal::current->line("cleaned");
}

template <class T>
std::string told(const Result<T>& result) {
  return result ? "value" : result.error().to_string();
}

TEST(Finally, RunsAfterAValue) {
  Journal journal;
  EXPECT_EQ(told(run_virtually(finally(body(End::value), [] { return clean(End::value); }))),
            "value");
  EXPECT_EQ(journal.text(), "+value clean cleaned -value");
  EXPECT_EQ(told(run_virtually(finally(nothing(End::value), [] { return clean(End::value); }))),
            "value");
}

TEST(Finally, RunsAfterAFailure) {
  Journal journal;
  EXPECT_EQ(told(run_virtually(finally(body(End::failure), [] { return clean(End::value); }))),
            "body: input/output error");
  EXPECT_EQ(journal.text(), "+value -value clean cleaned");
}

TEST(Finally, RunsAfterAnException) {
  Journal journal;
  EXPECT_THROW(static_cast<void>(
                   run_virtually(finally(body(End::exception), [] { return clean(End::value); }))),
               std::runtime_error);
  EXPECT_EQ(journal.text(), "+value -value clean cleaned");
}

TEST(Finally, RunsAfterAStopAndMayAwait) {
  Journal journal;
  EXPECT_EQ(told(run_stopped(10ms, finally(body(End::wait), [] { return clean(End::value); }))),
            "sleep: canceled");
  EXPECT_EQ(journal.text(), "+value -value clean cleaned");
}

TEST(Finally, RunsAfterADeadlineAndMayAwait) {
  Journal journal;
  EXPECT_EQ(told(run_virtually(
                with_timeout(10ms, finally(body(End::wait), [] { return clean(End::value); })))),
            "sleep: timed out after 10 ms");
  EXPECT_EQ(journal.text(), "+value -value clean cleaned");
}

TEST(Finally, IsNotCutShortByAStopDuringTheCleanUp) {
  Journal journal;
  EXPECT_EQ(told(run_stopped(3ms, finally(body(End::value), [] { return clean(End::value); }))),
            "value");
  EXPECT_EQ(journal.text(), "+value clean cleaned -value");
}

TEST(Finally, EndsWithTheGrace) {
  Journal journal;
  EXPECT_EQ(told(run_stopped(3ms, finally(
                                      body(End::value), [] { return clean(End::wait); }, 1s))),
            "sleep: canceled");
  EXPECT_EQ(journal.text(), "+value clean -value") << "a value is not given if the clean-up failed";
}

TEST(Finally, TellsTheBodysFailureRatherThanTheCleanUps) {
  Journal journal;
  EXPECT_EQ(told(run_virtually(finally(body(End::value), [] { return clean(End::failure); }))),
            "clean-up: broken pipe");
  EXPECT_EQ(told(run_virtually(finally(body(End::failure), [] { return clean(End::failure); }))),
            "body: input/output error");
  EXPECT_THROW(static_cast<void>(run_virtually(
                   finally(body(End::exception), [] { return clean(End::failure); }))),
               std::runtime_error);
}

TEST(Finally, LetsAnExceptionOfTheCleanUpGoOn) {
  Journal journal;
  for (const End end : {End::value, End::failure}) {
    EXPECT_THROW(
        static_cast<void>(run_virtually(finally(body(end), [] { return clean(End::exception); }))),
        std::logic_error);
  }
}

TEST(Finally, NestedOnesRunInsideOut) {
  Journal journal;
  auto note = [](const char* text) -> Task<> {
    co_await sleep(1ms);
    Journal::current->line(text);
  };
  auto inner = finally(nothing(End::wait), [&] { return note("inner"); });
  auto outer = finally(std::move(inner), [&] { return note("outer"); });
  EXPECT_EQ(told(run_stopped(10ms, std::move(outer))), "sleep: canceled");
  EXPECT_EQ(journal.text(), "+value -value inner outer");
}

TEST(Finally, KeepsACleanUpThatHasCapturesAndIsATask) {
  Journal journal;
  {
    auto cleanup = [held = Tracked("held")]() -> Task<> {
      co_await sleep(1ms);
      Journal::current->line("cleaned " + held.name());
    };
    auto task = finally(nothing(End::failure), std::move(cleanup));
    EXPECT_EQ(told(run_virtually(std::move(task))), "body: input/output error");
  }
  EXPECT_EQ(journal.text(), "+held +value -value cleaned held -held");
}

TEST(Finally, NeverAwaitedCleansNothing) {
  Journal journal;
  {
    auto task = finally(nothing(End::value), [] { return clean(End::value); });
  }
  EXPECT_EQ(journal.text(), "");
}

}  // namespace
}  // namespace ieum::test
