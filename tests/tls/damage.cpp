// A connection that is cut at any byte, or whose bytes change on the way: always an error, never a
// normal end, never a wait without end.
#include <string>

#include "tls/faulty_stream.hpp"
#include "tls/sessions.hpp"

namespace ieum::test {
namespace {

constexpr std::string_view question = "a question of some length";
constexpr std::string_view answer = "and its answer";

/// For a handshake in which a length has grown: it waits for bytes that nobody has sent.
constexpr std::chrono::seconds damage_limit{sanitized ? 3 : 1};

struct Outcome {
  Result<std::string> client = fail(std::errc::io_error, "not set");
  Result<std::string> server = fail(std::errc::io_error, "not set");
  std::uint64_t passed_to_client = 0;
  std::uint64_t passed_to_server = 0;
  [[nodiscard]] bool is_whole() const { return client && server; }
};

Task<std::string> ask(std::unique_ptr<Stream> beneath, const TlsClientContext& context) {
  TlsOptions options;
  options.context = &context;
  options.handshake_timeout = damage_limit;
  TlsStream stream = co_await TlsStream::client(std::move(beneath), "server.test", options);
  co_await stream.write_all(question);
  co_await stream.shutdown_write();
  std::string got = co_await read_to_end(stream);
  co_await stream.close();
  co_return got;
}

Task<std::string> reply(std::unique_ptr<Stream> beneath, const TlsServerContext& context) {
  TlsServerOptions options;
  options.handshake_timeout = damage_limit;
  TlsStream stream = co_await TlsStream::server(std::move(beneath), context, options);
  std::string got = co_await read_to_end(stream);
  co_await stream.write_all(answer);
  co_await stream.shutdown_write();
  co_await stream.close();
  co_return got;
}

Task<Outcome> exchange(const TlsClientContext& client, const TlsServerContext& server,
                       FaultyStream::Fault to_client, FaultyStream::Fault to_server) {
  Outcome outcome;
  Pair pair = co_await connected();
  auto asking = [&]() -> Task<> {
    std::unique_ptr<Stream> socket = std::make_unique<StreamSocket>(std::move(pair.client));
    outcome.client = co_await attempt(
        ask(std::make_unique<FaultyStream>(std::move(socket), to_client, outcome.passed_to_client),
            client));
  };
  auto replying = [&]() -> Task<> {
    std::unique_ptr<Stream> socket = std::make_unique<StreamSocket>(std::move(pair.server));
    outcome.server = co_await attempt(reply(
        std::make_unique<FaultyStream>(std::move(socket), to_server, outcome.passed_to_server),
        server));
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(asking());
    group.start(replying());
    co_return;
  };
  co_await with_timeout(20s, with_group(body));
  co_return outcome;
}

/// What each got is right, or nothing.
void expect_nothing_false(const Outcome& outcome, const std::string& where) {
  if (outcome.client) {
    EXPECT_EQ(*outcome.client, answer) << where;
  }
  if (outcome.server) {
    EXPECT_EQ(*outcome.server, question) << where;
  }
}

enum class Direction : std::uint8_t { to_client, to_server };

Task<> damage_every_byte(TlsVersion version, Direction direction, bool cuts) {
  TlsClientContext client = client_context();
  client.resume_nothing();
  TlsServerContext server = server_context();
  co_await server.set_versions(version, version);
  const Outcome good = co_await exchange(client, server, {}, {});
  CO_ASSERT(good.is_whole());
  const bool downwards = direction == Direction::to_client;
  const std::uint64_t bytes = downwards ? good.passed_to_client : good.passed_to_server;
  const std::uint64_t step = long_form() ? 1 : sanitized ? 53 : 17;
  int unnoticed = 0;
  for (std::uint64_t at = seed() % step; at + 8 < bytes; at += step) {  // signatures differ in size
    FaultyStream::Fault fault;
    if (cuts) {
      fault.cut_after = at;
    } else {
      fault.flip_at = at;
      fault.bit = static_cast<unsigned>(at % 8);
    }
    const FaultyStream::Fault none;
    const Outcome outcome =
        co_await exchange(client, server, downwards ? fault : none, downwards ? none : fault);
    const std::string where = "byte " + std::to_string(at) + " of " + std::to_string(bytes);
    expect_nothing_false(outcome, where);
    if (cuts) {
      const Result<std::string>& reader = downwards ? outcome.client : outcome.server;
      EXPECT_FALSE(reader) << where;
      if (!reader) {
        EXPECT_EQ(reader.error(), Errc::cut_off) << reader.error().to_string();
      }
    } else if (outcome.is_whole()) {
      ++unnoticed;
    }
  }
  // In what is not protected: a version of a record's, which nobody may look at.
  if (!cuts) {
    EXPECT_LE(unnoticed, 4);
  }
}

CO_TEST(TlsDamage, cut_at_every_byte_to_the_client) {
  co_await damage_every_byte(TlsVersion::tls13, Direction::to_client, true);
}
CO_TEST(TlsDamage, cut_at_every_byte_to_the_server) {
  co_await damage_every_byte(TlsVersion::tls13, Direction::to_server, true);
}
CO_TEST(TlsDamage, cut_at_every_byte_to_the_client_of_the_older_version) {
  co_await damage_every_byte(TlsVersion::tls12, Direction::to_client, true);
}
CO_TEST(TlsDamage, cut_at_every_byte_to_the_server_of_the_older_version) {
  co_await damage_every_byte(TlsVersion::tls12, Direction::to_server, true);
}
CO_TEST(TlsDamage, a_bit_of_every_byte_to_the_client) {
  co_await damage_every_byte(TlsVersion::tls13, Direction::to_client, false);
}
CO_TEST(TlsDamage, a_bit_of_every_byte_to_the_server) {
  co_await damage_every_byte(TlsVersion::tls13, Direction::to_server, false);
}
CO_TEST(TlsDamage, a_bit_of_every_byte_to_the_client_of_the_older_version) {
  co_await damage_every_byte(TlsVersion::tls12, Direction::to_client, false);
}
CO_TEST(TlsDamage, a_bit_of_every_byte_to_the_server_of_the_older_version) {
  co_await damage_every_byte(TlsVersion::tls12, Direction::to_server, false);
}

CO_TEST(TlsDamage, a_damaged_record_is_told_to_both) {
  Pair pair = co_await connected();
  const TlsClientContext client = client_context();
  const TlsServerContext server = server_context();
  TlsOptions options;
  options.context = &client;
  Result<TlsStream> served = fail(std::errc::io_error, "not set");
  auto serving = [&]() -> Task<> {
    served = co_await attempt(TlsStream::server(std::move(pair.server), server));
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(serving());
    TlsStream stream = co_await TlsStream::client(pair.client, "server.test", options);
    co_await until([&] { return served.has_value(); });
    co_await pair.client.write_all(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
    const Result<Lease> received = co_await attempt(served->receive());
    CO_ASSERT(!received);
    EXPECT_EQ(received.error(), std::errc::protocol_error);
    EXPECT_EQ(received.error().detail(), "what came is damaged");
    const Result<Lease> told = co_await attempt(stream.receive());
    CO_ASSERT(!told);
    EXPECT_EQ(told.error(), std::errc::protocol_error);
    EXPECT_EQ(told.error().detail(),
              "the peer gave up: what we sent arrived damaged (bad_record_mac)");
  };
  co_await with_group(body);
}

CO_TEST(TlsDamage, a_damaged_record_is_told_by_a_write_that_waits) {
  Pair pair = co_await connected_with_small_buffers();
  const TlsClientContext client = client_context();
  const TlsServerContext server = server_context();
  TlsOptions options;
  options.context = &client;
  Result<TlsStream> served = fail(std::errc::io_error, "not set");
  auto serving = [&]() -> Task<> {
    served = co_await attempt(TlsStream::server(std::move(pair.server), server));
  };
  const std::vector<std::byte> data = random_bytes(std::size_t{2} << 20U, seed());
  Result<> written;
  auto writing = [&]() -> Task<> { written = co_await attempt(served->write_all(data)); };
  auto body = [&](Group& group) -> Task<> {
    group.start(serving());
    TlsStream stream = co_await TlsStream::client(pair.client, "server.test", options);
    co_await until([&] { return served.has_value(); });
    group.start(writing());
    co_await yield();
    co_await pair.client.write_all(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
    const Result<Lease> received = co_await attempt(served->receive());
    CO_ASSERT(!received);
    EXPECT_EQ(received.error(), std::errc::protocol_error);
    std::size_t got = 0;
    for (;;) {
      const Result<Lease> told = co_await attempt(stream.receive());
      if (told && !told->empty()) {
        got += told->size();
        continue;
      }
      CO_ASSERT(!told);
      EXPECT_EQ(told.error().detail(),
                "the peer gave up: what we sent arrived damaged (bad_record_mac)");
      break;
    }
    EXPECT_GT(got, 0U) << "what was encrypted before goes first";
  };
  co_await with_group(body);
  CO_ASSERT(!written);
  EXPECT_EQ(written.error(), std::errc::protocol_error);
}

CO_TEST(TlsDamage, a_peer_that_speaks_something_else) {
  const TlsServerContext server = server_context();
  const TlsClientContext client = client_context();
  Pair pair = co_await connected();
  co_await pair.client.write_all("GET / HTTP/1.0\r\n\r\n");
  const Result<TlsStream> met = co_await attempt(TlsStream::server(pair.server, server));
  CO_ASSERT(!met);
  EXPECT_EQ(met.error(), Errc::handshake_failed);
  EXPECT_EQ(met.error().detail(), "the peer speaks HTTP without TLS");
  Pair other = co_await connected();
  co_await other.server.write_all("220 mail.test ESMTP ready\r\n");
  TlsOptions options;
  options.context = &client;
  const Result<TlsStream> tried =
      co_await attempt(TlsStream::client(other.client, "server.test", options));
  CO_ASSERT(!tried);
  EXPECT_EQ(tried.error(), Errc::handshake_failed);
  EXPECT_EQ(tried.error().detail(), "what the peer sent is not TLS");
}

CO_TEST(TlsDamage, a_handshake_without_end_has_a_limit) {
  const TlsServerContext server = server_context();
  Pair pair = co_await connected();
  Result<TlsStream> met = fail(std::errc::io_error, "not set");
  auto serving = [&]() -> Task<> {
    met = co_await attempt(TlsStream::server(std::move(pair.server), server));
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(serving());
    // A ClientHello of 16 MB, in records of 16 KiB.
    std::string record("\x16\x03\x01\x40\x00\x01\xff\xff\xff", 9);
    record.resize(5 + 16'384, 'x');
    for (int i = 0; i < 20; ++i) {
      const Result<> sent = co_await attempt(pair.client.write_all(record));
      if (!sent) break;
      record.replace(5, 4, "xxxx");
    }
    pair.client = StreamSocket();
  };
  co_await with_group(body);
  EXPECT_FALSE(met);
  if (!met) {
    EXPECT_NE(met.error(), std::errc::timed_out) << met.error().to_string();
  }
}

}  // namespace
}  // namespace ieum::test
