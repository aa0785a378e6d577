// WebStream: lines and messages.
#include "listeners/web_stream.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "irc/text.hpp"

namespace ieum::hub {

WebStream::WebStream(WebSocket socket)
    : socket_(std::move(socket)), is_binary_(socket_.subprotocol() == "binary.ircv3.net") {}

Task<> WebStream::shutdown_write() { co_await socket_.close(); }

Task<> WebStream::close() {
  if (socket_.is_open()) co_await socket_.close();
}

void WebStream::begin_read(ieum::detail::StreamIo& io, std::span<std::byte> into) {
  io.use(read(into));
}

void WebStream::begin_write(ieum::detail::StreamIo& io, const ieum::detail::WriteRequest& request) {
  io.use(write(request));
}

void WebStream::begin_wait_readable(ieum::detail::StreamIo& io) { io.use(wait()); }

Task<std::size_t> WebStream::wait() {
  if (!received_.empty() || has_ended_) co_return 0;
  const WebSocketMessage message = co_await socket_.receive();
  has_ended_ = !message;
  if (has_ended_) co_return 0;
  received_ = message.text();
  received_ += '\n';
  co_return 0;
}

Task<std::size_t> WebStream::read(std::span<std::byte> into) {
  co_await wait();
  const std::size_t count = std::min(received_.size(), into.size());
  std::memcpy(into.data(), received_.data(), count);
  if (count == received_.size()) {
    received_ = {};  // idle ones keep no memory
  } else {
    received_.erase(0, count);
  }
  co_return count;
}

Task<std::size_t> WebStream::write(ieum::detail::WriteRequest request) {
  std::size_t count = 0;
  if (request.parts.empty()) {
    count = co_await send_lines(request.data);
    co_return count;
  }
  for (const ConstBuffer& part : request.parts) count += co_await send_lines(part);
  co_return count;
}

Task<std::size_t> WebStream::send_lines(ConstBuffer data) {
  const std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
  for (std::string_view line : split(text, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    std::string message(line);
    if (is_binary_) {
      co_await socket_.send_binary(std::move(message));
    } else {
      co_await socket_.send_text(std::move(message));
    }
  }
  co_return data.size();
}

}  // namespace ieum::hub
