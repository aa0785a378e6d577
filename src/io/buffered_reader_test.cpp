// BufferedReader: lines and pieces however they arrive; limits, ends, stops; what it holds.
#include <ieum/buffered_reader.hpp>

#include <malloc.h>

#include <string>
#include <vector>

#include "support/null_driver.hpp"
#include "support/scripted_stream.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;

void run_virtual(Task<> task) {
  const std::unique_ptr<Runtime> runtime = make_null_runtime();
  const Result<> result = run(*runtime, std::move(task));
  EXPECT_TRUE(result) << result.error().to_string_with_trace();
}

std::string text_of(ConstBuffer bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Task<std::vector<std::string>> all_lines(BufferedReader& reader) {
  std::vector<std::string> lines;
  while (const std::optional<std::string_view> line = co_await reader.read_line()) {
    lines.emplace_back(*line);
  }
  co_return lines;
}

using Lines = std::vector<std::string>;

TEST(BufferedReader, gives_lines_without_their_ends) {
  run_virtual([]() -> Task<> {
    ScriptedStream stream;
    stream.input = {"one\ntwo\r\n\n\r\nfi", "ve\r", "\n\rsix\r\n"};
    BufferedReader reader(stream);
    const Lines lines = co_await all_lines(reader);
    EXPECT_EQ(lines, (Lines{"one", "two", "", "", "five", "\rsix"}));
    EXPECT_TRUE(reader.buffered().empty());
  }());
}

TEST(BufferedReader, gives_the_same_however_it_arrives) {
  // Two delimiters, of which one begins within the other; cut at each two places.
  const std::string all = "a--b----c-d--";
  for (std::size_t first = 0; first <= all.size(); ++first) {
    for (std::size_t second = first; second <= all.size(); ++second) {
      run_virtual([](std::string text, std::size_t from, std::size_t to) -> Task<> {
        ScriptedStream stream;
        const std::vector<std::string> parts{text.substr(0, from), text.substr(from, to - from),
                                             text.substr(to)};
        for (const std::string& part : parts) {
          if (!part.empty()) stream.input.push_back(part);
        }
        BufferedReader reader(stream);
        Lines pieces;
        while (const std::optional<std::string_view> piece = co_await reader.read_until("--")) {
          pieces.emplace_back(*piece);
        }
        EXPECT_EQ(pieces, (Lines{"a--", "b--", "--", "c-d--"})) << from << " " << to;
      }(all, first, second));
    }
  }
}

TEST(BufferedReader, shows_what_came_in_one_buffer_where_it_lies) {
  run_virtual([]() -> Task<> {
    ScriptedStream stream;
    stream.input = {"first\nsecond\n12345"};
    BufferedReader reader(stream);
    const std::optional<std::string_view> first = co_await reader.read_line();
    const char* const at = first->data();
    const std::optional<std::string_view> second = co_await reader.read_line();
    EXPECT_EQ(second->data(), at + 6);
    const ConstBuffer piece = co_await reader.read_exact(3);
    EXPECT_EQ(reinterpret_cast<const char*>(piece.data()), at + 13);
    EXPECT_EQ(text_of(piece), "123");
    EXPECT_EQ(stream.reads, 1);
  }());
}

TEST(BufferedReader, tells_a_line_that_did_not_end_from_the_end) {
  run_virtual([]() -> Task<> {
    ScriptedStream stream;
    stream.input = {"whole\nno", " end"};
    BufferedReader reader(stream);
    const std::optional<std::string_view> whole = co_await reader.read_line();
    EXPECT_EQ(whole, "whole");
    const auto rest = co_await attempt(reader.read_line());
    CO_ASSERT(!rest);
    EXPECT_EQ(rest.error(), Errc::end_of_stream);
    EXPECT_EQ(text_of(reader.buffered()), "no end");
    co_await reader.skip(6);
    const std::optional<std::string_view> end = co_await reader.read_line();
    EXPECT_FALSE(end);
  }());
}

TEST(BufferedReader, refuses_what_is_too_long_and_loses_nothing) {
  run_virtual([]() -> Task<> {
    ScriptedStream stream;
    stream.input = {"12345\n", "123", "456\n", "7\n12", "345678"};
    BufferedReader reader(stream, {.bytes_max = 6});
    const std::optional<std::string_view> exact = co_await reader.read_line();
    EXPECT_EQ(exact, "12345") << "the limit is the line with its end";
    for (int i = 0; i < 2; ++i) {
      const auto line = co_await attempt(reader.read_line());
      CO_ASSERT(!line);
      EXPECT_EQ(line.error().to_string(), "read line: limit exceeded: no end within 6 bytes");
      EXPECT_EQ(text_of(reader.buffered()), "123456\n");
    }
    const auto piece = co_await attempt(reader.read_exact(7));
    CO_ASSERT(!piece);
    EXPECT_EQ(piece.error(), Errc::limit_exceeded);
    co_await reader.skip(7);
    const std::optional<std::string_view> next = co_await reader.read_line();
    EXPECT_EQ(next, "7");
    const auto endless = co_await attempt(reader.read_until("9"));
    CO_ASSERT(!endless);
    EXPECT_EQ(endless.error(), Errc::limit_exceeded);
    EXPECT_EQ(reader.take_buffered(), "12345678");
  }());
}

TEST(BufferedReader, refuses_at_once_what_it_has_looked_at) {
  run_virtual([]() -> Task<> {
    ScriptedStream stream;
    stream.input = {"1234", "5678", "never read"};
    BufferedReader reader(stream, {.bytes_max = 8});
    const ConstBuffer all = co_await reader.peek(8);
    EXPECT_EQ(text_of(all), "12345678");
    const auto line = co_await attempt(reader.read_line());
    CO_ASSERT(!line);
    EXPECT_EQ(line.error(), Errc::limit_exceeded);
    EXPECT_EQ(stream.reads, 2);
  }());
}

TEST(BufferedReader, pieces_peeks_and_skips) {
  run_virtual([]() -> Task<> {
    ScriptedStream stream;
    stream.input = {"ab", "cd", "efghij", std::string(200, 'x'), "end"};
    BufferedReader reader(stream);
    const ConstBuffer nothing = co_await reader.peek(0);
    EXPECT_TRUE(nothing.empty());
    const ConstBuffer none = co_await reader.read_exact(0);
    EXPECT_TRUE(none.empty());
    const ConstBuffer three = co_await reader.peek(3);
    EXPECT_EQ(text_of(three), "abc");
    const ConstBuffer again = co_await reader.peek(1);
    EXPECT_EQ(text_of(again), "abc");
    const ConstBuffer six = co_await reader.read_exact(6);
    EXPECT_EQ(text_of(six), "abcdef");
    std::array<std::byte, 3> three_more{};
    co_await reader.read_exact(std::span(three_more));
    EXPECT_EQ(text_of(three_more), "ghi");
    co_await reader.skip(1);
    co_await reader.skip(0);
    co_await reader.skip(200);
    const ConstBuffer all = co_await reader.peek(10);
    EXPECT_EQ(text_of(all), "end") << "fewer before the end";
    const auto beyond = co_await attempt(reader.read_exact(4));
    CO_ASSERT(!beyond);
    EXPECT_EQ(beyond.error(), Errc::end_of_stream);
    const auto too_far = co_await attempt(reader.skip(4));
    CO_ASSERT(!too_far);
    EXPECT_EQ(too_far.error(), Errc::end_of_stream);
    const ConstBuffer end = co_await reader.peek(1);
    EXPECT_TRUE(end.empty());
  }());
}

TEST(BufferedReader, keeps_no_more_than_is_looked_at) {
  run_virtual([]() -> Task<> {
    constexpr std::size_t pieces = 200'000;
    ScriptedStream stream;
    for (std::size_t i = 0; i < pieces; ++i) stream.input.emplace_back("abcde");  // an odd number
    BufferedReader reader(stream);
    const ConstBuffer first = co_await reader.peek(6);
    EXPECT_EQ(text_of(first), "abcdea");
    std::size_t taken = 0;
    std::size_t before = 0;
    while (taken + 6 <= pieces * 5) {
      const ConstBuffer seen = co_await reader.peek(6);
      const std::string_view all = "abcdeabcdea";
      if (text_of(seen) != all.substr(taken % 5, 6)) {
        ADD_FAILURE() << "at " << taken << ": " << text_of(seen);
        break;
      }
      co_await reader.skip(4);
      taken += 4;
      if (taken == 400) before = ::mallinfo2().uordblks;
    }
    // What the stream has given lies there no more, and in the reader no more than a little of it.
    const std::size_t given = (pieces - 1000) * sizeof(std::string);
    if (before >= given) {  // a sanitizer's allocator does not count
      EXPECT_LE(::mallinfo2().uordblks, before - given);
    }
  }());
}

TEST(BufferedReader, reads_past_its_buffer_when_that_is_empty) {
  run_virtual([]() -> Task<> {
    ScriptedStream stream;
    stream.input = {"line\nrest", std::string(500, 'y')};
    BufferedReader reader(stream);
    const std::optional<std::string_view> line = co_await reader.read_line();
    EXPECT_EQ(line, "line");
    std::array<std::byte, 1000> buffer{};
    const std::size_t rest = co_await reader.read_some(buffer);
    EXPECT_EQ(rest, 4U);
    const std::size_t more = co_await reader.read_some(buffer);
    EXPECT_EQ(more, 500U) << "not by way of a lease, which is smaller here";
    const std::size_t end = co_await reader.read_some(buffer);
    EXPECT_EQ(end, 0U);
  }());
}

TEST(BufferedReader, hands_over_what_it_has_read_ahead) {
  run_virtual([]() -> Task<> {
    ScriptedStream stream;
    stream.input = {"UPGRADE\nfir", "st of the new"};
    BufferedReader reader(stream);
    const std::optional<std::string_view> line = co_await reader.read_line();
    EXPECT_EQ(line, "UPGRADE");
    EXPECT_EQ(text_of(reader.buffered()), "fir");
    EXPECT_EQ(text_of(reader.buffered()), "fir") << "looking takes nothing";
    EXPECT_EQ(reader.take_buffered(), "fir");
    EXPECT_EQ(reader.take_buffered(), "");
    std::array<std::byte, 32> buffer{};
    const std::size_t count = co_await stream.read_some(buffer);
    EXPECT_EQ(count, 13U);
  }());
}

TEST(BufferedReader, loses_nothing_to_a_stop_or_a_failure) {
  run_virtual([]() -> Task<> {
    ScriptedStream stream;
    stream.input = {"slow", "ly\nnext\n"};
    stream.pause = 2s;
    BufferedReader reader(stream);
    for (int i = 0; i < 3; ++i) {  // the first two reads are stopped, or between the two parts
      const auto stopped = co_await attempt(with_timeout(i < 2 ? 1s : 3s, reader.read_line()));
      CO_ASSERT(!stopped);
      EXPECT_EQ(stopped.error(), std::errc::timed_out);
    }
    EXPECT_EQ(text_of(reader.buffered()), "slow");
    const std::optional<std::string_view> line = co_await reader.read_line();
    EXPECT_EQ(line, "slowly");
    stream.read_fails = std::errc::connection_reset;
    const std::optional<std::string_view> next = co_await reader.read_line();
    EXPECT_EQ(next, "next");
    const auto broken = co_await attempt(reader.read_line());
    CO_ASSERT(!broken);
    EXPECT_EQ(broken.error(), std::errc::connection_reset);
  }());
}

TEST(BufferedReader, heeds_a_stop_although_it_could_answer) {
  run_virtual([]() -> Task<> {
    ScriptedStream stream;
    stream.input = {"a\nb\n"};
    BufferedReader reader(stream);
    const std::optional<std::string_view> first = co_await reader.read_line();
    EXPECT_EQ(first, "a");
    auto stopped = [&]() -> Task<> {
      co_await attempt(sleep(1h));
      co_await reader.read_line();
      ADD_FAILURE() << "it went on";
    };
    const Result<> result = co_await attempt(with_timeout(1s, stopped()));
    EXPECT_FALSE(result);
    const std::optional<std::string_view> second = co_await reader.read_line();
    EXPECT_EQ(second, "b");
  }());
}

}  // namespace
}  // namespace ieum::test
