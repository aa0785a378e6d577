// What holds for a socket holds through TLS: stops, deadlines, second operations, closing.
#include <unistd.h>

#include <array>
#include <fstream>
#include <random>

#include "conformance/pieces.hpp"
#include "conformance/waiting.hpp"
#include "tls/sessions.hpp"

namespace ieum::test {
namespace {

Task<TlsPair> pair_with_small_buffers() {
  Pair sockets = co_await connected_with_small_buffers();
  const TlsClientContext client = client_context();
  const TlsServerContext server = server_context();
  TlsPair pair = co_await tls_over(std::move(sockets), client, server);
  co_return pair;
}

CO_TEST(TlsStops, writes_that_are_stopped_at_any_time_are_taken_or_not) {
  TlsPair pair = co_await pair_with_small_buffers();
  const std::vector<std::byte> data = random_bytes(std::size_t{1} << 20U, seed());
  std::string got;
  auto reading = [&]() -> Task<> {
    std::array<std::byte, 3000> buffer{};
    for (;;) {
      const std::size_t count = co_await pair.server.read_some(buffer);
      if (count == 0) co_return;
      got.append(reinterpret_cast<const char*>(buffer.data()), count);
      if (got.size() % 7 == 0) co_await sleep(50us);
    }
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(reading());
    std::mt19937_64 random(seed());
    ConstBuffer left(data);
    while (!left.empty()) {
      const ConstBuffer piece =
          left.first(std::min<std::size_t>(left.size(), 1 + random() % 90'000));
      const auto limit = std::chrono::microseconds(random() % 100);
      const Result<std::size_t> count =
          co_await attempt(with_timeout(limit, pair.client.write_some(piece)));
      if (count) left = left.subspan(*count);
    }
    co_await pair.client.shutdown_write();
  };
  co_await with_group(body);
  EXPECT_TRUE(same_bytes(bytes_of(got), data));
}

CO_TEST(TlsStops, a_half_close_that_is_stopped_may_be_tried_again) {
  TlsPair pair = co_await pair_with_small_buffers();
  const std::vector<std::byte> data = random_bytes(std::size_t{2} << 20U, seed());
  std::size_t sent = 0;
  for (;;) {
    const Result<std::size_t> count = co_await attempt(
        with_timeout(5ms, pair.client.write_some(ConstBuffer(data).subspan(sent))));
    if (!count) break;
    sent += *count;
  }
  const Result<> stopped = co_await attempt(with_timeout(1ms, pair.client.shutdown_write()));
  EXPECT_FALSE(stopped);
  std::string got;
  auto reading = [&]() -> Task<> { got = co_await read_to_end(pair.server); };
  auto body = [&](Group& group) -> Task<> {
    group.start(reading());
    co_await pair.client.shutdown_write();
  };
  co_await with_group(body);
  EXPECT_TRUE(same_bytes(bytes_of(got), std::span(data).first(sent)));
}

CO_TEST(TlsStops, a_half_close_beside_a_write_is_refused_and_the_write_goes_on) {
  TlsPair pair = co_await pair_with_small_buffers();
  const std::vector<std::byte> data = random_bytes(std::size_t{1} << 20U, seed());
  std::string got;
  auto writing = [&]() -> Task<> {
    co_await pair.client.write_all(data);
    co_await pair.client.shutdown_write();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(writing());
    co_await sleep(1ms);
    const Result<> second = co_await attempt(pair.client.shutdown_write());
    CO_ASSERT(!second);
    EXPECT_EQ(second.error(), std::errc::device_or_resource_busy);
    got = co_await read_to_end(pair.server);
  };
  co_await with_group(body);
  EXPECT_TRUE(same_bytes(bytes_of(got), data));
}

CO_TEST(TlsStops, a_reset_and_a_close_beneath_are_told_with_the_peers_address) {
  TlsPair pair = co_await tls_pair();
  const Address peer = pair.server.peer_address();
  EXPECT_EQ(co_await pair.client.local_address(), peer);
  co_await pair.client.reset();
  EXPECT_FALSE(pair.client.is_open());
  const Result<Lease> received = co_await attempt(pair.server.receive());
  CO_ASSERT(!received);
  EXPECT_EQ(received.error(), std::errc::connection_reset);
  EXPECT_EQ(received.error().address(), peer);
  const Result<> closed = co_await attempt(pair.client.write_all("x"));
  CO_ASSERT(!closed);
  EXPECT_EQ(closed.error(), std::errc::bad_file_descriptor);
}

CO_TEST(TlsStops, a_close_ends_what_is_pending) {
  TlsPair pair = co_await tls_pair();
  Result<Lease> received = fail(std::errc::io_error, "not set");
  auto receiving = [&]() -> Task<> { received = co_await attempt(pair.server.receive()); };
  auto body = [&](Group& group) -> Task<> {
    group.start(receiving());
    co_await yield();
    co_await pair.server.close();
  };
  co_await with_group(body);
  CO_ASSERT(!received);
  EXPECT_EQ(received.error(), std::errc::operation_canceled);
}

CO_TEST(TlsStops, a_close_does_not_wait_long_for_a_peer_that_takes_nothing) {
  TlsPair pair = co_await pair_with_small_buffers();
  const std::vector<std::byte> data = random_bytes(std::size_t{2} << 20U, seed());
  const Result<> written = co_await attempt(with_timeout(50ms, pair.client.write_all(data)));
  EXPECT_FALSE(written);
  const TimePoint begun = now();
  co_await pair.client.close();
  EXPECT_LT(now() - begun, 5s);
}

CO_TEST(TlsStops, a_close_tells_that_what_a_stopped_write_took_was_not_sent) {
  // As long as something is on a simulated way, there may be room for it.
  const Duration patience_of_write = is_simulated() ? Duration(500ms) : Duration(5ms);
  for (const bool reads : {false, true}) {
    TlsPair pair = co_await pair_with_small_buffers();
    const std::vector<std::byte> data = random_bytes(std::size_t{2} << 20U, seed());
    std::size_t sent = 0;
    for (;;) {
      const Result<std::size_t> count = co_await attempt(
          with_timeout(patience_of_write, pair.client.write_some(ConstBuffer(data).subspan(sent))));
      if (!count) break;
      sent += *count;
    }
    std::string got;
    auto reading = [&]() -> Task<> { got = co_await read_to_end(pair.server); };
    Result<> closed;
    auto body = [&](Group& group) -> Task<> {
      if (reads) group.start(reading());
      closed = co_await attempt(pair.client.close());
    };
    co_await with_group(body);
    EXPECT_EQ(closed.has_value(), reads);
    if (!closed) {
      EXPECT_EQ(closed.error(), std::errc::timed_out);
      EXPECT_STREQ(closed.error().operation(), "TLS close");
    }
    if (reads) {
      EXPECT_TRUE(same_bytes(bytes_of(got), std::span(data).first(sent)));
    }
  }
}

CO_TEST(TlsStops, one_that_never_waits_lets_others_run) {
  TlsPair pair = co_await tls_pair();
  co_await expect_others_to_run_beside(pair.client, pair.server);
}

CO_TEST(TlsStops, a_handshake_that_stalls_is_cut_by_its_deadline) {
  const TlsServerContext context = server_context();
  Pair pair = co_await connected();
  TlsServerOptions options;
  options.handshake_timeout = 20ms;
  const Result<TlsStream> met = co_await attempt(TlsStream::server(pair.server, context, options));
  CO_ASSERT(!met);
  EXPECT_EQ(met.error(), std::errc::timed_out);
  EXPECT_STREQ(met.error().operation(), "TLS handshake");
}

CO_TEST(TlsStops, a_handshake_may_be_stopped) {
  const TlsClientContext context = client_context();
  Pair pair = co_await connected();
  TlsOptions options;
  options.context = &context;
  const Result<TlsStream> met = co_await attempt(
      with_timeout(5ms, TlsStream::client(std::move(pair.client), "server.test", options)));
  CO_ASSERT(!met);
  EXPECT_EQ(met.error(), std::errc::timed_out);
  const std::string sent = co_await read_to_end(pair.server);
  EXPECT_FALSE(sent.empty());
}

Task<> hang(StreamSocket& to) {
  std::array<std::byte, 1> byte{};
  static_cast<void>(co_await attempt(to.read_some(byte)));
}

CO_TEST(TlsStops, stalled_handshakes_are_cut_while_others_are_served) {
  const TlsClientContext client = client_context();
  const TlsServerContext server = server_context();
  const int count = long_form() ? 1000 : 50;
  const ManyDescriptors many;
  std::vector<Pair> stalled;
  for (int i = 0; i < count; ++i) {
    Pair pair = co_await connected();
    stalled.push_back(std::move(pair));
  }
  int cut = 0;
  auto serving = [&](StreamSocket& socket) -> Task<> {
    TlsServerOptions options;
    options.handshake_timeout = 300ms;
    const Result<TlsStream> met = co_await attempt(TlsStream::server(socket, server, options));
    if (!met && met.error() == std::errc::timed_out) ++cut;
    co_await socket.close();
  };
  auto body = [&](Group& group) -> Task<> {
    for (Pair& pair : stalled) {
      group.start(serving(pair.server));
      group.start(hang(pair.client));
    }
    Pair sockets = co_await connected();
    TlsPair pair = co_await tls_over(std::move(sockets), client, server);
    co_await pair.client.write_all("served");
    const std::string text = co_await read_text(pair.server, 6);
    EXPECT_EQ(text, "served");
  };
  co_await with_group(body);
  EXPECT_EQ(cut, count);
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

Task<> many_sessions() {
  const TlsClientContext client = client_context();
  const TlsServerContext server = server_context();
  const int count = long_form() ? 10'000 : sanitized ? 100 : 500;
  const auto some = [&](int times) -> Task<> {
    for (int i = 0; i < times; ++i) {
      Pair sockets = co_await connected();
      TlsPair pair = co_await tls_over(std::move(sockets), client, server);
      co_await pair.client.write_all("x");
      static_cast<void>(co_await read_text(pair.server, 1));
      co_await pair.server.write_all("y");
      static_cast<void>(co_await read_text(pair.client, 1));
    }
  };
  co_await some(50);
  const int descriptors = open_descriptors();
  const std::size_t memory = resident_bytes();
  co_await some(count);
  EXPECT_EQ(open_descriptors(), descriptors);
  if (!sanitized && !is_simulated()) {  // these keep what is freed; the simulator what has happened
    EXPECT_LT(resident_bytes(), memory + (std::size_t{2} << 20U));
  }
}
TEST(TlsStops, a_thousand_sessions_leave_nothing) {
  expect_success(with_timeout(long_form() ? 5 * patience : patience, many_sessions()));
}

}  // namespace
}  // namespace ieum::test
