// What a client tells of its steps, and hosts that it does not look up.
#include <ieum/http/client.hpp>

#include "http/scripted_server.hpp"

namespace ieum::test {
namespace {

using http::Client;
using http::ClientOptions;
using http::Content;
using http::KnownHost;
using http::Reply;
using http::RequestObserver;
using http::RequestOptions;

/// A word for each step.
class Steps final : public RequestObserver {
 public:
  std::string words;
  std::string heads;

  void connecting(const Address& /*to*/) override { words += "connecting "; }
  void reused() override { words += "reused "; }
  void connected(const Address& local, const Address& peer) override {
    EXPECT_NE(local, peer);
    words += "connected ";
  }
  void sending(std::string_view head) override {
    heads += head;
    words += "sending ";
  }
  void content_sent(std::uint64_t bytes) override {
    words += "content:" + std::to_string(bytes) + " ";
  }
  void sent() override { words += "sent "; }
  void received(std::string_view head) override {
    heads += head;
    words += "received ";
  }
  void redirected(const http::Url& to) override { words += "to:" + to.path() + " "; }
};

TEST(HttpClientObserver, hears_of_each_step_in_its_order) {
  ScriptedServer server(
      {{raw("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 302 Found\r\nLocation: /b\r\n"
            "Content-Length: 0\r\n\r\n"),
        ok("b"), ok("c")}});
  Client client;
  Steps steps;
  RequestOptions options;
  options.observer = &steps;
  auto ask = [&]() -> Task<> {
    const std::string text = co_await get_text(client, server.url("/a"), options);
    EXPECT_EQ(text, "b");
    EXPECT_EQ(steps.words,
              "connecting connected sending sent received received to:/b reused sending sent "
              "received ");
    EXPECT_NE(steps.heads.find("GET /a HTTP/1.1\r\n"), std::string::npos);
    EXPECT_NE(steps.heads.find("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 302 Found\r\n"),
              std::string::npos);
    steps.words.clear();
    Reply reply = co_await client.post(server.url("/c"), Content::text("12345"), options);
    EXPECT_EQ(steps.words, "reused sending content:5 sent received ");
  };
  expect_success(server.run(ask));
}

TEST(HttpClientObserver, hears_how_far_a_long_content_has_come) {
  ScriptedServer server({{ok("got it")}});
  Client client;
  Steps steps;
  RequestOptions options;
  options.observer = &steps;
  auto ask = [&]() -> Task<> {
    Content content = Content::bytes(std::string(100'000, 'x'));
    Reply reply = co_await client.post(server.url(), std::move(content), options);
    EXPECT_TRUE(reply.is_success());
    EXPECT_EQ(steps.words,
              "connecting connected sending content:65536 content:100000 sent received ");
  };
  expect_success(server.run(ask));
}

TEST(HttpClientHosts, are_where_the_program_says) {
  ScriptedServer server({{ok("one")}, {ok("two")}});
  auto ask = [&]() -> Task<> {
    const Address at = co_await Address::parse(server.authority());
    Address any_port = at;
    any_port.set_port(0);
    const std::array hosts = {KnownHost{.host = "a.test", .port = 80, .address = at},
                              KnownHost{.host = "b.test", .port = 0, .address = any_port}};
    ClientOptions options;
    options.hosts = hosts;
    Client client(options);
    std::string text = co_await get_text(client, "http://A.test/x");
    EXPECT_EQ(text, "one");
    text = co_await get_text(client, "http://b.test:" + std::to_string(at.port()) + "/y");
    EXPECT_EQ(text, "two");
  };
  expect_success(server.run(ask));
  ASSERT_EQ(server.requests().size(), 2U);
  EXPECT_NE(server.requests()[0].head.find("Host: a.test\r\n"), std::string::npos);
}

/// Leads everywhere to one server.
class Detour final : public http::Connector {
 public:
  explicit Detour(const ScriptedServer& to) : to_(to) {}
  Task<std::unique_ptr<Stream>> connect(HostPort asked, ConnectOptions options) override {
    asked_ += asked.to_string() + " ";
    if (asked.host() == "closed.test") {
      co_await fail(Error(std::errc::connection_refused, "detour").with_name(asked.host()));
    }
    StreamSocket socket = co_await StreamSocket::connect(to_.authority(), options);
    co_return std::make_unique<StreamSocket>(std::move(socket));
  }
  [[nodiscard]] const std::string& asked() const noexcept { return asked_; }

 private:
  const ScriptedServer& to_;
  std::string asked_;
};

TEST(HttpClientConnector, connects_in_the_networks_place) {
  ScriptedServer server({{ok("one"), ok("two")}, {ok("three")}, {ok("four")}});
  Detour detour(server);
  Steps steps;
  auto ask = [&]() -> Task<> {
    const Address elsewhere = co_await Address::parse("192.0.2.7:99");
    const std::array hosts = {KnownHost{.host = "c.test", .port = 80, .address = elsewhere}};
    ClientOptions options;
    options.connector = &detour;
    options.hosts = hosts;
    Client client(options);
    std::string text = co_await get_text(client, "http://a.test/x");
    text += co_await get_text(client, "http://a.test/y");
    RequestOptions by_proxy;
    by_proxy.proxy = "http://proxy.test:3128";
    text += co_await get_text(client, "http://b.test/", by_proxy);
    text += co_await get_text(client, "http://c.test/");
    EXPECT_EQ(text, "onetwothreefour");
    RequestOptions watched;
    watched.observer = &steps;
    const Result<Reply> none = co_await attempt(client.get("http://closed.test/", watched));
    EXPECT_FALSE(none.has_value());
    if (!none) {
      EXPECT_EQ(none.error(), std::errc::connection_refused);
    }
    EXPECT_EQ(steps.words, "");
  };
  expect_success(server.run(ask));
  EXPECT_EQ(detour.asked(), "a.test:80 proxy.test:3128 192.0.2.7:99 closed.test:80 ");
}

}  // namespace
}  // namespace ieum::test
