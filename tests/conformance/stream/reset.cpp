// Resets and broken pipes: what a read and a write say of a peer that has gone, and no SIGPIPE.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include <gmock/gmock.h>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

EVERY_TRANSPORT(ResetOver);

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

Task<> write_until_it_fails(StreamSocket& socket, std::string& failure) {
  const std::vector<std::byte> block(std::size_t{64} * 1024);
  for (;;) {
    Result<> written = co_await attempt(socket.write_all(block));
    if (written) continue;
    failure = written.error().to_string();
    break;
  }
}

Task<> read_until_it_fails(StreamSocket& socket, std::string& failure) {
  std::array<std::byte, 4096> buffer;
  for (;;) {
    Result<std::size_t> count = co_await attempt(socket.read_some(buffer));
    if (count && *count > 0) continue;
    failure = count ? "end" : count.error().to_string();
    break;
  }
}

Task<> reset_after_a_while(StreamSocket& socket) {
  co_await sleep(5ms);
  co_await socket.reset();
}

// A Unix socket knows no reset of its own: only unread data makes one.
CO_TEST(Reset, during_a_read) {
  Pair pair = co_await connected();
  const std::string peer = pair.client.peer_address().to_string();
  std::string failure;
  auto body = [&](Group& group) -> Task<> {
    group.start(reset_after_a_while(pair.server));
    co_await read_until_it_fails(pair.client, failure);
  };
  co_await with_group(body);
  EXPECT_EQ(failure, "read " + peer + ": connection reset by peer");
}

CO_TEST(Reset, during_a_write) {
  const DeadlySigpipe deadly;
  Pair pair = co_await connected();
  const std::string peer = pair.client.peer_address().to_string();
  std::string failure;
  auto body = [&](Group& group) -> Task<> {
    group.start(reset_after_a_while(pair.server));
    co_await write_until_it_fails(pair.client, failure);
  };
  co_await with_group(body);
  EXPECT_EQ(failure, "write " + peer + ": connection reset by peer");
  Result<> again = co_await attempt(pair.client.write_all("again"));
  CO_ASSERT(!again);
  EXPECT_EQ(again.error(), std::errc::broken_pipe);
}

CO_TEST(Reset, during_a_read_and_a_write) {
  const DeadlySigpipe deadly;
  Pair pair = co_await connected();
  const std::string peer = pair.client.peer_address().to_string();
  std::string read_failure;
  std::string write_failure;
  auto body = [&](Group& group) -> Task<> {
    group.start(reset_after_a_while(pair.server));
    group.start(read_until_it_fails(pair.client, read_failure));
    co_await write_until_it_fails(pair.client, write_failure);
  };
  co_await with_group(body);
  EXPECT_EQ(read_failure, "read " + peer + ": connection reset by peer");
  // The system tells one of the two of the reset.
  EXPECT_THAT(write_failure, testing::AnyOf("write " + peer + ": broken pipe",
                                            "write " + peer + ": connection reset by peer"));
}

CO_TEST(Reset, before_a_read_is_told_after_what_came_before_it) {
  Pair pair = co_await connected();
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
CO_TEST(Reset, that_a_write_was_told_of_is_no_orderly_end_to_a_later_read) {
  Pair pair = co_await connected();
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

CO_TEST_P(ResetOver, by_a_peer_that_closes_without_having_read) {
  Pair pair = co_await connected(transport);
  co_await pair.client.write_all("never read");
  co_await pair.server.close();
  std::array<std::byte, 8> buffer;
  Result<std::size_t> count = co_await attempt(pair.client.read_some(buffer));
  CO_ASSERT(!count);
  EXPECT_EQ(count.error(), std::errc::connection_reset);
}

CO_TEST_P(ResetOver, writing_after_the_peer_has_closed_is_a_broken_pipe) {
  const DeadlySigpipe deadly;
  Pair pair = co_await connected(transport);
  const std::string peer = pair.client.peer_address().to_string();
  co_await pair.server.close();
  const std::string rest = co_await read_to_end(pair.client);
  EXPECT_EQ(rest, "");
  std::string failure;
  // TCP takes the first write: only its answer tells that nobody is there.
  co_await write_until_it_fails(pair.client, failure);
  const bool broken = failure == "write " + peer + ": broken pipe";
  const bool was_reset = failure == "write " + peer + ": connection reset by peer";
  EXPECT_TRUE(broken || (was_reset && transport != Transport::unix_socket)) << failure;
  const std::vector<ConstBuffer> parts(3, bytes_of(std::string_view("gathered")));
  Result<> gathered = co_await attempt(pair.client.write_all(parts));
  CO_ASSERT(!gathered);
  EXPECT_EQ(gathered.error().to_string(), "write " + peer + ": broken pipe");
}

CO_TEST_P(ResetOver, on_ones_own_side_ends_what_is_pending) {
  Pair pair = co_await connected(transport);
  const std::string peer = pair.client.peer_address().to_string();
  std::string failure;
  auto body = [&](Group& group) -> Task<> {
    group.start(read_until_it_fails(pair.client, failure));
    co_await sleep(2ms);
    co_await pair.client.reset();
  };
  co_await with_group(body);
  EXPECT_EQ(failure, "read " + peer + ": canceled");
}

/// A process that connects to `port`, says so, sends a text, and reads nothing until it is killed.
int connect_and_wait(int from_parent, int to_parent) {
  std::uint16_t port = 0;
  if (::read(from_parent, &port, sizeof port) != sizeof port) return 1;
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* any = reinterpret_cast<const sockaddr*>(&name);
  if (::connect(socket, any, sizeof name) < 0) return 2;
  if (::write(socket, "hello", 5) != 5 || ::write(to_parent, "x", 1) != 1) return 3;
  for (;;) ::pause();
}

CO_TEST(Reset, by_a_process_that_is_killed_with_unread_data) {
  Pipe to_child;
  Pipe from_child;
  ForkedChild child(
      [&] { return connect_and_wait(to_child.reader.get(), from_child.writer.get()); });
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const std::uint16_t port = listener.address().port();
  CO_ASSERT(::write(to_child.writer.get(), &port, sizeof port) == sizeof port);
  StreamSocket socket = co_await listener.accept();
  const std::string peer = socket.peer_address().to_string();
  const std::string hello = co_await read_text(socket, 5);
  EXPECT_EQ(hello, "hello");
  co_await socket.write_all("never read");
  co_await socket.wait_acknowledged();
  std::string failure;
  auto body = [&](Group& group) -> Task<> {
    group.start(read_until_it_fails(socket, failure));
    co_await yield();
    child.kill(SIGKILL);
  };
  co_await with_group(body);
  EXPECT_EQ(failure, "read " + peer + ": connection reset by peer");
  child.wait();
}

CO_TEST(Reset, by_a_process_that_is_killed_with_nothing_unread_is_an_end) {
  Pipe to_child;
  Pipe from_child;
  ForkedChild child(
      [&] { return connect_and_wait(to_child.reader.get(), from_child.writer.get()); });
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const std::uint16_t port = listener.address().port();
  CO_ASSERT(::write(to_child.writer.get(), &port, sizeof port) == sizeof port);
  StreamSocket socket = co_await listener.accept();
  const std::string hello = co_await read_text(socket, 5);
  std::string failure;
  auto body = [&](Group& group) -> Task<> {
    group.start(read_until_it_fails(socket, failure));
    co_await yield();
    child.kill(SIGKILL);
  };
  co_await with_group(body);
  EXPECT_EQ(failure, "end");
  child.wait();
}

}  // namespace
}  // namespace ieum::test
