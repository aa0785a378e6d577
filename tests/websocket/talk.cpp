// What the tests of WebSocket share.
#include "websocket/talk.hpp"

namespace ieum::test {

std::string frame(unsigned first, std::string_view payload, bool masked) {
  std::string text(1, static_cast<char>(first));
  const unsigned mask = masked ? 0x80 : 0;
  const std::size_t size = payload.size();
  if (size < 126) {
    text += static_cast<char>(size | mask);
  } else if (size < 65'536) {
    text += static_cast<char>(126 | mask);
    text += static_cast<char>(size >> 8U);
    text += static_cast<char>(size);
  } else {
    text += static_cast<char>(127 | mask);
    for (int shift = 56; shift >= 0; shift -= 8) text += static_cast<char>(size >> shift);
  }
  if (!masked) return text.append(payload);
  const std::string key = "\x11\x9f\x03\xe7";
  text += key;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(payload[i] ^ key[i % 4]);
  return text;
}

std::string describe(std::string_view frames, bool masked) {
  std::string all;
  while (frames.size() >= 2) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(frames[i]); };
    const unsigned first = at(0);
    std::uint64_t size = at(1) & 127U;
    if (((at(1) & 128U) != 0) != masked) return all + "masked wrongly";
    std::size_t head = 2;
    const std::size_t more = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (more > 0) size = 0;
    for (std::size_t i = 0; i < more; ++i) size = size << 8U | at(head++);
    std::string key(4, '\0');
    if (masked) {
      key = frames.substr(head, 4);
      head += 4;
    }
    std::string payload(frames.substr(head, size));
    for (std::size_t i = 0; i < payload.size(); ++i) {
      payload[i] = static_cast<char>(payload[i] ^ key[i % 4]);
    }
    frames.remove_prefix(std::min<std::size_t>(frames.size(), head + size));
    switch (first) {
      case 0x81: all += "text "; break;
      case 0x82: all += "binary "; break;
      case 0x88:
        all += "close ";
        if (payload.size() >= 2) {
          const unsigned code = static_cast<unsigned char>(payload[0]) * 256U +
                                static_cast<unsigned char>(payload[1]);
          payload = std::to_string(code) + " " + payload.substr(2);
        }
        break;
      case 0x89: all += "ping "; break;
      case 0x8a: all += "pong "; break;
      default: all += "0x" + std::to_string(first) + " "; break;
    }
    all += payload + "\n";
  }
  return all;
}

WebSocket over(StreamSocket socket, WebSocketRole role, WebSocketOptions options) {
  return WebSocket::over(std::make_unique<StreamSocket>(std::move(socket)), role, {}, options);
}

namespace {

Task<> speak(StreamSocket& socket, std::string_view input, std::size_t piece, std::string& heard) {
  auto both = [&](Group& group) -> Task<> {
    auto write = [](StreamSocket& to, std::string_view text, std::size_t size) -> Task<> {
      while (!text.empty()) {
        const std::string_view some = text.substr(0, size);
        Result<> written = co_await attempt(to.write_all(some));
        if (!written) co_return;  // refused meanwhile
        text.remove_prefix(some.size());
        co_await yield();
      }
      Result<> finished = co_await attempt(to.shutdown_write());
      static_cast<void>(finished);
    };
    group.start(write(socket, input, piece));
    for (;;) {
      Result<Lease> data = co_await attempt(socket.receive());
      if (!data || data->empty()) break;
      heard += data->text();
    }
    co_await group.join();
  };
  co_await with_group(both);
  Result<> closed = co_await attempt(socket.close());
  static_cast<void>(closed);
}

Task<> listen_to(WebSocket socket, Talk& talk) {
  for (;;) {
    Result<WebSocketMessage> message = co_await attempt(socket.receive());
    if (!message) {
      talk.end = message.error().code().message() + ": " + std::string(message.error().detail());
      co_return;
    }
    if (!*message) break;
    talk.messages += message->is_text() ? "text " : "binary ";
    talk.messages += message->text();
    talk.messages += "\n";
  }
  talk.end = "end " + std::to_string(static_cast<unsigned>(socket.close_code().value()));
  if (!socket.close_reason().empty()) talk.end.append(" ").append(socket.close_reason());
}

}  // namespace

Task<Talk> hear(WebSocketRole role, std::string input, WebSocketOptions options,
                std::size_t piece) {
  Pair pair = co_await connected();
  Talk talk;
  std::string heard;
  auto body = [&](Group& group) -> Task<> {
    group.start(speak(pair.client, input, piece, heard));
    co_await listen_to(over(std::move(pair.server), role, options), talk);
    co_await group.join();
  };
  co_await with_group(body);
  talk.said = describe(heard, role == WebSocketRole::client);
  co_return talk;
}

Task<WebSocketPair> websocket_pair(WebSocketOptions client, WebSocketOptions server) {
  Pair pair = co_await connected();
  WebSocketPair made;
  made.client = over(std::move(pair.client), WebSocketRole::client, client);
  made.server = over(std::move(pair.server), WebSocketRole::server, server);
  co_return std::move(made);
}

Task<> echo_messages(WebSocket socket) {
  while (WebSocketMessage message = co_await socket.receive()) {
    co_await socket.send(std::move(message));
  }
}

}  // namespace ieum::test
