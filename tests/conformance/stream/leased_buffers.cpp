// lease_buffer: who finds none waits, beside the receives that wait for one; and what protocol
// layers do with it.
#include <ieum/lease_buffer.hpp>

#include "conformance/few_buffers.hpp"
#include "support/xor_stream.hpp"

namespace ieum::test {
namespace {

FEW_BUFFERS_TEST(leases_are_as_large_as_is_asked_for) {
  {
    const Lease small = co_await lease_buffer(1);
    EXPECT_EQ(small.size(), 4'096U);
    const Lease large = co_await lease_buffer(16'384);
    EXPECT_EQ(large.size(), 65'536U);
    large.bytes().back() = std::byte{1};
    const Lease other = co_await lease_buffer(16'384);
    EXPECT_EQ(other.size(), 4'096U) << "no second large one";
  }
  Lease again = co_await lease_buffer(65'536);
  EXPECT_EQ(again.size(), 65'536U);
}

FEW_BUFFERS_TEST(a_lease_waits_for_one_and_can_be_timed_out_and_stopped) {
  std::vector<Lease> held;
  for (unsigned i = 0; i < few; ++i) held.push_back(co_await lease_buffer(1));
  const Result<Lease> late = co_await attempt(with_timeout(20ms, lease_buffer(1)));
  CO_ASSERT(!late);
  EXPECT_EQ(late.error(), std::errc::timed_out);
  EXPECT_EQ(late.error().operation(), std::string("lease a buffer"));
  int got = 0;
  auto leasing = [&]() -> Task<> {
    const Lease lease = co_await lease_buffer(1);
    ++got;
  };
  auto body = [&](Group& group) -> Task<> {
    for (int i = 0; i < 20; ++i) group.start(leasing());
    co_await sleep(20ms);
    EXPECT_EQ(got, 0);
    held.pop_back();
  };
  co_await with_group(body);
  EXPECT_EQ(got, 20);
  held.push_back(co_await lease_buffer(1));
  auto stopped = [&](Group& group) -> Task<> {
    group.start(leasing());
    co_await sleep(20ms);
    group.stop();
  };
  co_await with_group(stopped);
  EXPECT_EQ(got, 20);
  held.clear();
  for (unsigned i = 0; i < few; ++i) held.push_back(co_await lease_buffer(1));
}

// Each of them always wants the next buffer: neither kind may have them all.
FEW_BUFFERS_TEST(leases_and_receives_take_turns) {
  std::vector<Lease> held;
  for (unsigned i = 1; i < few; ++i) held.push_back(co_await lease_buffer(1));
  std::vector<Pair> pairs;
  for (int i = 0; i < 8; ++i) pairs.push_back(co_await connected());
  const std::string much(4'000, 'x');
  int leases = 0;
  std::size_t received = 0;
  bool over = false;
  auto lease = [&]() -> Task<> {
    while (!over) {
      const Lease one = co_await lease_buffer(1);
      ++leases;
      co_await yield();
    }
  };
  auto receive = [&](StreamSocket& socket) -> Task<> {
    while (const Lease data = co_await socket.receive()) {
      ++received;
      co_await yield();
    }
  };
  auto flood = [&](StreamSocket& socket) -> Task<> {
    while (!over) co_await socket.write_all(much);
    co_await socket.close();
  };
  auto body = [&](Group& group) -> Task<> {
    for (int i = 0; i < 8; ++i) group.start(lease());
    for (Pair& pair : pairs) {
      group.start(receive(pair.server));
      group.start(flood(pair.client));
    }
    while (leases < 200 || received < 200) co_await sleep(1ms);
    over = true;
  };
  co_await with_group(body);
}

FEW_BUFFERS_TEST(layers_write_also_while_all_are_leased) {
  Pair pair = co_await connected();
  const std::unique_ptr<Stream> client = layered(std::move(pair.client));
  const std::unique_ptr<Stream> server = layered(std::move(pair.server));
  std::vector<Lease> held;
  for (unsigned i = 0; i < few; ++i) held.push_back(co_await lease_buffer(1));
  const std::vector<std::byte> data = random_bytes(100'000, seed());
  std::vector<std::byte> got(data.size());
  auto write = [&]() -> Task<> { co_await client->write_all(data); };
  auto writing = [&](Group& group) -> Task<> {
    group.start(write());
    co_await server->read_exact(got);
  };
  co_await with_group(writing);
  EXPECT_TRUE(same_bytes(got, data));
}

// What they hold while they wait for room must not be what the others wait for.
FEW_BUFFERS_TEST(layers_whose_writes_stall_stop_nobody) {
  constexpr int stalled = 20;
  std::vector<std::unique_ptr<Stream>> writers;
  std::vector<StreamSocket> peers;  // that do not read
  for (int i = 0; i < stalled; ++i) {
    Pair pair = co_await connected_with_small_buffers();
    writers.push_back(layered(std::move(pair.client)));
    peers.push_back(std::move(pair.server));
  }
  Pair pair = co_await connected();
  const std::unique_ptr<Stream> client = layered(std::move(pair.client));
  const std::unique_ptr<Stream> server = layered(std::move(pair.server));
  const std::vector<std::byte> much(std::size_t{4} << 20U);
  auto echo = [&]() -> Task<> {
    while (const Lease data = co_await server->receive()) co_await server->write_all(data);
  };
  auto write = [&](Stream& stream) -> Task<> {
    const Result<> written = co_await attempt(stream.write_all(much));
    EXPECT_FALSE(written);
  };
  auto body = [&](Group& group) -> Task<> {
    for (const std::unique_ptr<Stream>& writer : writers) group.start(write(*writer));
    group.start(echo());
    co_await sleep(50ms);
    for (int i = 0; i < 20; ++i) {
      co_await client->write_all("are you there?");
      const std::string answer = co_await read_text(*client, 14);
      EXPECT_EQ(answer, "are you there?");
    }
    co_await client->close();
    for (StreamSocket& peer : peers) co_await peer.reset();
  };
  co_await with_group(body);
}

/// One that has no receive of its own.
class PlainStream final : public Stream {
 public:
  explicit PlainStream(StreamSocket socket) noexcept : socket_(std::move(socket)) {}
  [[nodiscard]] Task<> shutdown_write() override { return socket_.shutdown_write(); }
  [[nodiscard]] Task<> close() override { return socket_.close(); }
  [[nodiscard]] bool is_open() const noexcept override { return socket_.is_open(); }
  void begin_read(detail::StreamIo& io, std::span<std::byte> into) override {
    socket_.begin_read(io, into);
  }
  void begin_write(detail::StreamIo& io, const detail::WriteRequest& request) override {
    socket_.begin_write(io, request);
  }
  void begin_wait_readable(detail::StreamIo& io) override { socket_.begin_wait_readable(io); }

 private:
  StreamSocket socket_;
};

FEW_BUFFERS_TEST(a_stream_without_a_receive_of_its_own_holds_none_while_it_is_idle) {
  std::vector<StreamSocket> clients;
  std::vector<std::unique_ptr<Stream>> servers;
  for (int i = 0; i < 50; ++i) {
    Pair pair = co_await connected();
    clients.push_back(std::move(pair.client));
    servers.push_back(std::make_unique<PlainStream>(std::move(pair.server)));
  }
  std::size_t received = 0;
  auto receive = [&](Stream& stream) -> Task<> {
    while (const Lease data = co_await stream.receive()) {
      received += data.size();
      co_await yield();
    }
  };
  auto body = [&](Group& group) -> Task<> {
    for (const std::unique_ptr<Stream>& server : servers) group.start(receive(*server));
    co_await sleep(20ms);
    for (StreamSocket& client : clients) co_await client.write_all("served");
    for (StreamSocket& client : clients) co_await client.close();
  };
  co_await with_group(body);
  EXPECT_EQ(received, 50 * 6U);
}

}  // namespace
}  // namespace ieum::test
