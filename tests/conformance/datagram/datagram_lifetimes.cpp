// What outlives what: datagram sockets that are destroyed, moved, stopped or robbed of their peer
// while something is under way.
#include <array>
#include <memory>

#include "conformance/conformance.hpp"
#include "conformance/waiting.hpp"

namespace ieum::test {
namespace {

EVERY_TRANSPORT(DatagramLifetimesOver);

Task<> note_how_a_receive_ends(DatagramSocket& socket, std::string& ending) {
  std::array<std::byte, 16> room{};
  const Result<Datagram> got = co_await attempt(socket.receive(room));
  ending = got ? "received" : got.error().to_string();
}

CO_TEST_P(DatagramLifetimesOver, destroying_it_ends_a_receive_that_waits) {
  auto socket = std::make_unique<DatagramSocket>();
  *socket = co_await DatagramSocket::bind(any_address(transport));
  const std::string address = socket->address().to_string();
  std::string ending;
  co_await with_group([&](Group& group) -> Task<> {
    group.start(note_how_a_receive_ends(*socket, ending));
    co_await until_it_waits();
    socket.reset();
  });
  EXPECT_EQ(ending, "receive " + address + ": canceled");
}

CO_TEST_P(DatagramLifetimesOver, destroying_it_in_the_turn_in_which_something_comes) {
  DatagramSocket friendly = co_await DatagramSocket::bind(any_address(transport));
  for (int turns = 0; turns < 4; ++turns) {
    auto socket = std::make_unique<DatagramSocket>();
    *socket = co_await DatagramSocket::bind(any_address(transport));
    std::string ending;
    co_await with_group([&](Group& group) -> Task<> {
      group.start(note_how_a_receive_ends(*socket, ending));
      co_await until_it_waits();
      co_await friendly.send("hello", socket->address());
      for (int i = 0; i < turns; ++i) co_await yield();
      socket.reset();
    });
    EXPECT_TRUE(ending == "received" || ending.ends_with(": canceled")) << ending;
  }
}

CO_TEST_P(DatagramLifetimesOver, moving_it_does_not_disturb_a_receive_that_waits) {
  DatagramSocket friendly = co_await DatagramSocket::bind(any_address(transport));
  auto socket = std::make_unique<DatagramSocket>();
  *socket = co_await DatagramSocket::bind(any_address(transport));
  std::string ending;
  co_await with_group([&](Group& group) -> Task<> {
    group.start(note_how_a_receive_ends(*socket, ending));
    co_await until_it_waits();
    DatagramSocket moved = std::move(*socket);
    socket.reset();
    co_await friendly.send("hello", moved.address());
    co_await until_it_waits();
    EXPECT_EQ(moved.counters().received, 1U);
  });
  EXPECT_EQ(ending, "received");
}

CO_TEST(DatagramLifetimes, what_was_never_opened_says_so) {
  DatagramSocket none;
  EXPECT_FALSE(none.is_open());
  EXPECT_EQ(none.address(), Address());
  std::array<std::byte, 16> room{};
  DatagramBatch batch;
  const Result<> sent = co_await attempt(none.send("x"));
  const Result<Datagram> got = co_await attempt(none.receive(room));
  const Result<std::size_t> some = co_await attempt(none.receive(batch));
  const Result<> closed = co_await attempt(none.close());
  CO_ASSERT(!sent && !got && !some && !closed);
  EXPECT_EQ(sent.error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(got.error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(some.error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(closed.error(), std::errc::bad_file_descriptor);
  EXPECT_FALSE(none.set_peer({}));
  EXPECT_FALSE(none.set_hop_limit(3));
  EXPECT_FALSE(none.take_error());
  EXPECT_EQ(none.counters().received, 0U);
}

// ---- A Unix peer without room -------------------------------------------------------------------

/// Until it takes no more: how many.
Task<std::size_t> fill(DatagramSocket& from, const Address& to) {
  std::size_t count = 0;
  for (;; ++count) {
    const Result<> sent = co_await attempt(with_timeout(5ms, from.send("x", to)));
    if (!sent) break;
  }
  co_return count;
}

Task<> note_how_a_send_ends(DatagramSocket& socket, const Address& to, std::string& ending) {
  const Result<> sent = co_await attempt(socket.send("one too many", to));
  ending = sent ? "sent" : sent.error().to_string();
}

CO_TEST(DatagramLifetimes, destroying_it_ends_a_send_to_a_unix_peer_without_room) {
  DatagramSocket full = co_await DatagramSocket::bind(any_address(Transport::unix_socket));
  auto socket = std::make_unique<DatagramSocket>();
  *socket = co_await DatagramSocket::bind(any_address(Transport::unix_socket));
  const std::size_t taken = co_await fill(*socket, full.address());
  EXPECT_GT(taken, 0U);
  std::string ending;
  co_await with_group([&](Group& group) -> Task<> {
    group.start(note_how_a_send_ends(*socket, full.address(), ending));
    co_await until_it_waits();
    socket.reset();
  });
  EXPECT_EQ(ending, "send " + full.address().to_string() + ": canceled");
}

Task<> note_how_many_go(DatagramSocket& socket, std::span<const Datagram> all,
                        Result<std::size_t>& ending) {
  ending = co_await attempt(socket.send(all));
}

/// A batch larger than what `receiver` holds, stopped: it says how many have gone.
Task<> stop_a_batch(DatagramSocket& sender, DatagramSocket& receiver, const Address& to) {
  std::vector<Datagram> all(100);
  for (Datagram& datagram : all) {
    datagram.data = std::as_bytes(std::span("x", 1));
    datagram.peer = to;
  }
  Result<std::size_t> gone = 0;
  co_await with_group([&](Group& group) -> Task<> {
    group.start(note_how_many_go(sender, all, gone));
    co_await until_it_waits();
    group.stop();
  });
  CO_ASSERT(gone);
  EXPECT_GT(*gone, 0U);
  EXPECT_LT(*gone, all.size());
  DatagramBatch batch(100);
  std::size_t came = 0;
  while (came < *gone) came += co_await receiver.receive(batch);
  EXPECT_EQ(came, *gone);
}

CO_TEST(DatagramLifetimes, a_batch_that_is_stopped_tells_what_has_gone) {
  DatagramSocket receiver = co_await DatagramSocket::bind(any_address(Transport::unix_socket));
  DatagramSocket sender = co_await DatagramSocket::bind(any_address(Transport::unix_socket));
  co_await stop_a_batch(sender, receiver, receiver.address());
  DatagramSocket connected = co_await DatagramSocket::connect(receiver.address());
  co_await stop_a_batch(connected, receiver, {});
}

// ---- Stopped, with something at hand ------------------------------------------------------------

CO_TEST(DatagramLifetimes, a_receive_that_is_stopped_takes_nothing) {
  DatagramSocket from = co_await DatagramSocket::bind("127.0.0.1:0");
  DatagramSocket to = co_await DatagramSocket::bind("127.0.0.1:0");
  DatagramBatch batch;
  co_await from.send("now batches may come joined", to.address());
  co_await to.receive(batch);
  std::array<Datagram, 3> all;
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].data = std::as_bytes(std::span("123").subspan(i, 1));
    all[i].peer = to.address();
  }
  co_await from.send(all);
  std::array<std::byte, 16> room{};
  Datagram first = co_await to.receive(room);
  EXPECT_EQ(first.data.size(), 1U);
  EXPECT_EQ(first.data[0], std::byte{'1'});
  co_await with_group([&](Group& group) -> Task<> {
    group.stop();
    const Result<Datagram> one = co_await attempt(to.receive(room));
    const Result<std::size_t> some = co_await attempt(to.receive(batch));
    CO_ASSERT(!one && !some);
    EXPECT_EQ(one.error(), std::errc::operation_canceled);
    EXPECT_EQ(some.error(), std::errc::operation_canceled);
  });
  Datagram second = co_await to.receive(room);
  EXPECT_EQ(second.data[0], std::byte{'2'});
  Datagram third = co_await to.receive(room);
  EXPECT_EQ(third.data[0], std::byte{'3'});
}

// ---- Its peer -----------------------------------------------------------------------------------

Task<> keeps_its_port(DatagramSocket socket, DatagramSocket& peer) {
  EXPECT_TRUE(socket.set_peer(peer.address()));
  const std::uint16_t port = socket.address().port();
  EXPECT_TRUE(socket.set_peer({}));
  EXPECT_EQ(socket.address().port(), port);
  EXPECT_EQ(socket.peer_address(), Address());
  Address to = peer.address();
  to.set_port(port);
  co_await peer.send("still there?", to);
  std::array<std::byte, 16> room{};
  Datagram got = co_await with_timeout(patience, socket.receive(room));
  EXPECT_EQ(got.data.size(), 12U);
  EXPECT_EQ(got.local.port(), port);
}

Task<> keeps_ports_at(std::string_view at, Family family) {
  DatagramSocket peer = co_await DatagramSocket::bind(at);
  DatagramSocket bound = co_await DatagramSocket::bind(at);
  co_await keeps_its_port(std::move(bound), peer);
  DatagramSocket open = co_await DatagramSocket::open(family);
  co_await keeps_its_port(std::move(open), peer);
  DatagramSocket connected = co_await DatagramSocket::connect(peer.address());
  co_await keeps_its_port(std::move(connected), peer);
}

CO_TEST(DatagramLifetimes, without_its_peer_it_keeps_the_port_that_the_system_chose) {
  co_await keeps_ports_at("127.0.0.1:0", Family::ipv4);
  if (has(Transport::ipv6)) co_await keeps_ports_at("[::1]:0", Family::ipv6);
}

}  // namespace
}  // namespace ieum::test
