// What a datagram socket tells of itself, and why nothing moves.
#include "conformance/conformance.hpp"
#include "conformance/waiting.hpp"

namespace ieum::test {
namespace {

CO_TEST(DatagramInfo, of_what_waits_and_what_was_counted) {
  DatagramSocket socket = co_await DatagramSocket::bind("127.0.0.1:0");
  DatagramSocket sender = co_await DatagramSocket::connect(socket.address());
  const DatagramInfo idle = co_await socket.info();
  EXPECT_EQ(idle.local, socket.address());
  EXPECT_EQ(idle.peer.family(), Family::none);
  EXPECT_EQ(idle.receive_queue_bytes, 0U);
  EXPECT_GT(idle.receive_buffer_bytes, 0U);
  EXPECT_GT(idle.send_buffer_bytes, 0U);
  EXPECT_FALSE(idle.receiving || idle.sending);
  co_await sender.send("hello");
  co_await sleep(1ms);  // on its way, in a simulation
  const DatagramInfo waiting = co_await socket.info();
  EXPECT_GE(waiting.receive_queue_bytes, 5U);
  const std::string unread = co_await socket.explain();
  EXPECT_TRUE(unread.starts_with("we do not receive: ")) << unread;
  std::array<std::byte, 16> room{};
  const Datagram got = co_await socket.receive(room);
  EXPECT_EQ(got.data.size(), 5U);
  const DatagramInfo after = co_await socket.info();
  EXPECT_EQ(after.receive_queue_bytes, 0U);
  EXPECT_EQ(after.counters.received, 1U);
  const DatagramInfo sent = co_await sender.info();
  EXPECT_EQ(sent.peer, socket.address());
  EXPECT_EQ(sent.counters.sent, 1U);
  EXPECT_NE(sent.to_string().find("sent               1 datagram, 5 bytes\n"), std::string::npos)
      << sent.to_string();
  const std::string nothing = co_await socket.explain();
  EXPECT_EQ(nothing, "waiting for us: no send or receive of ours is pending at " +
                         socket.address().to_string());
}

CO_TEST(DatagramInfo, of_a_pending_receive) {
  DatagramSocket socket = co_await DatagramSocket::bind("127.0.0.1:0");
  std::array<std::byte, 16> room{};
  auto receiving = [&]() -> Task<> { co_await socket.receive(room); };
  auto body = [&](Group& group) -> Task<> {
    group.start(receiving());
    co_await yield();
    co_await yield();
    const DatagramInfo info = co_await socket.info();
    EXPECT_TRUE(info.receiving);
    const std::string why = co_await socket.explain();
    EXPECT_EQ(why, "waiting for a datagram at " + socket.address().to_string() +
                       ": a receive is pending and none has come so far");
    group.stop();
  };
  co_await with_group(body);
}

CO_TEST(DatagramInfo, of_a_queue_that_was_too_short) {
  DatagramSocket socket =
      co_await DatagramSocket::bind("127.0.0.1:0", {.receive_buffer_bytes = 4096});
  DatagramSocket sender = co_await DatagramSocket::connect(socket.address());
  const std::string much(1000, 'x');
  for (int i = 0; i < 100; ++i) co_await sender.send(much);
  co_await sleep(1ms);
  const DatagramInfo info = co_await socket.info();
  EXPECT_GT(info.counters.dropped, 0U);
  const std::string why = co_await socket.explain();
  EXPECT_TRUE(why.starts_with("we do not receive: ")) << why;
  EXPECT_TRUE(why.ends_with(" dropped since the socket was made")) << why;
}

CO_TEST(DatagramInfo, of_a_unix_socket) {
  DatagramSocket socket = co_await DatagramSocket::open(Family::unix_abstract);
  DatagramSocket sender = co_await DatagramSocket::connect(socket.address());
  co_await sender.send("hello");
  const DatagramInfo info = co_await socket.info();
  const DatagramInfo sent = co_await sender.info();
  EXPECT_GE(info.receive_queue_bytes + sent.send_queue_bytes, 5U);
  EXPECT_TRUE(info.to_string().starts_with("socket             unix datagram\n"));
}

CO_TEST(DatagramInfo, of_a_closed_socket) {
  DatagramSocket socket = co_await DatagramSocket::bind("127.0.0.1:0");
  co_await socket.close();
  const Result<DatagramInfo> info = socket.info();
  CO_ASSERT(!info);
  EXPECT_EQ(info.error(), std::errc::bad_file_descriptor);
  const std::string why = co_await socket.explain();
  EXPECT_TRUE(why.starts_with("closed: ")) << why;
}

}  // namespace
}  // namespace ieum::test
