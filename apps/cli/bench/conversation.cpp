#include "bench/conversation.hpp"

#include <utility>

#include "tls_layer/tls_contexts.hpp"

namespace ieum::cli {

Task<Connected> connect_to(const BenchTarget& target, OpenTrouble& trouble) {
  auto socket = std::make_unique<StreamSocket>();
  *socket = co_await StreamSocket::connect(std::span(target.addresses));
  Connected connected;
  connected.socket = socket.get();
  connected.stream = std::move(socket);
  if (target.tls != nullptr) {
    trouble.in_tls = true;
    connected.stream = co_await put_client_tls_over(std::move(connected.stream), target.tls,
                                                    target.tls_name, trouble.peer);
    trouble.in_tls = false;
  }
  co_return connected;
}

std::optional<TcpInfo> tcp_info_of(const StreamSocket& socket) {
  const Result<SocketInfo> info = socket.info();
  return info ? info->tcp : std::nullopt;
}

Task<std::unique_ptr<Conversation>> Conversation::open(const BenchTarget& target,
                                                       OpenTrouble& trouble) {
  switch (target.protocol) {
    case Protocol::datagrams: return open_datagram_conversation(target);
    case Protocol::websocket: return open_websocket_conversation(target, trouble);
    case Protocol::bytes:
    case Protocol::http: break;
  }
  return open_stream_conversation(target, trouble);
}

}  // namespace ieum::cli
