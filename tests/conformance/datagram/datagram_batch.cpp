// Datagrams, many at a time: batches of every size, with mixed peers, several datagrams as one
// message of the system's, and a flood.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <thread>

#include "conformance/conformance.hpp"
#include "conformance/datagram/text_of.hpp"

namespace ieum::test {
namespace {

EVERY_TRANSPORT(DatagramBatchOver);

/// Datagrams to send, which refer to `payloads`.
struct Outgoing {
  std::vector<std::string> payloads;
  std::vector<Datagram> datagrams;

  void add(std::string payload, const Address& to) {
    payloads.push_back(std::move(payload));
    datagrams.emplace_back().peer = to;
  }
  std::span<const Datagram> all() {
    for (std::size_t i = 0; i < datagrams.size(); ++i) {
      datagrams[i].data = bytes_of(std::string_view(payloads[i]));
    }
    return datagrams;
  }
};

/// `count` of the same size to one address, each with its number.
Outgoing numbered(std::size_t count, std::size_t size, const Address& to) {
  Outgoing outgoing;
  for (std::size_t i = 0; i < count; ++i) {
    std::string payload = std::to_string(i) + " ";
    payload.resize(size, '.');
    outgoing.add(std::move(payload), to);
  }
  return outgoing;
}

/// Receives until `count` have come: their texts, in the order in which they came.
Task<std::vector<std::string>> receive_all(DatagramSocket& socket, std::size_t count,
                                           DatagramBatch& batch) {
  std::vector<std::string> texts;
  for (;;) {  // not while (texts.size() < count): docs/gcc12.md
    if (texts.size() >= count) break;
    co_await with_timeout(patience, socket.receive(batch));
    for (const Datagram& datagram : batch) texts.push_back(text_of(datagram));
  }
  co_return texts;
}

CO_TEST_P(DatagramBatchOver, goes_to_mixed_peers_and_arrives_in_order) {
  std::mt19937_64 random(seed());
  DatagramSocket sender = co_await DatagramSocket::bind(any_address(transport));
  for (const std::size_t count : {1, 2, 9, 63, 64, 65, 200, 1024}) {
    std::vector<DatagramSocket> receivers;
    for (int i = 0; i < 5; ++i) {
      DatagramSocket receiver = co_await DatagramSocket::bind(any_address(transport));
      receivers.push_back(std::move(receiver));
    }
    Outgoing outgoing;
    std::array<std::vector<std::string>, 5> expected;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t to = random() % 5;
      std::string payload = std::to_string(i);
      payload.resize(payload.size() + random() % 32, '.');
      expected[to].push_back(payload);
      outgoing.add(std::move(payload), receivers[to].address());
    }
    std::size_t sent = 0;
    auto sending = [&]() -> Task<> { sent = co_await sender.send(outgoing.all()); };
    auto receiving = [&](std::size_t i, std::size_t room) -> Task<> {
      DatagramBatch batch(room, 64);
      const std::vector<std::string> got =
          co_await receive_all(receivers[i], expected[i].size(), batch);
      EXPECT_EQ(got, expected[i]) << count;
    };
    auto body = [&](Group& group) -> Task<> {
      for (std::size_t i = 0; i < 5; ++i) group.start(receiving(i, 1 + random() % 100));
      co_await sending();
    };
    co_await with_group(body);
    EXPECT_EQ(sent, count);
  }
}

CO_TEST_P(DatagramBatchOver, is_echoed_as_it_came) {
  DatagramSocket server = co_await DatagramSocket::bind(any_address(transport));
  std::vector<DatagramSocket> clients;
  for (int i = 0; i < 8; ++i) {
    DatagramSocket client = co_await DatagramSocket::bind(any_address(transport));
    co_await client.send("from " + std::to_string(i), server.address());
    clients.push_back(std::move(client));
  }
  DatagramBatch batch;
  std::size_t came = 0;
  while (came < clients.size()) {
    came += co_await server.receive(batch);
    const std::size_t sent = co_await server.send(batch.datagrams());
    EXPECT_EQ(sent, batch.size());
  }
  for (std::size_t i = 0; i < clients.size(); ++i) {
    std::array<std::byte, 32> room{};
    Datagram answer = co_await clients[i].receive(room);
    EXPECT_EQ(text_of(answer), "from " + std::to_string(i));
  }
}

CO_TEST_P(DatagramBatchOver, cuts_what_is_too_long) {
  DatagramSocket from = co_await DatagramSocket::bind(any_address(transport));
  DatagramSocket to =
      co_await DatagramSocket::bind(any_address(transport), {.segmentation = false});
  co_await from.send("short", to.address());
  co_await from.send("rather long", to.address());
  co_await from.send("", to.address());
  DatagramBatch batch(8, 6);
  const std::vector<std::string> got = co_await receive_all(to, 3, batch);
  EXPECT_EQ(got, (std::vector<std::string>{"short", "rather", ""}));
  EXPECT_EQ(to.counters().truncated, 1U);
}

CO_TEST_P(DatagramBatchOver, an_empty_one_is_sent_at_once) {
  DatagramSocket socket = co_await DatagramSocket::bind(any_address(transport));
  const std::size_t sent = co_await socket.send(std::span<const Datagram>());
  EXPECT_EQ(sent, 0U);
}

CO_TEST_P(DatagramBatchOver, says_how_far_it_came_when_one_is_refused) {
  DatagramSocket from = co_await DatagramSocket::bind(any_address(transport));
  DatagramSocket to = co_await DatagramSocket::bind(any_address(transport));
  Outgoing outgoing;
  outgoing.add("1", to.address());
  outgoing.add(std::string(1'000'000, '2'), to.address());
  outgoing.add("3", to.address());
  const std::span<const Datagram> all = outgoing.all();
  const std::size_t sent = co_await from.send(all);
  EXPECT_EQ(sent, 1U);
  const Result<std::size_t> again = co_await attempt(from.send(all.subspan(1)));
  CO_ASSERT(!again);
  EXPECT_EQ(again.error(), std::errc::message_size);
  const std::size_t last = co_await from.send(all.subspan(2));
  EXPECT_EQ(last, 1U);
  DatagramBatch batch;
  const std::vector<std::string> got = co_await receive_all(to, 2, batch);
  EXPECT_EQ(got, (std::vector<std::string>{"1", "3"}));
}

CO_TEST_P(DatagramBatchOver, a_stop_ends_its_receive_and_loses_nothing) {
  DatagramSocket from = co_await DatagramSocket::bind(any_address(transport));
  DatagramSocket to = co_await DatagramSocket::bind(any_address(transport));
  DatagramBatch batch;
  const Result<std::size_t> none = co_await attempt(with_timeout(5ms, to.receive(batch)));
  CO_ASSERT(!none);
  EXPECT_EQ(none.error(), std::errc::timed_out);
  EXPECT_TRUE(batch.empty());
  co_await from.send("kept", to.address());
  const std::vector<std::string> got = co_await receive_all(to, 1, batch);
  EXPECT_EQ(got.front(), "kept");
}

// ---- Several as one message --------------------------------------------------------------------

Task<> go_at_once(Transport transport) {
  DatagramSocket from = co_await DatagramSocket::bind(any_address(transport));
  DatagramSocket to = co_await DatagramSocket::bind(any_address(transport));
  Outgoing outgoing = numbered(40, 1200, to.address());
  outgoing.add("a shorter end", to.address());
  outgoing.add("another size", to.address());
  DatagramBatch batch;
  // The first batch receive tells the system that several may come as one.
  co_await from.send("first", to.address());
  std::vector<std::string> got = co_await receive_all(to, 1, batch);
  const std::size_t sent = co_await from.send(outgoing.all());
  EXPECT_EQ(sent, 42U);
  got = co_await receive_all(to, 42, batch);
  EXPECT_EQ(got, outgoing.payloads);
  EXPECT_EQ(from.counters().sent, 43U);
  EXPECT_EQ(from.counters().sent_calls, 3U);
  EXPECT_EQ(to.counters().received, 43U);
  EXPECT_EQ(to.counters().received_calls, 3U);
  EXPECT_EQ(to.counters().received_bytes, from.counters().sent_bytes);
  for (const Datagram& datagram : batch) EXPECT_EQ(datagram.segment_bytes, 0U);
}

CO_TEST(DatagramSegmentation, sends_and_receives_several_at_once) {
  co_await go_at_once(Transport::ipv4);
  if (has(Transport::ipv6)) co_await go_at_once(Transport::ipv6);
}

CO_TEST(DatagramSegmentation, can_be_switched_off) {
  DatagramSocket from = co_await DatagramSocket::bind("127.0.0.1:0", {.segmentation = false});
  DatagramSocket to = co_await DatagramSocket::bind("127.0.0.1:0", {.segmentation = false});
  Outgoing outgoing = numbered(20, 1200, to.address());
  const std::size_t sent = co_await from.send(outgoing.all());
  EXPECT_EQ(sent, 20U);
  DatagramBatch batch;
  const std::vector<std::string> got = co_await receive_all(to, 20, batch);
  EXPECT_EQ(got, outgoing.payloads);
  EXPECT_EQ(from.counters().sent_calls, 20U);
  EXPECT_EQ(to.counters().received_calls, 20U);
}

CO_TEST(DatagramSegmentation, single_and_batch_receives_may_be_mixed) {
  DatagramSocket from = co_await DatagramSocket::bind("127.0.0.1:0");
  DatagramSocket to = co_await DatagramSocket::bind("127.0.0.1:0");
  DatagramBatch batch;
  co_await from.send("first", to.address());
  co_await to.receive(batch);
  Outgoing outgoing = numbered(30, 500, to.address());
  co_await from.send(outgoing.all());
  std::vector<std::string> got;
  std::vector<std::byte> room(600);
  for (int i = 0; i < 10; ++i) {
    Datagram datagram = co_await to.receive(room);
    EXPECT_EQ(datagram.peer, from.address());
    got.push_back(text_of(datagram));
  }
  // A deadline in between loses none of those that wait here.
  const std::vector<std::string> rest = co_await with_timeout(patience, receive_all(to, 20, batch));
  got.insert(got.end(), rest.begin(), rest.end());
  EXPECT_EQ(got, outgoing.payloads);
  EXPECT_EQ(to.counters().received, 31U);
  const Result<std::size_t> again = co_await attempt(with_timeout(1ms, to.receive(batch)));
  EXPECT_FALSE(again) << "they are told twice";

  co_await from.send(outgoing.all().first(3));
  std::array<std::byte, 4> small{};
  Datagram cut = co_await to.receive(small);
  EXPECT_TRUE(cut.truncated);
  EXPECT_EQ(cut.data.size(), 4U);
}

TEST(DatagramSegmentation, goes_one_by_one_where_the_way_does_not_allow_it) {
  const std::string reason = in_network_namespace(
      "ip link add name v0 type veth peer name v1; ip link set dev v0 mtu 1280 up; "
      "ip link set dev v1 mtu 1280 up; ip addr add 10.1.1.1/24 dev v0; "
      "ip neigh add 10.1.1.2 lladdr 02:00:00:00:00:01 dev v0",
      [] {
        auto body = []() -> Task<> {
          DatagramSocket from = co_await DatagramSocket::bind("10.1.1.1:0");
          // Larger than the way's MTU: the system will not cut it into several, but in fragments.
          Outgoing outgoing = numbered(10, 1400, Address::ipv4({10, 1, 1, 2}, 9));
          const std::size_t sent = co_await from.send(outgoing.all());
          EXPECT_EQ(sent, 10U);
          EXPECT_EQ(from.counters().segmentation_refused, 1U);
          EXPECT_EQ(from.counters().sent_calls, 10U);
          // What fits still goes at once.
          Outgoing fitting = numbered(10, 1200, Address::ipv4({10, 1, 1, 2}, 9));
          co_await from.send(fitting.all());
          EXPECT_EQ(from.counters().sent_calls, 11U);
          EXPECT_EQ(from.counters().segmentation_refused, 1U);
        };
        expect_success_in_time(body());
      });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

// ---- A flood -----------------------------------------------------------------------------------

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0;
  file >> pages >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

constexpr std::size_t flooders = 32;

/// Mostly small, now and then as large as can be.
std::size_t flood_bytes(std::mt19937_64& random) {
  return random() % 16 == 0 ? random() % (Datagram::bytes_max + 1) : random() % 1500;
}

/// A thread that sends datagrams of random sizes from random ports as fast as it can.
class Flood {
 public:
  Flood(std::uint16_t port, std::uint64_t from_seed)
      : thread_([this, port, from_seed] { send(port, from_seed); }) {}
  Flood(const Flood&) = delete;
  Flood& operator=(const Flood&) = delete;
  ~Flood() {
    over_ = true;
    thread_.join();
  }

 private:
  void send(std::uint16_t port, std::uint64_t from_seed) const {
    std::mt19937_64 random(from_seed);
    std::array<int, flooders> sockets{};
    for (int& socket : sockets) {
      socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    }
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const std::vector<std::byte> data = random_bytes(Datagram::bytes_max, from_seed);
    while (!over_) {
      const std::size_t size = flood_bytes(random);
      ::sendto(sockets[random() % sockets.size()], data.data(), size, 0,
               reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }
    for (const int socket : sockets) ::close(socket);
  }

  std::atomic<bool> over_ = false;
  std::jthread thread_;
};

/// The same as a task, as a simulated network cannot be reached from outside: in bursts that
/// overflow a receive queue.
Task<> flood_in_bursts(Address to, std::uint64_t from_seed) {
  std::mt19937_64 random(from_seed);
  std::vector<DatagramSocket> sockets;
  for (std::size_t i = 0; i < flooders; ++i) {
    DatagramSocket socket = co_await DatagramSocket::open(Family::ipv4);
    sockets.push_back(std::move(socket));
  }
  const std::vector<std::byte> data = random_bytes(Datagram::bytes_max, from_seed);
  for (;;) {
    for (std::size_t left = random() % 512; left > 0; --left) {
      const ConstBuffer some = ConstBuffer(data).first(flood_bytes(random));
      co_await sockets[random() % sockets.size()].send(some, to);
    }
    co_await sleep(1ms);
  }
}

/// Sends back what comes, for this long and at least 10,000 datagrams. `warm` becomes what the
/// process held after the first half of these.
Task<> echo_datagrams(DatagramSocket& server, DatagramBatch& batch, std::size_t& warm,
                      Duration time) {
  const TimePoint end = now() + time;
  for (;;) {
    co_await server.receive(batch);
    co_await attempt(server.send(batch.datagrams()));
    if (warm == 0 && server.counters().received > 5000) warm = resident_bytes();
    if (now() >= end && server.counters().received > 10'000) co_return;
  }
}

CO_TEST(DatagramFlood, an_echo_server_stays_bounded_sends_no_more_than_it_got_and_goes_on) {
  DatagramSocket server = co_await DatagramSocket::bind("127.0.0.1:0");
  DatagramBatch batch;
  std::size_t before = 0;
  const bool simulated = is_simulated();
  {
    const Duration time = long_form() ? 20s : 1s;
    std::optional<Flood> thread;
    auto body = [&](Group& group) -> Task<> {
      if (simulated) {
        group.start(flood_in_bursts(server.address(), seed()));
      } else {
        thread.emplace(server.address().port(), seed());
      }
      co_await echo_datagrams(server, batch, before, time);
      group.stop();
    };
    const Result<> served = co_await attempt(with_group(body));
    EXPECT_TRUE(served || served.error() == std::errc::operation_canceled)
        << served.error().to_string_with_trace();
  }
  const DatagramCounters counters = server.counters();
  EXPECT_LE(counters.sent_bytes, counters.received_bytes);
  EXPECT_LE(counters.sent, counters.received);
  EXPECT_TRUE(!simulated || counters.dropped > 0);
  // The batch's rooms, as far as they were ever filled, and nothing besides. A simulated network
  // is in this process too: all sockets' queues, and the packets that it keeps for the next ones.
  constexpr std::size_t rooms = std::size_t{6} << 20U;
  constexpr std::size_t network = (flooders + 1) * 212'992 + 256 * Datagram::bytes_max;
  const std::size_t bound = before + rooms + (simulated ? network : 0);
  EXPECT_TRUE(sanitized || resident_bytes() < bound) << resident_bytes() - before;

  DatagramSocket client = co_await DatagramSocket::connect(server.address());
  std::array<std::byte, 32> room{};
  auto asking = [&]() -> Task<> {
    // The queue may still be full of the flood, and the question lost.
    for (;;) {
      co_await client.send("still there?");
      const Result<Datagram> answer = co_await attempt(with_timeout(100ms, client.receive(room)));
      // Our port may have been one of the flood's, whose answers then come to us.
      if (answer && text_of(*answer) == "still there?") co_return;
    }
  };
  co_await with_timeout(patience, race(asking(), echo_datagrams(server, batch, before, patience)));
}

}  // namespace
}  // namespace ieum::test
