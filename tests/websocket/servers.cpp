// WebSockets of an HTTP server, and clients that connect by URL.
#include <gmock/gmock.h>

#include <ieum/http/server.hpp>
#include <ieum/websocket/accept.hpp>

#include "websocket/talk.hpp"

namespace ieum::test {
namespace {

/// A server while `body`, a task of its URL and itself, runs; then it is drained.
template <class Body>
Task<> with_server(http::Routes routes, Body body) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const std::string url = "ws://" + listener.address().to_string();
  http::Server server(std::move(listener), std::move(routes));
  auto all = [&](Group& group) -> Task<> {
    group.start(server.run());
    co_await body(url, server);
    const DrainReport report = co_await server.drain(10s);
    EXPECT_EQ(report.cut, 0U);
  };
  co_await with_group(all);
}

Task<> expect_echo(WebSocket& socket, std::string text) {
  co_await socket.send_text(text);
  const WebSocketMessage message = co_await socket.receive();
  EXPECT_EQ(message.text(), text);
}

CO_TEST(WebSocketServers, upgrade_requests) {
  http::Routes routes;
  routes.get("/echo", websocket::route(echo_messages, {.subprotocols = "v2, v1"}));
  auto body = [](std::string url, http::Server& server) -> Task<> {
    WebSocket socket =
        co_await WebSocket::connect(url + "/echo?x=1", {.session = {.subprotocols = "v1, v2"}});
    EXPECT_EQ(socket.subprotocol(), "v2");
    EXPECT_FALSE(socket.is_compressed());
    EXPECT_EQ("ws://" + socket.peer_address().to_string(), url);
    co_await expect_echo(socket, "hello");
    co_await expect_echo(socket, std::string(100'000, 'x'));
    co_await socket.close();
    EXPECT_EQ(socket.close_code(), CloseCode::normal);
    while (server.sessions() > 0) co_await sleep(1ms);
  };
  co_await with_server(std::move(routes), body);
}

CO_TEST(WebSocketServers, keep_what_a_handler_has_captured) {
  http::Routes routes;
  const std::string name(100, 'n');
  auto talk = [name](WebSocket socket) -> Task<> {
    co_await socket.send_text(name);
    co_await socket.close(CloseCode::going_away, "enough");
  };
  routes.get("/", websocket::route(talk));
  auto body = [&](std::string url, http::Server& server) -> Task<> {
    static_cast<void>(server);
    WebSocket socket = co_await WebSocket::connect(url);
    const WebSocketMessage message = co_await socket.receive();
    EXPECT_EQ(message.text(), name);
    const WebSocketMessage end = co_await socket.receive();
    EXPECT_FALSE(end);
    EXPECT_EQ(socket.close_code(), CloseCode::going_away);
    EXPECT_EQ(socket.close_reason(), "enough");
  };
  co_await with_server(std::move(routes), body);
}

CO_TEST(WebSocketServers, compress_if_both_want_it) {
  http::Routes routes;
  routes.get("/", websocket::route(echo_messages, {.compression = true}));
  auto body = [&](std::string url, http::Server& server) -> Task<> {
    static_cast<void>(server);
    WebSocket plain = co_await WebSocket::connect(url);
    EXPECT_FALSE(plain.is_compressed());
    co_await expect_echo(plain, std::string(5'000, 'p'));
    for (const bool forgets : {false, true}) {
      WebSocket socket = co_await WebSocket::connect(
          url, {.session = {.compression = true, .compression_forgets = forgets}});
      EXPECT_TRUE(socket.is_compressed());
      co_await expect_echo(socket, "short");
      for (int i = 0; i < 3; ++i) co_await expect_echo(socket, std::string(100'000, 'x'));
      co_await socket.close();
    }
    co_await plain.close();
  };
  co_await with_server(std::move(routes), body);
}

CO_TEST(WebSocketServers, decline_compression_beyond_the_budget) {
  http::Routes routes;
  routes.get("/",
             websocket::route(echo_messages, {.compression = true, .compression_budget = 100}));
  auto body = [&](std::string url, http::Server& server) -> Task<> {
    static_cast<void>(server);
    WebSocket socket = co_await WebSocket::connect(url, {.session = {.compression = true}});
    EXPECT_FALSE(socket.is_compressed());
    co_await socket.close();
  };
  co_await with_server(std::move(routes), body);
}

Task<http::Response> teapot(http::Request& request) {
  static_cast<void>(request);
  co_return http::Response::text("no", http::Status::not_found);
}

CO_TEST(WebSocketServers, say_why_they_refuse) {
  http::Routes routes;
  routes.get("/echo", websocket::route(echo_messages));
  routes.get("/none", teapot);
  auto body = [&](std::string url, http::Server& server) -> Task<> {
    static_cast<void>(server);
    Result<WebSocket> refused = co_await attempt(WebSocket::connect(url + "/none"));
    CO_ASSERT(!refused);
    EXPECT_EQ(refused.error(), std::errc::protocol_error);
    EXPECT_THAT(refused.error().detail(), testing::HasSubstr("404 Not Found"));
    refused =
        co_await attempt(WebSocket::connect(url + "/echo", {.origin = "https://evil.example"}));
    CO_ASSERT(!refused);
    EXPECT_THAT(refused.error().detail(), testing::HasSubstr("403"));
    for (const char* const bad : {"http://a/", "ws://", "ws://a:b:c/", "ws://a/#b", "ws://u@a/",
                                  "ws://a/ b", "ws://a/\r\nX: y", "example.com"}) {
      refused = co_await attempt(WebSocket::connect(bad));
      EXPECT_FALSE(refused) << bad;
    }
    WebSocket good = co_await WebSocket::connect(url + "/echo", {.origin = "http" + url.substr(2)});
    co_await good.close();
  };
  co_await with_server(std::move(routes), body);
}

CO_TEST(WebSocketServers, say_goodbye_when_they_are_drained) {
  http::Routes routes;
  routes.get("/", websocket::route(echo_messages));
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const std::string url = "ws://" + listener.address().to_string();
  http::Server server(std::move(listener), std::move(routes));
  auto all = [&](Group& group) -> Task<> {
    group.start(server.run());
    auto wait = [](const std::string& to, int& ready, int& ended) -> Task<> {
      WebSocket socket = co_await WebSocket::connect(to);
      ++ready;
      const WebSocketMessage end = co_await socket.receive();
      EXPECT_FALSE(end);
      EXPECT_EQ(socket.close_code(), CloseCode::going_away);
      ++ended;
    };
    int ready = 0;
    int ended = 0;
    for (int i = 0; i < 10; ++i) group.start(wait(url, ready, ended));
    while (ready < 10) co_await sleep(1ms);
    const DrainReport report = co_await server.drain(10s);
    EXPECT_EQ(report.cut, 0U);
    co_await group.join();
    EXPECT_EQ(ended, 10);
  };
  co_await with_group(all);
}

/// A server that answers a handshake with `answer`, in which KEY stands for the right accept.
Task<> expect_refused_answer(std::string answer, std::string_view why) {
  Pair pair = co_await connected();
  auto serve = [](StreamSocket socket, std::string text) -> Task<> {
    std::string request;
    co_await socket.read_until(request, "\r\n\r\n", 8192);
    co_await socket.write_all(text);
    Result<> closed = co_await attempt(socket.close_gracefully(5s));
    static_cast<void>(closed);
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(serve(std::move(pair.server), answer));
    Result<WebSocket> refused = co_await attempt(
        WebSocket::handshake(std::make_unique<StreamSocket>(std::move(pair.client)), "a", "/"));
    CO_ASSERT(!refused);
    EXPECT_THAT(refused.error().to_string(), testing::HasSubstr(why));
  };
  co_await with_group(body);
}

CO_TEST(WebSocketClients, check_what_a_server_answers) {
  co_await expect_refused_answer("HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", "302 Found");
  co_await expect_refused_answer("HTTP/1.1 101 x\r\n\r\n", "Upgrade");
  co_await expect_refused_answer(
      "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
      "does not answer our key");
  co_await expect_refused_answer("SSH-2.0-x\r\n\r\n", "connect");
  co_await expect_refused_answer("", "before the answer");
}

CO_TEST(WebSocketClients, offer_each_subprotocol_once) {
  for (const char* const bad : {"a, a", "a, b, a", "a b", "a/b, c"}) {
    Pair pair = co_await connected();
    auto stream = std::make_unique<StreamSocket>(std::move(pair.client));
    Result<WebSocket> refused = co_await attempt(
        WebSocket::handshake(std::move(stream), "a", "/", {.session = {.subprotocols = bad}}));
    CO_ASSERT(!refused);
    EXPECT_EQ(refused.error(), std::errc::invalid_argument) << bad;
  }
}

/// Sends a message that becomes 1 GiB.
CO_TEST(WebSocketServers, stop_a_deflate_bomb) {
  http::Routes routes;
  std::string told;
  auto listen = [&told](WebSocket socket) -> Task<> {
    Result<WebSocketMessage> message = co_await attempt(socket.receive());
    if (!message) told = message.error().detail();
  };
  routes.get("/", websocket::route(listen, {.message_bytes_max = 1U << 20U, .compression = true}));
  auto body = [&](std::string url, http::Server& server) -> Task<> {
    static_cast<void>(server);
    WebSocket socket = co_await WebSocket::connect(url, {.session = {.compression = true}});
    Result<> sent = co_await attempt(socket.send_binary(std::string(100U << 20U, '\0')));
    static_cast<void>(sent);
    const WebSocketMessage end = co_await socket.receive();
    EXPECT_FALSE(end);
    EXPECT_EQ(socket.close_code(), CloseCode::message_too_big);
  };
  co_await with_server(std::move(routes), body);
  EXPECT_THAT(told, testing::HasSubstr("1009: a message is too long once it is inflated"));
}

// ---- What only raw bytes can ask ----------------------------------------------------------------

constexpr std::string_view handshake =
    " / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// What a server of any method at `/` says to a request, until its end.
Task<std::string> answer_to_request(std::string request) {
  http::Routes routes;
  routes.any("/", websocket::route(echo_messages));
  std::string answer;
  auto body = [&](std::string url, http::Server& server) -> Task<> {
    static_cast<void>(server);
    StreamSocket socket = co_await StreamSocket::connect(url.substr(5));
    co_await socket.write_all(request);
    co_await socket.shutdown_write();
    answer = co_await read_to_end(socket);
    co_await socket.close();
  };
  co_await with_server(std::move(routes), body);
  co_return answer;
}

CO_TEST(WebSocketServers, are_asked_by_get_of_http_1_1) {
  const std::string version = "Sec-WebSocket-Version: 13\r\n\r\n";
  std::string answer = co_await answer_to_request("GET" + std::string(handshake) + version);
  EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 101 "));
  EXPECT_THAT(answer, testing::HasSubstr("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
  answer = co_await answer_to_request("POST" + std::string(handshake) + "Content-Length: 0\r\n" +
                                      version);
  EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 400 "));
  std::string old = "GET" + std::string(handshake) + version;
  old.replace(old.find("HTTP/1.1"), 8, "HTTP/1.0");
  answer = co_await answer_to_request(old);
  EXPECT_THAT(answer, testing::Not(testing::HasSubstr(" 101 ")));
}

CO_TEST(WebSocketServers, tell_which_version_they_speak) {
  for (const std::string version : {"8", "14", "13, 8", ""}) {
    const std::string request =
        "GET" + std::string(handshake) + "Sec-WebSocket-Version: " + version + "\r\n\r\n";
    const std::string answer = co_await answer_to_request(request);
    EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 426 ")) << version;
    EXPECT_THAT(answer, testing::HasSubstr("\r\nSec-WebSocket-Version: 13\r\n")) << version;
  }
}

/// RFC 6455, section 7.1.1.
CO_TEST(WebSocketServers, end_the_connection_before_their_clients) {
  for (const WebSocketRole role : roles) {
    Pair pair = co_await connected();
    auto listen = [](WebSocket socket) -> Task<> {
      const WebSocketMessage end = co_await socket.receive();
      EXPECT_FALSE(end);
    };
    auto body = [&](Group& group) -> Task<> {
      group.start(listen(over(std::move(pair.server), role)));
      co_await pair.client.write_all(to(role, 0x88, close_payload(1000)));
      std::string heard;
      const bool is_server = role == WebSocketRole::server;
      while (heard.size() < (is_server ? 4U : 8U)) {
        const Lease data = co_await pair.client.receive();
        CO_ASSERT(data);
        heard += data.text();
      }
      EXPECT_EQ(describe(heard, !is_server), "close 1000 \n");
      Result<Lease> end = co_await attempt(with_timeout(200ms, pair.client.receive()));
      if (is_server) {
        EXPECT_TRUE(end && end->empty());  // it does not wait for us
      } else {
        EXPECT_EQ(end.error(), std::errc::timed_out);  // it waits for us
      }
      co_await pair.client.shutdown_write();
      co_await group.join();
    };
    co_await with_group(body);
    co_await pair.client.close();
  }
}

/// A close that comes with more behind it must not become a reset, which would take our Close away.
CO_TEST(WebSocketServers, lose_no_close_to_what_comes_late) {
  Pair pair = co_await connected();
  auto listen = [](WebSocket socket) -> Task<> {
    const WebSocketMessage end = co_await socket.receive();
    EXPECT_FALSE(end);
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(listen(over(std::move(pair.server), WebSocketRole::server)));
    co_await pair.client.write_all(frame(0x88, close_payload(1000), true));
    for (int i = 0; i < 20; ++i) {
      co_await pair.client.write_all(frame(0x82, std::string(10'000, 'x'), true));
      co_await sleep(1ms);
    }
    co_await pair.client.shutdown_write();
    const std::string heard = co_await read_to_end(pair.client);
    EXPECT_EQ(describe(heard, false), "close 1000 \n");
    co_await group.join();
  };
  co_await with_group(body);
  co_await pair.client.close();
}

}  // namespace
}  // namespace ieum::test
