// Whatever a peer sends, in whatever pieces: a WebSocket of either role, with and without
// compression, gives messages and then an end or an error; and its handshakes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include <ieum/runtime.hpp>
#include <ieum/websocket/websocket.hpp>

#include "support/scripted_stream.hpp"
#include "websocket/connection.hpp"
#include "websocket/handshake.hpp"

using namespace ieum;

static Task<> hear(std::string_view input, std::size_t piece, websocket::detail::Setup setup) {
  auto stream = std::make_unique<test::ScriptedStream>();
  for (; !input.empty(); input.remove_prefix(std::min(piece, input.size()))) {
    stream->input.emplace_back(input.substr(0, piece));
  }
  WebSocket socket = setup.make(std::move(stream));
  for (;;) {
    Result<WebSocketMessage> message = co_await attempt(socket.receive());
    if (!message || !*message) co_return;
    if (message->size() > setup.options->message_bytes_max) std::abort();
    co_await socket.send(std::move(*message));
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const unsigned how = data[0];
  const std::size_t piece = 1 + data[1] % 64U;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  static const auto options = std::make_shared<const WebSocketOptions>(WebSocketOptions{
      .message_bytes_max = 100'000, .fragments_max = 1000, .compression_bytes_min = 0});
  websocket::detail::Setup setup;
  setup.role = (how & 1U) != 0 ? WebSocketRole::client : WebSocketRole::server;
  setup.options = options;
  if ((how & 2U) != 0) setup.deflate.emplace();
  const Result<> result = run(hear(text, piece, setup));
  if (!result && result.error() != Errc::closed) std::abort();

  static_cast<void>(websocket::detail::choose_deflate(text, *options));
  static_cast<void>(websocket::detail::accept_deflate(text, *options));
  static_cast<void>(websocket::detail::choose_subprotocol("a, b", text));
  static_cast<void>(websocket::detail::is_origin_allowed(text, "example.com", ""));
  return 0;
}
