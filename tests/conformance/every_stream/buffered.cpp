// BufferedReader and BufferedWriter over connections.
#include <array>
#include <optional>

#include "conformance/every_stream/streams.hpp"

namespace ieum::test {
namespace {

EVERY_STREAM(BufferedOver);

/// Lines of all lengths up to `bytes_max`, empty ones among them.
std::vector<std::string> random_lines(std::size_t count, std::size_t bytes_max) {
  std::mt19937_64 random(seed());
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t length = random() % (i % 50 == 0 ? bytes_max : 200);
    lines.emplace_back(length, static_cast<char>('a' + random() % 26));
  }
  return lines;
}

CO_TEST_STREAM(BufferedOver, lines_of_all_lengths_arrive) {
  Ends pair = co_await connected<Ends>(kind);
  const std::vector<std::string> lines = random_lines(3000, 60'000);
  auto sending = [&]() -> Task<> {
    BufferedWriter writer(pair.client);
    for (const std::string& line : lines) {
      co_await writer.write(line);
      co_await writer.write("\n");
    }
    co_await writer.flush();
    co_await pair.client.shutdown_write();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(sending());
    BufferedReader reader(pair.server);
    std::size_t count = 0;
    while (const std::optional<std::string_view> line = co_await reader.read_line()) {
      if (count >= lines.size() || *line != lines[count]) break;
      ++count;
    }
    EXPECT_EQ(count, lines.size());
  };
  co_await with_group(body);
}

CO_TEST_STREAM(BufferedOver, frames_with_a_length_before_them) {
  Ends pair = co_await connected<Ends>(kind);
  const std::vector<std::byte> source = random_bytes(300'000, seed());
  auto sending = [&]() -> Task<> {
    BufferedWriter writer(pair.client, {.bytes_max = 1000});
    std::size_t from = 0;
    for (std::size_t wanted = 0; from < source.size(); wanted = wanted * 7 % 5003 + 1) {
      const std::size_t length = std::min(wanted, source.size() - from);
      const std::array<std::byte, 2> head{std::byte(length >> 8U), std::byte(length & 0xffU)};
      co_await writer.write(ConstBuffer(head));
      co_await writer.write(ConstBuffer(source).subspan(from, length));
      from += length;
    }
    co_await writer.flush();
    co_await pair.client.shutdown_write();
  };
  std::vector<std::byte> got;
  auto body = [&](Group& group) -> Task<> {
    group.start(sending());
    BufferedReader reader(pair.server);
    for (;;) {
      const ConstBuffer next = co_await reader.peek(1);
      if (next.empty()) break;
      const ConstBuffer head = co_await reader.read_exact(2);
      const std::size_t length =
          std::to_integer<std::size_t>(head[0]) << 8U | std::to_integer<std::size_t>(head[1]);
      const ConstBuffer piece = co_await reader.read_exact(length);
      got.insert(got.end(), piece.begin(), piece.end());
    }
  };
  co_await with_group(body);
  EXPECT_TRUE(got == source);
}

CO_TEST_STREAM(BufferedOver, a_reset_in_the_middle_of_a_line) {
  Ends pair = co_await connected<Ends>(kind);
  BufferedReader reader(pair.server);
  auto line = [&]() -> Task<std::string> {
    const std::optional<std::string_view> text = co_await reader.read_line();
    co_return std::string(text.value_or("none"));
  };
  co_await pair.client.write_all("a line\nhalf");
  const std::string first = co_await line();
  EXPECT_EQ(first, "a line");
  const Result<std::string> early = co_await attempt(with_timeout(10ms, line()));
  CO_ASSERT(!early);
  EXPECT_EQ(early.error(), std::errc::timed_out);
  co_await pair.server.write_all("unread, so that a Unix socket is reset as well");
  co_await pair.client.reset();
  const Result<std::string> second = co_await attempt(line());
  CO_ASSERT(!second);
  EXPECT_EQ(second.error(), std::errc::connection_reset);
  EXPECT_EQ(reader.take_buffered(), "half");
}

CO_TEST_STREAM(BufferedOver, idle_readers_hold_no_buffers) {
  // More readers than the smallest pool of the tests has buffers.
  std::vector<Ends> pairs;
  for (int i = 0; i < 12; ++i) {
    Ends pair = co_await connected<Ends>(kind);
    pairs.push_back(std::move(pair));
  }
  std::size_t got = 0;
  auto reading = [&](std::size_t at) -> Task<> {
    BufferedReader reader(pairs[at].server);
    for (int i = 0; i < 3; ++i) {
      const std::optional<std::string_view> line = co_await reader.read_line();
      if (line == "hello") ++got;
    }
  };
  auto body = [&](Group& group) -> Task<> {
    for (std::size_t i = 0; i < pairs.size(); ++i) group.start(reading(i));
    for (int i = 0; i < 3; ++i) {
      for (std::size_t at = pairs.size(); at-- > 0;) {
        co_await pairs[at].client.write_all("hello\n");
        co_await sleep(1ms);
      }
    }
    co_await group.join();
  };
  co_await with_timeout(patience, with_group(body));
  EXPECT_EQ(got, 36U);
}

CO_TEST_STREAM(BufferedOver, a_writer_whose_peer_has_gone) {
  Ends pair = co_await connected<Ends>(kind);
  co_await pair.server.reset();
  BufferedWriter writer(pair.client);
  Result<> flushed;
  for (int i = 0; i < 1000 && flushed; ++i) {
    co_await writer.write("to nobody");
    flushed = co_await attempt(writer.flush());
    if (flushed) co_await sleep(1ms);
  }
  CO_ASSERT(!flushed);
  const Result<> again = co_await attempt(writer.write("x"));
  CO_ASSERT(!again);
  EXPECT_EQ(again.error().code(), flushed.error().code());
}

CO_TEST_STREAM(BufferedOver, a_stopped_flush_is_not_repeated) {
  Ends pair = co_await connected_with_small_buffers<Ends>(kind);
  BufferedWriter writer(pair.client);
  const std::string large(std::size_t{8} << 20U, 'x');
  const Result<> stopped = co_await attempt(with_timeout(20ms, writer.write(large)));
  CO_ASSERT(!stopped);
  EXPECT_EQ(stopped.error(), std::errc::timed_out);
  const Result<> later = co_await attempt(writer.write("x"));
  EXPECT_FALSE(later);
  EXPECT_EQ(writer.buffered_bytes(), 0U);
}

}  // namespace
}  // namespace ieum::test
