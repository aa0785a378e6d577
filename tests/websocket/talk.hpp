// What the tests of WebSocket share: frames as bytes, a WebSocket whose peer is a script, pairs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <ieum/websocket/websocket.hpp>

#include "conformance/conformance.hpp"

namespace ieum::test {

/// A frame whose first byte is `first`; masked as a client's, if it is one.
std::string frame(unsigned first, std::string_view payload, bool masked);
/// What a peer of this role's would send: masked to a server.
inline std::string to(WebSocketRole role, unsigned first, std::string_view payload) {
  return frame(first, payload, role == WebSocketRole::server);
}
inline std::string close_payload(unsigned code, std::string_view reason = {}) {
  return std::string{static_cast<char>(code >> 8U), static_cast<char>(code & 255U)} +
         std::string(reason);
}
/// `text hello`, `pong abc`, `close 1000 bye`, one a line; and whether they are masked as they
/// must.
std::string describe(std::string_view frames, bool masked);

/// How a conversation went.
struct Talk {
  std::string messages;  ///< `text hello`, `binary xyz`, one a line
  std::string end;       ///< `end 1000 bye`, or the error's code and detail
  std::string said;      ///< what the WebSocket sent, as `describe` has it
};
/// A WebSocket of this role hears `input`, in pieces of `piece` bytes, and then the peer's end.
Task<Talk> hear(WebSocketRole role, std::string input, WebSocketOptions options = {},
                std::size_t piece = 1U << 20U);

struct WebSocketPair {
  WebSocket client;
  WebSocket server;
};
/// The two ends over a connected pair, without a handshake.
Task<WebSocketPair> websocket_pair(WebSocketOptions client = {}, WebSocketOptions server = {});

WebSocket over(StreamSocket socket, WebSocketRole role, WebSocketOptions options = {});

/// Sends back what comes until the end.
Task<> echo_messages(WebSocket socket);

/// For loops over both roles.
inline constexpr WebSocketRole roles[] = {WebSocketRole::server, WebSocketRole::client};

}  // namespace ieum::test
