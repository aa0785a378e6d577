// What travels in a simulated network.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <ieum/address.hpp>

namespace ieum::detail::sim {

/// Simulated time: nanoseconds since the network was made.
using Time = std::int64_t;
inline constexpr Time never = INT64_MAX;
inline constexpr Time microsecond = 1'000;
inline constexpr Time millisecond = 1'000'000;
inline constexpr Time second = 1'000'000'000;

/// An address without a port; IPv4 as an IPv4-mapped IPv6 address.
struct Ip {
  std::array<std::uint8_t, 16> bytes{};

  static Ip of(const Address& address) noexcept;
  [[nodiscard]] bool is_ipv4() const noexcept;
  [[nodiscard]] bool is_wildcard() const noexcept;  ///< of either family
  [[nodiscard]] bool is_loopback() const noexcept;
  [[nodiscard]] bool is_group() const noexcept;      ///< multicast
  [[nodiscard]] bool is_broadcast() const noexcept;  ///< 255.255.255.255
  friend auto operator<=>(const Ip&, const Ip&) = default;
};

struct Endpoint {
  Ip ip;
  std::uint16_t port = 0;

  static Endpoint of(const Address& address) noexcept { return {Ip::of(address), address.port()}; }
  /// As a socket of `family` shows it.
  [[nodiscard]] Address address(Family family) const noexcept;
  /// As a socket of `family` tells it: an IPv4 address stays one.
  [[nodiscard]] Address told(Family family) const noexcept {
    return address(ip.is_ipv4() ? Family::ipv4 : family);
  }
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

enum class Protocol : std::uint8_t { tcp, udp };

/// What TCP says besides its bytes (RFC 9293, RFC 2018). Sequence numbers have 64 bits and begin
/// with the SYN's 0: they never wrap.
struct TcpHeader {
  struct Range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };
  std::uint64_t sequence = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t window = 0;
  bool syn = false;
  bool ack = false;
  bool fin = false;
  bool reset = false;
  std::uint8_t sacked_count = 0;
  std::array<Range, 3> sacked{};
};

struct Packet {
  Endpoint from;
  Endpoint to;
  Protocol protocol = Protocol::tcp;
  bool corrupted = false;
  bool is_refusal = false;  ///< nobody listens there (ICMP)
  bool may_be_cut = false;  ///< into fragments, which are lost or arrive together
  std::uint8_t hop_limit = 64;
  std::uint8_t traffic_class = 0;
  std::uint32_t from_node = 0;
  std::uint32_t to_node = 0;
  std::uint64_t socket = 0;  ///< that sent it, for the trace
  TcpHeader tcp;
  std::vector<std::byte> data;

  [[nodiscard]] std::uint32_t bytes() const noexcept {
    const std::uint32_t ip = to.ip.is_ipv4() ? 20 : 40;
    const std::uint32_t transport = protocol == Protocol::tcp ? 20 : 8;
    return ip + transport + static_cast<std::uint32_t>(data.size());
  }
};

}  // namespace ieum::detail::sim
