// DatagramEnd: a socket of datagrams with one peer, as an end.
#pragma once

#include <ieum/datagram_socket.hpp>

#include "ends/end.hpp"

namespace ieum::cli {

class DatagramEnd final : public End {
 public:
  /// A stream is cut into datagrams of `bytes_max`.
  DatagramEnd(DatagramSocket socket, std::size_t bytes_max)
      : socket_(std::move(socket)), bytes_max_(bytes_max) {}

  Task<std::optional<std::size_t>> read(std::span<std::byte> into) override;
  Task<std::optional<std::size_t>> write(ConstBuffer data) override;
  Task<bool> finish() override { co_return false; }
  Task<> close() override { co_await socket_.close(); }
  [[nodiscard]] bool has_end() const noexcept override { return false; }
  [[nodiscard]] std::size_t message_bytes_max() const noexcept override { return bytes_max_; }
  [[nodiscard]] Address local_address() const override { return socket_.address(); }
  [[nodiscard]] Address peer_address() const override { return socket_.peer_address(); }

 private:
  DatagramSocket socket_;
  std::size_t bytes_max_;
};

}  // namespace ieum::cli
