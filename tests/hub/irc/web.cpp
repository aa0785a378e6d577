// The hub over HTTP: its page, its WebSocket, and who may ask.
#include <ieum/websocket/websocket.hpp>

#include "hub/irc/hub_test.hpp"
#include "listeners/web_routes.hpp"

namespace ieum::test {
namespace {

Task<WebSocket> connect_web(TestHub& hub, std::string_view protocol, std::string_view origin = {}) {
  WebSocketConnectOptions options;
  options.session.subprotocols = protocol;
  options.origin = origin;
  return WebSocket::connect("ws://" + hub.web_address().to_string() + "/irc", options);
}

/// The first message from now on that contains `part`.
Task<std::string> until(WebSocket& socket, std::string part) {
  for (;;) {
    const WebSocketMessage message = co_await socket.receive();
    if (!message) {
      ADD_FAILURE() << "no " << part;
      co_return "";
    }
    const std::string text(message.text());
    EXPECT_FALSE(text.contains('\n')) << text;
    if (text.contains(part)) co_return text;
  }
}

HUB_TEST(HubWeb, TalksIrcOverAWebSocket) {
  HubClient bob = co_await hub.client("bob");
  co_await bob.ask("JOIN #a");
  for (const std::string_view protocol : {"text.ircv3.net", "binary.ircv3.net"}) {
    WebSocket socket = co_await connect_web(hub, protocol);
    EXPECT_EQ(socket.subprotocol(), protocol);
    for (const char* line : {"NICK ann", "USER ann 0 * :Ann", "JOIN #a", "PRIVMSG #a :hello"}) {
      if (protocol.starts_with("text")) {
        co_await socket.send_text(line);
      } else {
        co_await socket.send_binary(std::string(line));
      }
    }
    co_await until(socket, " 366 ann #a ");
    co_await bob.until("PRIVMSG #a :hello");
    co_await bob.send("PRIVMSG #a :welcome");
    const std::string said = co_await until(socket, "PRIVMSG");
    EXPECT_TRUE(said.ends_with("#a :welcome")) << said;
    co_await socket.close();
    co_await bob.until("QUIT");
  }
}

HUB_TEST(HubWeb, EndsAWebSocketWithTheReason) {
  WebSocket socket = co_await connect_web(hub, "text.ircv3.net");
  co_await socket.send_text("NICK ann");
  co_await socket.send_text("USER ann 0 * :Ann");
  co_await socket.send_text("QUIT :enough");
  co_await until(socket, "ERROR :Closing link: localhost (Quit: enough)");
  const WebSocketMessage message = co_await socket.receive();
  EXPECT_FALSE(message);
  EXPECT_EQ(socket.close_code(), CloseCode::normal);
}

HUB_TEST(HubWeb, RefusesPagesOfOthersAndNamesThatAreNotItsOwn) {
  const Result<WebSocket> foreign =
      co_await attempt(connect_web(hub, "text.ircv3.net", "https://evil.example"));
  EXPECT_FALSE(foreign);
  const std::string own = "http://" + hub.web_address().to_string();
  WebSocket socket = co_await connect_web(hub, "text.ircv3.net", own);
  co_await socket.close();
  for (const char* host : {"evil.example", "127.0.0.1.evil.example:80", ""}) {
    const std::string field = std::string("Host: ") + host + "\r\n";
    const HttpAnswer answer = co_await ask_http(hub.web_address(), "GET /", field);
    EXPECT_EQ(answer.status, 421) << host << ": " << answer.text;
  }
  const HttpAnswer answer =
      co_await ask_http(hub.web_address(), "GET /healthz", "Host: 127.0.0.1:8080\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(has(answer.text, "Content-Security-Policy: default-src 'none'"));
  EXPECT_EQ(answer.body, "ok\n");
}

TEST(HubWebHost, IsFiguresOrOneOfItsNames) {
  hub::Config config;
  config.name = "irc.example.com";
  config.hosts = {"Chat.example.com"};
  for (const char* own : {"localhost", "localhost:8080", "LOCALHOST.", "127.0.0.1:8080", "10.1.2.3",
                          "[::1]", "[fe80::1]:8080", "irc.example.com:443", "chat.example.com"}) {
    EXPECT_TRUE(hub::is_own_host(own, config)) << own;
  }
  for (const char* foreign : {"", "evil.example", "example.com", "localhost.evil.example",
                              "1.2.3.4.evil", "[::1]evil.example", "[::1", "xlocalhost"}) {
    EXPECT_FALSE(hub::is_own_host(foreign, config)) << foreign;
  }
}

}  // namespace
}  // namespace ieum::test
