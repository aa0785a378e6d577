// A broadcast on simulated networks: clients that are slow, that vanish, and that are cut off.
#include <gmock/gmock.h>

#include <ieum/http/server.hpp>
#include <ieum/sim_network.hpp>
#include <ieum/websocket/accept.hpp>

#include "websocket/talk.hpp"

namespace ieum::test {
namespace {

constexpr int frames = 200;
constexpr int clients = 6;

struct Room {
  std::vector<WebSocket*> members;
};
Room* room = nullptr;  // of the network that runs

class Member {
 public:
  explicit Member(WebSocket& socket) : socket_(&socket) { room->members.push_back(socket_); }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;
  ~Member() { std::erase(room->members, socket_); }

 private:
  WebSocket* socket_;
};

Task<> listen(WebSocket socket) {
  const Member member(socket);
  for (;;) {
    const WebSocketMessage message = co_await socket.receive();
    if (!message) break;
  }
}

Task<> publish() {
  for (int i = 0; i < frames; ++i) {
    const WebSocketFrame frame =
        WebSocketFrame::text(std::to_string(i) + " " + std::string(i % 11 * 300, 'x'));
    for (WebSocket* const member : room->members) member->try_send(frame);
    co_await sleep(10ms);
  }
}

Task<> serve_room() {
  http::Routes routes;
  routes.get("/", websocket::route(listen, {.ping_interval = 1s, .queue_bytes_max = 30'000}));
  Listener listener = co_await Listener::bind("0.0.0.0:80");
  http::Server server(std::move(listener), std::move(routes));
  auto body = [&](Group& group) -> Task<> {
    group.start(server.run());
    co_await publish();
    const DrainReport report = co_await server.drain(30s);
    static_cast<void>(report);
  };
  co_await with_group(body);
}

/// Each gets numbers in order without a gap, whole, then an end or an error.
Task<> follow(int number, int& ended) {
  Result<WebSocket> made = co_await attempt(WebSocket::connect("ws://server/"));
  if (!made) {
    ++ended;
    co_return;
  }
  WebSocket socket = std::move(*made);
  int next = -1;
  for (;;) {
    Result<WebSocketMessage> message = co_await attempt(socket.receive());
    if (!message || !*message) break;
    const int got = std::stoi(std::string(message->text()));
    if (next >= 0) {
      EXPECT_EQ(got, next);
    }
    EXPECT_EQ(message->size(), std::to_string(got).size() + 1 + got % 11 * 300U);
    next = got + 1;
    if (number % 3 == 1) co_await sleep(40ms);  // slow
    if (number % 3 == 2 && next > 60) break;    // vanishes
  }
  ++ended;
}

void broadcast(std::uint64_t seed) {
  Room of_this;
  room = &of_this;
  int ended = 0;
  {
    SimNetwork net{seed};
    SimHost& server = net.add_host("server");
    server.start_background(serve_room());
    for (int i = 0; i < clients; ++i) {
      SimHost& client = net.add_host("client" + std::to_string(i));
      client.start(follow(i, ended));
      if (i == 4) {
        net.at(500ms, [&net, &server, &client] { net.partition(server, client); });
        net.at(1s, [&net, &server, &client] { net.heal(server, client); });
      }
    }
    const Result<> result = net.run();
    EXPECT_TRUE(result) << result.error().to_string() << " seed " << seed;
  }
  EXPECT_EQ(ended, clients) << seed;
  room = nullptr;
}

TEST(WebSocketSeeds, a_broadcast_reaches_all_in_order) {
  const std::uint64_t count = long_form() ? 10'000 : 20;
  for (std::uint64_t i = 0; i < count && !testing::Test::HasFailure(); ++i) {
    broadcast(seed() + i);
  }
}

}  // namespace
}  // namespace ieum::test
