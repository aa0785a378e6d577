// Clients that send and never read, in the echo server of the README, whose leases they hold:
// others find a buffer all the same. And what a burst took goes back to the system.
#include <unistd.h>

#include <fstream>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

Task<> echo_leases(StreamSocket peer) {
  while (Lease data = co_await peer.receive()) co_await peer.write_all(data);
}

Task<> expect_echo(Address server) {
  StreamSocket socket = co_await StreamSocket::connect(server);
  co_await socket.write_all("hello");
  const std::string text = co_await read_text(socket, 5);
  EXPECT_EQ(text, "hello");
}

Task<> flood(StreamSocket& socket) {
  const std::vector<std::byte> block(1 << 18);
  for (;;) co_await socket.write_all(ConstBuffer(block));
}

/// `evil` clients that never read beside one that does, with so few buffers.
Task<> serve_beside_those_who_never_read(int evil) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  std::vector<StreamSocket> clients;  // not the body's: its locals end before its children
  auto body = [&](Group& group) -> Task<> {
    group.start(serve(std::move(listener), echo_leases));
    for (int i = 0; i < evil; ++i) clients.push_back(co_await StreamSocket::connect(address));
    for (StreamSocket& client : clients) group.start(flood(client));
    for (int i = 0; i < 5; ++i) {
      co_await sleep(20ms);
      co_await with_timeout(20s, expect_echo(address));
    }
    group.stop();
  };
  Result<> ended = co_await attempt(with_group(body));
  EXPECT_TRUE(ended || ended.error() == std::errc::operation_canceled) << ended.error().to_string();
}

TEST(Starvation, by_clients_who_never_read_stops_nobody_else) {
  const std::unique_ptr<Runtime> runtime = make_runtime({.receive_buffers_max = 16});
  const Result<> result =
      run(*runtime, with_timeout(patience, serve_beside_those_who_never_read(300)));
  EXPECT_TRUE(result) << result.error().to_string_with_trace();
}

/// A lease of what `from` has, and what becomes of it.
Task<> receive_and_pass(StreamSocket& from, int& served) {
  const Lease data = co_await from.receive();
  ++served;
  co_await yield();
}

// Each round of served ones used to look at all that waited: the square of their number.
TEST(Starvation, of_thousands_ends_in_a_time_that_grows_with_their_number) {
  const ManyDescriptors many;
  auto task = [](int count) -> Task<> {
    std::vector<std::pair<StreamSocket, StreamSocket>> pairs;
    for (int i = 0; i < count; ++i) {
      pairs.push_back(co_await StreamSocket::pair());
      co_await pairs.back().second.write_all("x");
    }
    int served = 0;
    auto body = [&](Group& group) -> Task<> {
      for (auto& pair : pairs) group.start(receive_and_pass(pair.first, served));
      co_return;
    };
    co_await with_group(body);
    EXPECT_EQ(served, count);
  };
  const std::unique_ptr<Runtime> runtime = make_runtime({.receive_buffers_max = 16});
  const Result<> result = run(*runtime, with_timeout(patience, task(sanitized ? 500 : 5000)));
  EXPECT_TRUE(result) << result.error().to_string_with_trace();
}

CO_TEST(ManyParts, arrive_whole_and_in_order) {
  const std::vector<std::byte> data = random_bytes(sanitized ? 20'000 : 200'000, seed());
  std::vector<ConstBuffer> parts;
  for (std::size_t at = 0; at < data.size();) {  // of 0 to 3 bytes
    const std::size_t size = std::min<std::size_t>(data.size() - at, parts.size() % 4);
    parts.push_back(ConstBuffer(data).subspan(at, size));
    at += size;
  }
  parts.emplace_back();
  Pair pair = co_await connected_with_small_buffers();
  std::string got;
  auto reading = [&]() -> Task<> { got = co_await read_to_end(pair.server); };
  auto body = [&](Group& group) -> Task<> {
    group.start(reading());
    co_await pair.client.write_all(std::span<const ConstBuffer>(parts));
    co_await pair.client.shutdown_write();
  };
  co_await with_group(body);
  EXPECT_TRUE(same_bytes(std::as_bytes(std::span(got)), data));
}

CO_TEST(ManyParts, that_are_all_empty_are_written_at_once) {
  std::pair<StreamSocket, StreamSocket> pair = co_await StreamSocket::pair();
  const std::vector<ConstBuffer> parts(100);
  co_await pair.first.write_all(std::span<const ConstBuffer>(parts));
  co_await pair.first.write_all(std::span<const ConstBuffer>());
  co_await pair.first.write_all("x");
  const std::string text = co_await read_text(pair.second, 1);
  EXPECT_EQ(text, "x");
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

CO_TEST(BufferMemory, goes_back_to_the_system_after_a_burst) {
  if (sanitized) co_return;  // their allocators keep what is freed
  if (std::getenv("IEUM_RECEIVE_BUFFERS") != nullptr) co_return;  // too few for a burst
  const std::size_t before = resident_bytes();
  {
    const std::vector<std::byte> much(150'000);
    std::vector<Lease> leases;
    for (int i = 0; i < 1000; ++i) {
      std::pair<StreamSocket, StreamSocket> pair = co_await StreamSocket::pair();
      for (int k = 0; k < 2; ++k) {
        co_await attempt(with_timeout(0ms, pair.first.write_all(ConstBuffer(much))));
        Lease data = co_await pair.second.receive();
        leases.push_back(std::move(data));
      }
    }
    EXPECT_GT(resident_bytes(), before + 30'000'000);
  }
  for (int i = 0; i < 100 && resident_bytes() > before + 15'000'000; ++i) co_await sleep(50ms);
  EXPECT_LT(resident_bytes(), before + 15'000'000);
  // And they serve again.
  Pair pair = co_await connected();
  co_await pair.client.write_all("hello");
  const Lease data = co_await pair.server.receive();
  EXPECT_EQ(data.text(), "hello");
}

CO_TEST(LeasePrefix, is_left_out_and_the_buffer_given_back_with_its_last_byte) {
  Pair pair = co_await connected();
  for (int i = 0; i < 1000; ++i) {
    co_await pair.client.write_all("hello world");
    Lease data = co_await pair.server.receive();
    data.remove_prefix(6);
    EXPECT_EQ(data.text(), "world");
    data.remove_prefix(100);
    EXPECT_TRUE(data.empty());
  }
}

}  // namespace
}  // namespace ieum::test
