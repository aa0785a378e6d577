// Peers that mean harm, or know no better: garbage, records that nobody expects, bytes one at a
// time, floods of new keys, chains without end, data that comes early, ends at any time.
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <random>
#include <thread>

#include <gmock/gmock.h>

#include "tls/programs.hpp"

namespace ieum::test {
namespace {

using testing::AnyOf;
using testing::Eq;

// ---- Garbage -----------------------------------------------------------------------------------

std::string garbage(std::mt19937_64& random) {
  std::string text(1 + random() % 2000, '\0');
  for (char& byte : text) byte = static_cast<char>(random());
  if (random() % 2 == 0 && text.size() > 9) {  // as if it were a record, with a message in it
    text[0] = static_cast<char>(20 + random() % 4);
    text[1] = 3;
    text[2] = static_cast<char>(random() % 5);
    text[3] = static_cast<char>(random() % 65);
    if (random() % 2 == 0) text[5] = static_cast<char>(random() % 25);
  }
  return text;
}

CO_TEST(TlsHostile, garbage_is_refused) {
  const TlsClientContext client = client_context();
  const TlsServerContext server = server_context();
  std::mt19937_64 random(seed());
  const int rounds = long_form() ? 5000 : sanitized ? 60 : 300;
  for (int i = 0; i < rounds; ++i) {
    Pair pair = co_await connected();
    const bool to_server = i % 2 == 0;
    StreamSocket& from = to_server ? pair.client : pair.server;
    co_await from.write_all(garbage(random));
    co_await from.shutdown_write();
    Result<TlsStream> met = fail(std::errc::io_error, "not set");
    if (to_server) {
      met = co_await attempt(TlsStream::server(pair.server, server));
    } else {
      TlsOptions options;
      options.context = &client;
      met = co_await attempt(TlsStream::client(pair.client, "server.test", options));
    }
    CO_ASSERT(!met);
    const bool is_told = met.error() == Errc::handshake_failed || met.error() == Errc::cut_off;
    EXPECT_TRUE(is_told) << "round " << i << ": " << met.error().to_string();
  }
}

/// A session, and the socket beneath its client, which says something of its own.
struct Beneath {
  Pair sockets;
  Result<TlsStream> server = fail(std::errc::io_error, "not set");
  Result<TlsStream> client = fail(std::errc::io_error, "not set");
};
Task<> meet(Beneath& all, TlsVersion version) {
  const TlsClientContext client = client_context();
  TlsServerContext server = server_context();
  expect_good(server.set_versions(version, version));
  all.sockets = co_await connected();
  TlsOptions options;
  options.context = &client;
  auto serving = [&]() -> Task<> {
    all.server = co_await attempt(TlsStream::server(all.sockets.server, server));
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(serving());
    all.client = co_await attempt(TlsStream::client(all.sockets.client, "server.test", options));
  };
  co_await with_group(body);
}

CO_TEST(TlsHostile, records_that_nobody_expects_end_the_session) {
  for (const TlsVersion version : {TlsVersion::tls12, TlsVersion::tls13}) {
    for (const int kind : {0, 20, 21, 22, 23, 24, 255}) {
      for (const std::size_t size :
           {std::size_t{0}, std::size_t{1}, std::size_t{40}, std::size_t{16'384},
            std::size_t{16'384 + 257}, std::size_t{65'535}}) {
        Beneath all;
        co_await meet(all, version);
        CO_ASSERT(all.client && all.server);
        std::string record(5 + size, 'x');
        record[0] = static_cast<char>(kind);
        record[1] = record[2] = 3;
        record[3] = static_cast<char>(size >> 8U);
        record[4] = static_cast<char>(size);
        const Result<> sent = co_await attempt(all.sockets.client.write_all(record));
        static_cast<void>(sent);  // it is refused by its head
        co_await all.sockets.client.shutdown_write();
        const Result<Lease> read = co_await attempt(all.server->receive());
        CO_ASSERT(!read);
        const bool is_told =
            read.error() == std::errc::protocol_error || read.error() == Errc::cut_off;
        EXPECT_TRUE(is_told) << kind << ", " << size << ": " << read.error().to_string();
        const Result<> written = co_await attempt(all.server->write_all("x"));
        EXPECT_FALSE(written && read.error() == std::errc::protocol_error);
      }
    }
  }
}

// ---- Bytes one at a time -----------------------------------------------------------------------

Task<> drip(StreamSocket& from, StreamSocket& to, Duration pause) {
  std::array<std::byte, 1> byte{};
  for (;;) {
    const std::size_t count = co_await from.read_some(byte);
    if (count == 0) break;
    co_await to.write_all(byte);
    if (pause > Duration::zero()) co_await sleep(pause);
  }
  co_await to.shutdown_write();
}
Task<> try_to_drip(StreamSocket& from, StreamSocket& to, Duration pause) {
  const Result<> done = co_await attempt(drip(from, to, pause));
  static_cast<void>(done);  // who was cut reads no more
}

Task<> talk_and_end(Met& met) {
  co_await met.client->write_all(std::string(3000, 'q'));
  co_await met.client->shutdown_write();
  const std::string question = co_await read_to_end(*met.server);
  EXPECT_EQ(question, std::string(3000, 'q'));
  co_await met.server->write_all(std::string(3000, 'a'));
  co_await met.server->shutdown_write();
  const std::string answer = co_await read_to_end(*met.client);
  EXPECT_EQ(answer, std::string(3000, 'a'));
}

/// Both directions byte by byte; how it went.
Task<Met> meet_by_bytes(TlsVersion version, Duration pause, Duration limit) {
  const TlsClientContext client = client_context();
  TlsServerContext server = server_context();
  expect_good(server.set_versions(version, version));
  Pair near = co_await connected();
  Pair far = co_await connected();
  Met met;
  auto body = [&](Group& group) -> Task<> {
    group.start(try_to_drip(near.server, far.client, pause));
    group.start(try_to_drip(far.client, near.server, pause));
    std::unique_ptr<Stream> of_client = std::make_unique<StreamSocket>(std::move(near.client));
    std::unique_ptr<Stream> of_server = std::make_unique<StreamSocket>(std::move(far.server));
    met = co_await try_tls(std::move(of_client), std::move(of_server), client, server,
                           "server.test", limit);
    if (met.client && met.server) co_await talk_and_end(met);
    if (met.client) co_await met.client->close();
    if (met.server) co_await met.server->close();
    group.stop();
  };
  const Result<> done = co_await attempt(with_group(body));
  EXPECT_TRUE(done || done.error() == std::errc::operation_canceled) << done.error().to_string();
  co_return met;
}

CO_TEST(TlsHostile, bytes_may_come_one_at_a_time) {
  for (const TlsVersion version : {TlsVersion::tls12, TlsVersion::tls13}) {
    const Met met = co_await meet_by_bytes(version, Duration::zero(), patience);
    EXPECT_TRUE(met.client && met.server);
  }
}

CO_TEST(TlsHostile, a_handshake_that_drips_is_cut_by_its_deadline) {
  const Met met = co_await meet_by_bytes(TlsVersion::tls13, 2ms, 100ms);
  CO_ASSERT(!met.client && !met.server);
  const bool is_cut =
      met.server.error() == std::errc::timed_out || met.server.error() == Errc::cut_off;
  EXPECT_TRUE(is_cut) << met.server.error().to_string();
}

// ---- Floods ------------------------------------------------------------------------------------

/// Each is answered, and the answers go with the next write.
CO_TEST(TlsHostile, new_keys_are_bounded_of_one_who_writes_nothing) {
  TlsPair pair = co_await tls_pair();
  const auto update = [&](int times, int& read) -> Task<> {
    for (int i = 0; i < times; ++i) {
      co_await pair.client.update_keys();
      co_await pair.client.write_all("x");
      static_cast<void>(co_await read_text(pair.server, 1));
      ++read;
    }
  };
  int read = 0;
  co_await update(1000, read);
  co_await pair.server.write_all("all of them");
  const std::string text = co_await read_text(pair.client, 11);
  EXPECT_EQ(text, "all of them");
  const Result<> flooded = co_await attempt(update(10'000, read));
  CO_ASSERT(!flooded);
  EXPECT_EQ(flooded.error(), Errc::limit_exceeded) << flooded.error().to_string();
  EXPECT_GT(read, 3000);
}

// ---- Chains without end ------------------------------------------------------------------------

/// A certificate, and behind it so many others that they exceed all limits.
std::string endless_chain() {
  std::string chain = authority().pem();
  const std::string one = chain;
  while (chain.size() < 400'000) chain += one;
  return chain;
}

Task<> endless_chain_of_a_client() {
  TlsServerContext context = server_context();
  expect_good(context.require_clients(authority_file()));
  const TemporaryFile chain(endless_chain());
  Result<TlsStream> met = fail(std::errc::io_error, "not set");
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const std::vector<std::string> command{"openssl",     "s_client",
                                         "-connect",    listener.address().to_string(),
                                         "-cert",       client_files().certificate.path(),
                                         "-key",        client_files().key.path(),
                                         "-cert_chain", chain.path()};
  Process program = co_await Process::start(command, on_pipes);
  StreamSocket socket = co_await listener.accept();
  met = co_await attempt(TlsStream::server(std::move(socket), context));
  CO_ASSERT(!met);
  EXPECT_THAT(met.error().to_string(),
              testing::ContainsRegex("excessive message size|more than 128 KiB"));
}
TEST(TlsPeers, openssl_as_a_client_with_a_chain_without_end) {
  NEEDS("openssl", "openssl");
  expect_success_in_time(endless_chain_of_a_client());
}

Task<> endless_chain_of_a_server() {
  const TlsClientContext context = client_context();
  const TemporaryFile chain(endless_chain());
  const std::uint16_t port = free_port();
  const std::vector<std::string> command{"openssl",     "s_server",
                                         "-accept",     "127.0.0.1:" + std::to_string(port),
                                         "-cert",       server_files().certificate.path(),
                                         "-key",        server_files().key.path(),
                                         "-cert_chain", chain.path()};
  Process program = co_await Process::start(command, on_pipes);
  StreamSocket socket = co_await connect_patiently(port);
  TlsOptions options;
  options.context = &context;
  const Result<TlsStream> met =
      co_await attempt(TlsStream::client(std::move(socket), "server.test", options));
  CO_ASSERT(!met);
  EXPECT_THAT(met.error().to_string(),
              testing::ContainsRegex("excessive message size|more than 128 KiB"));
}
TEST(TlsPeers, openssl_as_a_server_with_a_chain_without_end) {
  NEEDS("openssl", "openssl");
  expect_success_in_time(endless_chain_of_a_server());
}

// ---- Early data --------------------------------------------------------------------------------

/// OpenSSL as a client that sends data with its ClientHello, although it was told not to.
class EarlyClient {
 public:
  explicit EarlyClient(std::uint16_t port) : port_(port) {
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_3_VERSION);
  }
  /// A session with a ticket, that claims to allow early data.
  void take_ticket() {
    const Connection connection(*this);
    if (SSL_connect(connection.ssl.get()) != 1) return;
    std::array<char, 16> text{};
    SSL_read(connection.ssl.get(), text.data(), text.size());
    session_.reset(SSL_get1_session(connection.ssl.get()));
    SSL_SESSION_set_max_early_data(session_.get(), 1000);
    SSL_shutdown(connection.ssl.get());
  }
  /// Whether OpenSSL was ready to send some early.
  bool send_early() {
    const Connection connection(*this);
    if (session_ == nullptr || SSL_set_session(connection.ssl.get(), session_.get()) != 1)
      return false;
    std::size_t count = 0;
    const bool is_sent = SSL_write_early_data(connection.ssl.get(), "early", 5, &count) == 1;
    if (SSL_connect(connection.ssl.get()) == 1) SSL_write(connection.ssl.get(), "late", 4);
    SSL_shutdown(connection.ssl.get());
    return is_sent;
  }

 private:
  struct Connection {
    explicit Connection(const EarlyClient& of)
        : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
          ssl(SSL_new(of.context_.get())) {
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      to.sin_port = htons(of.port_);
      EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
      SSL_set_fd(ssl.get(), socket.get());
    }
    Descriptor socket;
    tls::SslPointer ssl;
  };
  std::uint16_t port_;
  tls::SslContextPointer context_{SSL_CTX_new(TLS_client_method())};
  tls::SessionPointer session_;
};

Task<> early_data_is_not_heard() {
  const TlsServerContext context = server_context();
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  EarlyClient client(listener.address().port());
  bool was_sent = false;
  std::thread thread([&] {
    client.take_ticket();
    was_sent = client.send_early();
  });
  std::string got;
  for (int i = 0; i < 2; ++i) {
    StreamSocket socket = co_await listener.accept();
    Result<TlsStream> met = co_await attempt(TlsStream::server(std::move(socket), context));
    if (!met) continue;
    co_await met->write_all("hello");
    for (;;) {
      const Result<Lease> read = co_await attempt(met->receive());
      if (!read || read->empty()) break;
      got += read->text();
    }
  }
  thread.join();
  EXPECT_TRUE(was_sent);
  EXPECT_THAT(got, AnyOf(Eq(""), Eq("late")));
}
TEST(TlsPeers, that_send_data_early_are_not_heard) {
  expect_success_in_time(early_data_is_not_heard());
}

// ---- Ends at any time --------------------------------------------------------------------------

constexpr std::byte byte_at(std::size_t place) noexcept {
  return static_cast<std::byte>((place * 131) >> 3U);
}

/// One end that does anything, in any order.
struct Anything {
  TlsStream stream;
  std::mt19937_64 random;
  std::size_t sent = 0;
  std::size_t got = 0;
  bool is_right = true;

  void look_at(ConstBuffer data) {
    for (const std::byte byte : data) is_right = is_right && byte == byte_at(got++);
  }
  AnyDuration soon() { return std::chrono::microseconds(random() % 400); }

  Task<> read() {
    std::array<std::byte, 5000> buffer{};
    for (int i = 0; i < 100; ++i) {
      Result<std::size_t> count = std::size_t{0};
      if (random() % 3 == 0) {
        const Result<Lease> lease = co_await attempt(with_timeout(soon(), stream.receive()));
        if (lease) {
          look_at(*lease);
          count = lease->size();
        } else {
          count = fail(lease.error());
        }
      } else if (random() % 4 == 0) {
        const Result<> readable = co_await attempt(with_timeout(soon(), stream.wait_readable()));
        static_cast<void>(readable);
        continue;
      } else {
        count = co_await attempt(with_timeout(soon(), stream.read_some(buffer)));
        if (count) look_at(std::span(buffer).first(*count));
      }
      if (count ? *count == 0 : count.error() != std::errc::timed_out) co_return;
    }
  }

  Task<> write() {
    std::vector<std::byte> data;
    for (int i = 0; i < 40; ++i) {
      data.resize(1 + random() % 60'000);
      for (std::size_t j = 0; j < data.size(); ++j) data[j] = byte_at(sent + j);
      if (random() % 5 == 0) static_cast<void>(stream.update_keys());
      const Result<std::size_t> count =
          co_await attempt(with_timeout(soon(), stream.write_some(data)));
      if (count) {
        sent += *count;
      } else if (count.error() != std::errc::timed_out) {
        sent += data.size();  // of which some may have gone
        co_return;
      }
    }
  }

  Task<> end() {
    for (int i = 0; i < 3; ++i) {
      co_await sleep(std::chrono::microseconds(random() % 3000));
      Result<> done;
      switch (random() % 6) {
        case 0: done = co_await attempt(with_timeout(soon(), stream.shutdown_write())); break;
        case 1: done = co_await attempt(with_timeout(soon(), stream.close())); break;
        case 2: done = co_await attempt(stream.close()); break;
        case 3: done = co_await attempt(stream.reset()); break;
        default: break;
      }
    }
  }
};

Task<> do_anything(std::uint64_t with_seed) {
  Pair sockets = co_await connected_with_small_buffers();
  const TlsClientContext client = client_context();
  TlsServerContext server = server_context();
  const TlsVersion version = with_seed % 3 == 0 ? TlsVersion::tls12 : TlsVersion::tls13;
  expect_good(server.set_versions(version, version));
  TlsPair pair = co_await tls_over(std::move(sockets), client, server);
  Anything first{.stream = std::move(pair.client), .random = std::mt19937_64(with_seed)};
  Anything second{.stream = std::move(pair.server), .random = std::mt19937_64(~with_seed)};
  auto body = [&](Group& group) -> Task<> {
    for (Anything* end : {&first, &second}) {
      group.start(end->read());
      group.start(end->write());
      group.start(end->end());
    }
    co_return;
  };
  co_await with_group(body);
  for (const auto& [to, from] : {std::pair(&first, &second), std::pair(&second, &first)}) {
    EXPECT_TRUE(to->is_right) << "seed " << with_seed;
    EXPECT_LE(to->got, from->sent) << "seed " << with_seed;
  }
}

CO_TEST(TlsHostile, both_ends_may_do_anything_at_any_time) {
  const std::uint64_t rounds = long_form() ? 500 : sanitized ? 20 : 60;
  for (std::uint64_t i = 0; i < rounds; ++i) co_await do_anything(seed() + i);
}

}  // namespace
}  // namespace ieum::test
