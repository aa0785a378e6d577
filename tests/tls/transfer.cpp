// Bytes through TLS: whole, in order, both ways at once, over every kind of transport.
#include <array>

#include <random>

#include <gmock/gmock.h>

#include "conformance/pieces.hpp"
#include "tls/allocations.hpp"
#include "tls/sessions.hpp"

namespace ieum::test {
namespace {

EVERY_TRANSPORT(TlsOver);

Task<> receive_into(Stream& from, std::uint64_t seed, std::string& into) {
  into = co_await receive_pieces(from, seed);
}

Task<> both_ways_at_once(TlsStream& client, TlsStream& server) {
  const std::size_t size = std::size_t{sanitized ? 1U : 3U} << 20U;
  const std::vector<std::byte> up = random_bytes(size, seed());
  const std::vector<std::byte> down = random_bytes(size, seed() + 1);
  std::string got_up;
  std::string got_down;
  auto body = [&](Group& group) -> Task<> {
    group.start(send_pieces(client, up, seed() + 2));
    group.start(send_pieces(server, down, seed() + 3));
    group.start(receive_into(server, seed() + 4, got_up));
    group.start(receive_into(client, seed() + 5, got_down));
    co_return;
  };
  co_await with_group(body);
  EXPECT_TRUE(same_bytes(bytes_of(got_up), up));
  EXPECT_TRUE(same_bytes(bytes_of(got_down), down));
}

CO_TEST_P(TlsOver, bytes_arrive_whole_both_ways_at_once) {
  TlsPair pair = co_await tls_pair(transport);
  co_await both_ways_at_once(pair.client, pair.server);
}

CO_TEST_P(TlsOver, bytes_arrive_whole_with_the_older_version) {
  TlsPair pair = co_await tls_pair(transport, TlsVersion::tls12);
  EXPECT_EQ(pair.client.peer().version, "TLSv1.2");
  co_await both_ways_at_once(pair.client, pair.server);
}

CO_TEST(Tls, in_tls) {
  const TlsClientContext client = client_context();
  const TlsServerContext server = server_context();
  TlsPair outer = co_await tls_pair();
  TlsPair inner =
      co_await tls_over(std::make_unique<TlsStream>(std::move(outer.client)),
                        std::make_unique<TlsStream>(std::move(outer.server)), client, server);
  co_await both_ways_at_once(inner.client, inner.server);
}

Task<> echo_through(Stream& beneath, const TlsServerContext& context) {
  TlsStream peer = co_await TlsStream::server(beneath, context);
  while (Lease data = co_await peer.receive()) co_await peer.write_all(data);
  co_await peer.close();
}

CO_TEST(Tls, over_a_stream_that_belongs_to_somebody_else) {
  const TlsClientContext client = client_context();
  const TlsServerContext server = server_context();
  Pair pair = co_await connected();
  TlsOptions options;
  options.context = &client;
  std::string answer;
  auto body = [&](Group& group) -> Task<> {
    group.start(echo_through(pair.server, server));
    TlsStream stream = co_await TlsStream::client(pair.client, "server.test", options);
    EXPECT_EQ(stream.peer_address(), pair.client.peer_address());
    co_await stream.write_all("to and fro");
    co_await stream.shutdown_write();
    answer = co_await read_to_end(stream);
    co_await stream.close();
    EXPECT_FALSE(stream.is_open());
  };
  co_await with_group(body);
  EXPECT_EQ(answer, "to and fro");
  EXPECT_FALSE(pair.client.is_open());
}

CO_TEST(Tls, tells_what_it_knows_of_the_peer) {
  const TlsClientContext client = client_context();
  const TlsServerContext server = server_context();
  Pair sockets = co_await connected();
  TlsPair pair = co_await tls_over(std::move(sockets), client, server);
  const TlsPeer peer = pair.client.peer();
  EXPECT_EQ(peer.version, "TLSv1.3");
  EXPECT_EQ(peer.cipher, "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(peer.group, "x25519");
  EXPECT_EQ(peer.alpn, "");
  EXPECT_EQ(peer.server_name, "server.test");
  EXPECT_FALSE(peer.resumed);
  CO_ASSERT(peer.chain.size() == 1);
  EXPECT_EQ(peer.chain[0].subject, "CN=server.test");
  EXPECT_EQ(peer.chain[0].issuer, "CN=Test Authority");
  EXPECT_THAT(peer.chain[0].names,
              testing::ElementsAre("server.test", "*.wild.test", "localhost", "127.0.0.1", "::1"));
  EXPECT_EQ(peer.chain[0].key, "EC 256 bits");
  EXPECT_EQ(peer.chain[0].pin, server.pin());
  EXPECT_LT(peer.chain[0].not_before, peer.chain[0].not_after);
  EXPECT_TRUE(peer.problems.empty());
  const TlsPeer seen = pair.server.peer();
  EXPECT_EQ(seen.server_name, "server.test");
  EXPECT_TRUE(seen.chain.empty());
}

CO_TEST(Tls, connects_by_name) {
  const TlsClientContext client = client_context();
  const TlsServerContext server = server_context();
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  TlsOptions options;
  options.context = &client;
  std::string answer;
  auto serving = [&]() -> Task<> {
    StreamSocket socket = co_await listener.accept();
    co_await echo_through(socket, server);
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(serving());
    const std::string to = listener.address().to_string();
    TlsStream stream = co_await TlsStream::connect(to, options);
    EXPECT_EQ(stream.peer().server_name, "") << "an address is not sent along";
    co_await stream.write_all("hello");
    co_await stream.shutdown_write();
    answer = co_await read_to_end(stream);
  };
  co_await with_group(body);
  EXPECT_EQ(answer, "hello");
}

CO_TEST(Tls, of_no_session) {
  TlsStream none;
  EXPECT_FALSE(none.is_open());
  EXPECT_EQ(none.alpn(), "");
  EXPECT_EQ(none.peer().version, "");
  std::array<std::byte, 4> buffer{};
  const Result<std::size_t> read = co_await attempt(none.read_some(buffer));
  const Result<> written = co_await attempt(none.write_all("x"));
  const Result<Lease> received = co_await attempt(none.receive());
  const Result<> closed = co_await attempt(none.close());
  CO_ASSERT(!read && !written && !received && !closed);
  EXPECT_EQ(read.error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(written.error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(received.error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(closed.error(), std::errc::bad_file_descriptor);
}

Task<> update_often(TlsStream& from, TlsStream& to, int times) {
  for (int i = 0; i < times; ++i) {
    co_await from.update_keys();
    co_await from.write_all("x");
    const std::string text = co_await read_text(to, 1);
    EXPECT_EQ(text, "x");
  }
}

CO_TEST(Tls, keys_may_change_a_thousand_times) {
  TlsPair pair = co_await tls_pair();
  const int times = sanitized ? 200 : 1000;
  co_await update_often(pair.client, pair.server, times);
  co_await update_often(pair.server, pair.client, times);
  auto body = [&](Group& group) -> Task<> {
    group.start(update_often(pair.client, pair.server, times));
    co_await update_often(pair.server, pair.client, times);
  };
  co_await with_group(body);
}

CO_TEST(Tls, keys_may_change_while_a_write_waits) {
  Pair sockets = co_await connected_with_small_buffers();
  const TlsClientContext client = client_context();
  const TlsServerContext server = server_context();
  TlsPair pair = co_await tls_over(std::move(sockets), client, server);
  const std::vector<std::byte> data = random_bytes(std::size_t{1} << 20U, seed());
  std::string got;
  auto reading = [&]() -> Task<> { got = co_await read_to_end(pair.server); };
  auto sending = [&]() -> Task<> {
    co_await pair.client.write_all(data);
    co_await pair.client.shutdown_write();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(sending());
    co_await sleep(2ms);  // by now it waits
    for (int i = 0; i < 50; ++i) {
      co_await pair.server.update_keys();
      co_await pair.server.write_all("new keys");
      const std::string text = co_await read_text(pair.client, 8);
      EXPECT_EQ(text, "new keys");
    }
    group.start(reading());
  };
  co_await with_group(body);
  EXPECT_TRUE(same_bytes(bytes_of(got), data));
}

CO_TEST(Tls, reads_and_writes_allocate_nothing) {
  for (int round = 0; round < 2; ++round) {
    const TlsVersion version = round == 0 ? TlsVersion::tls12 : TlsVersion::tls13;
    TlsPair pair = co_await tls_pair(Transport::ipv4, version);
    std::array<std::byte, 1000> buffer{};
    std::int64_t before = 0;
    for (int i = 0; i < 1100; ++i) {
      if (i == 100) before = allocations();  // it is warm
      co_await pair.client.write_all(buffer);
      const Lease lease = co_await pair.server.receive();
      co_await pair.server.write_all(lease);
      std::size_t left = lease.size();
      while (left > 0) {
        const std::size_t count = co_await pair.client.read_some(std::span(buffer).first(left));
        left -= count;
      }
    }
    EXPECT_EQ(allocations() - before, 0);
  }
}

}  // namespace
}  // namespace ieum::test
