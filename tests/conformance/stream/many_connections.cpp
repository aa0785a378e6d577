// Many connections at a time: thousands that all talk, and thousands that wait.
#include <algorithm>
#include <array>
#include <random>

#include "conformance/conformance.hpp"
#include "support/xor_stream.hpp"

namespace ieum::test {
namespace {

constexpr std::size_t others = 100;  // descriptors besides the connections'

Task<> echo_by_receive(StreamSocket peer) {
  while (Lease data = co_await peer.receive()) co_await peer.write_all(data);
}

Task<> connect_some(Address to, std::span<StreamSocket> clients) {
  for (StreamSocket& client : clients) client = co_await StreamSocket::connect(to);
}

/// Connects all, a few at a time: more would overflow the listener's queue.
Task<> connect_all(Address to, std::vector<StreamSocket>& clients) {
  constexpr std::size_t share = 100;
  auto body = [&](Group& group) -> Task<> {
    std::span<StreamSocket> left(clients);
    while (!left.empty()) {
      const std::size_t count = std::min(share, left.size());
      group.start(connect_some(to, left.first(count)));
      left = left.subspan(count);
    }
    co_return;
  };
  co_await with_group(body);
}

/// A client's own part of the random bytes: it begins elsewhere than every
/// other's.
class Source {
 public:
  static constexpr std::size_t message_bytes_max = 16'000;

  explicit Source(std::size_t clients)
      : bytes_(random_bytes(clients + message_bytes_max, seed())) {}
  [[nodiscard]] ConstBuffer message(std::size_t client, std::size_t bytes) const {
    return ConstBuffer(bytes_).subspan(client, bytes);
  }

 private:
  std::vector<std::byte> bytes_;
};

Task<> talk(StreamSocket& client, std::size_t number, const Source& source, std::size_t& good) {
  constexpr int messages = 3;
  std::mt19937_64 random(seed() + number);
  std::vector<std::byte> got;
  for (int i = 0; i < messages; ++i) {
    const std::size_t size = 1 + random() % Source::message_bytes_max;
    const ConstBuffer message = source.message(number, size);
    co_await client.write_all(message);
    got.resize(size);
    co_await client.read_exact(got);
    if (same_bytes(got, message)) ++good;
  }
  co_await client.shutdown_write();
  const std::size_t more = co_await client.read_some(std::span(got).first(1));
  if (more == 0) ++good;
}

Task<> all_talk(std::size_t count) {
  const Source source(count);
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  Server server(std::move(listener), echo_by_receive, {.sessions_max = count});
  std::vector<StreamSocket> clients(count);
  std::size_t good = 0;
  auto talking = [&](Group& group) -> Task<> {
    for (std::size_t i = 0; i < count; ++i) group.start(talk(clients[i], i, source, good));
    co_return;
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    co_await connect_all(address, clients);
    co_await with_group(talking);
    const DrainReport report = co_await server.drain(30s);
    EXPECT_EQ(report.cut, 0U);
  };
  co_await with_group(body);
  EXPECT_EQ(good, 4 * count) << "of three messages each, and the end";
  EXPECT_EQ(server.counters().accepted, count);
  EXPECT_EQ(server.counters().failed, 0U);
}

TEST(ManyConnections, five_thousand_talk_at_once) {
  constexpr std::size_t count = 5000;
  const ManyDescriptors many;
  if (many.count() < 2 * count + others)
    GTEST_SKIP() << "this needs RLIMIT_NOFILE to be " << 2 * count + others;
  expect_success_in_time(all_talk(count));
}

Task<> expect_served(StreamSocket& client, const std::string& text) {
  co_await client.write_all(text);
  const std::string answer = co_await read_text(client, text.size());
  EXPECT_EQ(answer, text);
}

Task<> all_wait(std::size_t count) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  Server server(std::move(listener), echo_by_receive, {.sessions_max = count});
  std::vector<StreamSocket> clients(count);
  std::mt19937_64 random(seed());
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    co_await connect_all(address, clients);
    while (server.sessions() < count) co_await sleep(1ms);
    for (int i = 0; i < 100; ++i) {
      co_await expect_served(clients[random() % count], "message " + std::to_string(i));
    }
    EXPECT_EQ(server.sessions(), count);
    const DrainReport report = co_await server.drain(10ms);
    EXPECT_EQ(report.finished, 0U);
    EXPECT_EQ(report.cut, count);
    std::size_t ended = 0;
    std::array<std::byte, 1> none;
    for (StreamSocket& client : clients) {
      const std::size_t got = co_await client.read_some(none);
      if (got == 0) ++ended;
    }
    EXPECT_EQ(ended, count);
  };
  co_await with_group(body);
  EXPECT_EQ(server.sessions(), 0U);
}

TEST(ManyConnections, fifteen_thousand_sockets_wait) {
  constexpr std::size_t sockets = 15'000;
  const ManyDescriptors many;
  if (many.count() < sockets + others)
    GTEST_SKIP() << "this needs RLIMIT_NOFILE to be " << sockets + others;
  expect_success_in_time(all_wait(sockets / 2));
}

// Of as many as the buffers none waits in vain, nor holds one while it is idle.
Task<> layers_wait(std::size_t count, std::size_t rounds) {
  std::vector<StreamSocket> clients(count);
  std::vector<std::unique_ptr<Stream>> servers(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::pair<StreamSocket, StreamSocket> pair = co_await StreamSocket::pair();
    clients[i] = std::move(pair.first);
    servers[i] = layered(std::move(pair.second));
  }
  std::size_t echoed = 0;
  auto echo = [&](Stream& stream) -> Task<> {
    while (const Lease data = co_await stream.receive()) {
      co_await stream.write_all(data);
      ++echoed;
    }
  };
  auto body = [&](Group& group) -> Task<> {
    for (const std::unique_ptr<Stream>& server : servers) group.start(echo(*server));
    co_await yield();
    for (std::size_t round = 1; round <= rounds; ++round) {
      for (StreamSocket& client : clients) co_await client.write_all("served");
      while (echoed < round * count) co_await sleep(1ms);
    }
    for (StreamSocket& client : clients) {
      const std::string got = co_await read_text(client, 6 * rounds);
      EXPECT_EQ(got.substr(0, 6), "served");
      co_await client.close();
    }
  };
  co_await with_group(body);
  EXPECT_EQ(echoed, rounds * count);
}

/// More than a driver tells of in one turn (`turn_bytes_max`), for all of them at once.
struct ManyAtOnce {
  static constexpr std::size_t count = 40;
  static constexpr std::size_t rounds = 8;
  static constexpr std::size_t bytes = 16'000;
  const Source source{count};
  std::vector<Pair> pairs;
  std::array<std::string, count> got;
  std::array<bool, count> ended{};

  Task<> connect() {
    for (std::size_t i = 0; i < count; ++i) {
      Pair pair = co_await connected();
      pairs.push_back(std::move(pair));
    }
  }
  Task<> send(std::size_t number, std::size_t times) {
    for (; times > 0; --times) {
      const ConstBuffer message = source.message(number, bytes);
      const Result<> sent = co_await attempt(pairs[number].client.write_all(message));
      if (!sent) co_return;  // the other end is closed
    }
  }
  /// To all at once, so that a driver hears of all in one turn.
  void start(Group& group, std::size_t times) {
    for (std::size_t i = 0; i < count; ++i) group.start(receive(i));
    for (std::size_t i = 0; i < count; ++i) group.start(send(i, times));
  }
  /// All of it, or what came before the socket was closed.
  Task<> receive(std::size_t number) {
    const Result<> done = co_await attempt(receive_all(number));
    // Closed while it waited, or between two receives.
    EXPECT_TRUE(done || done.error() == std::errc::operation_canceled ||
                done.error() == std::errc::bad_file_descriptor)
        << done.error().to_string();
    ended[number] = true;
  }
  Task<> receive_all(std::size_t number) {
    std::array<std::byte, bytes> buffer{};
    while (got[number].size() < rounds * bytes) {
      if (number % 2 == 0) {
        const Lease data = co_await pairs[number].server.receive();
        got[number] += data.text();
      } else {
        const std::size_t size = co_await pairs[number].server.read_some(buffer);
        got[number].append(reinterpret_cast<const char*>(buffer.data()), size);
      }
    }
  }
  [[nodiscard]] bool is_right(std::size_t number) const {
    for (std::size_t at = 0; at < got[number].size(); at += bytes) {
      const std::string_view part = std::string_view(got[number]).substr(at, bytes);
      if (!same_bytes(bytes_of(part), source.message(number, part.size()))) return false;
    }
    return true;
  }
};

CO_TEST(ManyConnections, that_much_comes_for_at_once) {
  ManyAtOnce many;
  co_await many.connect();
  auto body = [&](Group& group) -> Task<> {
    many.start(group, ManyAtOnce::rounds);
    co_return;
  };
  co_await with_group(body);
  for (std::size_t i = 0; i < ManyAtOnce::count; ++i) {
    EXPECT_EQ(many.got[i].size(), ManyAtOnce::rounds * ManyAtOnce::bytes);
    EXPECT_TRUE(many.is_right(i)) << i;
  }
}

CO_TEST(ManyConnections, that_are_closed_with_much_to_be_told_of) {
  ManyAtOnce many;
  co_await many.connect();
  auto body = [&](Group& group) -> Task<> {
    many.start(group, 1);
    co_await yield();
    co_await yield();  // from about here on each turn tells of some of it
    for (std::size_t i = ManyAtOnce::count; i-- > 0;) {
      co_await many.pairs[i].server.close();
      if (i % 4 == 0) co_await yield();
    }
  };
  co_await with_group(body);
  for (std::size_t i = 0; i < ManyAtOnce::count; ++i) {
    EXPECT_TRUE(many.ended[i]);
    EXPECT_LE(many.got[i].size(), ManyAtOnce::bytes);
    EXPECT_TRUE(many.is_right(i)) << i;
  }
}

TEST(ManyConnections, nine_thousand_layered_streams_share_a_thousand_buffers) {
  constexpr std::size_t count = 9'000;
  const ManyDescriptors many;
  if (many.count() < 2 * count + others)
    GTEST_SKIP() << "this needs RLIMIT_NOFILE to be " << 2 * count + others;
  const std::unique_ptr<Runtime> runtime = make_runtime({.receive_buffers_max = 1'000});
  const Result<> result = run(*runtime, with_timeout(patience, layers_wait(count, 3)));
  if (!result) ADD_FAILURE() << result.error().to_string_with_trace();
}

}  // namespace
}  // namespace ieum::test
