// Connection: what a session talks over: a socket, with TLS over it or not.
#pragma once

#include <memory>
#include <utility>

#include <ieum/stream_socket.hpp>

namespace ieum::cli {

/// The socket stays where it is when this is moved, as what is over it knows its place.
class Connection {
 public:
  explicit Connection(StreamSocket socket)
      : socket_(std::make_unique<StreamSocket>(std::move(socket))) {}
  Connection(Connection&&) noexcept = default;
  Connection& operator=(Connection&&) = delete;

  /// What is said goes through this.
  [[nodiscard]] Stream& stream() noexcept { return over_ != nullptr ? *over_ : *socket_; }
  [[nodiscard]] const Stream& stream() const noexcept {
    return over_ != nullptr ? *over_ : *socket_;
  }
  /// For what only a socket has: its options, its state, whether all has arrived.
  [[nodiscard]] StreamSocket& socket() noexcept { return *socket_; }
  [[nodiscard]] const StreamSocket& socket() const noexcept { return *socket_; }

  /// There is TLS between them.
  [[nodiscard]] bool has_tls() const noexcept { return over_ != nullptr; }
  /// From now on `stream` is `over`, which has the socket beneath it.
  void put_over(std::unique_ptr<Stream> over) noexcept { over_ = std::move(over); }

 private:
  std::unique_ptr<StreamSocket> socket_;
  std::unique_ptr<Stream> over_;  // goes first
};

}  // namespace ieum::cli
