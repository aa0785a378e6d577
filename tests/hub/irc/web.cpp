// The hub over HTTP: its page, its WebSocket, and who may ask.
#include <ieum/http/server.hpp>
#include <ieum/websocket/websocket.hpp>

#include "hub/irc/hub_test.hpp"
#include "listeners/metrics.hpp"
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

/// Serves these while `conversation` lasts, on a port that it is told.
Task<> serve_beside(Group& group, http::Routes routes, TestHub& hub,
                    Task<> (*conversation)(TestHub&, Address)) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  http::Server server(std::move(listener), std::move(routes));
  group.start(server.run());
  Task<> talking = conversation(hub, address);
  co_await std::move(talking);
  co_await server.drain(1s);
}

Task<> with_routes(http::Routes routes, TestHub& hub, Task<> (*conversation)(TestHub&, Address)) {
  auto body = [&](Group& group) {
    return serve_beside(group, std::move(routes), hub, conversation);
  };
  co_await with_group(body);
}

/// The host of one who comes over the WebSocket with these fields; empty: it was refused.
Task<std::string> host_over(TestHub& hub, Address address, std::string nick, std::string forwarded,
                            std::vector<WebSocket>& kept) {
  const std::array<http::Field, 1> fields{{{"X-Forwarded-For", forwarded}}};
  WebSocketConnectOptions options;
  options.session.subprotocols = "text.ircv3.net";
  options.fields = fields;
  Result<WebSocket> socket =
      co_await attempt(WebSocket::connect("ws://" + address.to_string() + "/irc", options));
  if (!socket) co_return "";
  co_await socket->send_text("NICK " + nick);
  co_await socket->send_text("USER u 0 * :Somebody");
  const std::string welcome = co_await until(*socket, " 001 ");
  kept.push_back(*std::move(socket));
  co_await hub.settle();
  const hub::User* user = hub.server().find_user(nick);
  EXPECT_NE(user, nullptr) << welcome;
  co_return user == nullptr ? "" : user->host;
}

Task<> come_through_a_proxy(TestHub& hub, Address address) {
  std::vector<WebSocket> kept;
  const std::string first = co_await host_over(hub, address, "ann", "203.0.113.7", kept);
  EXPECT_EQ(first, "203.0.113.7");
  // What a client says of itself does not count: only what the proxy has added.
  const std::string claimed =
      co_await host_over(hub, address, "eve", "10.9.8.7, 203.0.113.8", kept);
  EXPECT_EQ(claimed, "203.0.113.8");
  const std::string second = co_await host_over(hub, address, "bob", "203.0.113.7", kept);
  EXPECT_EQ(second, "") << "one connection from an address";
  // Secrets count as safe only where the proxy had them over TLS.
  const std::string token = "Authorization: Bearer x\r\nX-Forwarded-For: 203.0.113.9\r\n";
  HttpAnswer answer = co_await ask_http(address, "POST /api/rooms/a/messages", token, "x");
  EXPECT_EQ(answer.status, 403) << answer.text;
  EXPECT_TRUE(has(answer.body, "insecure_connection"));
  answer = co_await ask_http(address, "POST /api/rooms/a/messages",
                             token + "X-Forwarded-Proto: https\r\n", "x");
  EXPECT_EQ(answer.status, 401) << answer.text;
  for (WebSocket& socket : kept) co_await socket.close();
}

Task<> come_from_no_proxy(TestHub& hub, Address address) {
  std::vector<WebSocket> kept;
  const std::string host = co_await host_over(hub, address, "ann", "203.0.113.7", kept);
  EXPECT_EQ(host, "localhost");
  for (WebSocket& socket : kept) co_await socket.close();
}

HUB_TEST(HubWeb, BelievesOnlyItsProxies) {
  hub::Config config = hub.config;
  config.proxies = {"192.0.2.1"};
  hub.set_config(config);
  co_await with_routes(hub::web_routes(hub.server()), hub, come_from_no_proxy);
  config.proxies = {"127.0.0.1"};
  config.connections_per_address = 1;
  hub.set_config(config);
  co_await with_routes(hub::web_routes(hub.server()), hub, come_through_a_proxy);
}

Task<> read_metrics(TestHub& hub, Address address) {
  HubClient ann = co_await hub.client("ann");
  co_await ann.ask("JOIN #a");
  co_await ann.ask("PRIVMSG #a :hello");
  HttpAnswer answer = co_await ask_http(address, "GET /");
  EXPECT_EQ(answer.status, 404);
  answer = co_await ask_http(address, "GET /metrics");
  EXPECT_TRUE(has(answer.text, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  const std::string& text = answer.body;
  EXPECT_TRUE(has(text, "# TYPE ieum_hub_users gauge\nieum_hub_users 1\n"));
  EXPECT_TRUE(has(text, "\nieum_hub_connections 1\n"));
  EXPECT_TRUE(has(text, "\nieum_hub_rooms 1\n"));
  EXPECT_TRUE(has(text, "\nieum_hub_commits_total 2\n"));  // a JOIN, a message
  EXPECT_TRUE(has(text, "\nieum_hub_commits_failed_total 0\n"));
  EXPECT_TRUE(has(text, "\nieum_hub_commit_seconds_count 2\n"));
  EXPECT_TRUE(has(text, "\nieum_hub_commit_seconds_bucket{le=\"+Inf\"} 2\n"));
  EXPECT_TRUE(has(text, "\nieum_hub_http_responses_total{status=\"4xx\"} 1\n"));
  EXPECT_TRUE(has(text, "# TYPE ieum_hub_lines_received_total counter\n"));
  answer = co_await ask_http(address, "GET /metrics", "Host: evil.example\r\n");
  EXPECT_EQ(answer.status, 421);
}

HUB_TEST(HubWeb, TellsItsMetrics) {
  if (!hub::has_metrics()) {
    std::puts("[  SKIPPED ] HubWeb.TellsItsMetrics: prometheus-cpp was not found");
    co_return;
  }
  co_await with_routes(hub::metrics_routes(hub.server()), hub, read_metrics);
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
