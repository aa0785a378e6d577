// Resets and broken pipes: what a read and a write say of a peer that has gone, and no SIGPIPE.
#include <array>
#include <csignal>

#include <gmock/gmock.h>

#include "conformance/every_stream/streams.hpp"

namespace ieum::test {
namespace {

EVERY_STREAM(ResetOver);

/// SIGPIPE kills this process as long as the object lives: nothing may raise it.
class DeadlySigpipe {
 public:
  DeadlySigpipe() { former_ = std::signal(SIGPIPE, SIG_DFL); }
  DeadlySigpipe(const DeadlySigpipe&) = delete;
  DeadlySigpipe& operator=(const DeadlySigpipe&) = delete;
  ~DeadlySigpipe() { std::signal(SIGPIPE, former_); }

 private:
  void (*former_)(int);
};

Task<> write_until_it_fails(auto& socket, std::string& failure) {
  const std::vector<std::byte> block(std::size_t{64} * 1024);
  for (;;) {
    Result<> written = co_await attempt(socket.write_all(block));
    if (written) continue;
    failure = written.error().to_string();
    break;
  }
}

Task<> read_until_it_fails(auto& socket, std::string& failure) {
  std::array<std::byte, 4096> buffer;
  for (;;) {
    Result<std::size_t> count = co_await attempt(socket.read_some(buffer));
    if (count && *count > 0) continue;
    failure = count ? "end" : count.error().to_string();
    break;
  }
}

Task<> reset_after_a_while(auto& socket) {
  co_await sleep(5ms);
  co_await socket.reset();
}

CO_TEST_STREAM(ResetOver, during_a_read) {
  if (!kind.has_resets()) co_return;
  Ends pair = co_await connected<Ends>(kind);
  const std::string peer = pair.client.peer_address().to_string();
  std::string failure;
  auto body = [&](Group& group) -> Task<> {
    group.start(reset_after_a_while(pair.server));
    co_await read_until_it_fails(pair.client, failure);
  };
  co_await with_group(body);
  EXPECT_THAT(failure, is_told(kind, "read", " " + peer + ": connection reset by peer"));
}

CO_TEST_STREAM(ResetOver, during_a_write) {
  if (!kind.has_resets()) co_return;
  const DeadlySigpipe deadly;
  Ends pair = co_await connected<Ends>(kind);
  const std::string peer = pair.client.peer_address().to_string();
  std::string failure;
  auto body = [&](Group& group) -> Task<> {
    group.start(reset_after_a_while(pair.server));
    co_await write_until_it_fails(pair.client, failure);
  };
  co_await with_group(body);
  EXPECT_THAT(failure, is_told(kind, "write", " " + peer + ": connection reset by peer"));
  Result<> again = co_await attempt(pair.client.write_all("again"));
  CO_ASSERT(!again);
  EXPECT_EQ(again.error(), std::errc::broken_pipe);
}

CO_TEST_STREAM(ResetOver, during_a_read_and_a_write) {
  if (!kind.has_resets()) co_return;
  const DeadlySigpipe deadly;
  Ends pair = co_await connected<Ends>(kind);
  const std::string peer = pair.client.peer_address().to_string();
  std::string read_failure;
  std::string write_failure;
  auto body = [&](Group& group) -> Task<> {
    group.start(reset_after_a_while(pair.server));
    group.start(read_until_it_fails(pair.client, read_failure));
    co_await write_until_it_fails(pair.client, write_failure);
  };
  co_await with_group(body);
  EXPECT_THAT(read_failure, is_told(kind, "read", " " + peer + ": connection reset by peer"));
  // The system tells one of the two of the reset.
  EXPECT_THAT(write_failure, testing::AnyOf("write " + peer + ": broken pipe",
                                            "write " + peer + ": connection reset by peer"));
}

CO_TEST_STREAM(ResetOver, before_a_read_is_told_after_what_came_before_it) {
  if (!kind.has_resets()) co_return;
  Ends pair = co_await connected<Ends>(kind);
  co_await pair.server.write_all("before");
  co_await pair.server.reset();
  EXPECT_FALSE(pair.server.is_open());
  const std::string text = co_await read_text(pair.client, 6);
  EXPECT_EQ(text, "before");
  for (int i = 0; i < 3; ++i) {
    std::string failure;
    co_await read_until_it_fails(pair.client, failure);
    EXPECT_TRUE(failure.ends_with(": connection reset by peer")) << failure;
  }
}

// Otherwise a reader would take what was cut off for the whole.
CO_TEST_STREAM(ResetOver, that_a_write_was_told_of_is_no_orderly_end_to_a_later_read) {
  if (!kind.has_resets()) co_return;
  Ends pair = co_await connected<Ends>(kind);
  std::string failure;
  auto body = [&](Group& group) -> Task<> {
    group.start(reset_after_a_while(pair.server));
    co_await write_until_it_fails(pair.client, failure);
  };
  co_await with_group(body);
  EXPECT_TRUE(failure.ends_with(": connection reset by peer")) << failure;
  std::array<std::byte, 8> buffer;
  Result<std::size_t> count = co_await attempt(pair.client.read_some(buffer));
  CO_ASSERT(!count);
  EXPECT_EQ(count.error(), std::errc::connection_reset);
}

CO_TEST_STREAM(ResetOver, by_a_peer_that_closes_without_having_read) {
  if (kind.says_farewell) co_return;
  Ends pair = co_await connected<Ends>(kind);
  co_await pair.client.write_all("never read");
  co_await pair.server.close();
  std::array<std::byte, 8> buffer;
  Result<std::size_t> count = co_await attempt(pair.client.read_some(buffer));
  CO_ASSERT(!count);
  EXPECT_EQ(count.error(), std::errc::connection_reset);
}

CO_TEST_STREAM(ResetOver, writing_after_the_peer_has_closed_is_a_broken_pipe) {
  const DeadlySigpipe deadly;
  Ends pair = co_await connected<Ends>(kind);
  const std::string peer = pair.client.peer_address().to_string();
  co_await pair.server.close();
  const std::string rest = co_await read_to_end(pair.client);
  EXPECT_EQ(rest, "");
  std::string failure;
  // TCP takes the first write: only its answer tells that nobody is there.
  co_await write_until_it_fails(pair.client, failure);
  const bool broken = failure == "write " + peer + ": broken pipe";
  const bool was_reset = failure == "write " + peer + ": connection reset by peer";
  EXPECT_TRUE(broken || (was_reset && kind.has_resets())) << failure;
  const std::vector<ConstBuffer> parts(3, bytes_of(std::string_view("gathered")));
  Result<> gathered = co_await attempt(pair.client.write_all(parts));
  CO_ASSERT(!gathered);
  EXPECT_EQ(gathered.error().to_string(), "write " + peer + ": broken pipe");
}

CO_TEST_STREAM(ResetOver, on_ones_own_side_ends_what_is_pending) {
  Ends pair = co_await connected<Ends>(kind);
  const std::string peer = pair.client.peer_address().to_string();
  std::string failure;
  auto body = [&](Group& group) -> Task<> {
    group.start(read_until_it_fails(pair.client, failure));
    co_await sleep(2ms);
    co_await pair.client.reset();
  };
  co_await with_group(body);
  EXPECT_THAT(failure, is_told(kind, "read", " " + peer + ": canceled"));
}

}  // namespace
}  // namespace ieum::test
