// The end of a session: farewells of each side, and ends without one, which are errors.
#include <array>

#include "tls/sessions.hpp"

namespace ieum::test {
namespace {

Task<> expect_end(Stream& stream, int times = 3) {
  std::array<std::byte, 16> buffer{};
  for (int i = 0; i < times; ++i) {
    const std::size_t count = co_await stream.read_some(buffer);
    EXPECT_EQ(count, 0U) << "read " << i << " after the end";
    const Lease lease = co_await stream.receive();
    EXPECT_TRUE(lease.empty());
    co_await stream.wait_readable();
  }
}

CO_TEST(TlsEnd, nothing_may_be_written_after_a_half_close) {
  TlsPair pair = co_await tls_pair();
  co_await pair.client.shutdown_write();
  const Result<> written = co_await attempt(pair.client.write_all("late"));
  CO_ASSERT(!written);
  EXPECT_EQ(written.error(), std::errc::broken_pipe);
  co_await pair.server.write_all("still read");
  const std::string text = co_await read_text(pair.client, 10);
  EXPECT_EQ(text, "still read");
}

CO_TEST(TlsEnd, a_close_says_farewell) {
  TlsPair pair = co_await tls_pair();
  co_await pair.client.write_all("all of it");
  co_await pair.client.close();
  const std::string text = co_await read_to_end(pair.server);
  EXPECT_EQ(text, "all of it");
  const Result<> twice = co_await attempt(pair.client.close());
  CO_ASSERT(!twice);
  EXPECT_EQ(twice.error(), std::errc::bad_file_descriptor);
}

CO_TEST(TlsEnd, new_keys_that_no_write_takes_along_do_not_hold_up_a_farewell) {
  for (const bool closes : {false, true}) {
    TlsPair pair = co_await tls_pair();
    co_await pair.client.update_keys();
    co_await pair.client.update_keys();
    if (closes) {
      co_await pair.client.close();
    } else {
      co_await pair.client.shutdown_write();
    }
    co_await expect_end(pair.server);
  }
}

CO_TEST(TlsEnd, new_keys_may_be_asked_for_twice_before_a_write) {
  TlsPair pair = co_await tls_pair();
  for (int i = 0; i < 3; ++i) {
    co_await pair.client.update_keys();
    co_await pair.client.update_keys();
    co_await pair.client.write_all("there");
    const std::string there = co_await read_text(pair.server, 5);
    EXPECT_EQ(there, "there");
    co_await pair.server.write_all("back");
    const std::string back = co_await read_text(pair.client, 4);
    EXPECT_EQ(back, "back");
  }
}

CO_TEST(TlsEnd, a_graceful_close_of_both_sides) {
  TlsPair pair = co_await tls_pair();
  auto body = [&](Group& group) -> Task<> {
    group.start(pair.client.close_gracefully(patience));
    group.start(pair.server.close_gracefully(patience));
    co_return;
  };
  co_await with_group(body);
  EXPECT_FALSE(pair.client.is_open());
}

CO_TEST(TlsEnd, without_a_farewell_is_an_error_and_the_data_before_it_is_read) {
  for (int round = 0; round < 2; ++round) {
    const TlsClientContext client = client_context();
    TlsServerContext server = server_context();
    const TlsVersion version = round == 0 ? TlsVersion::tls12 : TlsVersion::tls13;
    co_await server.set_versions(version, version);
    Pair sockets = co_await connected();
    TlsOptions options;
    options.context = &client;
    Result<TlsStream> served = fail(std::errc::io_error, "not set");
    auto serving = [&]() -> Task<> {
      served = co_await attempt(TlsStream::server(std::move(sockets.server), server));
    };
    auto body = [&](Group& group) -> Task<> {
      group.start(serving());
      TlsStream stream = co_await TlsStream::client(sockets.client, "server.test", options);
      co_await stream.write_all("half of i");
      co_await sockets.client.shutdown_write();  // beneath
    };
    co_await with_group(body);
    CO_ASSERT(served);
    const std::string text = co_await read_text(*served, 9);
    EXPECT_EQ(text, "half of i");
    for (int i = 0; i < 3; ++i) {
      const Result<Lease> end = co_await attempt(served->receive());
      CO_ASSERT(!end);
      EXPECT_EQ(end.error(), Errc::cut_off);
      EXPECT_EQ(end.error().detail(), "the peer ended the connection without TLS's close_notify");
    }
    co_await served->wait_readable();
    const Result<> written = co_await attempt(served->write_all("x"));
    CO_ASSERT(!written);
    EXPECT_EQ(written.error(), Errc::cut_off);
    const Result<> half_closed = co_await attempt(served->shutdown_write());
    CO_ASSERT(!half_closed);
    EXPECT_EQ(half_closed.error(), Errc::cut_off) << "the peer was told of no end";
    static_cast<void>(co_await read_to_end(sockets.client));  // but beneath there is one
  }
}

CO_TEST(TlsEnd, a_destroyed_peer_is_a_cut) {
  TlsPair pair = co_await tls_pair();
  co_await pair.client.write_all("something");
  const std::string text = co_await read_text(pair.server, 9);
  EXPECT_EQ(text, "something");
  pair.client = TlsStream();
  const Result<Lease> end = co_await attempt(pair.server.receive());
  CO_ASSERT(!end);
  EXPECT_EQ(end.error(), Errc::cut_off);
}

CO_TEST(TlsEnd, a_write_that_fails_beneath_tells_what_was_taken_first) {
  TlsPair pair = co_await tls_pair(Transport::unix_socket);
  pair.server = TlsStream();
  const std::size_t taken = co_await pair.client.write_some(bytes_of("no use"));
  EXPECT_EQ(taken, 6U) << "written again, it would come twice if it came";
  const Result<std::size_t> written =
      co_await attempt(pair.client.write_some(bytes_of("still none")));
  CO_ASSERT(!written);
  EXPECT_EQ(written.error(), std::errc::broken_pipe) << written.error().to_string();
}

/// Uploads without ever reading, then closes.
Task<> upload(TlsStream& to, ConstBuffer data) {
  co_await to.write_all(data);
  co_await to.close();
}

CO_TEST(TlsEnd, a_client_that_closes_unread_loses_nothing_of_its_upload) {
  const TlsClientContext client = client_context();
  const TlsServerContext server = server_context();
  const std::vector<std::byte> data = random_bytes(100'000, seed());
  const int times = sanitized ? 30 : 120;
  for (int i = 0; i < times; ++i) {
    Pair sockets = co_await connected();
    TlsPair pair = co_await tls_over(std::move(sockets), client, server);
    std::string got;
    auto body = [&](Group& group) -> Task<> {
      group.start(upload(pair.client, data));
      co_await sleep(100us);
      got = co_await read_to_end(pair.server);
    };
    co_await with_group(body);
    EXPECT_TRUE(same_bytes(bytes_of(got), data)) << "upload " << i;
  }
}

}  // namespace
}  // namespace ieum::test
