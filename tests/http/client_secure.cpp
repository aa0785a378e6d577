// The client over TLS, and through proxies.
#include <ieum/http/client.hpp>

#include <ieum/relay.hpp>

#include "http/scripted_server.hpp"
#include "tls/sessions.hpp"

namespace ieum::test {
namespace {

using http::Client;
using http::ClientOptions;
using http::Content;
using http::Reply;
using http::RequestOptions;
using http::Status;

/// Answers each request over TLS with the request's first line.
Task<> answer_securely(StreamSocket socket, const TlsServerContext& context, bool says_farewell) {
  TlsStream stream = co_await TlsStream::server(std::move(socket), context);
  std::string come;
  for (;;) {
    const std::size_t end = co_await stream.read_until(come, "\r\n\r\n", 64 * 1024);
    if (end == 0) break;
    const std::string line = come.substr(0, come.find("\r\n"));
    come.erase(0, end);
    std::string reply = "HTTP/1.1 200 OK\r\n";
    if (line.find("/close") != std::string::npos) {
      reply += "\r\n" + line;
      co_await stream.write_all(reply);
      break;
    }
    reply += "Content-Length: " + std::to_string(line.size()) + "\r\n\r\n" + line;
    co_await stream.write_all(reply);
  }
  if (says_farewell) {
    co_await stream.close();
  } else {
    co_await stream.reset();
  }
}

/// Runs `client(port)` beside a server of https, which counts its connections.
template <class Body>
Task<> with_secure_server(Body client, std::size_t& connections, std::string_view alpn = "",
                          bool says_farewell = true) {
  TlsServerContext context = server_context();
  if (!alpn.empty()) expect_good(context.set_alpn(alpn));
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  auto both = [&](Group& group) -> Task<> {
    auto accept_all = [](Listener& from, const TlsServerContext& with, Group& children,
                         std::size_t& count, bool farewell) -> Task<> {
      auto one = [](StreamSocket socket, const TlsServerContext& as, bool last) -> Task<> {
        co_await attempt(answer_securely(std::move(socket), as, last));
      };
      for (;;) {
        StreamSocket socket = co_await from.accept();
        ++count;
        children.start(one(std::move(socket), with, farewell));
      }
    };
    group.start(accept_all(listener, context, group, connections, says_farewell));
    co_await client(listener.address().port());
    group.stop();
  };
  co_await with_group(both);
}

/// An address that `server.test`'s certificate is for.
std::string secure_url(std::uint16_t port, std::string_view path) {
  return "https://127.0.0.1:" + std::to_string(port) + std::string(path);
}

TEST(HttpClientSecure, asks_over_tls_and_keeps_the_session) {
  TlsClientContext trust = client_context();
  expect_good(trust.set_alpn("http/1.1"));
  std::size_t connections = 0;
  auto ask = [&](std::uint16_t port) -> Task<> {
    ClientOptions options;
    options.tls = &trust;
    Client client(options);
    for (int i = 0; i < 3; ++i) {
      const std::string text = co_await get_text(client, secure_url(port, "/a"));
      EXPECT_EQ(text, "GET /a HTTP/1.1");
    }
    EXPECT_EQ(client.idle_connections(), 1);
  };
  expect_success(with_secure_server(ask, connections, "http/1.1"));
  EXPECT_EQ(connections, 1);
}

TEST(HttpClientSecure, a_server_that_nobody_trusts_is_refused) {
  std::size_t connections = 0;
  auto ask = [&](std::uint16_t port) -> Task<> {
    Client client;
    const Result<Reply> reply = co_await attempt(client.get(secure_url(port, "/")));
    EXPECT_FALSE(reply.has_value());
    if (!reply) {
      EXPECT_TRUE(reply.error() == Errc::certificate_unknown_issuer ||
                  reply.error() == Errc::certificate_self_signed)
          << reply.error().to_string();
    }
  };
  expect_success(with_secure_server(ask, connections));
}

TEST(HttpClientSecure, a_body_without_a_length_ends_with_tlss_farewell_only) {
  TlsClientContext trust = client_context();
  for (const bool says_farewell : {true, false}) {
    std::size_t connections = 0;
    auto ask = [&](std::uint16_t port) -> Task<> {
      ClientOptions options;
      options.tls = &trust;
      Client client(options);
      const Result<std::string> text =
          co_await attempt(get_text(client, secure_url(port, "/close")));
      EXPECT_EQ(text.has_value(), says_farewell);
      if (!text) {
        EXPECT_EQ(text.error(), Errc::cut_off) << text.error().to_string();
      }
    };
    expect_success(with_secure_server(ask, connections, "", says_farewell));
  }
}

// ---- Proxies -----------------------------------------------------------------------------------

TEST(HttpClientProxy, is_asked_for_the_whole_url) {
  ScriptedServer proxy({{ok("by proxy"), ok("again")}});
  auto ask = [&]() -> Task<> {
    const std::string at = "http://us:pw@" + proxy.authority();
    ClientOptions options;
    options.proxy = at;
    Client client(options);
    std::string text = co_await get_text(client, "http://server.test:8080/a?b");
    EXPECT_EQ(text, "by proxy");
    text = co_await get_text(client, "http://server.test:8080/c");
    EXPECT_EQ(text, "again");
  };
  expect_success(proxy.run(ask));
  ASSERT_EQ(proxy.requests().size(), 2);
  const std::string& head = proxy.requests()[0].head;
  EXPECT_TRUE(
      head.starts_with("GET http://server.test:8080/a?b HTTP/1.1\r\n"
                       "Host: server.test:8080\r\n"))
      << head;
  EXPECT_NE(head.find("Proxy-Authorization: Basic dXM6cHc=\r\n"), std::string::npos) << head;
  EXPECT_EQ(proxy.connections(), 1);
}

/// A proxy that opens a tunnel to `port`, and notes what it was asked.
Task<> open_tunnel(StreamSocket socket, std::uint16_t port, std::string& head) {
  std::string come;
  const std::size_t end = co_await socket.read_until(come, "\r\n\r\n", 64 * 1024);
  head = come.substr(0, end);
  StreamSocket server = co_await StreamSocket::connect(Address::ipv4_loopback(port));
  co_await socket.write_all("HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n");
  co_await relay(socket, server);
}

TEST(HttpClientProxy, opens_a_tunnel_for_https) {
  TlsClientContext trust = client_context();
  std::size_t connections = 0;
  std::string head;
  auto ask = [&](std::uint16_t port) -> Task<> {
    Listener listener = co_await Listener::bind("127.0.0.1:0");
    const std::string at = "http://us:pw@" + listener.address().to_string();
    auto both = [&](Group& group) -> Task<> {
      auto one = [](Listener& from, std::uint16_t to, std::string& seen) -> Task<> {
        StreamSocket socket = co_await from.accept();
        co_await attempt(open_tunnel(std::move(socket), to, seen));
      };
      group.start(one(listener, port, head));
      ClientOptions options;
      options.tls = &trust;
      options.proxy = at;
      Client client(options);
      for (int i = 0; i < 2; ++i) {
        const std::string text = co_await get_text(client, secure_url(port, "/t"));
        EXPECT_EQ(text, "GET /t HTTP/1.1");
      }
      EXPECT_TRUE(head.starts_with("CONNECT 127.0.0.1:" + std::to_string(port) + " HTTP/1.1\r\n"))
          << head;
      EXPECT_NE(head.find("Proxy-Authorization: Basic dXM6cHc=\r\n"), std::string::npos) << head;
      group.stop();
    };
    co_await with_group(both);
  };
  expect_success(with_secure_server(ask, connections));
  EXPECT_EQ(connections, 1);
}

TEST(HttpClientProxy, that_refuses_is_an_error_of_its_own) {
  struct Case {
    const char* answer;
    std::error_code code;
  };
  const Case cases[] = {
      {"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
       std::make_error_code(std::errc::permission_denied)},
      {"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
       std::make_error_code(std::errc::connection_refused)},
      {"HTTP/1.1 200 OK\r\n\r\nsurprise", std::make_error_code(std::errc::protocol_error)},
      {"SSH-2.0-x\r\n", std::make_error_code(std::errc::protocol_error)},
      {"", make_error_code(Errc::cut_off)},
  };
  for (const Case& test : cases) {
    ScriptedServer proxy({{raw(test.answer, Answer::Then::close)}});
    auto ask = [&]() -> Task<> {
      const std::string at = "http://" + proxy.authority();
      Client client;
      RequestOptions options;
      options.proxy = at;
      const Result<Reply> reply = co_await attempt(client.get("https://server.test/", options));
      EXPECT_FALSE(reply.has_value());
      if (!reply) {
        EXPECT_EQ(reply.error().code(), test.code) << reply.error().to_string();
        EXPECT_EQ(reply.error().name(), at);
      }
    };
    expect_success(proxy.run(ask));
  }
}

}  // namespace
}  // namespace ieum::test
