// The benchmark's WebSocket server with ieum. IEUM_DRIVER says on which driver.
#include <algorithm>
#include <vector>

#include <ieum/http/server.hpp>
#include <ieum/ieum.hpp>
#include <ieum/websocket/accept.hpp>

#include "websocket_servers/websocket_server.hpp"

namespace {

using namespace ieum;

std::vector<WebSocket*> room;

class Member {
 public:
  explicit Member(WebSocket& socket) : socket_(&socket) { room.push_back(socket_); }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;
  ~Member() { std::erase(room, socket_); }

 private:
  WebSocket* socket_;
};

Task<> echo(WebSocket socket) {
  while (WebSocketMessage message = co_await socket.receive()) {
    co_await socket.send(std::move(message));
  }
}

Task<> tell_all(WebSocket socket) {
  const Member member(socket);
  while (WebSocketMessage message = co_await socket.receive()) {
    const WebSocketFrame frame = WebSocketFrame::binary(message.bytes());
    for (WebSocket* const one : room) one->try_send(frame);
  }
}

Task<> program(bench::WebSocketMode mode) {
  http::Routes routes;
  const WebSocketOptions options{.compression = mode == bench::WebSocketMode::deflate};
  if (mode == bench::WebSocketMode::fanout) {
    routes.get("/", websocket::route(tell_all, options));
  } else {
    routes.get("/", websocket::route(echo, options));
  }
  Listener listener = co_await Listener::bind("127.0.0.1:0", {.backlog = bench::backlog});
  bench::configure(listener.native_handle(), {});
  bench::announce(listener.address().port());
  http::Server server(std::move(listener), std::move(routes), {},
                      {.sessions_max = bench::descriptors_max});
  co_await server.run();
}

}  // namespace

int main(int argc, char** argv) { return run_main(program(bench::parse_websocket(argc, argv))); }
