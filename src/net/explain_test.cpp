// Diagnose: each cause, from a snapshot made by hand.
#include <ieum/explain.hpp>

#include "support/support.hpp"

namespace ieum {
namespace {

using namespace std::chrono_literals;
using Cause = Stall::Cause;

/// A connection that has talked, and where nothing has happened for 5 s.
SocketInfo connection() {
  SocketInfo info;
  info.kind = SocketKind::tcp;
  info.state = SocketState::established;
  info.local = Address::ipv4({192, 0, 2, 1}, 40000);
  info.peer = Address::ipv4({192, 0, 2, 9}, 80);
  info.receive_buffer_bytes = 131072;
  info.send_buffer_bytes = 87040;
  TcpInfo& tcp = info.tcp.emplace();
  tcp.no_delay = true;
  tcp.rtt = 10ms;
  tcp.retransmission_timeout = 210ms;
  tcp.congestion_window_segments = 10;
  tcp.segment_bytes_max = 1448;
  tcp.peer_window_bytes = 65536;
  tcp.our_window_bytes = 65536;
  tcp.last_data_sent = tcp.last_data_received = tcp.last_ack_received = 5s;
  tcp.bytes_sent = tcp.bytes_received = 1000;
  return info;
}

/// The same with `in_flight` and `unsent` bytes to go.
SocketInfo sending(std::uint64_t in_flight, std::uint64_t unsent) {
  SocketInfo info = connection();
  info.send_queue_bytes = in_flight + unsent;
  info.unsent_bytes = unsent;
  info.tcp->unacknowledged_segments = static_cast<std::uint32_t>((in_flight + 1447) / 1448);
  return info;
}

SocketInfo unix_stream() {
  SocketInfo info;
  info.kind = SocketKind::unix_stream;
  info.state = SocketState::established;
  info.send_buffer_bytes = 212992;
  return info;
}

SocketInfo listener(std::uint32_t waiting) {
  SocketInfo info;
  info.kind = SocketKind::tcp_listener;
  info.state = SocketState::listen;
  info.local = Address::ipv4({192, 0, 2, 1}, 80);
  info.backlog = {.waiting = waiting, .max = 8};
  return info;
}

void expect(const SocketInfo& info, Cause cause, std::string_view sentence) {
  const Stall stall = diagnose(info);
  EXPECT_EQ(static_cast<int>(stall.cause), static_cast<int>(cause));
  EXPECT_EQ(stall.sentence, sentence);
}

TEST(Diagnose, AHandshakeThatIsWaitedFor) {
  SocketInfo info = connection();
  info.state = SocketState::syn_sent;
  info.sending = true;
  info.tcp->retransmission_timeout = 1s;
  expect(info, Cause::connecting,
         "waiting for the handshake: a SYN was sent and is not answered yet; it is sent again "
         "after 1.0 s");
  info.tcp->retransmits = 2;
  info.tcp->backoff = 2;
  info.tcp->retransmission_timeout = 4s;
  info.tcp->timeouts_time = 2500ms;
  expect(info, Cause::connecting,
         "waiting for the handshake: the SYN was sent 3 times and nobody has answered for 3.5 s; "
         "is that host up, does a firewall drop what is sent to this port, or is its backlog "
         "full?");
  info.tcp->timeouts_time.reset();
  EXPECT_NE(diagnose(info).sentence.find("nobody has answered; "), std::string::npos);
  info.state = SocketState::syn_received;
  expect(info, Cause::connecting,
         "waiting for the handshake: the peer 192.0.2.9:80 has not acknowledged our SYN-ACK, sent "
         "3 times");
}

TEST(Diagnose, WeDoNotRead) {
  SocketInfo info = connection();
  info.receive_queue_bytes = 300;
  expect(info, Cause::we_do_not_read,
         "we do not read: 300 bytes from the peer 192.0.2.9:80 wait here for 5.0 s and no read is "
         "pending; await read_some()");
  info.tcp->last_data_received = 1ms;
  EXPECT_EQ(diagnose(info).cause, Cause::moving);
  info.tcp->our_window_bytes = 0;
  expect(info, Cause::we_do_not_read,
         "we do not read: 300 bytes from the peer 192.0.2.9:80 wait here for 1 ms, our window is "
         "closed and no read is pending; await read_some()");
  info.receiving = true;
  EXPECT_TRUE(diagnose(info).moves());
}

TEST(Diagnose, WeDoNotReadWhatIsLeftOfAConnection) {
  SocketInfo info = connection();
  info.state = SocketState::closed;
  info.receive_queue_bytes = 1;
  EXPECT_EQ(diagnose(info).cause, Cause::we_do_not_read);
  info.state = SocketState::close_wait;
  EXPECT_EQ(diagnose(info).cause, Cause::we_do_not_read);
}

TEST(Diagnose, ThePeerDoesNotRead) {
  SocketInfo info = sending(0, 50000);
  info.tcp->peer_window_bytes = 0;
  info.tcp->backoff = 3;
  info.tcp->last_ack_received = 100ms;  // the answer to a probe
  expect(info, Cause::peer_does_not_read,
         "the peer does not read: 50000 bytes wait here for the peer 192.0.2.9:80, whose window "
         "is closed; nothing has gone for 5.0 s; its program must read");
  info.tcp->backoff = 0;
  info.tcp->peer_window_bytes = 700;
  expect(info, Cause::peer_does_not_read,
         "the peer does not read: 50000 bytes wait here for the peer 192.0.2.9:80, whose window "
         "is down to 700 bytes; nothing has gone for 5.0 s; its program must read");
  info.receive_queue_bytes = 300;
  expect(info, Cause::neither_reads,
         "neither side reads: 300 bytes wait here and no read is pending, while 50000 bytes wait "
         "for the peer 192.0.2.9:80, whose window is 700 bytes; read while you write, in two "
         "tasks");
}

// What was on its way when the window closed was dropped there; it is sent again and answered.
TEST(Diagnose, ThePeerDoesNotReadAndDroppedWhatWasOnItsWay) {
  SocketInfo info = sending(32768, 0);
  info.tcp->peer_window_bytes = 0;
  info.tcp->lost_segments = info.tcp->retransmitted_segments = 1;
  info.tcp->last_data_sent = info.tcp->last_ack_received = 50ms;
  EXPECT_EQ(diagnose(info).cause, Cause::peer_does_not_read);
  info.tcp->last_data_sent = 300ms;
  info.tcp->last_ack_received = 4s;
  info.tcp->retransmission_timeout = 800ms;
  expect(info, Cause::retransmitting,
         "retransmitting: the peer 192.0.2.9:80 has closed its window and no longer answers "
         "probes; its last answer came 4.0 s ago and the next try is due within 500 ms: the path "
         "or the peer is gone");
}

TEST(Diagnose, AWindowThatIsFullForAMomentLimits) {
  SocketInfo info = sending(65000, 9000);
  info.tcp->last_data_sent = 3ms;
  expect(info, Cause::limited_by_receiver,
         "it moves, limited by the receiver: the window of the peer 192.0.2.9:80 is 65536 bytes "
         "and 74000 bytes wait here; it must read faster, or have a larger SO_RCVBUF");
  info.tcp->rtt = 4s;  // what is a long time for one path is none for another
  info.tcp->last_data_sent = 6s;
  EXPECT_EQ(diagnose(info).cause, Cause::limited_by_receiver);
}

TEST(Diagnose, Retransmitting) {
  SocketInfo info = sending(2896, 100);
  info.tcp->retransmits = 3;
  info.tcp->lost_segments = 2;
  info.tcp->last_data_sent = 1s;
  info.tcp->last_ack_received = 4s;
  info.tcp->retransmission_timeout = 1680ms;
  expect(info, Cause::retransmitting,
         "retransmitting: 2896 bytes in 2 segments are not acknowledged after 3 timeouts, the last "
         "answer came 4.0 s ago and the next try is due within 680 ms: the path or the peer is "
         "gone; a deadline (with_timeout) or TCP_USER_TIMEOUT ends this sooner than the system "
         "does");
}

TEST(Diagnose, ProbesWithoutAnAnswer) {
  SocketInfo info = sending(0, 100);
  info.tcp->peer_window_bytes = 0;
  info.tcp->zero_window_probes = 1;  // its answer may be on its way
  EXPECT_EQ(diagnose(info).cause, Cause::peer_does_not_read);
  info.tcp->zero_window_probes = 2;
  EXPECT_EQ(diagnose(info).cause, Cause::retransmitting);
}

TEST(Diagnose, NagleAgainstDelayedAcknowledgement) {
  SocketInfo info = sending(4, 17);
  info.tcp->no_delay = false;
  info.tcp->last_data_sent = 20ms;
  expect(info, Cause::nagle,
         "Nagle against delayed acknowledgement: 17 bytes, less than a segment of 1448, wait until "
         "the peer acknowledges 4 bytes, which it delays by 40 ms or more; set TCP_NODELAY, or "
         "write whole messages");
  info.tcp->no_delay = true;
  EXPECT_EQ(diagnose(info).cause, Cause::limited_by_network);
  info.tcp->no_delay = false;
  info.unsent_bytes = 1448;  // a whole segment is not held back
  info.send_queue_bytes = 1452;
  EXPECT_EQ(diagnose(info).cause, Cause::limited_by_network);
}

TEST(Diagnose, Cork) {
  SocketInfo info = sending(0, 17);
  info.tcp->cork = true;
  expect(info, Cause::cork,
         "TCP_CORK holds back 17 bytes, less than a segment of 1448, for up to 200 ms; set "
         "TCP_CORK to 0 where a message ends");
}

TEST(Diagnose, WhatLimitsASenderThatMoves) {
  SocketInfo info = sending(14480, 30000);
  info.tcp->last_data_sent = 1ms;
  expect(info, Cause::limited_by_network,
         "it moves, limited by the network: 10 segments are on their way, the congestion window is "
         "10, the round trip takes 10 ms, and 30000 bytes wait");
  info.tcp->lost_segments = 2;
  expect(info, Cause::limited_by_network,
         "it moves, limited by the network: 2 of 10 segments on their way are taken for lost and "
         "are sent again");
  info = sending(14480, 0);
  info.tcp->last_data_sent = 1ms;
  expect(info, Cause::moving,
         "it moves: 14480 bytes are on their way and not acknowledged yet for 1 ms");
  info.sending = true;
  expect(info, Cause::limited_by_send_buffer,
         "it moves, limited by our send buffer: all 14480 bytes of it are on their way and a write "
         "waits; raise SO_SNDBUF (87040) if the round trip of 10 ms asks for more");
}

TEST(Diagnose, NothingIsUnderWay) {
  SocketInfo info = connection();
  expect(info, Cause::waiting_for_us,
         "waiting for us: nothing is under way and no read or write of ours is pending; the peer "
         "192.0.2.9:80 last sent something 5.0 s ago");
  info.receiving = true;
  expect(info, Cause::waiting_for_peer,
         "waiting for the peer to send: a read is pending and all that we sent has arrived; the "
         "peer 192.0.2.9:80 last sent something 5.0 s ago; a deadline (with_timeout) or "
         "SO_KEEPALIVE finds out whether it is still there");
  info.tcp->last_data_sent = 1ms;
  expect(info, Cause::moving, "it moves: data was sent 1 ms ago, and has all arrived");
  info.tcp->last_data_received = 2ms;
  expect(info, Cause::moving, "it moves: data came 2 ms ago");
  info.tcp->bytes_sent = info.tcp->bytes_received = 0;  // the ages are those of the connection
  EXPECT_EQ(diagnose(info).cause, Cause::waiting_for_peer);
  EXPECT_NE(diagnose(info).sentence.find("has sent nothing since the connection was made 2 ms ago"),
            std::string::npos);
}

TEST(Diagnose, Ends) {
  SocketInfo info = connection();
  info.state = SocketState::close_wait;
  expect(info, Cause::peer_finished,
         "the peer has finished sending and has all that we sent: the peer 192.0.2.9:80 waits for "
         "what we still send, or for our end; write, or close");
  info.state = SocketState::fin_wait_2;
  expect(info, Cause::we_finished,
         "we have finished sending and wait for the end of the peer 192.0.2.9:80; the peer "
         "192.0.2.9:80 last sent something 5.0 s ago; no read is pending here to see it; if it "
         "never comes, close, or set a deadline");
  info.state = SocketState::last_ack;
  EXPECT_EQ(diagnose(info).cause, Cause::finishing);
  info.state = SocketState::closed;
  EXPECT_EQ(diagnose(info).cause, Cause::closed);
  info.error_waiting = true;
  info.send_queue_bytes = 1;
  expect(info, Cause::failed,
         "the connection to the peer 192.0.2.9:80 has failed with 1 byte not acknowledged; the "
         "next read or write tells the error");
}

TEST(Diagnose, UnixStreams) {
  SocketInfo info = unix_stream();
  EXPECT_EQ(diagnose(info).cause, Cause::waiting_for_us);
  info.receiving = true;
  EXPECT_EQ(diagnose(info).cause, Cause::waiting_for_peer);
  info.sending = true;
  info.send_queue_bytes = 213000;
  expect(info, Cause::peer_does_not_read,
         "the peer does not read: what it has not read fills 213000 bytes of memory, of 212992 "
         "(SO_SNDBUF), and a write waits; its program must read");
  info.receiving = false;
  info.receive_queue_bytes = 10;
  EXPECT_EQ(diagnose(info).cause, Cause::neither_reads);
  info.send_queue_bytes = 0;
  expect(info, Cause::we_do_not_read,
         "we do not read: 10 bytes from the peer wait here and no read is pending; await "
         "read_some()");
  info.receive_queue_bytes = 0;
  info.state = SocketState::close_wait;
  EXPECT_EQ(diagnose(info).cause, Cause::peer_finished);
  info.state = SocketState::fin_wait_2;
  EXPECT_EQ(diagnose(info).cause, Cause::we_finished);
}

TEST(Diagnose, Listeners) {
  SocketInfo info = listener(0);
  EXPECT_EQ(diagnose(info).cause, Cause::waiting_for_us);
  info.receiving = true;
  expect(info, Cause::waiting_for_client,
         "waiting for a client: an accept is pending and nobody has connected to 192.0.2.1:80");
  info.backlog->waiting = 2;
  EXPECT_EQ(diagnose(info).cause, Cause::moving);
  info.receiving = false;
  expect(info, Cause::we_do_not_accept,
         "we do not accept: 2 clients wait in the backlog, of at most 8, and no accept is pending; "
         "the server is busy, at its limit of sessions, or out of descriptors");
  info.backlog->waiting = 9;
  expect(info, Cause::backlog_full,
         "the backlog is full: 9 clients wait to be accepted (its maximum is 8, the system adds "
         "one) and new ones are turned away; accept faster, or raise ListenOptions::backlog and "
         "/proc/sys/net/core/somaxconn");
  info.backlog.reset();
  EXPECT_EQ(diagnose(info).cause, Cause::waiting_for_us);
}

// Whatever a kernel tells or does not tell, there is a sentence of one line.
TEST(Diagnose, AnythingHasASentence) {
  std::mt19937_64 random(test::seed());
  const auto dice = [&random] { return random() % 4 == 0; };
  for (int i = 0; i < (test::sanitized && !test::long_form() ? 20'000 : 100'000); ++i) {
    SocketInfo info = dice()   ? unix_stream()
                      : dice() ? listener(static_cast<std::uint32_t>(random() % 12))
                               : connection();
    if (!info.is_listener()) info.state = static_cast<SocketState>(random() % 11);
    info.receiving = dice();
    info.sending = dice();
    info.error_waiting = dice();
    if (dice()) info.receive_queue_bytes = random() % 5;
    if (dice()) info.unsent_bytes = random() % 3000;
    info.send_queue_bytes = info.unsent_bytes + (dice() ? random() % 3000 : 0);
    if (dice()) info.backlog.reset();
    if (info.tcp) {
      TcpInfo& tcp = *info.tcp;
      if (dice()) tcp = TcpInfo{};
      if (dice()) tcp.peer_window_bytes = 0;
      if (dice()) tcp.retransmits = 1;
      if (dice()) tcp.backoff = 40;
      if (dice()) tcp.cork = true;
      if (dice()) tcp.no_delay = false;
      if (dice()) tcp.last_data_sent = 0s;
    }
    const std::string sentence = diagnose(info).sentence;
    ASSERT_GE(sentence.size(), 10U);
    ASSERT_EQ(sentence.find('\n'), std::string::npos) << sentence;
    ASSERT_FALSE(info.to_string().empty());
  }
}

}  // namespace
}  // namespace ieum
