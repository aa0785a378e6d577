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

Task<> read_until_it_fails(StreamSocket& socket, std::string& failure) {
  std::array<std::byte, 4096> buffer;
  for (;;) {
    Result<std::size_t> count = co_await attempt(socket.read_some(buffer));
    if (count && *count > 0) continue;
    failure = count ? "end" : count.error().to_string();
    break;
  }
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
