#include "bench/bench_server_websocket.hpp"

#include <string>
#include <utility>

#include <ieum/websocket/accept.hpp>

#include "bench/bench_limits.hpp"

namespace ieum::cli {

namespace {

Task<> answer_messages(WebSocket socket, std::optional<std::uint64_t> bytes) {
  const std::string text(static_cast<std::size_t>(bytes.value_or(0)), 'y');
  for (;;) {
    WebSocketMessage message = co_await socket.receive();
    if (!message) co_return;
    if (bytes) {
      co_await socket.send_binary(std::as_bytes(std::span(text)));
    } else {
      co_await socket.send(std::move(message));
    }
  }
}

}  // namespace

http::Response accept_bench_websocket(const http::Request& request,
                                      std::optional<std::uint64_t> answer_bytes) {
  WebSocketOptions options;
  options.message_bytes_max = message_bytes_max;
  options.origins = "*";
  auto handler = [answer_bytes](WebSocket socket) {
    return answer_messages(std::move(socket), answer_bytes);
  };
  return websocket::accept(request, handler, options);
}

}  // namespace ieum::cli
