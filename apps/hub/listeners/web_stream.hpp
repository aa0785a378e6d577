// WebStream: the lines of IRC in the messages of a WebSocket, as a stream, so that a session does
// not know which of the two it has (IRCv3, "WebSocket").
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <ieum/stream.hpp>
#include <ieum/websocket/websocket.hpp>

namespace ieum::hub {

/// What is read is a message and `\n` each; what is written becomes a message for each line, whole
/// lines at a time. While nothing comes it holds no buffer.
class WebStream final : public Stream {
 public:
  explicit WebStream(WebSocket socket);

  /// A WebSocket has no half-closing: this says goodbye, and waits for the peer's.
  [[nodiscard]] Task<> shutdown_write() override;
  [[nodiscard]] Task<> close() override;
  [[nodiscard]] bool is_open() const noexcept override { return socket_.is_open(); }
  [[nodiscard]] Address peer_address() const noexcept override { return socket_.peer_address(); }
  void begin_read(ieum::detail::StreamIo& io, std::span<std::byte> into) override;
  void begin_write(ieum::detail::StreamIo& io, const ieum::detail::WriteRequest& request) override;
  void begin_wait_readable(ieum::detail::StreamIo& io) override;

 private:
  Task<std::size_t> read(std::span<std::byte> into);
  Task<std::size_t> write(ieum::detail::WriteRequest request);
  Task<std::size_t> wait();
  Task<std::size_t> send_lines(ConstBuffer data);

  WebSocket socket_;
  const bool is_binary_;
  std::string received_;  // what was not read yet
  bool has_ended_ = false;
};

}  // namespace ieum::hub
