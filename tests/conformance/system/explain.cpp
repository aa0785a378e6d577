// What sockets tell of themselves, and why they do not move: each cause is made for real.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

using Cause = Stall::Cause;

EVERY_TRANSPORT(InfoOver);
EVERY_TRANSPORT(ExplainOver);

/// What it says in the end: asks until the cause is `expected`, which may need a moment to show,
/// and expects the words in its sentence.
template <class Socket>
Task<> expect_cause(const Socket& socket, Cause expected, std::string_view words) {
  std::string sentence;
  for (int i = 0; i < 3000; ++i) {
    const SocketInfo info = co_await socket.info();
    const Stall stall = diagnose(info);
    if (stall.cause == expected) {
      EXPECT_NE(stall.sentence.find(words), std::string::npos) << stall.sentence;
      co_return;
    }
    sentence = stall.sentence + "\n" + info.to_string();
    co_await sleep(10ms);
  }
  ADD_FAILURE() << "expected a sentence with \"" << words << "\", got: " << sentence;
}

Task<> read_forever(StreamSocket& socket) {
  std::vector<std::byte> buffer(64 * 1024);
  for (;;) {
    const std::size_t count = co_await socket.read_some(buffer);
    if (count == 0) break;
  }
}

Task<> write_forever(StreamSocket& socket) {
  const std::vector<std::byte> block(64 * 1024);
  for (;;) co_await socket.write_all(ConstBuffer(block));
}

/// Runs `beside` while `main` runs, and stops it after.
template <class A, class B>
Task<> beside(A background, B main) {
  auto body = [&](Group& group) -> Task<> {
    group.start(std::move(background));
    co_await std::move(main);
    group.stop();
  };
  co_await with_group(body);
}

// ---- info()
// ---------------------------------------------------------------------------------------

CO_TEST_P(InfoOver, knows_kind_state_addresses_and_queues) {
  Pair pair = co_await connected(transport);
  co_await pair.client.write_all("hello");
  const SocketInfo of_client = co_await pair.client.info();
  const SocketInfo of_server = co_await pair.server.info();
  const bool is_tcp = transport != Transport::unix_socket;
  EXPECT_EQ(of_client.kind, is_tcp ? SocketKind::tcp : SocketKind::unix_stream);
  EXPECT_EQ(of_client.state, SocketState::established);
  const Address local = co_await pair.client.local_address();
  EXPECT_EQ(of_client.local, local);
  EXPECT_EQ(of_client.peer, pair.client.peer_address());
  EXPECT_EQ(of_server.receive_queue_bytes, 5U);
  EXPECT_GT(of_server.receive_buffer_bytes, 0U);
  EXPECT_GT(of_client.send_buffer_bytes, 0U);
  EXPECT_FALSE(of_server.receiving);
  EXPECT_FALSE(of_server.sending);
  EXPECT_FALSE(of_server.error_waiting);
  EXPECT_EQ(of_client.tcp.has_value(), is_tcp);
  EXPECT_EQ(of_client.backlog.has_value(), false);
  // Nothing was taken.
  const std::string text = co_await read_text(pair.server, 5);
  EXPECT_EQ(text, "hello");
}

CO_TEST(Info, has_the_figures_of_tcp) {
  Pair pair = co_await connected();
  for (int i = 0; i < 10; ++i) {
    co_await pair.client.write_all("question");
    const std::string question = co_await read_text(pair.server, 8);
    co_await pair.server.write_all("answer!");
    const std::string answer = co_await read_text(pair.client, 7);
  }
  co_await pair.client.wait_acknowledged();
  const SocketInfo info = co_await pair.client.info();
  CO_ASSERT(info.tcp.has_value());
  const TcpInfo& tcp = *info.tcp;
  EXPECT_EQ(tcp.bytes_sent, 80U);
  EXPECT_EQ(tcp.bytes_received, 70U);
  EXPECT_GE(tcp.bytes_acknowledged, 80U);
  EXPECT_EQ(tcp.bytes_retransmitted, 0U);
  CO_ASSERT(tcp.rtt.has_value());
  EXPECT_GT(*tcp.rtt, 0ns);
  EXPECT_LT(*tcp.rtt, 60s);
  EXPECT_GT(tcp.retransmission_timeout, *tcp.rtt);
  EXPECT_GT(tcp.congestion_window_segments, 0U);
  EXPECT_GT(tcp.segment_bytes_max, 500U);
  CO_ASSERT(tcp.peer_window_bytes.has_value());
  EXPECT_GT(*tcp.peer_window_bytes, 0U);
  CO_ASSERT(tcp.last_data_sent && tcp.last_data_received && tcp.last_ack_received);
  EXPECT_LT(*tcp.last_data_sent, patience);
  EXPECT_LT(*tcp.last_data_received, patience);
  EXPECT_LT(*tcp.last_ack_received, patience);
  EXPECT_EQ(tcp.retransmits, 0U);
  EXPECT_EQ(tcp.unacknowledged_segments, 0U);
  EXPECT_TRUE(tcp.no_delay);
  EXPECT_FALSE(tcp.cork);
  EXPECT_GT(std::string_view(tcp.congestion_control.data()).size(), 0U);
}

CO_TEST_P(InfoOver, sees_a_pending_read_and_a_pending_write) {
  Pair pair = co_await connected_with_small_buffers(transport);
  auto body = [&](Group& group) -> Task<> {
    group.start(read_forever(pair.client));
    group.start(write_forever(pair.client));
    SocketInfo info;
    do {
      co_await sleep(1ms);
      info = co_await pair.client.info();
    } while (!info.sending);
    EXPECT_TRUE(info.receiving);
    EXPECT_GT(info.send_queue_bytes, 0U);
    group.stop();
  };
  co_await with_group(body);
  const SocketInfo after = co_await pair.client.info();
  EXPECT_FALSE(after.receiving);
  EXPECT_FALSE(after.sending);
}

CO_TEST_P(InfoOver, leaves_the_error_to_the_read) {
  Pair pair = co_await connected(transport);
  co_await pair.client.write_all("never read");
  co_await pair.server.close();
  SocketInfo info = co_await pair.client.info();
  while (!info.error_waiting) {  // the reset may be on its way
    co_await sleep(1ms);
    info = co_await pair.client.info();
  }
  EXPECT_EQ(info.peer, pair.client.peer_address());
  const Stall stall = diagnose(info);
  EXPECT_EQ(stall.cause, Cause::failed) << stall.sentence;
  std::array<std::byte, 8> buffer;
  Result<std::size_t> count = co_await attempt(pair.client.read_some(buffer));
  CO_ASSERT(!count);
  EXPECT_EQ(count.error(), std::errc::connection_reset);
  co_await expect_cause(pair.client, Cause::closed, "has ended");
}

CO_TEST_P(InfoOver, of_a_listener_counts_who_waits) {
  Listener listener = co_await Listener::bind(any_address(transport), {.backlog = 7});
  std::vector<StreamSocket> clients;
  for (int i = 0; i < 3; ++i) {
    StreamSocket client = co_await StreamSocket::connect(listener.address());
    clients.push_back(std::move(client));
  }
  const SocketInfo info = co_await listener.info();
  EXPECT_TRUE(info.is_listener());
  EXPECT_EQ(info.state, SocketState::listen);
  EXPECT_EQ(info.local, listener.address());
  CO_ASSERT(info.backlog.has_value());
  EXPECT_EQ(info.backlog->waiting, 3U);
  EXPECT_EQ(info.backlog->max, 7U);
}

CO_TEST(Info, of_what_is_closed_or_of_another_kind_is_an_error) {
  Pair pair = co_await connected();
  const std::string peer = pair.client.peer_address().to_string();
  co_await pair.client.close();
  const Result<SocketInfo> closed = pair.client.info();
  CO_ASSERT(!closed);
  EXPECT_EQ(closed.error().to_string(), "get socket information " + peer + ": bad file descriptor");
  const std::string sentence = co_await pair.client.explain();
  EXPECT_TRUE(sentence.starts_with("closed: ")) << sentence;
  const Pipe pipe;
  const Result<SocketInfo> no_socket = socket_info(pipe.reader.get());
  CO_ASSERT(!no_socket);
  EXPECT_EQ(no_socket.error(), std::errc::not_a_socket);
  const Descriptor datagram(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const Result<SocketInfo> other = socket_info(datagram.get());
  CO_ASSERT(!other);
  EXPECT_EQ(other.error(), std::errc::operation_not_supported);
}

// ---- explain(): nothing is in the way
// ---------------------------------------------------------------

Task<> until_the_end(StreamSocket& socket) {
  const std::string text = co_await read_to_end(socket);
}

CO_TEST_P(ExplainOver, nobody_begins) {
  Pair pair = co_await connected(transport);
  co_await expect_cause(pair.client, Cause::waiting_for_us, "no read or write of ours is pending");
  auto asking = expect_cause(pair.client, Cause::waiting_for_peer, "waiting for the peer to send");
  co_await beside(read_forever(pair.client), std::move(asking));
}

CO_TEST(Explain, the_peer_was_asked_and_says_nothing) {
  Pair pair = co_await connected();
  co_await pair.server.write_all("once");
  co_await pair.client.write_all("question");
  auto asking = expect_cause(pair.client, Cause::waiting_for_peer, "last sent something");
  co_await beside(read_forever(pair.client), std::move(asking));
}

CO_TEST_P(ExplainOver, half_closed) {
  Pair pair = co_await connected(transport);
  co_await pair.client.shutdown_write();
  co_await expect_cause(pair.server, Cause::peer_finished, "the peer has finished sending");
  co_await expect_cause(pair.client, Cause::we_finished, "no read is pending");
  auto asking = expect_cause(pair.client, Cause::we_finished, "wait for the end of the peer");
  co_await beside(read_forever(pair.client), std::move(asking));
  co_await pair.server.shutdown_write();
  co_await until_the_end(pair.client);
  co_await until_the_end(pair.server);
  co_await expect_cause(pair.client, Cause::closed, "both sides have finished");
  co_await expect_cause(pair.server, Cause::closed, "both sides have finished");
}

// ---- explain(): somebody does not read
// ------------------------------------------------------------

CO_TEST_P(ExplainOver, we_do_not_read) {
  Pair pair = co_await connected(transport);
  co_await pair.client.write_all("unread");
  co_await expect_cause(pair.server, Cause::we_do_not_read, "we do not read: 6 bytes");
  fill(pair.client.native_handle());
  co_await expect_cause(pair.server, Cause::we_do_not_read, "no read is pending");
}

CO_TEST_P(ExplainOver, the_peer_does_not_read) {
  Pair pair = co_await connected_with_small_buffers(transport);
  auto asking = expect_cause(pair.client, Cause::peer_does_not_read, "its program must read");
  co_await beside(write_forever(pair.client), std::move(asking));
  // Once it reads, all moves on.
  drain(pair.server.native_handle());
}

CO_TEST_P(ExplainOver, neither_side_reads) {
  Pair pair = co_await connected_with_small_buffers(transport);
  fill(pair.server.native_handle());
  fill(pair.client.native_handle());
  co_await expect_cause(pair.client, Cause::neither_reads, "read while you write");
  co_await expect_cause(pair.server, Cause::neither_reads, "read while you write");
}

// ---- explain(): it moves
// ----------------------------------------------------------------------------

Task<> ask_often(StreamSocket& socket, int& moving, int& stalled, std::string& last) {
  for (int i = 0; i < 300; ++i) {
    const SocketInfo info = co_await socket.info();
    const Stall stall = diagnose(info);
    if (stall.moves()) {
      ++moving;
    } else {
      ++stalled;
      last = stall.sentence;
    }
    co_await sleep(1ms);
  }
}

// On a machine so busy that the test stands still for 200 ms, so does the connection.
CO_TEST(Explain, what_moves_is_not_called_stalled) {
  Pair pair = co_await connected();
  int moving = 0;
  int stalled = 0;
  std::string last;
  auto body = [&](Group& group) -> Task<> {
    group.start(write_forever(pair.client));
    group.start(read_forever(pair.server));
    co_await ask_often(pair.client, moving, stalled, last);
    co_await ask_often(pair.server, moving, stalled, last);
    group.stop();
  };
  co_await with_group(body);
  EXPECT_GT(moving, 4 * stalled) << moving << " and " << stalled << ": " << last;
}

// ---- explain(): TCP holds back a short tail
// -------------------------------------------------------

/// Asks at once after `begin` made it: the system lets go of the tail after 40 or 200 ms.
template <class Begin>
Task<std::string> caught(StreamSocket& socket, Cause expected, Begin begin) {
  for (int i = 0; i < 1000; ++i) {
    co_await begin();
    const SocketInfo info = co_await socket.info();
    const Stall stall = diagnose(info);
    if (stall.cause == expected) co_return stall.sentence;
    co_await socket.wait_acknowledged();
  }
  co_return std::string("it was not seen");
}

CO_TEST(Explain, nagle_against_delayed_acknowledgement) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  StreamSocket client = co_await StreamSocket::connect(listener.address(), {.no_delay = false});
  StreamSocket server = co_await listener.accept();
  const auto write_write = [&]() -> Task<> {
    co_await server.set_option(SocketOption::tcp_quickack, 0);
    co_await client.write_all("head");
    co_await client.write_all("body of a request");
  };
  const std::string sentence = co_await caught(client, Cause::nagle, write_write);
  EXPECT_TRUE(sentence.starts_with("Nagle against delayed acknowledgement: 17 bytes")) << sentence;
  EXPECT_NE(sentence.find("TCP_NODELAY"), std::string::npos) << sentence;
}

CO_TEST(Explain, cork) {
  Pair pair = co_await connected();
  co_await pair.client.set_option(SocketOption::tcp_cork, 1);
  const auto write = [&]() -> Task<> { co_await pair.client.write_all("corked"); };
  const std::string sentence = co_await caught(pair.client, Cause::cork, write);
  EXPECT_TRUE(sentence.starts_with("TCP_CORK holds back 6 bytes")) << sentence;
}

// ---- explain(): listeners
// ---------------------------------------------------------------------------

Task<> accept_forever(Listener& listener) {
  for (;;) {
    StreamSocket client = co_await listener.accept();
  }
}

CO_TEST_P(ExplainOver, a_listener_that_nobody_connects_to) {
  Listener listener = co_await Listener::bind(any_address(transport));
  co_await expect_cause(listener, Cause::waiting_for_us, "no accept is pending");
  auto asking = expect_cause(listener, Cause::waiting_for_client, "waiting for a client");
  co_await beside(accept_forever(listener), std::move(asking));
}

CO_TEST_P(ExplainOver, a_listener_that_does_not_accept) {
  Listener listener = co_await Listener::bind(any_address(transport), {.backlog = 1});
  StreamSocket first = co_await StreamSocket::connect(listener.address());
  co_await expect_cause(listener, Cause::we_do_not_accept, "1 client waits in the backlog");
  StreamSocket second = co_await StreamSocket::connect(listener.address());
  co_await expect_cause(listener, Cause::backlog_full,
                        "2 clients wait to be accepted (its maximum is 1");
  const std::string sentence = co_await listener.explain();
  EXPECT_TRUE(sentence.starts_with("the backlog is full: ")) << sentence;
}

// ---- explain(): the network is silent
// ---------------------------------------------------------------

Task<> expect_handshake_to_be_waited_for() {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(9);
  name.sin_addr.s_addr = htonl(0xC6336407);  // 198.51.100.7
  const auto* any = reinterpret_cast<const sockaddr*>(&name);
  CO_ASSERT(::connect(socket.get(), any, sizeof name) < 0 && errno == EINPROGRESS);
  SocketInfo info = co_await socket_info(socket.get());
  EXPECT_EQ(info.state, SocketState::syn_sent);
  std::string sentence = diagnose(info).sentence;
  EXPECT_TRUE(sentence.starts_with("waiting for the handshake: a SYN was sent")) << sentence;
  while (info.tcp->retransmits == 0) {
    co_await sleep(10ms);
    info = co_await socket_info(socket.get());
  }
  const Stall stall = diagnose(info);
  EXPECT_EQ(stall.cause, Cause::connecting);
  EXPECT_TRUE(stall.sentence.starts_with("waiting for the handshake: the SYN was sent "))
      << stall.sentence;
  EXPECT_NE(stall.sentence.find("nobody has answered"), std::string::npos) << stall.sentence;
}

TEST(ExplainInNamespace, waiting_for_the_handshake) {
  const std::string reason = in_network_namespace("ip route add 198.51.100.0/24 dev lo", [] {
    expect_success_in_time(expect_handshake_to_be_waited_for());
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

/// From now on no packet arrives in this thread's network namespace.
bool cut_the_network() {
  return std::system(
             "nft 'add table inet cut; add chain inet cut in { type filter hook input priority 0; "
             "policy drop; }'") == 0;
}

Task<> expect_retransmissions() {
  Pair pair = co_await connected();
  CO_ASSERT(cut_the_network());
  co_await pair.client.write_all("into the void");
  co_await expect_cause(pair.client, Cause::retransmitting,
                        "retransmitting: 13 bytes in 1 segment");
  co_await pair.client.reset();
  co_await pair.server.reset();
}

Task<> expect_probes_without_an_answer() {
  Pair pair = co_await connected_with_small_buffers();
  auto asking = expect_cause(pair.client, Cause::peer_does_not_read, "the peer does not read");
  co_await beside(write_forever(pair.client), std::move(asking));
  CO_ASSERT(cut_the_network());
  co_await expect_cause(pair.client, Cause::retransmitting, "no longer answers probes");
  co_await pair.client.reset();
  co_await pair.server.reset();
}

TEST(ExplainInNamespace, retransmitting) {
  if (!has_program("nft")) GTEST_SKIP() << "this needs the program nft (Debian: nftables)";
  const std::string reason =
      in_network_namespace("", [] { expect_success_in_time(expect_retransmissions()); });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(ExplainInNamespace, probes_of_a_closed_window_without_an_answer) {
  if (!has_program("nft")) GTEST_SKIP() << "this needs the program nft (Debian: nftables)";
  const std::string reason =
      in_network_namespace("", [] { expect_success_in_time(expect_probes_without_an_answer()); });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

}  // namespace
}  // namespace ieum::test
