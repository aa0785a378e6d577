// Coded bodies: decoded on their way, within limits.
#include <malloc.h>
#include <ieum/http/client.hpp>

#include "http/coding.hpp"
#include "http/scripted_server.hpp"

namespace ieum::test {
namespace {

using http::Client;
using http::Fields;
using http::Reply;
using http::RequestOptions;
using http::Status;

// "hello hello hello hello\n"
const std::string gzip = [] {
  constexpr unsigned char bytes[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
                                     0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x27, 0xb9,
                                     0x00, 0x00, 0x88, 0x59, 0x0b, 0x18, 0x00, 0x00, 0x00};
  return std::string(reinterpret_cast<const char*>(bytes), sizeof bytes);
}();

/// Deflate, without a head, of so many zeros: blocks of 258-byte matches (RFC 1951).
std::string deflated_zeros(std::size_t matches) {
  std::string bytes;
  unsigned bits = 0;
  unsigned count = 0;
  const auto put = [&](unsigned value, unsigned size) {
    bits |= value << count;
    count += size;
    for (; count >= 8; count -= 8, bits >>= 8U) bytes += static_cast<char>(bits & 0xffU);
  };
  put(1, 1);           // the last block
  put(1, 2);           // fixed codes
  put(0b00001100, 8);  // the literal 0, its code from its highest bit on
  for (std::size_t i = 0; i < matches; ++i) {
    put(0b10100011, 8);  // the length 258: code 285
    put(0, 5);           // the distance 1
  }
  put(0, 7);  // the end
  put(0, 7);
  return bytes;
}

class HttpClientCodings : public testing::Test {
 protected:
  void SetUp() override {
    if (!http::detail::ContentDecoder::coding_of("gzip")) GTEST_SKIP() << "built without zlib";
  }
};

TEST_F(HttpClientCodings, a_coded_body_is_decoded) {
  Answer chunked =
      raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
          "1d\r\n" +
          gzip + "\r\n0\r\n\r\n");
  Answer slow = chunked;
  slow.piece = 1;
  ScriptedServer server({{ok(gzip, "Content-Encoding: gzip\r\n"), chunked, slow,
                          ok("", "Content-Encoding: gzip\r\n"), ok("plain")}});
  Client client;
  auto ask = [&]() -> Task<> {
    const std::string text = "hello hello hello hello\n";
    for (const std::string& expected : {text, text, text, std::string(), std::string("plain")}) {
      Reply reply = co_await client.get(server.url());
      const std::string got = co_await reply.body().text();
      EXPECT_EQ(got, expected);
      EXPECT_FALSE(reply.fields().has("Content-Encoding") && !expected.empty());
      EXPECT_EQ(client.idle_connections(), 1);
    }
  };
  expect_success(server.run(ask));
  EXPECT_EQ(server.connections(), 1);
  EXPECT_NE(server.requests()[0].head.find("\r\nAccept-Encoding: gzip, deflate"),
            std::string::npos);
}

TEST_F(HttpClientCodings, is_left_as_it_comes_if_the_caller_says_so_or_nobody_knows_it) {
  ScriptedServer server(
      {{ok(gzip, "Content-Encoding: gzip\r\n"), ok(gzip, "Content-Encoding: gzip\r\n"),
        ok(gzip, "Content-Encoding: compress\r\n"), ok(gzip, "Content-Encoding: gzip, gzip\r\n")}});
  Client client;
  auto ask = [&]() -> Task<> {
    Fields fields;
    EXPECT_TRUE(fields.add("Accept-Encoding", "gzip"));
    for (int i = 0; i < 4; ++i) {
      RequestOptions options;
      if (i == 0) options.decode = false;
      if (i == 1) options.fields = &fields;
      Reply reply = co_await client.get(server.url(), options);
      EXPECT_TRUE(reply.fields().has("Content-Encoding"));
      EXPECT_EQ(reply.body().length(), gzip.size());
      const std::string got = co_await reply.body().text();
      EXPECT_EQ(got, gzip);
    }
  };
  expect_success(server.run(ask));
  EXPECT_EQ(server.requests()[0].head.find("Accept-Encoding"), std::string::npos);
}

TEST_F(HttpClientCodings, what_is_thrown_away_is_not_decoded) {
  const std::string zeros = deflated_zeros(10'000);
  const std::string coded = "Content-Encoding: deflate\r\n";
  ScriptedServer server({{ok(zeros, coded), ok("no gzip", "Content-Encoding: gzip\r\n")}});
  Client client;
  auto ask = [&]() -> Task<> {
    for (int i = 0; i < 2; ++i) {
      Reply reply = co_await client.get(server.url());
      if (i == 0) {
        const ConstBuffer piece = co_await reply.body().next();
        EXPECT_FALSE(piece.empty());
      }
      co_await reply.body().discard();
      const ConstBuffer piece = co_await reply.body().next();
      EXPECT_TRUE(piece.empty());
    }
    EXPECT_EQ(client.idle_connections(), 1);
  };
  expect_success(server.run(ask));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpClientCodings, a_damaged_a_cut_and_an_exploding_body_are_errors) {
  const std::string bomb = deflated_zeros(200'000);  // 50 MB
  ScriptedServer server({{ok("no gzip at all", "Content-Encoding: gzip\r\n")},
                         {ok(gzip.substr(0, 20), "Content-Encoding: gzip\r\n")},
                         {ok(gzip + "more", "Content-Encoding: gzip\r\n")},
                         {ok(bomb, "Content-Encoding: deflate\r\n")},
                         {ok(bomb, "Content-Encoding: deflate\r\n")}});
  Client client;
  RequestOptions options;
  options.decoded_bytes_max = 1'000'000;
  auto ask = [&]() -> Task<> {
    options.own_connection = true;
    Result<std::string> got = co_await attempt(get_text(client, server.url(), options));
    EXPECT_EQ(got.error(), std::errc::protocol_error);
    got = co_await attempt(get_text(client, server.url(), options));
    EXPECT_EQ(got.error(), Errc::cut_off);
    got = co_await attempt(get_text(client, server.url(), options));
    EXPECT_EQ(got.error(), std::errc::protocol_error);
    got = co_await attempt(get_text(client, server.url(), options));
    EXPECT_EQ(got.error(), Errc::limit_exceeded) << got.error().to_string();
    // With a limit that it does not reach, it comes in small pieces all the same.
    Reply reply = co_await client.get(server.url());
    std::size_t count = 0;
    const std::size_t before = ::mallinfo2().uordblks;
    std::size_t most = 0;
    for (;;) {
      const ConstBuffer piece = co_await reply.body().next();
      if (piece.empty()) break;
      EXPECT_LE(piece.size(), 16 * 1024);
      count += piece.size();
      most = std::max<std::size_t>(most, ::mallinfo2().uordblks);
    }
    if (!sanitized) {
      EXPECT_LE(most, before + 96 * 1024);
    }
    EXPECT_EQ(count, 200'000 * 258 + 1);
  };
  expect_success(server.run(ask));
}

}  // namespace
}  // namespace ieum::test
