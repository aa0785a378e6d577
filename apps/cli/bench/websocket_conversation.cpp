// A conversation over WebSocket: each message is a binary one.
#include <utility>

#include <ieum/websocket/websocket.hpp>

#include "bench/bench_limits.hpp"
#include "bench/conversation.hpp"

namespace ieum::cli {

namespace {

class WebSocketConversation final : public Conversation {
 public:
  WebSocketConversation(WebSocket socket, StreamSocket& beneath, const BenchTarget& target)
      : beneath_(beneath),
        peer_(beneath.peer_address()),
        target_(target),
        socket_(std::move(socket)) {}

  Task<> send(std::uint64_t /*first*/, std::size_t count) override {
    const ConstBuffer message = std::as_bytes(std::span(target_.message));
    for (; count > 0; --count) co_await socket_.send_binary(message);
  }
  Task<> receive(std::vector<Answer>& to) override {
    const WebSocketMessage message = co_await socket_.receive();
    if (!message) {
      const Error ended = Error(Errc::end_of_stream, "receive", peer_);
      co_await fail(ended);
    }
    to.push_back({.bytes = message.size()});
  }
  /// The server closes the connection first, so that its port waits.
  Task<> end() override { return socket_.close(); }
  std::optional<TcpInfo> tcp_info() const override { return tcp_info_of(beneath_); }
  Address peer_address() const override { return peer_; }

 private:
  StreamSocket& beneath_;
  Address peer_;
  const BenchTarget& target_;
  WebSocket socket_;  // which owns what is beneath
};

}  // namespace

bool has_websocket() noexcept { return true; }

Task<std::unique_ptr<Conversation>> open_websocket_conversation(const BenchTarget& target,
                                                                OpenTrouble& trouble) {
  Connected connected = co_await connect_to(target, trouble);
  WebSocketConnectOptions options;
  options.session.message_bytes_max = message_bytes_max;
  StreamSocket& beneath = *connected.socket;
  WebSocket socket =
      co_await WebSocket::handshake(std::move(connected.stream), target.host, target.path, options);
  std::unique_ptr<Conversation> made =
      std::make_unique<WebSocketConversation>(std::move(socket), beneath, target);
  co_return made;
}

}  // namespace ieum::cli
