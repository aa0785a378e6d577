// Bytes arrive whole and in order: in chunks of every size, gathered, both ways at once, over many
// connections at once; and what Stream makes of read_some and write_some.
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

EVERY_TRANSPORT(ManyTransfersOver);

// ---- What Stream adds ---------------------------------------------------------------------------

CO_TEST(Transfer, of_a_socket_that_is_none) {
  StreamSocket none;
  std::array<std::byte, 8> buffer;
  EXPECT_FALSE(none.is_open());
  Result<std::size_t> read = co_await attempt(none.read_some(buffer));
  CO_ASSERT(!read);
  EXPECT_EQ(read.error().to_string(), "read: bad file descriptor");
  Result<> written = co_await attempt(none.write_all("x"));
  CO_ASSERT(!written);
  EXPECT_EQ(written.error().to_string(), "write: bad file descriptor");
  Result<> shut = co_await attempt(none.shutdown_write());
  CO_ASSERT(!shut);
  EXPECT_EQ(shut.error().to_string(), "shut down: bad file descriptor");
  Result<> closed = co_await attempt(none.close());
  CO_ASSERT(!closed);
  EXPECT_EQ(closed.error().to_string(), "close: bad file descriptor");
  Result<> reset = co_await attempt(none.reset());
  CO_ASSERT(!reset);
  EXPECT_EQ(reset.error().to_string(), "reset: bad file descriptor");
  Result<> acknowledged = co_await attempt(none.wait_acknowledged());
  CO_ASSERT(!acknowledged);
  EXPECT_EQ(acknowledged.error().to_string(), "wait for acknowledgement: bad file descriptor");
  EXPECT_FALSE(none.local_address());
  EXPECT_FALSE(none.shutdown_read());
  EXPECT_FALSE(none.option(SocketOption::so_error));
  EXPECT_FALSE(none.set_option(SocketOption::so_keepalive, 1));
}

// ---- Many at once -------------------------------------------------------------------------------

/// Sends its own random bytes in random chunks and expects them back.
Task<> expect_echo(Address to, std::uint64_t own_seed, int& correct) {
  StreamSocket socket = co_await StreamSocket::connect(to);
  std::mt19937_64 random(own_seed);
  const std::vector<std::byte> source = random_bytes(20'000 + random() % 20'000, own_seed);
  std::vector<std::byte> got(source.size());
  auto sending = [&]() -> Task<> {
    ConstBuffer rest = source;
    while (!rest.empty()) {
      const std::size_t size = std::min<std::size_t>(rest.size(), 1 + random() % 5000);
      co_await socket.write_all(rest.first(size));
      rest = rest.subspan(size);
    }
    co_await socket.shutdown_write();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(sending());
    co_await socket.read_exact(got);
  };
  co_await with_group(body);
  std::array<std::byte, 1> beyond;
  const std::size_t count = co_await socket.read_some(beyond);
  if (count == 0 && got == source) ++correct;
}

CO_TEST_P(ManyTransfersOver, hundreds_of_connections_each_with_bytes_of_its_own) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const int wanted = long_form() ? 3000 : sanitized ? 200 : 500;
  const int count = std::min(wanted, static_cast<int>(limit.rlim_cur / 2) - 50);
  CO_ASSERT(count > 100);

  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  Server server(std::move(listener), echo);
  int correct = 0;
  auto clients = [&](Group& group) -> Task<> {
    for (int i = 0; i < count; ++i) {
      group.start(expect_echo(address, seed() + static_cast<std::uint64_t>(i), correct));
    }
    co_return;
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    co_await with_group(clients);
    co_await server.drain(10s);
  };
  co_await with_group(body);
  EXPECT_EQ(correct, count);
  EXPECT_EQ(server.counters().accepted, static_cast<std::uint64_t>(count));
  EXPECT_EQ(server.counters().failed, 0U);
}

}  // namespace
}  // namespace ieum::test
