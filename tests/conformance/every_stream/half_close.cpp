// Half-closing: each side says that it has finished, in each order, and goes on reading.
#include "conformance/every_stream/streams.hpp"
#include "conformance/receiving.hpp"

namespace ieum::test {
namespace {

EVERY_STREAM(HalfCloseOver);

CO_TEST_STREAM(HalfCloseOver, the_client_first) {
  Ends pair = co_await connected<Ends>(kind);
  co_await pair.client.write_all("question");
  co_await pair.client.shutdown_write();
  const std::string question = co_await read_to_end(pair.server);
  EXPECT_EQ(question, "question");
  co_await expect_end(pair.server);
  co_await pair.server.write_all("a long answer");
  co_await pair.server.write_all(", in two parts");
  co_await pair.server.shutdown_write();
  const std::string answer = co_await read_to_end(pair.client);
  EXPECT_EQ(answer, "a long answer, in two parts");
  co_await expect_end(pair.client);
  co_await expect_end(pair.server);
}

CO_TEST_STREAM(HalfCloseOver, the_server_first) {
  Ends pair = co_await connected<Ends>(kind);
  co_await pair.server.write_all("greeting");
  co_await pair.server.shutdown_write();
  const std::string greeting = co_await read_to_end(pair.client);
  EXPECT_EQ(greeting, "greeting");
  co_await expect_end(pair.client);
  co_await pair.client.write_all("farewell");
  const std::string farewell = co_await read_text(pair.server, 8);
  EXPECT_EQ(farewell, "farewell");
  co_await pair.client.shutdown_write();
  co_await expect_end(pair.server);
}

CO_TEST_STREAM(HalfCloseOver, both_at_once) {
  Ends pair = co_await connected<Ends>(kind);
  co_await pair.client.write_all("from the client");
  co_await pair.server.write_all("from the server");
  co_await pair.client.shutdown_write();
  co_await pair.server.shutdown_write();
  const std::string at_server = co_await read_to_end(pair.server);
  const std::string at_client = co_await read_to_end(pair.client);
  EXPECT_EQ(at_server, "from the client");
  EXPECT_EQ(at_client, "from the server");
  co_await expect_end(pair.client);
  co_await expect_end(pair.server);
}

CO_TEST_STREAM(HalfCloseOver, without_a_byte) {
  Ends pair = co_await connected<Ends>(kind);
  co_await pair.client.shutdown_write();
  co_await expect_end(pair.server);
  co_await pair.server.shutdown_write();
  co_await expect_end(pair.client);
}

CO_TEST_STREAM(HalfCloseOver, ends_a_pending_read) {
  Ends pair = co_await connected<Ends>(kind);
  auto body = [&](Group& group) -> Task<> {
    group.start(expect_end(pair.server));
    co_await sleep(2ms);  // by now it waits; if it did not, the test would be the one above
    co_await pair.client.shutdown_write();
  };
  co_await with_group(body);
}

CO_TEST_STREAM(HalfCloseOver, with_data_and_the_end_in_one_batch) {
  // The read that takes the last data is short, and no further event tells of the end.
  for (int round = 0; round < 50; ++round) {
    Ends pair = co_await connected<Ends>(kind);
    std::string got;
    auto reading = [&]() -> Task<> { got = co_await read_to_end(pair.server); };
    auto body = [&](Group& group) -> Task<> {
      group.start(reading());
      co_await yield();
      co_await yield();
      co_await pair.client.write_all("first");
      if (round % 2 == 0) co_await yield();
      co_await pair.client.write_all("second");
      if (round % 3 == 0) co_await yield();
      co_await pair.client.shutdown_write();
    };
    co_await with_group(body);
    EXPECT_EQ(got, "firstsecond");
  }
}

CO_TEST_STREAM(HalfCloseOver, while_much_is_on_its_way_the_other_way) {
  Ends pair = co_await connected<Ends>(kind);
  const std::vector<std::byte> source = random_bytes(std::size_t{4} << 20U, seed());
  std::vector<std::byte> got(source.size());
  auto body = [&](Group& group) -> Task<> {
    group.start(pair.client.read_exact(got));
    group.start(expect_end(pair.server));
    co_await pair.client.shutdown_write();
    co_await pair.server.write_all(source);
  };
  co_await with_group(body);
  EXPECT_EQ(got, source);
}

CO_TEST_STREAM(HalfCloseOver, while_much_is_on_its_way_to_the_server) {
  Ends pair = co_await connected<Ends>(kind);
  const std::vector<std::byte> source = random_bytes(std::size_t{3} << 20U, seed());
  co_await pair.server.write_all("greeting");
  co_await pair.server.shutdown_write();
  const std::string greeting = co_await read_to_end(pair.client);
  EXPECT_EQ(greeting, "greeting");
  std::vector<std::byte> got(source.size());
  auto sending = [&]() -> Task<> {
    co_await pair.client.write_all(source);
    co_await pair.client.shutdown_write();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(sending());
    co_await pair.server.read_exact(got);
    co_await expect_end(pair.server);
  };
  co_await with_group(body);
  EXPECT_EQ(got, source);
}

CO_TEST_STREAM(HalfCloseOver, then_writing_is_a_broken_pipe) {
  Ends pair = co_await connected<Ends>(kind);
  co_await pair.client.shutdown_write();
  Result<> written = co_await attempt(pair.client.write_all("late"));
  CO_ASSERT(!written);
  EXPECT_EQ(written.error(), std::errc::broken_pipe);
}

CO_TEST_STREAM(HalfCloseOver, twice_is_no_error) {
  Ends pair = co_await connected<Ends>(kind);
  co_await pair.client.shutdown_write();
  co_await pair.client.shutdown_write();
  co_await expect_end(pair.server);
}

CO_TEST_STREAM(HalfCloseOver, ends_a_pending_write_of_ones_own) {
  if (kind.says_farewell) co_return;
  Ends pair = co_await connected_with_small_buffers<Ends>(kind);
  const std::vector<std::byte> much(std::size_t{8} << 20U);
  Result<> written;
  auto writing = [&]() -> Task<> { written = co_await attempt(pair.client.write_all(much)); };
  auto body = [&](Group& group) -> Task<> {
    group.start(writing());
    co_await sleep(2ms);
    co_await pair.client.shutdown_write();
  };
  co_await with_group(body);
  CO_ASSERT(!written);
  EXPECT_EQ(written.error(), std::errc::broken_pipe);
}

}  // namespace
}  // namespace ieum::test
