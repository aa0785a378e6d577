// SocketInfo: its table, and the words that it shares with explain.
#include <ieum/socket_info.hpp>

#include "base/words.hpp"
#include "support/support.hpp"

namespace ieum {
namespace {

using namespace std::chrono_literals;

TEST(Words, OfTimes) {
  EXPECT_EQ(detail::in_words(Duration(0)), "0 µs");
  EXPECT_EQ(detail::in_words(Duration(120us)), "120 µs");
  EXPECT_EQ(detail::in_words(Duration(40ms)), "40 ms");
  EXPECT_EQ(detail::in_words(Duration(999ms)), "999 ms");
  EXPECT_EQ(detail::in_words(Duration(3240ms)), "3.2 s");
  EXPECT_EQ(detail::in_words(Duration(99s)), "99.0 s");
  EXPECT_EQ(detail::in_words(Duration(12min)), "12 min");
  EXPECT_EQ(detail::in_words(Duration(48h)), "48 h");
}

TEST(Words, OfCounts) {
  EXPECT_EQ(detail::count_of(0, "byte"), "0 bytes");
  EXPECT_EQ(detail::count_of(1, "byte"), "1 byte");
  EXPECT_EQ(detail::words("a", 1, std::string("b"), Duration(2ms)), "a1b2 ms");
}

TEST(SocketInfo, IsATable) {
  SocketInfo info;
  info.kind = SocketKind::tcp;
  info.state = SocketState::established;
  info.receiving = true;
  info.local = Address::ipv4({192, 0, 2, 1}, 40000);
  info.peer = Address::ipv4({192, 0, 2, 9}, 80);
  info.receive_queue_bytes = 5;
  info.send_queue_bytes = 7000;
  info.unsent_bytes = 1000;
  info.receive_buffer_bytes = 131072;
  info.send_buffer_bytes = 87040;
  EXPECT_EQ(info.in_flight_bytes(), 6000U);
  TcpInfo& tcp = info.tcp.emplace();
  tcp.rtt = 10ms;
  tcp.rtt_variance = 2ms;
  tcp.retransmission_timeout = 210ms;
  tcp.congestion_window_segments = 10;
  tcp.segment_bytes_max = 1448;
  tcp.path_mtu_bytes = 1500;
  tcp.peer_window_bytes = 65536;
  tcp.last_ack_received = 30ms;
  tcp.no_delay = true;
  tcp.congestion_control = {'c', 'u', 'b', 'i', 'c'};
  EXPECT_EQ(info.to_string(),
            "socket             tcp\n"
            "state              established\n"
            "local              192.0.2.1:40000\n"
            "peer               192.0.2.9:80\n"
            "receive queue      5 bytes unread, buffer 131072; a read is pending\n"
            "send queue         7000 bytes unacknowledged, 1000 of them unsent, buffer 87040\n"
            "round trip         10 ms ± 2 ms\n"
            "last               acknowledgement 30 ms ago\n"
            "windows            the peer's 65536 bytes, congestion 10 segments\n"
            "segments           of 1448 bytes, path MTU 1500; under way 0, lost 0, sent again 0\n"
            "retransmission     timeout 210 ms, 0 without an answer, 0 zero-window probes; 0 "
            "segments in all\n"
            "options            cubic, TCP_NODELAY\n");
}

TEST(SocketInfo, OfAListenerIsATable) {
  SocketInfo info;
  info.kind = SocketKind::unix_listener;
  info.state = SocketState::listen;
  info.local = Address::unix_path("/run/app.sock").value();
  info.backlog = {.waiting = 3, .max = 128};
  EXPECT_EQ(info.to_string(),
            "socket             unix listener\n"
            "state              listen\n"
            "local              unix:/run/app.sock\n"
            "accept             not pending\n"
            "backlog            3 waiting, at most 128\n");
}

}  // namespace
}  // namespace ieum
