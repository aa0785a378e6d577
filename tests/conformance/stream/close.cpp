// Closing: gracefully, with operations pending, by destroying, by moving over; a number used again.
#include <fcntl.h>

#include <array>
#include <cstring>
#include <optional>

#include "conformance/conformance.hpp"
#include "conformance/pending.hpp"
#include "conformance/waiting.hpp"

namespace ieum::test {
namespace {

EVERY_TRANSPORT(CloseOfSocket);

CO_TEST_P(CloseOfSocket, gracefully_of_a_peer_that_does_not_finish_says_so_and_closes) {
  Pair pair = co_await connected(transport);
  Result<> ended = co_await attempt(pair.client.close_gracefully(5ms));
  CO_ASSERT(!ended);
  EXPECT_EQ(ended.error(), std::errc::timed_out);
  EXPECT_FALSE(pair.client.is_open());
  const std::string end = co_await read_to_end(pair.server);
  EXPECT_EQ(end, "");
}

CO_TEST_P(CloseOfSocket, by_destroying_ends_a_pending_read_and_a_pending_write) {
  Pair pair = co_await connected_with_small_buffers(transport);
  const std::string address = pair.client.peer_address().to_string();
  std::optional<StreamSocket> socket(std::move(pair.client));
  Pending pending;
  auto body = [&](Group& group) -> Task<> {
    group.start(pending_read(*socket, pending));
    group.start(pending_write(*socket, pending));
    co_await until_it_waits();
    socket.reset();
  };
  co_await with_group(body);
  EXPECT_EQ(pending.read, "read " + address + ": canceled");
  EXPECT_EQ(pending.written, "write " + address + ": canceled");
}

CO_TEST_P(CloseOfSocket, by_moving_another_over_it_ends_a_pending_read_and_a_pending_write) {
  Pair pair = co_await connected_with_small_buffers(transport);
  Pair other = co_await connected(transport);
  const std::string address = pair.client.peer_address().to_string();
  Pending pending;
  auto body = [&](Group& group) -> Task<> {
    group.start(pending_read(pair.client, pending));
    group.start(pending_write(pair.client, pending));
    co_await until_it_waits();
    pair.client = std::move(other.client);
  };
  co_await with_group(body);
  EXPECT_EQ(pending.read, "read " + address + ": canceled");
  EXPECT_EQ(pending.written, "write " + address + ": canceled");
  EXPECT_FALSE(other.client.is_open());
  co_await pair.client.write_all("hello");
  const std::string text = co_await read_text(other.server, 5);
  EXPECT_EQ(text, "hello");
}

CO_TEST_P(CloseOfSocket, the_next_owner_of_the_number_gets_its_own_data) {
  for (int round = 0; round < 20; ++round) {
    Listener listener = co_await Listener::bind(any_address(transport));
    StreamSocket former = co_await StreamSocket::connect(listener.address());
    StreamSocket former_server = co_await listener.accept();
    StreamSocket next_server;
    const int number = former.native_handle();
    Pending pending;
    std::string got;
    auto body = [&](Group& group) -> Task<> {
      group.start(pending_read(former, pending));
      co_await until_it_waits();
      if (round % 2 == 0) co_await former_server.write_all("stale");  // an event is on its way
      co_await former.close();
      StreamSocket next = co_await StreamSocket::connect(listener.address());
      EXPECT_EQ(next.native_handle(), number);
      next_server = co_await listener.accept();
      co_await next_server.write_all("fresh");
      got = co_await read_text(next, 5);
    };
    co_await with_group(body);
    EXPECT_EQ(got, "fresh");
    // Either it was canceled, or it had won what was its own; never what came later.
    if (round % 2 == 0 && pending.read == "succeeded") {
      EXPECT_EQ(std::memcmp(pending.buffer.data(), "stale\0", 6), 0);
    } else {
      EXPECT_TRUE(pending.read.ends_with(": canceled")) << pending.read;
      EXPECT_EQ(pending.buffer, (std::array<std::byte, 16>{}));
    }
  }
}

CO_TEST_P(CloseOfSocket, the_next_owner_of_the_number_waits_for_its_own_readiness) {
  // The former owner had been readable and writable to the last: none of that may be believed.
  for (int round = 0; round < 20; ++round) {
    Pair former = co_await connected(transport);
    co_await former.server.write_all("unread");
    co_await former.server.shutdown_write();
    co_await former.client.close();
    co_await former.server.close();
    Pair next = co_await connected(transport);
    std::array<std::byte, 8> buffer;
    Result<std::size_t> early = co_await attempt(with_timeout(1ms, next.client.read_some(buffer)));
    CO_ASSERT(!early);
    EXPECT_EQ(early.error(), std::errc::timed_out);
    co_await next.server.write_all("fresh");
    const std::string text = co_await read_text(next.client, 5);
    EXPECT_EQ(text, "fresh");
  }
}

CO_TEST_P(CloseOfSocket, leaves_no_descriptor_to_a_child_process) {
  Pair pair = co_await connected(transport);
  EXPECT_NE(::fcntl(pair.client.native_handle(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(::fcntl(pair.server.native_handle(), F_GETFD) & FD_CLOEXEC, 0);
}

CO_TEST(Close, of_a_moved_from_socket_is_the_other_ones) {
  Pair pair = co_await connected();
  StreamSocket moved = std::move(pair.client);
  EXPECT_FALSE(pair.client.is_open());
  EXPECT_TRUE(moved.is_open());
  co_await moved.write_all("moved");
  const std::string text = co_await read_text(pair.server, 5);
  EXPECT_EQ(text, "moved");
}

// ---- Waiting for the peer's acknowledgement -----------------------------------------------------

CO_TEST_P(CloseOfSocket, can_wait_until_all_is_acknowledged) {
  Pair pair = co_await connected(transport);
  co_await pair.client.wait_acknowledged();  // nothing was sent
  co_await pair.client.write_all("hello");
  const std::string text = co_await read_text(pair.server, 5);
  co_await pair.client.wait_acknowledged();
  co_await pair.client.shutdown_write();
  co_await pair.client.wait_acknowledged();
  co_await pair.server.close();
  co_await pair.client.wait_acknowledged();
}

CO_TEST(Acknowledgement, comes_when_the_peers_system_has_the_bytes_although_nobody_reads_them) {
  Pair pair = co_await connected();
  co_await pair.client.write_all("unread");
  co_await pair.client.shutdown_write();
  co_await pair.client.wait_acknowledged();
  const std::string text = co_await read_to_end(pair.server);
  EXPECT_EQ(text, "unread");
}

CO_TEST(Acknowledgement, comes_only_when_there_was_room_at_the_peer) {
  Pair pair = co_await connected_with_small_buffers();
  const std::size_t count = fill(pair.client.native_handle());
  Result<> early = co_await attempt(with_timeout(20ms, pair.client.wait_acknowledged()));
  CO_ASSERT(!early);
  EXPECT_EQ(early.error().to_string(), "wait for acknowledgement " +
                                           pair.client.peer_address().to_string() +
                                           ": timed out after 20 ms");
  std::vector<std::byte> got(count);
  auto body = [&](Group& group) -> Task<> {
    group.start(pair.server.read_exact(got));
    co_await pair.client.wait_acknowledged();
  };
  co_await with_group(body);
}

CO_TEST(Acknowledgement, fails_when_the_connection_is_reset) {
  Pair pair = co_await connected_with_small_buffers();
  fill(pair.client.native_handle());
  Result<> acknowledged;
  auto waiting = [&]() -> Task<> {
    acknowledged = co_await attempt(pair.client.wait_acknowledged());
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(waiting());
    co_await until_it_waits();
    co_await pair.server.reset();
  };
  co_await with_group(body);
  CO_ASSERT(!acknowledged);
  EXPECT_EQ(acknowledged.error().to_string(), "wait for acknowledgement " +
                                                  pair.client.peer_address().to_string() +
                                                  ": connection reset by peer");
}

}  // namespace
}  // namespace ieum::test
