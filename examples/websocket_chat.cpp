// A chat for browsers: a page, and one WebSocket for each who has it open.
//
//     build/examples/websocket_chat 127.0.0.1:8080 examples/web    and open http://127.0.0.1:8080/
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <ieum/http/server.hpp>
#include <ieum/ieum.hpp>
#include <ieum/websocket/accept.hpp>

using namespace ieum;

/// Who is here: a member as long as it lives.
class Member {
 public:
  explicit Member(WebSocket& socket) : socket_(&socket) { all.push_back(socket_); }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;
  ~Member() { std::erase(all, socket_); }

  /// Framed once for all. One who does not keep up is cut off (`WhenFull::disconnect`).
  static void tell_all(std::string_view text) {
    const WebSocketFrame frame = WebSocketFrame::text(text);
    for (WebSocket* const socket : all) socket->try_send(frame);
  }

 private:
  static inline std::vector<WebSocket*> all;
  WebSocket* socket_;
};

Task<> talk(WebSocket socket) {
  const Member member(socket);
  Member::tell_all("somebody has come");
  while (WebSocketMessage message = co_await socket.receive()) {
    if (message.is_text()) Member::tell_all(message.text());
  }
  Member::tell_all("somebody has left");
}

Task<> serve_chat(std::string address, std::string directory) {
  http::Routes routes;
  co_await routes.files("/", directory);
  routes.get("/chat", websocket::route(talk, {.message_bytes_max = 4096,
                                              .ping_interval = std::chrono::seconds(30),
                                              .queue_bytes_max = 64 * 1024}));
  Listener listener = co_await Listener::bind(address);
  std::printf("http://%s/\n", listener.address().to_string().c_str());
  std::fflush(stdout);
  co_await http::serve(std::move(listener), std::move(routes));
}

int main(int count, char** arguments) {
  const std::string address = count > 1 ? arguments[1] : "127.0.0.1:8080";
  const std::string directory = count > 2 ? arguments[2] : "examples/web";
  return run_main(serve_chat(address, directory));
}
