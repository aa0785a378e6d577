// receive(): what comes, leased in buffers of the runtime's, and how it ends.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <random>

#include "conformance/every_stream/streams.hpp"
#include "conformance/receiving.hpp"

namespace ieum::test {
namespace {

EVERY_STREAM(ReceiveOver);

CO_TEST_STREAM(ReceiveOver, gives_what_was_sent_however_much) {
  const std::array<std::size_t, 12> sizes = {1,      2,      1000,   4095,    4096,      4097,
                                             65'535, 65'536, 65'537, 200'000, 1U << 20U, 5'000'003};
  for (const std::size_t size : sizes) {
    Ends pair = co_await connected<Ends>(kind);
    const std::vector<std::byte> source = random_bytes(size, seed() + size);
    std::string got;
    auto body = [&](Group& group) -> Task<> {
      group.start(send_and_finish(pair.client, source));
      got = co_await receive_to_end(pair.server);
    };
    co_await with_group(body);
    EXPECT_TRUE(is_same(got, source)) << size << " bytes were sent, " << got.size() << " came";
  }
}

Task<> read_and_receive_by_turns(auto& from, std::uint64_t seed, std::string& got) {
  std::mt19937_64 random(seed);
  std::string buffer(70'000, '\0');
  for (;;) {
    std::size_t count = 0;
    if (random() % 2 == 0) {
      Lease data = co_await from.receive();
      count = data.size();
      got += data.text();
    } else {
      count = co_await from.read_some(bytes_of(buffer).first(1 + random() % buffer.size()));
      got.append(buffer, 0, count);
    }
    if (count == 0) break;
  }
}

CO_TEST_STREAM(ReceiveOver, and_read_some_take_turns_on_a_socket_both_ways_at_once) {
  Ends pair = co_await connected<Ends>(kind);
  const std::vector<std::byte> from_client = random_bytes(3'000'000, seed() + 1);
  const std::vector<std::byte> from_server = random_bytes(3'000'001, seed() + 2);
  std::string got_by_client;
  std::string got_by_server;
  auto body = [&](Group& group) -> Task<> {
    group.start(send_and_finish(pair.client, from_client));
    group.start(send_and_finish(pair.server, from_server));
    group.start(read_and_receive_by_turns(pair.client, seed() + 3, got_by_client));
    group.start(read_and_receive_by_turns(pair.server, seed() + 4, got_by_server));
    co_return;
  };
  co_await with_group(body);
  EXPECT_TRUE(is_same(got_by_server, from_client));
  EXPECT_TRUE(is_same(got_by_client, from_server));
}

CO_TEST_STREAM(ReceiveOver, leases_more_at_a_time_where_much_comes) {
  Ends pair = co_await connected<Ends>(kind);
  const std::vector<std::byte> source = random_bytes(std::size_t{16} << 20U, seed());
  std::size_t total = 0;
  std::size_t largest = 0;
  auto body = [&](Group& group) -> Task<> {
    group.start(send_and_finish(pair.client, source));
    while (Lease data = co_await pair.server.receive()) {
      total += data.size();
      largest = std::max(largest, data.size());
    }
  };
  co_await with_group(body);
  EXPECT_EQ(total, source.size());
  EXPECT_LE(largest, std::size_t{64} * 1024);
  const bool has_large_ones = std::getenv("IEUM_RECEIVE_BUFFERS") == nullptr;
  EXPECT_GT(largest, has_large_ones ? 4096U : 0U);
}

CO_TEST_STREAM(ReceiveOver, the_peers_end_is_an_empty_lease_again_and_again) {
  Ends pair = co_await connected<Ends>(kind);
  co_await pair.client.write_all("last");
  co_await pair.client.shutdown_write();
  const Lease last = co_await pair.server.receive();
  EXPECT_EQ(last.text(), "last");
  for (int i = 0; i < 3; ++i) {
    const Lease end = co_await pair.server.receive();
    EXPECT_TRUE(end.empty());
    EXPECT_FALSE(end);
  }
  co_await pair.server.write_all("the other way");
  const Lease other = co_await pair.client.receive();
  EXPECT_EQ(other.text(), "the other way");
}

CO_TEST_STREAM(ReceiveOver, the_peers_end_reaches_one_that_waits) {
  Ends pair = co_await connected<Ends>(kind);
  Receiving receiving;
  auto body = [&](Group& group) -> Task<> {
    group.start(receive_once(pair.server, receiving));
    co_await let_it_wait();
    co_await pair.client.shutdown_write();
  };
  co_await with_group(body);
  EXPECT_EQ(receiving.ended, "succeeded");
  EXPECT_EQ(receiving.got, "");
}

CO_TEST_STREAM(ReceiveOver, a_reset_is_told_after_what_came_before_it) {
  if (!kind.has_resets()) co_return;
  Ends pair = co_await connected<Ends>(kind);
  const std::string peer = pair.client.peer_address().to_string();
  co_await pair.server.write_all("before");
  co_await pair.server.reset();
  const Lease before = co_await pair.client.receive();
  EXPECT_EQ(before.text(), "before");
  for (int i = 0; i < 3; ++i) {
    Result<Lease> data = co_await attempt(pair.client.receive());
    CO_ASSERT(!data);
    EXPECT_EQ(data.error().to_string(), "receive " + peer + ": connection reset by peer");
  }
}

CO_TEST_STREAM(ReceiveOver, a_reset_reaches_one_that_waits) {
  if (!kind.has_resets()) co_return;
  Ends pair = co_await connected<Ends>(kind);
  const std::string peer = pair.client.peer_address().to_string();
  Receiving receiving;
  auto body = [&](Group& group) -> Task<> {
    group.start(receive_once(pair.client, receiving));
    co_await let_it_wait();
    co_await pair.server.reset();
  };
  co_await with_group(body);
  EXPECT_EQ(receiving.ended, "receive " + peer + ": connection reset by peer");
}

// Otherwise a reader would take what was cut off for the whole.
CO_TEST_STREAM(ReceiveOver, a_reset_that_a_write_was_told_of_is_no_orderly_end) {
  if (!kind.has_resets()) co_return;
  Ends pair = co_await connected<Ends>(kind);
  const std::vector<std::byte> block(std::size_t{64} * 1024);
  co_await pair.server.reset();
  std::optional<Error> failure;
  while (!failure) {
    Result<> written = co_await attempt(pair.client.write_all(block));
    if (!written) failure = written.error();
  }
  Result<Lease> data = co_await attempt(pair.client.receive());
  CO_ASSERT(!data);
  EXPECT_EQ(data.error(), std::errc::connection_reset);
}

CO_TEST_STREAM(ReceiveOver, a_peer_that_closes_without_having_read_resets) {
  if (kind.says_farewell) co_return;
  Ends pair = co_await connected<Ends>(kind);
  co_await pair.client.write_all("never read");
  co_await pair.server.close();
  Result<Lease> data = co_await attempt(pair.client.receive());
  CO_ASSERT(!data);
  EXPECT_EQ(data.error(), std::errc::connection_reset);
}

CO_TEST_STREAM(ReceiveOver, a_deadline_ends_one_that_waits_and_nothing_is_lost) {
  Ends pair = co_await connected<Ends>(kind);
  const std::string peer = pair.client.peer_address().to_string();
  for (int i = 0; i < 20; ++i) {
    Result<Lease> early = co_await attempt(with_timeout(2ms, pair.client.receive()));
    CO_ASSERT(!early);
    EXPECT_EQ(early.error().to_string(), "receive " + peer + ": timed out after 2 ms");
    const std::string text = "message " + std::to_string(i);
    co_await pair.server.write_all(text);
    const Lease data = co_await pair.client.receive();
    EXPECT_EQ(data.text(), text);
  }
}

CO_TEST_STREAM(ReceiveOver, a_stop_ends_one_that_waits_and_nothing_is_lost) {
  Ends pair = co_await connected<Ends>(kind);
  const std::string peer = pair.client.peer_address().to_string();
  Receiving receiving;
  auto body = [&](Group& group) -> Task<> {
    group.start(receive_once(pair.client, receiving));
    co_await let_it_wait();
    group.stop();
  };
  co_await with_group(body);
  EXPECT_EQ(receiving.ended, "receive " + peer + ": canceled");
  co_await pair.server.write_all("later");
  const Lease data = co_await pair.client.receive();
  EXPECT_EQ(data.text(), "later");
}

CO_TEST_STREAM(ReceiveOver, closing_ends_one_that_waits) {
  Ends pair = co_await connected<Ends>(kind);
  const std::string peer = pair.client.peer_address().to_string();
  Receiving receiving;
  auto body = [&](Group& group) -> Task<> {
    group.start(receive_once(pair.client, receiving));
    co_await let_it_wait();
    co_await pair.client.close();
  };
  co_await with_group(body);
  EXPECT_EQ(receiving.ended, "receive " + peer + ": canceled");
  Result<Lease> closed = co_await attempt(pair.client.receive());
  CO_ASSERT(!closed);
  EXPECT_EQ(closed.error().to_string(), "receive " + peer + ": bad file descriptor");
}

CO_TEST_STREAM(ReceiveOver, a_lease_outlives_its_socket) {
  Lease kept;
  {
    Ends pair = co_await connected<Ends>(kind);
    co_await pair.client.write_all("kept");
    kept = co_await pair.server.receive();
    co_await pair.server.close();
  }
  Ends next = co_await connected<Ends>(kind);
  for (int i = 0; i < 10; ++i) {
    co_await next.client.write_all("overwritten?");
    const Lease other = co_await next.server.receive();
    EXPECT_NE(other.data(), kept.data());
  }
  EXPECT_EQ(kept.text(), "kept");
}

}  // namespace
}  // namespace ieum::test
