// Bytes arrive whole and in order: in chunks of every size, gathered, both ways at once; and what
// Stream makes of read_some and write_some.
#include <algorithm>
#include <array>

#include "conformance/every_stream/streams.hpp"

namespace ieum::test {
namespace {

EVERY_STREAM(TransferOver);

constexpr std::size_t chunk_max = std::size_t{256} * 1024;

/// From 1 to `chunk_max`, each order of magnitude as often as the others.
std::size_t random_size(std::mt19937_64& random) {
  const auto bits = random() % 19;
  return std::min(chunk_max, 1 + random() % (std::size_t{1} << bits));
}

/// Writes `total` bytes cut from `source` at random places: one write in four gathers up to 100
/// parts, some of them empty.
Task<> send_random(auto& socket, std::uint64_t total, const std::vector<std::byte>& source,
                   std::uint64_t seed, ByteHash& hash) {
  std::mt19937_64 random(seed);
  std::vector<ConstBuffer> parts;
  while (total > 0) {
    const bool gathers = random() % 4 == 0;
    const std::size_t count = gathers ? random() % 100 : 1;
    parts.clear();
    std::size_t room = std::min<std::uint64_t>(total, chunk_max);
    for (std::size_t i = 0; i < count; ++i) {
      std::size_t size = std::min(room, random_size(random));
      if (gathers) size = random() % 10 == 0 ? 0 : std::min<std::size_t>(size, 8192);
      const std::size_t at = random() % (source.size() - size);
      parts.push_back(ConstBuffer(source).subspan(at, size));
      hash.add(parts.back());
      room -= size;
      total -= size;
    }
    if (gathers) {
      co_await socket.write_all(parts);
    } else {
      co_await socket.write_all(parts[0]);
    }
  }
  co_await socket.shutdown_write();
}

Task<> receive_random(auto& socket, std::uint64_t seed, ByteHash& hash) {
  std::mt19937_64 random(seed);
  std::vector<std::byte> buffer(chunk_max);
  for (;;) {
    const std::span<std::byte> into = std::span(buffer).first(random_size(random));
    const std::size_t count = co_await socket.read_some(into);
    if (count == 0) break;
    hash.add(into.first(count));
  }
}

CO_TEST_STREAM(TransferOver, a_gigabyte_each_way_at_once_in_random_chunks) {
  const unsigned mebibytes = kind.over != nullptr ? 16 : sanitized && !long_form() ? 64 : 1024;
  const std::uint64_t total = std::uint64_t{mebibytes} << 20U;
  const std::vector<std::byte> source = random_bytes(std::size_t{4} << 20U, seed());
  Ends pair = co_await connected<Ends>(kind);
  ByteHash sent_by_client;
  ByteHash sent_by_server;
  ByteHash got_by_client;
  ByteHash got_by_server;
  auto body = [&](Group& group) -> Task<> {
    group.start(send_random(pair.client, total, source, seed() + 1, sent_by_client));
    group.start(send_random(pair.server, total, source, seed() + 2, sent_by_server));
    group.start(receive_random(pair.client, seed() + 3, got_by_client));
    group.start(receive_random(pair.server, seed() + 4, got_by_server));
    co_return;
  };
  co_await with_group(body);
  EXPECT_EQ(got_by_server.total(), total);
  EXPECT_EQ(got_by_client.total(), total);
  EXPECT_EQ(got_by_server.value(), sent_by_client.value());
  EXPECT_EQ(got_by_client.value(), sent_by_server.value());
}

CO_TEST_STREAM(TransferOver, a_byte_at_a_time) {
  Ends pair = co_await connected<Ends>(kind);
  const std::string text = "one byte after another";
  for (std::size_t i = 0; i < text.size(); ++i) {
    co_await pair.client.write_all(std::string_view(text).substr(i, 1));
    const std::string byte = co_await read_text(pair.server, 1);
    EXPECT_EQ(byte, text.substr(i, 1));
  }
}

CO_TEST_STREAM(TransferOver, one_write_larger_than_all_buffers) {
  Ends pair = co_await connected<Ends>(kind);
  const std::vector<std::byte> source =
      random_bytes(std::size_t{kind.over != nullptr ? 16U : 32U} << 20U, seed());
  std::vector<std::byte> got(source.size());
  auto body = [&](Group& group) -> Task<> {
    group.start(pair.client.read_exact(got));
    co_await pair.server.write_all(source);
  };
  co_await with_group(body);
  EXPECT_TRUE(same_bytes(got, source));
}

CO_TEST_STREAM(TransferOver, a_write_of_three_thousand_parts) {
  Ends pair = co_await connected_with_small_buffers<Ends>(kind);
  const std::vector<std::byte> source = random_bytes(std::size_t{3} << 20U, seed());
  std::mt19937_64 random(seed());
  std::vector<ConstBuffer> parts;
  std::vector<std::byte> expected;
  for (int i = 0; i < 3000; ++i) {
    const std::size_t size = i % 7 == 0 ? 0 : random() % 2000;
    parts.push_back(ConstBuffer(source).subspan(random() % (source.size() - size), size));
    expected.insert(expected.end(), parts.back().begin(), parts.back().end());
  }
  std::vector<std::byte> got(expected.size());
  auto body = [&](Group& group) -> Task<> {
    group.start(pair.server.read_exact(got));
    co_await pair.client.write_all(parts);
  };
  co_await with_group(body);
  EXPECT_EQ(got, expected);
}

CO_TEST_STREAM(TransferOver, a_write_of_nothing) {
  Ends pair = co_await connected<Ends>(kind);
  const std::vector<ConstBuffer> no_parts;
  const std::vector<ConstBuffer> empty_parts(3);
  const std::vector<ConstBuffer> many_empty_parts(1000);
  co_await pair.client.write_all("");
  co_await pair.client.write_all(no_parts);
  co_await pair.client.write_all(empty_parts);
  co_await pair.client.write_all(many_empty_parts);
  std::size_t count = co_await pair.client.write_some(ConstBuffer());
  EXPECT_EQ(count, 0U);
  count = co_await pair.client.write_some(many_empty_parts);
  EXPECT_EQ(count, 0U);
  std::vector<ConstBuffer> parts(1000);
  parts.push_back(bytes_of(std::string_view("after")));
  co_await pair.client.write_all(parts);
  const std::string text = co_await read_text(pair.server, 5);
  EXPECT_EQ(text, "after");
}

// With a reader beside it: what TLS takes is whole records, and it waits until they have gone.
CO_TEST_STREAM(TransferOver, write_some_gives_what_was_taken) {
  Ends pair = co_await connected_with_small_buffers<Ends>(kind);
  const std::vector<std::byte> source = random_bytes(std::size_t{8} << 20U, seed());
  std::size_t count = 0;
  std::string got;
  auto writing = [&]() -> Task<> {
    count = co_await pair.client.write_some(source);
    co_await pair.client.shutdown_write();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(writing());
    got = co_await read_to_end(pair.server);
  };
  co_await with_group(body);
  EXPECT_GT(count, 0U);
  EXPECT_LT(count, source.size());
  EXPECT_TRUE(same_bytes(std::as_bytes(std::span(got)), std::span(source).first(count)));
}

CO_TEST_STREAM(TransferOver, write_some_of_parts_gives_what_was_taken) {
  Ends pair = co_await connected_with_small_buffers<Ends>(kind);
  const std::vector<std::byte> source = random_bytes(std::size_t{8} << 20U, seed());
  std::vector<ConstBuffer> parts(1000);  // more empty ones than a system call takes
  for (std::size_t at = 0; at < source.size(); at += 1000) {
    parts.push_back(
        ConstBuffer(source).subspan(at, std::min<std::size_t>(1000, source.size() - at)));
  }
  Stream& any = pair.client;
  std::size_t first = 0;
  std::size_t rest = 0;
  std::string got;
  auto writing = [&]() -> Task<> {
    first = co_await pair.client.write_some(std::span(parts).first(1001));
    rest = co_await any.write_some(std::span(parts).subspan(1001));
    co_await pair.client.shutdown_write();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(writing());
    got = co_await read_to_end(pair.server);
  };
  co_await with_group(body);
  EXPECT_EQ(first, 1000U);
  EXPECT_GT(rest, 0U);
  EXPECT_LT(rest, source.size() - first);
  EXPECT_TRUE(same_bytes(std::as_bytes(std::span(got)), std::span(source).first(first + rest)));
}

CO_TEST_STREAM(TransferOver, a_slow_reader_holds_the_writer_back) {
  Ends pair = co_await connected_with_small_buffers<Ends>(kind);
  const std::vector<std::byte> source(std::size_t{4} << 20U);
  bool written = false;
  auto writing = [&]() -> Task<> {
    co_await pair.client.write_all(source);
    written = true;
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(writing());
    co_await sleep(20ms);
    EXPECT_FALSE(written);
    std::vector<std::byte> got(source.size());
    co_await pair.server.read_exact(got);
  };
  co_await with_group(body);
  EXPECT_TRUE(written);
}

/// " " and its address; nothing if it has none, as a Unix socket's client.
std::string of_peer(const Stream& stream) {
  const std::string address = stream.peer_address().to_string();
  return address.empty() ? "" : " " + address;
}

CO_TEST_STREAM(TransferOver, read_exact_in_pieces) {
  Ends pair = co_await connected<Ends>(kind);
  auto body = [&](Group& group) -> Task<> {
    auto reading = [&]() -> Task<> {
      const std::string text = co_await read_text(pair.server, 9);
      EXPECT_EQ(text, "abcdefghi");
    };
    group.start(reading());
    co_await pair.client.write_all("abc");
    co_await sleep(2ms);
    co_await pair.client.write_all("def");
    co_await sleep(2ms);
    co_await pair.client.write_all("ghijk");
    // The reading's frame lives as long as its closure: both end here.
    while (group.running() > 0) co_await yield();
  };
  co_await with_group(body);
  const std::string rest = co_await read_text(pair.server, 2);
  EXPECT_EQ(rest, "jk");
}

CO_TEST_STREAM(TransferOver, read_exact_of_nothing) {
  Ends pair = co_await connected<Ends>(kind);
  co_await pair.client.read_exact({});
}

CO_TEST_STREAM(TransferOver, read_exact_when_the_peer_finishes_before) {
  Ends pair = co_await connected<Ends>(kind);
  co_await pair.client.write_all("abc");
  co_await pair.client.close();
  std::string text(5, '-');
  Result<> read = co_await attempt(pair.server.read_exact(bytes_of(text)));
  CO_ASSERT(!read);
  EXPECT_EQ(read.error(), Errc::end_of_stream);
  EXPECT_EQ(read.error().to_string(),
            "read" + of_peer(pair.server) + ": the peer finished sending too early");
  EXPECT_EQ(text, "abc--");
}

CO_TEST_STREAM(TransferOver, read_until_a_delimiter_with_more_behind_it) {
  Ends pair = co_await connected<Ends>(kind);
  co_await pair.client.write_all("first\r\nsecond\r\nthird");
  co_await pair.client.shutdown_write();
  std::string buffer;
  std::size_t end = co_await pair.server.read_until(buffer, "\r\n", 100);
  EXPECT_EQ(buffer.substr(0, end), "first\r\n");
  buffer.erase(0, end);
  end = co_await pair.server.read_until(buffer, "\r\n", 100);
  EXPECT_EQ(buffer.substr(0, end), "second\r\n");
  buffer.erase(0, end);
  end = co_await pair.server.read_until(buffer, "\r\n", 100);
  EXPECT_EQ(end, 0U);
  EXPECT_EQ(buffer, "third");
}

CO_TEST_STREAM(TransferOver, read_until_a_delimiter_that_comes_byte_by_byte) {
  Ends pair = co_await connected<Ends>(kind);
  std::string buffer;
  std::size_t end = 0;
  auto reading = [&]() -> Task<> { end = co_await pair.server.read_until(buffer, "END\n", 100); };
  auto body = [&](Group& group) -> Task<> {
    group.start(reading());
    const std::string text = "ENEEND END\n";
    for (std::size_t i = 0; i < text.size(); ++i) {
      co_await pair.client.write_all(std::string_view(text).substr(i, 1));
      co_await yield();
      co_await yield();
    }
  };
  co_await with_group(body);
  EXPECT_EQ(end, 11U);
  EXPECT_EQ(buffer, "ENEEND END\n");
}

CO_TEST_STREAM(TransferOver, read_until_a_limit) {
  Ends pair = co_await connected<Ends>(kind);
  co_await pair.client.write_all("0123456789\n");
  std::string buffer;
  // Ten bytes and the delimiter: a limit of eleven takes them, of ten does not.
  Result<std::size_t> end = co_await attempt(pair.server.read_until(buffer, "\n", 10));
  CO_ASSERT(!end);
  EXPECT_EQ(end.error(), Errc::limit_exceeded);
  EXPECT_EQ(end.error().to_string(), "read until delimiter" + of_peer(pair.server) +
                                         ": limit exceeded: no delimiter within 10 bytes");
  end = co_await attempt(pair.server.read_until(buffer, "\n", 11));
  CO_ASSERT(end);
  EXPECT_EQ(*end, 11U);
}

CO_TEST_STREAM(TransferOver, read_until_a_limit_without_an_end) {
  Ends pair = co_await connected<Ends>(kind);
  const std::string endless(100'000, 'x');
  co_await pair.client.write_all(endless);
  std::string buffer;
  Result<std::size_t> end = co_await attempt(pair.server.read_until(buffer, "\n", 10'000));
  CO_ASSERT(!end);
  EXPECT_EQ(end.error(), Errc::limit_exceeded);
  EXPECT_LT(buffer.size(), 20'000U);
}

CO_TEST_STREAM(TransferOver, read_until_when_the_peer_sent_nothing) {
  Ends pair = co_await connected<Ends>(kind);
  co_await pair.client.close();
  std::string buffer;
  const std::size_t end = co_await pair.server.read_until(buffer, "\n", 10);
  EXPECT_EQ(end, 0U);
  EXPECT_EQ(buffer, "");
}

CO_TEST_STREAM(TransferOver, copy_from_one_connection_to_another) {
  Ends from = co_await connected<Ends>(kind);
  Ends to = co_await connected<Ends>(kind);
  const std::vector<std::byte> source = random_bytes(std::size_t{5} << 20U, seed());
  std::uint64_t copied = 0;
  std::string got;
  auto sending = [&]() -> Task<> {
    co_await from.client.write_all(source);
    co_await from.client.shutdown_write();
  };
  auto copying = [&]() -> Task<> {
    copied = co_await copy(from.server, to.client);
    co_await to.client.shutdown_write();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(sending());
    group.start(copying());
    got = co_await read_to_end(to.server);
  };
  co_await with_group(body);
  EXPECT_EQ(copied, source.size());
  EXPECT_TRUE(same_bytes(std::as_bytes(std::span(got)), source));
}

CO_TEST_STREAM(TransferOver, copy_through_a_buffer_of_one_byte) {
  Ends from = co_await connected<Ends>(kind);
  Ends to = co_await connected<Ends>(kind);
  co_await from.client.write_all("some bytes");
  co_await from.client.close();
  const std::uint64_t copied = co_await copy(from.server, to.client, 1);
  EXPECT_EQ(copied, 10U);
  const std::string got = co_await read_text(to.server, 10);
  EXPECT_EQ(got, "some bytes");
}

}  // namespace
}  // namespace ieum::test
