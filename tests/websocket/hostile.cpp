// Many peers at once that mean harm, or are merely bad: what they cost is bounded, they are cut,
// and others are served meanwhile. In the long form there are 1,000 of each kind.
#include <malloc.h>
#include <algorithm>

#include <gmock/gmock.h>

#include <ieum/http/server.hpp>
#include <ieum/websocket/accept.hpp>

#include "websocket/talk.hpp"

namespace ieum::test {
namespace {

std::size_t crowd() { return long_form() ? 1000 : 50; }

/// In use of the heap; under a sanitizer nothing is known, and a simulated network has its own
/// there.
std::size_t heap_bytes() { return is_simulated() ? 0 : ::mallinfo2().uordblks; }

/// What a server's sessions ended with.
struct Ends {
  std::size_t begun = 0;
  std::vector<std::string> errors;
  std::size_t well = 0;

  [[nodiscard]] std::size_t all() const { return errors.size() + well; }
};

Task<> echo_until_end(WebSocket socket, Ends& ends) {
  ++ends.begun;
  for (;;) {
    Result<WebSocketMessage> message = co_await attempt(socket.receive());
    if (!message) {
      ends.errors.emplace_back(message.error().detail());
      co_return;
    }
    if (!*message) break;
    Result<> sent = co_await attempt(socket.send(std::move(*message)));
    if (sent) continue;
    ends.errors.emplace_back(sent.error().detail());
    co_return;
  }
  ++ends.well;
}

/// A connection that has been upgraded, and is ours to misuse.
Task<StreamSocket> upgraded(std::string address) {
  StreamSocket socket = co_await StreamSocket::connect(address);
  co_await socket.write_all(
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  std::string answer;
  co_await socket.read_until(answer, "\r\n\r\n", 4096);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 "));
  co_return socket;
}

/// One who behaves is served at any time.
Task<> expect_service(std::string address) {
  WebSocket socket = co_await WebSocket::connect("ws://" + address);
  for (int i = 0; i < 5; ++i) {
    co_await socket.send_text("hello");
    const WebSocketMessage message = co_await socket.receive();
    EXPECT_EQ(message.text(), "hello");
  }
  co_await socket.close();
}

/// `misuse` is what each of the crowd does, and returns once the server has cut it off. Gives what
/// the heap held for each at most while all were there and had begun.
template <class Misuse>
Task<std::size_t> withstand(WebSocketOptions options, Ends& ends, Misuse misuse) {
  http::Routes routes;
  auto talk = [&ends](WebSocket socket) { return echo_until_end(std::move(socket), ends); };
  routes.get("/", websocket::route(talk, options));
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const std::string address = listener.address().to_string();
  http::Server server(std::move(listener), std::move(routes));
  std::size_t each = 0;
  auto all = [&](Group& group) -> Task<> {
    group.start(server.run());
    co_await expect_service(address);  // what is made once counts for none
    const std::size_t before = heap_bytes();
    for (std::size_t i = 0; i < crowd(); ++i) {
      StreamSocket socket = co_await upgraded(address);
      group.start(misuse(std::move(socket)));
    }
    while (ends.errors.size() < crowd()) {
      co_await expect_service(address);
      const std::size_t now_held = heap_bytes();
      if (now_held > before) each = std::max(each, (now_held - before) / crowd());
      co_await sleep(20ms);
    }
    const DrainReport report = co_await server.drain(10s);
    EXPECT_EQ(report.cut, 0U);
    co_await group.join();
  };
  co_await with_group(all);
  co_return each;
}

Task<> until_cut(StreamSocket& socket) {
  for (;;) {
    const Result<Lease> data = co_await attempt(socket.receive());
    if (!data || data->empty()) break;
  }
  const Result<> closed = co_await attempt(socket.close());
  static_cast<void>(closed);
}

void expect_bounded(std::size_t each, std::size_t most) {
  EXPECT_LE(each, most) << "bytes for each";
  testing::Test::RecordProperty("bytes_each", static_cast<int>(each));
}

/// A byte at a time is no sign of life.
CO_TEST(WebSocketHostile, those_who_send_a_byte_at_a_time_are_cut) {
  Ends ends;
  auto dribble = [](StreamSocket socket) -> Task<> {
    static const std::string message = frame(0x82, std::string(10'000, 'x'), true);
    for (std::size_t i = 0;; ++i) {
      const std::string byte = message.substr(i, 1);
      const Result<> sent = co_await attempt(socket.write_all(byte));
      if (!sent) break;
      co_await sleep(100ms);
    }
    co_await until_cut(socket);
  };
  const std::size_t each =
      co_await withstand({.ping_interval = long_form() ? 3s : 500ms}, ends, dribble);
  expect_bounded(each, 8'000);
  const std::size_t cut = static_cast<std::size_t>(std::ranges::count_if(
      ends.errors, [](const std::string& why) { return why.contains("ping"); }));
  EXPECT_EQ(cut, crowd());
}

/// They send what is to be echoed, and do not read: what waits for them is bounded, and reading
/// stops.
CO_TEST(WebSocketHostile, those_who_never_read_are_cut) {
  Ends ends;
  auto deaf = [](StreamSocket socket) -> Task<> {
    co_await socket.set_option(SocketOption::so_rcvbuf, 4 * 1024);
    static const std::string message = frame(0x82, std::string(1'000, 'x'), true);
    for (int i = 0; i < 100; ++i) {
      const Result<> sent = co_await attempt(socket.write_all(message));
      if (!sent) break;
    }
    // Says goodbye in the middle of a frame, and goes.
    const Result<> half = co_await attempt(socket.write_all(message.substr(0, 100)));
    static_cast<void>(half);
    co_await sleep(500ms);
    co_await socket.reset();
  };
  const std::size_t each = co_await withstand({}, ends, deaf);
  expect_bounded(each, 64'000);
  EXPECT_EQ(ends.errors.size(), crowd());
}

CO_TEST(WebSocketHostile, floods_of_pings_cost_little) {
  Ends ends;
  auto flood = [](StreamSocket socket) -> Task<> {
    std::string pings;
    for (int i = 0; i < 100; ++i) pings += frame(0x89, std::string(125, 'p'), true);
    for (int i = 0; i < 5; ++i) {
      const Result<> sent = co_await attempt(socket.write_all(pings));
      if (!sent) break;
    }
    const Result<> wrong = co_await attempt(socket.write_all("\xff\xff"));
    static_cast<void>(wrong);
    co_await until_cut(socket);
  };
  const std::size_t each = co_await withstand({}, ends, flood);
  expect_bounded(each, 32'000);
  EXPECT_EQ(ends.errors.size(), crowd());
}

CO_TEST(WebSocketHostile, fragments_of_one_byte_are_counted) {
  Ends ends;
  auto crumble = [](StreamSocket socket) -> Task<> {
    std::string crumbs = frame(0x02, "x", true);
    for (int i = 0; i < 400; ++i) crumbs += frame(0x00, i % 2 == 0 ? "x" : "", true);
    const Result<> sent = co_await attempt(socket.write_all(crumbs));
    static_cast<void>(sent);
    co_await until_cut(socket);
  };
  const std::size_t each = co_await withstand({.fragments_max = 300}, ends, crumble);
  expect_bounded(each, 16'000);
  for (const std::string& why : ends.errors) {
    EXPECT_THAT(why, testing::HasSubstr("1009: a message has too many fragments"));
  }
}

/// 4 GiB are announced: nothing is kept for what has not come.
CO_TEST(WebSocketHostile, what_is_announced_costs_nothing) {
  Ends ends;
  auto announce = [](StreamSocket socket) -> Task<> {
    co_await socket.write_all(std::string("\x82\xff\0\0\0\0\0\xff\0\0abcd", 14) + "xyz");
    co_await sleep(200ms);
    co_await socket.reset();
  };
  const std::size_t each = co_await withstand({}, ends, announce);
  expect_bounded(each, 8'000);
  EXPECT_EQ(ends.errors.size(), crowd());
}

CO_TEST(WebSocketHostile, a_close_that_is_never_answered_ends_all_the_same) {
  Ends ends;
  http::Routes routes;
  auto talk = [&ends](WebSocket socket) -> Task<> {
    Result<> closed = co_await attempt(socket.close(CloseCode::going_away));
    if (closed) {
      ++ends.well;
    } else {
      ends.errors.emplace_back(closed.error().detail());
    }
  };
  routes.get("/", websocket::route(talk, {.close_timeout = 300ms}));
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const std::string address = listener.address().to_string();
  http::Server server(std::move(listener), std::move(routes));
  auto all = [&](Group& group) -> Task<> {
    group.start(server.run());
    std::vector<StreamSocket> silent;
    for (std::size_t i = 0; i < crowd(); ++i) {
      StreamSocket socket = co_await upgraded(address);
      silent.push_back(std::move(socket));
    }
    while (ends.all() < crowd()) co_await sleep(20ms);
    for (StreamSocket& socket : silent) co_await socket.reset();
    const DrainReport report = co_await server.drain(10s);
    EXPECT_EQ(report.cut, 0U);
  };
  co_await with_group(all);
  EXPECT_EQ(ends.errors.size(), crowd());
  for (const std::string& why : ends.errors) EXPECT_THAT(why, testing::HasSubstr("our Close"));
}

}  // namespace
}  // namespace ieum::test
