// Whole conversations with a server: a request, which may be one for a WebSocket, and then whatever
// a client may send, in pieces. The server ends, and what it says is an answer, and then frames.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include <ieum/http/server.hpp>
#include <ieum/ieum.hpp>
#include <ieum/websocket/accept.hpp>

#include "fuzz/script.hpp"
#include "websocket/frame.hpp"

namespace {

using namespace ieum;

constexpr std::string_view request =
    "GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

Task<> echo(WebSocket socket) {
  const WebSocketFrame hello = WebSocketFrame::text("hello");
  static_cast<void>(socket.try_send(hello));
  while (WebSocketMessage message = co_await socket.receive()) {
    if (message.is_text() && message.text() == "bye") {
      co_await socket.close(CloseCode::going_away, "bye");
      co_return;
    }
    co_await socket.send(std::move(message));
  }
}

/// Frames as a server may send them, whole ones; nothing behind a Close. Gives whether one came.
bool check(std::string_view said) {
  bool has_closed = false;
  while (!said.empty()) {
    if (has_closed) std::abort();
    websocket::detail::FrameHead head;
    const auto read = websocket::detail::read_head(std::as_bytes(std::span(said)),
                                                   {.masked = false, .compressed = true}, head);
    if (read.fault != nullptr || read.size == 0) std::abort();
    if (said.size() - read.size < head.length) std::abort();
    has_closed = head.opcode == websocket::detail::Opcode::close;
    said.remove_prefix(read.size + head.length);
  }
  return has_closed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  if (size < 2) return 0;
  static const std::unique_ptr<Runtime> runtime = Runtime::create().value();
  static const http::Routes routes = [] {
    http::Routes all;
    all.get("/echo", websocket::route(echo, {.message_bytes_max = 50'000,
                                             .compression = true,
                                             .compression_bytes_min = 16}));
    return all;
  }();
  std::string input;
  if ((static_cast<unsigned char>(data[0]) & 3U) != 0) input = request;
  input.append(data + 2, size - 2);
  const std::size_t piece = 1 + 4 * std::size_t{static_cast<unsigned char>(data[1])};
  test::Script script(input, piece);
  const Result<> done = run(*runtime, http::serve_on(script, routes));
  if (script.is_open()) std::abort();
  const std::string_view said = script.output;
  if (!said.starts_with("HTTP/1.1 101 ")) return 0;
  if (done && !check(said.substr(said.find("\r\n\r\n") + 4))) std::abort();  // it was ours to end
  return 0;
}
