// A server with connections: deadlines, slow and vanished clients, drains, upgrades, proxies.
#include <gmock/gmock.h>
#include <sys/socket.h>

#include "http/talk.hpp"

namespace ieum::test {
namespace {

using http::Request;
using http::Response;
using http::Routes;

Task<Response> hello(Request& request) {
  static_cast<void>(request);
  co_return Response::text("hello");
}

/// Reads until `text` has come, or the end; gives what has.
Task<std::string> read_until_has(StreamSocket& socket, std::string_view text) {
  std::string got;
  while (got.find(text) == got.npos) {
    Result<Lease> data = co_await attempt(socket.receive());
    if (!data || data->empty()) break;
    got += data->text();
  }
  co_return got;
}

/// A server while `body`, a task of its address and itself, runs; then it is drained. What it sends
/// waits in the kernel up to so many bytes, if that is not 0.
template <class Body>
Task<> with_server(Routes routes, Body body, http::ServerOptions options = {},
                   int send_buffer_bytes = 0) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  if (send_buffer_bytes != 0 && !is_simulated()) {
    EXPECT_EQ(::setsockopt(listener.native_handle(), SOL_SOCKET, SO_SNDBUF, &send_buffer_bytes,
                           sizeof send_buffer_bytes),
              0);
  }
  const Address address = listener.address();
  http::Server server(std::move(listener), std::move(routes), options);
  auto all = [&](Group& group) -> Task<> {
    group.start(server.run());
    co_await body(address, server);
    const DrainReport report = co_await server.drain(10s);
    EXPECT_EQ(report.cut, 0U);
  };
  co_await with_group(all);
}

// ---- Deadlines ----------------------------------------------------------------------------------

CO_TEST(HttpDeadlines, cut_a_head_that_takes_too_long) {
  Routes routes;
  routes.get("/", hello);
  auto body = [](const Address& address, http::Server& server) -> Task<> {
    static_cast<void>(server);
    StreamSocket silent = co_await StreamSocket::connect(address);
    StreamSocket slow = co_await StreamSocket::connect(address);
    StreamSocket second = co_await StreamSocket::connect(address);
    co_await slow.write_all("GET / HT");
    co_await second.write_all(get("/") + "GET");
    const std::string nothing = co_await read_to_end(silent);
    EXPECT_EQ(nothing, "");
    const std::string refused = co_await read_to_end(slow);
    EXPECT_EQ(statuses(refused), "408");
    const std::string both = co_await read_to_end(second);
    EXPECT_EQ(statuses(both), "200 408");
  };
  co_await with_server(std::move(routes), body, {.head_timeout = 1s});
}

CO_TEST(HttpDeadlines, end_idle_connections) {
  Routes routes;
  routes.get("/", hello);
  auto body = [](const Address& address, http::Server& server) -> Task<> {
    static_cast<void>(server);
    StreamSocket socket = co_await StreamSocket::connect(address);
    co_await socket.write_all(get("/"));
    const TimePoint began = now();
    const std::string all = co_await read_to_end(socket);
    EXPECT_EQ(statuses(all), "200");
    EXPECT_GE(now() - began, 150ms);
  };
  co_await with_server(std::move(routes), body, {.idle_timeout = 200ms});
}

Task<> trickle(StreamSocket& socket) {
  for (;;) {
    Result<> sent = co_await attempt(socket.write_all("x"));
    if (!sent) co_return;
    co_await sleep(20ms);
  }
}

CO_TEST(HttpDeadlines, cut_a_body_that_comes_too_slowly) {
  Routes routes;
  routes.post("/", count_body);
  auto body = [](const Address& address, http::Server& server) -> Task<> {
    static_cast<void>(server);
    StreamSocket socket = co_await StreamSocket::connect(address);
    co_await socket.write_all("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    auto both = [&](Group& group) -> Task<> {
      group.start(trickle(socket));
      const std::string got = co_await read_until_has(socket, "\r\n\r\n");
      EXPECT_EQ(statuses(got), "408");
      group.stop();
    };
    co_await with_group(both);
  };
  co_await with_server(std::move(routes), body,
                       {.body_timeout = 300ms, .body_rate_min = 1000, .linger = 100ms});
}

Task<Response> large(Request& request) {
  static_cast<void>(request);
  co_return Response::bytes("x/y", std::string(std::size_t{16} << 20U, 'x'));
}

CO_TEST(HttpDeadlines, cut_who_does_not_read) {
  Routes routes;
  routes.get("/", large);
  bool is_complete = true;
  routes.on_access([&](const http::Access& access) { is_complete = access.is_complete; });
  auto body = [](const Address& address, http::Server& server) -> Task<> {
    StreamSocket socket = co_await StreamSocket::connect(address);
    co_await socket.write_all(get("/"));
    while (server.counters().accepted == 0 || server.sessions() > 0) co_await sleep(5ms);
  };
  co_await with_server(
      std::move(routes), body,
      {.response_timeout = 200ms, .response_rate_min = std::size_t{1} << 30U, .linger = 100ms});
  EXPECT_FALSE(is_complete);
}

/// Sends `at_once`, then a byte of `slowly` now and then, until it is cut.
Task<> creep(Address address, std::string at_once, std::string slowly, std::size_t& cut) {
  StreamSocket socket = co_await StreamSocket::connect(address);
  co_await socket.write_all(at_once);
  auto both = [&](Group& group) -> Task<> {
    auto writing = [&]() -> Task<> {
      for (const char& c : slowly) {
        Result<> sent = co_await attempt(socket.write_all(std::string_view(&c, 1)));
        if (!sent) co_return;
        co_await sleep(200ms);
      }
    };
    group.start(writing());
    Result<std::string> got = co_await attempt(read_to_end(socket));
    static_cast<void>(got);
    group.stop();
  };
  co_await with_group(both);
  ++cut;
}

/// Asks for much, and does not read it.
Task<> stare(Address address, Event& all_gone) {
  StreamSocket socket = co_await StreamSocket::connect(address);
  co_await socket.write_all(get("/large"));
  co_await all_gone.wait();
}

enum class Slow : std::uint8_t { heads, bodies, readers };

/// So many of them are cut, while another client is served.
Task<> cuts_slow_clients(Slow kind, std::size_t count) {
  static const std::string large_text(std::size_t{1} << 20U, 'x');
  Routes routes;
  std::size_t broken = 0;
  routes.get("/", hello);
  routes.post("/", count_body);
  routes.get("/large", [](Request& request) -> Task<Response> {
    static_cast<void>(request);
    co_return Response::stream(
        "x/y", [](http::BodyWriter& writer) -> Task<> { co_await writer.write(large_text); });
  });
  routes.on_access([&](const http::Access& access) { broken += access.is_complete ? 0 : 1; });
  std::size_t cut = 0;
  Event all_gone;
  auto body = [&](const Address& address, http::Server& server) -> Task<> {
    auto all = [&](Group& group) -> Task<> {
      const std::string head = get("/", "X: " + std::string(200, 'x') + "\r\n");
      const std::string of_post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n";
      const std::string bytes(9000, 'b');
      for (std::size_t i = 0; i < count; ++i) {
        if (kind == Slow::heads) group.start(creep(address, "", head, cut));
        if (kind == Slow::bodies) group.start(creep(address, of_post, bytes, cut));
        if (kind == Slow::readers) group.start(stare(address, all_gone));
      }
      while (server.counters().accepted < count) co_await sleep(1ms);
      StreamSocket socket = co_await StreamSocket::connect(address);
      for (int i = 0; i < 20; ++i) {
        co_await socket.write_all(get("/"));
        const std::string got = co_await read_until_has(socket, "hello");
        EXPECT_EQ(statuses(got), "200");
        co_await sleep(10ms);
      }
      co_await socket.close();
      while (server.sessions() > 0) co_await sleep(5ms);
      all_gone.set();
    };
    co_await with_group(all);
  };
  // What is not looked at has time on a busy machine.
  Duration head_timeout = 60s;
  if (kind == Slow::heads) head_timeout = 2s;
  co_await with_server(std::move(routes), body,
                       {.head_timeout = head_timeout,
                        .body_timeout = 1s,
                        .body_rate_min = 1000,
                        .response_timeout = 1s,
                        .response_rate_min = std::size_t{1} << 30U,
                        .linger = 100ms},
                       64 * 1024);  // 1,000 of what else there is are all that TCP may have
  EXPECT_EQ(cut, kind == Slow::readers ? 0 : count);
  EXPECT_EQ(broken, kind == Slow::readers ? count : 0);
}

CO_TEST(HttpDeadlines, cut_many_slow_heads_while_others_are_served) {
  co_await cuts_slow_clients(Slow::heads, long_form() ? 1000 : 50);
}
CO_TEST(HttpDeadlines, cut_many_slow_bodies_while_others_are_served) {
  co_await cuts_slow_clients(Slow::bodies, long_form() ? 1000 : 50);
}
CO_TEST(HttpDeadlines, cut_many_who_do_not_read_while_others_are_served) {
  co_await cuts_slow_clients(Slow::readers, long_form() ? 1000 : 20);
}

// ---- Drains -------------------------------------------------------------------------------------

CO_TEST(HttpDrain, closes_the_idle_and_lets_the_busy_finish) {
  Event go_on;
  bool runs = false;
  Routes routes;
  routes.get("/", hello);
  auto waits = [&](Request& request) -> Task<Response> {
    static_cast<void>(request);
    runs = true;
    co_await go_on.wait();
    co_return Response::text("done");
  };
  routes.get("/wait", waits);
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  http::Server server(std::move(listener), std::move(routes));
  auto all = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket idle = co_await StreamSocket::connect(address);
    co_await idle.write_all(get("/"));
    const std::string first = co_await read_until_has(idle, "hello");
    StreamSocket busy = co_await StreamSocket::connect(address);
    co_await busy.write_all(get("/wait"));
    while (!runs) co_await sleep(1ms);
    DrainReport report;
    auto draining = [&]() -> Task<> { report = co_await server.drain(10s); };
    group.start(draining());
    const std::string rest = co_await read_to_end(idle);
    EXPECT_EQ(rest, "");
    EXPECT_TRUE(runs);
    go_on.set();
    const std::string last = co_await read_to_end(busy);
    EXPECT_THAT(last, testing::HasSubstr("Connection: close\r\n"));
    EXPECT_TRUE(last.ends_with("done"));
    co_await idle.close();
    co_await busy.close();
    co_await group.join();
    EXPECT_EQ(report.finished, 2U);
    EXPECT_EQ(report.cut, 0U);
  };
  co_await with_group(all);
}

// ---- Clients that go ----------------------------------------------------------------------------

CO_TEST(HttpServers, let_a_handler_finish_whose_client_has_gone) {
  bool began = false;
  bool ended = false;
  Routes routes;
  auto works = [&](Request& request) -> Task<Response> {
    static_cast<void>(request);
    began = true;
    co_await sleep(100ms);
    ended = true;
    co_return Response::text("done");
  };
  routes.get("/", works);
  auto body = [&](const Address& address, http::Server& server) -> Task<> {
    StreamSocket socket = co_await StreamSocket::connect(address);
    co_await socket.write_all(get("/"));
    while (!began) co_await sleep(1ms);
    co_await socket.reset();
    while (server.sessions() > 0) co_await sleep(1ms);
    EXPECT_TRUE(ended);
  };
  co_await with_server(std::move(routes), body);
}

CO_TEST(HttpServers, stop_the_writer_of_a_stream_whose_client_has_gone) {
  for (const bool is_reset : {false, true}) {
    bool stopped = false;
    Event never;
    Routes routes;
    auto events = [&](Request& request) -> Task<Response> {
      static_cast<void>(request);
      co_return Response::events([&](http::EventStream& to) -> Task<> {
        http::ServerEvent event;
        event.data = "a\nb";
        event.event = "kind";
        event.id = "7";
        event.retry = 10ms;
        co_await to.send(std::move(event));
        Result<> waited = co_await attempt(never.wait());
        stopped = !waited;
      });
    };
    routes.get("/", events);
    auto body = [&](const Address& address, http::Server& server) -> Task<> {
      StreamSocket socket = co_await StreamSocket::connect(address);
      co_await socket.write_all(get("/"));
      const std::string got = co_await read_until_has(socket, "data: b\n\n");
      EXPECT_THAT(got, testing::HasSubstr("event: kind\nid: 7\nretry: 10\ndata: a\ndata: b\n\n"));
      EXPECT_THAT(got, testing::HasSubstr("Content-Type: text/event-stream\r\n"));
      if (is_reset) {
        co_await socket.reset();
      } else {
        co_await socket.close();
      }
      while (server.sessions() > 0) co_await sleep(1ms);
    };
    co_await with_server(std::move(routes), body, {.linger = 100ms});
    EXPECT_TRUE(stopped);
  }
}

CO_TEST(HttpServers, answer_whole_although_the_client_has_finished_sending) {
  Routes routes;
  auto stream = [](Request& request) -> Task<Response> {
    static_cast<void>(request);
    co_return Response::stream("x/y", [](http::BodyWriter& writer) -> Task<> {
      for (int i = 0; i < 5; ++i) {
        co_await sleep(20ms);
        co_await writer.write("part");
      }
    });
  };
  routes.get("/", stream);
  const std::string got = co_await talk_to(routes, "GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(got.ends_with("partpartpartpartpart"));
}

CO_TEST(HttpServers, break_a_stream_that_fails_so_that_nobody_takes_it_for_whole) {
  Routes routes;
  auto stream = [](Request& request) -> Task<Response> {
    static_cast<void>(request);
    co_return Response::stream("x/y", [](http::BodyWriter& writer) -> Task<> {
      co_await writer.write("part");
      co_await fail(std::errc::io_error, "test");
    });
  };
  routes.get("/", stream);
  auto sized = [](Request& request) -> Task<Response> {
    static_cast<void>(request);
    Response response = Response::stream(
        "x/y", [](http::BodyWriter& writer) -> Task<> { co_await writer.write("part"); });
    EXPECT_TRUE(response.fields().set("Content-Length", "5"));
    co_return response;
  };
  routes.get("/sized", sized);
  const std::string got = co_await talk_to(routes, get("/") + get("/"));
  EXPECT_EQ(statuses(got), "200");
  EXPECT_FALSE(got.ends_with("0\r\n\r\n"));
  const std::string short_one = co_await talk_to(routes, get("/sized") + get("/"));
  EXPECT_EQ(statuses(short_one), "200");
}

CO_TEST(HttpServers, limit_requests) {
  Event go_on;
  int running = 0;
  Routes routes;
  auto waits = [&](Request& request) -> Task<Response> {
    static_cast<void>(request);
    ++running;
    co_await go_on.wait();
    co_return Response::text("done");
  };
  routes.get("/wait", waits);
  routes.get("/", hello);
  auto body = [&](const Address& address, http::Server& server) -> Task<> {
    static_cast<void>(server);
    StreamSocket busy = co_await StreamSocket::connect(address);
    co_await busy.write_all(get("/wait"));
    while (running == 0) co_await sleep(1ms);
    StreamSocket other = co_await StreamSocket::connect(address);
    co_await other.write_all(get("/"));
    const std::string refused = co_await read_until_has(other, "Retry-After: 1");
    EXPECT_EQ(statuses(refused), "503");
    go_on.set();
    const std::string done = co_await read_until_has(busy, "done");
    StreamSocket third = co_await StreamSocket::connect(address);
    co_await third.write_all(get("/") + get("/") + get("/"));
    const std::string two = co_await read_to_end(third);
    EXPECT_EQ(statuses(two), "200 200");
  };
  co_await with_server(std::move(routes), body,
                       {.linger = 100ms, .requests_at_once_max = 1, .requests_each_max = 2});
}

// ---- Upgrades -----------------------------------------------------------------------------------

struct Toy {
  bool began = false;
  bool told_of_drain = false;
};
/// Not captured: a function with captures is kept beside its task.
Toy toy_state;

Task<> toy(http::Upgraded upgraded) {
  toy_state.began = true;
  const std::unique_ptr<Stream> stream = std::move(upgraded.stream);
  co_await stream->write_all("toy");
  co_await upgraded.draining->wait();
  toy_state.told_of_drain = true;
  co_await stream->write_all("bye");
  co_await stream->close();
}

Task<Response> upgrade_to_toy(Request& request) {
  static_cast<void>(request);
  co_return Response::upgrade("toy", toy);
}

CO_TEST(HttpServers, leave_nothing_of_http_beneath_an_upgrade) {
  toy_state = {};
  Routes routes;
  routes.get("/", upgrade_to_toy);
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address address = listener.address();
  http::Server server(std::move(listener), std::move(routes));
  auto all = [&](Group& group) -> Task<> {
    group.start(server.run());
    StreamSocket socket = co_await StreamSocket::connect(address);
    co_await socket.write_all(get("/", "Connection: Upgrade\r\nUpgrade: toy\r\n"));
    const std::string got = co_await read_until_has(socket, "toy\r\n\r\ntoy");
    EXPECT_EQ(statuses(got), "101");
    EXPECT_TRUE(toy_state.began);
    EXPECT_EQ(server.sessions(), 1U);
    co_await sleep(1ms);  // until it waits for the drain
    const std::string tasks = ieum::detail::Loop::current()->dump();
    EXPECT_THAT(tasks, testing::HasSubstr("http/servers.cpp"));
    EXPECT_EQ(tasks.find("src/http/"), tasks.npos) << tasks;
    const DrainReport report = co_await server.drain(10s);
    EXPECT_EQ(report.finished, 1U);
    EXPECT_TRUE(toy_state.told_of_drain);
    const std::string rest = co_await read_to_end(socket);
    EXPECT_EQ(rest, "bye");
  };
  co_await with_group(all);
}

// ---- Proxies ------------------------------------------------------------------------------------

Task<Response> who(Request& request) {
  std::string text = request.client().to_string();
  text.append(" ").append(request.scheme());
  co_return Response::text(std::move(text));
}

CO_TEST(HttpProxies, are_believed_only_if_they_are_trusted) {
  Routes routes;
  routes.get("/", who);
  const std::string fields =
      "X-Forwarded-For: 9.9.9.9, 1.2.3.4, 10.0.0.7\r\nX-Forwarded-Proto: https\r\n";
  const std::string strange = co_await talk_to(routes, get("/", fields));
  EXPECT_THAT(strange, testing::HasSubstr("127.0.0.1:"));
  EXPECT_TRUE(strange.ends_with(" http"));
  EXPECT_TRUE(routes.trust("127.0.0.0/8"));
  const std::string last = co_await talk_to(routes, get("/", fields));
  EXPECT_TRUE(last.ends_with("\r\n10.0.0.7:0 https")) << last;
  EXPECT_TRUE(routes.trust("10.0.0.0/8"));
  const std::string chain = co_await talk_to(routes, get("/", fields));
  EXPECT_TRUE(chain.ends_with("\r\n1.2.3.4:0 https")) << chain;
  const std::string standard = co_await talk_to(
      routes, get("/", fields + "Forwarded: for=8.8.8.8, for=\"[2001:db8::1]:47\";proto=http\r\n"));
  EXPECT_TRUE(standard.ends_with("\r\n[2001:db8::1]:0 http")) << standard;
  const std::string hidden =
      co_await talk_to(routes, get("/", "Forwarded: for=8.8.8.8, for=_secret\r\n"));
  EXPECT_THAT(hidden, testing::HasSubstr("127.0.0.1:"));
  EXPECT_FALSE(routes.trust("example.com"));
  EXPECT_FALSE(routes.trust("1.2.3.4/33"));
}

CO_TEST(HttpProxies, may_speak_the_proxy_protocol) {
  Routes routes;
  routes.get("/", who);
  const http::ServerOptions options{.proxy_protocol = true};
  const std::string one = "PROXY TCP4 1.2.3.4 5.6.7.8 1000 80\r\n" + get("/");
  const std::string distrusted = co_await talk_to(routes, one, options);
  EXPECT_EQ(distrusted, "");
  EXPECT_TRUE(routes.trust("127.0.0.1"));
  const std::string first = co_await talk_in_pieces(routes, one, 3, options);
  EXPECT_TRUE(first.ends_with("1.2.3.4:1000 http")) << first;
  std::string two("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x03\xe8\0P",
                  28);
  const std::string second = co_await talk_in_pieces(routes, two + get("/"), 5, options);
  EXPECT_TRUE(second.ends_with("1.2.3.4:1000 http")) << second;
  for (const std::string& bad : std::vector<std::string>{
           get("/"), "PROXY TCP4 1.2.3.4 5.6.7.8 1000\r\n" + get("/"),
           "PROXY TCP6 1.2.3.4 5.6.7.8 1000 80\r\n" + get("/"),
           "PROXY TCP4 1.2.3.4 5.6.7.8 1000 80\n" + get("/"), std::string(200, 'P')}) {
    const std::string refused = co_await talk_to(routes, bad, options);
    EXPECT_EQ(refused, "") << bad;
  }
}

// ---- Other streams ------------------------------------------------------------------------------

CO_TEST(HttpServers, serve_unix_sockets) {
  Routes routes;
  routes.get("/", hello);
  Pair pair = co_await connected(Transport::unix_socket);
  auto all = [&](Group& group) -> Task<> {
    group.start(http::serve_on(pair.server, routes, {}));
    co_await pair.client.write_all(get("/", "Connection: close\r\n"));
    const std::string got = co_await read_to_end(pair.client);
    EXPECT_TRUE(got.ends_with("hello"));
    co_await pair.client.close();
    co_await group.join();
  };
  co_await with_group(all);
}

}  // namespace
}  // namespace ieum::test
