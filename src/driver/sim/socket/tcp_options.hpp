// TcpOptions: the socket options of a simulated TCP socket.
#pragma once

#include <array>
#include <cstddef>

#include <ieum/address.hpp>
#include <ieum/socket_option.hpp>

namespace ieum::detail::sim {

class TcpOptions {
 public:
  TcpOptions() noexcept;

  [[nodiscard]] int get(SocketOption option) const noexcept {
    return values_[static_cast<std::size_t>(option)];
  }
  /// 0, or a negated errno: options that nothing in a simulation can honour are refused.
  int set(Family family, SocketOption option, int value) noexcept;
  /// Whether a socket of `family` has it.
  static bool has(Family family, SocketOption option) noexcept;

  /// Half of what SO_SNDBUF and SO_RCVBUF say: the other half counts as overhead, as with Linux.
  [[nodiscard]] std::size_t send_bytes_max() const noexcept {
    return half(SocketOption::so_sndbuf);
  }
  [[nodiscard]] std::size_t receive_bytes_max() const noexcept {
    return half(SocketOption::so_rcvbuf);
  }

 private:
  static constexpr std::size_t count =
      static_cast<std::size_t>(SocketOption::ipv6_unicast_hops) + 1;
  [[nodiscard]] std::size_t half(SocketOption option) const noexcept {
    return static_cast<std::size_t>(get(option)) / 2;
  }
  std::array<int, count> values_{};
};

/// SO_SNDBUF or SO_RCVBUF for what was asked for: doubled, and at least what Linux gives.
int buffer_bytes(SocketOption option, int asked) noexcept;

}  // namespace ieum::detail::sim
