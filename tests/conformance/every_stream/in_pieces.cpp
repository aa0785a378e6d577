// Bytes in pieces both ways at once; stops, deadlines and second operations lose none of them.
#include <array>

#include "conformance/every_stream/streams.hpp"
#include "conformance/pieces.hpp"

namespace ieum::test {
namespace {

EVERY_STREAM(InPiecesOver);

CO_TEST_STREAM(InPiecesOver, bytes_arrive_whole_both_ways_at_once) {
  Ends pair = co_await connected<Ends>(kind);
  const std::vector<std::byte> up = random_bytes(std::size_t{4} << 20U, seed());
  const std::vector<std::byte> down = random_bytes(std::size_t{4} << 20U, seed() + 1);
  std::string got_up;
  std::string got_down;
  auto receive = [](Stream& from, std::uint64_t seed, std::string& into) -> Task<> {
    into = co_await receive_pieces(from, seed);
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(send_pieces(pair.client, up, seed() + 2));
    group.start(send_pieces(pair.server, down, seed() + 3));
    group.start(receive(pair.server, seed() + 4, got_up));
    group.start(receive(pair.client, seed() + 5, got_down));
    co_return;
  };
  co_await with_group(body);
  EXPECT_TRUE(same_bytes(bytes_of(got_up), up));
  EXPECT_TRUE(same_bytes(bytes_of(got_down), down));
}

CO_TEST_STREAM(InPiecesOver, a_stop_and_a_deadline_lose_nothing) {
  Ends pair = co_await connected<Ends>(kind);
  Result<Lease> received = co_await attempt(with_timeout(1ms, pair.server.receive()));
  CO_ASSERT(!received);
  EXPECT_EQ(received.error(), std::errc::timed_out);
  std::array<std::byte, 10> buffer{};
  Result<std::size_t> read = co_await attempt(with_timeout(1ms, pair.server.read_some(buffer)));
  CO_ASSERT(!read);
  EXPECT_EQ(read.error(), std::errc::timed_out);
  auto either = co_await select(pair.server.wait_readable(), sleep(1ms));
  EXPECT_FALSE(std::get<0>(either));
  co_await pair.client.write_all("still here");
  auto now = co_await select(pair.server.wait_readable(), sleep(patience));
  EXPECT_TRUE(std::get<0>(now));
  const std::string text = co_await read_text(pair.server, 10);
  EXPECT_EQ(text, "still here");
}

CO_TEST_STREAM(InPiecesOver, a_write_that_is_stopped_leaves_a_usable_stream) {
  Ends pair = co_await connected_with_small_buffers<Ends>(kind);
  const std::vector<std::byte> data =
      random_bytes(std::size_t{is_simulated() ? 1024U : 256U} << 10U, seed());
  std::size_t sent = 0;
  for (;;) {  // until the peer's buffers are full
    const Result<std::size_t> count = co_await attempt(
        with_timeout(5ms, pair.client.write_some(ConstBuffer(data).subspan(sent))));
    if (!count) {
      EXPECT_EQ(count.error(), std::errc::timed_out);
      break;
    }
    sent += *count;
    CO_ASSERT(sent < data.size());
  }
  std::string got;
  auto reading = [&]() -> Task<> { got = co_await read_to_end(pair.server); };
  auto body = [&](Group& group) -> Task<> {
    group.start(reading());
    co_await pair.client.write_all(ConstBuffer(data).subspan(sent));
    co_await pair.client.shutdown_write();
  };
  co_await with_group(body);
  EXPECT_TRUE(same_bytes(bytes_of(got), data));
}

CO_TEST_STREAM(InPiecesOver, a_second_operation_is_refused_and_the_first_goes_on) {
  Ends pair = co_await connected<Ends>(kind);
  std::string first;
  auto reading = [&]() -> Task<> { first = co_await read_text(pair.server, 5); };
  auto body = [&](Group& group) -> Task<> {
    group.start(reading());
    co_await yield();
    const Result<Lease> second = co_await attempt(pair.server.receive());
    CO_ASSERT(!second);
    EXPECT_EQ(second.error(), std::errc::device_or_resource_busy) << second.error().to_string();
    co_await pair.client.write_all("first");
  };
  co_await with_group(body);
  EXPECT_EQ(first, "first");
}

}  // namespace
}  // namespace ieum::test
