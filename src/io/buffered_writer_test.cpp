// BufferedWriter: what goes out when, and what happens after a failure.
#include <ieum/buffered_writer.hpp>

#include <string>
#include <vector>

#include "support/null_driver.hpp"
#include "support/scripted_stream.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;
using Writes = std::vector<std::string>;

void run_virtual(Task<> task) {
  const std::unique_ptr<Runtime> runtime = make_null_runtime();
  const Result<> result = run(*runtime, std::move(task));
  EXPECT_TRUE(result) << result.error().to_string_with_trace();
}

TEST(BufferedWriter, collects_until_it_is_flushed) {
  run_virtual([]() -> Task<> {
    ScriptedStream stream;
    BufferedWriter writer(stream);
    co_await writer.write("one, ");
    co_await writer.write("");
    co_await writer.write("two");
    EXPECT_EQ(stream.written, Writes{});
    EXPECT_EQ(writer.buffered_bytes(), 8U);
    co_await writer.flush();
    EXPECT_EQ(stream.written, (Writes{"one, two|"}));
    EXPECT_EQ(writer.buffered_bytes(), 0U);
    co_await writer.flush();
    EXPECT_EQ(stream.written.size(), 1U) << "there is nothing to flush";
  }());
}

TEST(BufferedWriter, writes_what_does_not_fit_in_one_call) {
  run_virtual([]() -> Task<> {
    ScriptedStream stream;
    BufferedWriter writer(stream, {.bytes_max = 8});
    co_await writer.write("12345678");  // fits
    EXPECT_EQ(stream.written, Writes{});
    co_await writer.write("9");
    EXPECT_EQ(stream.written, (Writes{"12345678|9"}));
    const std::string large(100, 'x');
    co_await writer.write(large);
    EXPECT_EQ(stream.written.back(), large) << "with nothing before it";
    EXPECT_EQ(writer.buffered_bytes(), 0U);
  }());
}

TEST(BufferedWriter, drops_what_was_not_flushed) {
  run_virtual([]() -> Task<> {
    ScriptedStream stream;
    {
      BufferedWriter writer(stream);
      co_await writer.write("nobody will read this");
    }
    EXPECT_EQ(stream.written, Writes{});
  }());
}

TEST(BufferedWriter, keeps_failing_once_it_has_failed) {
  run_virtual([]() -> Task<> {
    ScriptedStream stream;
    stream.write_fails = std::errc::broken_pipe;
    BufferedWriter writer(stream);
    co_await writer.write("lost");
    const Result<> flushed = co_await attempt(writer.flush());
    CO_ASSERT(!flushed);
    EXPECT_EQ(flushed.error(), std::errc::broken_pipe);
    const Result<> written = co_await attempt(writer.write("more"));
    CO_ASSERT(!written);
    EXPECT_EQ(written.error(), std::errc::broken_pipe);
    const Result<> again = co_await attempt(writer.flush());
    EXPECT_FALSE(again);
    EXPECT_EQ(stream.written, Writes{}) << "the stream would have taken it";
  }());
}

TEST(BufferedWriter, a_stop_before_it_began_takes_nothing_back) {
  run_virtual([]() -> Task<> {
    ScriptedStream stream;
    BufferedWriter writer(stream);
    co_await writer.write("kept");
    auto stopped = [&]() -> Task<> {
      co_await attempt(sleep(1h));
      co_await writer.write(" not added");
    };
    const Result<> result = co_await attempt(with_timeout(1s, stopped()));
    EXPECT_FALSE(result);
    co_await writer.flush();
    EXPECT_EQ(stream.written, (Writes{"kept|"}));
  }());
}

}  // namespace
}  // namespace ieum::test
