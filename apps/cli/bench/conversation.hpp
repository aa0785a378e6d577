// Conversation: one connection of a load, or one socket of datagrams: messages go, answers come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ieum/address.hpp>
#include <ieum/socket_info.hpp>
#include <ieum/stream_socket.hpp>
#include <ieum/task.hpp>
#include <ieum/tls_peer.hpp>

#include "bench/answer.hpp"

namespace ieum {
class TlsClientContext;
}

namespace ieum::cli {

/// What is spoken over the connection.
enum class Protocol : std::uint8_t { bytes, datagrams, http, websocket };

/// Where the messages of a load go, and what they are; the same for all conversations.
struct BenchTarget {
  Protocol protocol = Protocol::bytes;
  std::vector<Address> addresses{};               ///< the first that answers is taken
  std::string host{};                             ///< as the field Host has it
  std::string tls_name{};                         ///< who the server must prove to be
  std::string path{};                             ///< of WebSocket: a path with its query
  std::shared_ptr<const TlsClientContext> tls{};  ///< null: without TLS
  std::string greeting{};          ///< sent first: how `ieum bench --server` is to answer
  std::string message{};           ///< of HTTP: the whole request
  std::uint64_t answer_bytes = 0;  ///< of what comes for each; HTTP says that itself
  bool head_only = false;          ///< of HTTP: the replies have no body
};

/// What is known of a connection that could not be made.
struct OpenTrouble {
  bool in_tls = false;  ///< the handshake failed, not the connection
  TlsPeer peer{};
};

/// A sender and a receiver may use it at the same time, one of each.
class Conversation {
 public:
  Conversation() = default;
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  virtual ~Conversation() = default;

  /// Connects. `target` must outlive the conversation. Errors: those of connecting, of TLS, of the
  /// protocol's handshake; then `trouble` says more.
  [[nodiscard]] static Task<std::unique_ptr<Conversation>> open(const BenchTarget& target,
                                                                OpenTrouble& trouble);

  /// Sends so many messages, whose numbers begin with `first`.
  [[nodiscard]] virtual Task<> send(std::uint64_t first, std::size_t count) = 0;
  /// Waits until something comes, and appends the answers that are whole: maybe none. Errors:
  /// `Errc::end_of_stream`, the peer has finished; those of receiving.
  [[nodiscard]] virtual Task<> receive(std::vector<Answer>& to) = 0;
  /// Ends it: so that no port of ours has to wait (TIME-WAIT), if the protocol lets us.
  [[nodiscard]] virtual Task<> end() = 0;

  /// Nothing more will be answered, as the server has said.
  [[nodiscard]] virtual bool is_over() const noexcept { return false; }
  /// Of an answer that has begun; empty if there is none.
  [[nodiscard]] virtual std::string unfinished() const { return {}; }
  /// What the system knows of the connection; none of what is not TCP.
  [[nodiscard]] virtual std::optional<TcpInfo> tcp_info() const { return std::nullopt; }
  [[nodiscard]] virtual Address peer_address() const = 0;
};

/// Of any stream: the message as it is, and so many bytes back; or HTTP.
[[nodiscard]] Task<std::unique_ptr<Conversation>> open_stream_conversation(
    const BenchTarget& target, OpenTrouble& trouble);
[[nodiscard]] Task<std::unique_ptr<Conversation>> open_datagram_conversation(
    const BenchTarget& target);
/// Where the library has no WebSocket: `not_supported`.
[[nodiscard]] Task<std::unique_ptr<Conversation>> open_websocket_conversation(
    const BenchTarget& target, OpenTrouble& trouble);
/// The library has WebSocket.
[[nodiscard]] bool has_websocket() noexcept;

/// A connected socket, and what is said over it: the socket, or TLS over it.
struct Connected {
  std::unique_ptr<Stream> stream;
  StreamSocket* socket = nullptr;  ///< beneath, or the stream itself
};
[[nodiscard]] Task<Connected> connect_to(const BenchTarget& target, OpenTrouble& trouble);
/// What the system knows of `socket`.
[[nodiscard]] std::optional<TcpInfo> tcp_info_of(const StreamSocket& socket);

}  // namespace ieum::cli
