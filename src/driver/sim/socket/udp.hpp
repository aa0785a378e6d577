// Udp: a simulated datagram socket (udp(7)), of groups too.
#pragma once

#include <array>
#include <cerrno>
#include <deque>
#include <vector>

#include <ieum/datagram.hpp>

#include "driver/sim/network/node.hpp"
#include "driver/sim/socket/connectionless.hpp"

namespace ieum::detail::sim {

class Udp final : public Connectionless {
 public:
  /// What came before it was received counts so much besides its bytes.
  static constexpr std::size_t overhead_bytes = 256;
  static constexpr std::size_t errors_max = 64;
  /// The indices of a simulated host's interfaces.
  static constexpr std::uint32_t loopback_interface = 1;
  static constexpr std::uint32_t network_interface = 2;

  Udp(Node& node, Family family) noexcept;

  bool receive_datagrams(Operation& operation) noexcept override;
  bool send_datagrams(Operation& operation) noexcept override;
  int set_peer(const Address& peer) noexcept override;
  int join_group(const Membership& membership) noexcept override;
  int leave_group(const Membership& membership) noexcept override;
  int take_error(DatagramError& error) noexcept override;
  int queues(DatagramQueues& queues) noexcept override {
    queues = {.receive_bytes = queued_bytes_, .send_bytes = 0, .dropped = dropped_};
    return 0;
  }

  [[nodiscard]] bool readable() const noexcept override { return !queue_.empty() || error_ != 0; }
  [[nodiscard]] bool writable() const noexcept override { return true; }
  int bind(const Address& address) noexcept override;
  int shutdown(Half half) noexcept override;
  [[nodiscard]] Address local() const noexcept override { return local_.address(family()); }
  [[nodiscard]] Address peer() const noexcept override;
  int set_option(SocketOption option, int value) noexcept override;
  int get_option(SocketOption option, int& value) noexcept override;
  void close() noexcept override;
  void break_off() noexcept override { error_ = ECONNREFUSED; }

  // ---- For the node
  [[nodiscard]] const Endpoint& bound() const noexcept { return local_; }
  [[nodiscard]] bool is_ipv6_only() const noexcept { return value(SocketOption::ipv6_v6only) != 0; }
  [[nodiscard]] bool shares() const noexcept {
    return value(SocketOption::so_reuseaddr) != 0 || value(SocketOption::so_reuseport) != 0;
  }
  /// How well a datagram fits: 0: it is not for this socket; else the larger the better.
  [[nodiscard]] int fits(const Packet& packet) const noexcept;
  [[nodiscard]] bool is_member(const Ip& group, const Ip& source) const noexcept;
  void arrived(const Packet& packet) noexcept;
  /// Nobody listens where a datagram of ours went.
  void was_refused(const Packet& packet) noexcept;

 private:
  struct Received {
    Endpoint from;
    Ip to;
    std::uint8_t hop_limit = 0;
    std::uint8_t traffic_class = 0;
    bool over_loopback = false;
    std::int64_t at = 0;  // wall clock, nanoseconds
    std::vector<std::byte> data;
  };
  struct Group {
    Ip ip;
    Ip source;  // zeroes: any
  };

  [[nodiscard]] int value(SocketOption option) const noexcept {
    return values_[static_cast<std::size_t>(option)];
  }
  /// The value of one of two options, for the family of `ip`.
  [[nodiscard]] int value_for(const Ip& ip, SocketOption ipv4, SocketOption ipv6) const noexcept {
    return value(ip.is_ipv4() ? ipv4 : ipv6);
  }
  void fill(Datagram& datagram, const Received& received, DatagramState& state) const noexcept;
  int send_one(const Datagram& datagram, const DatagramState& state) noexcept override;
  int way_to(const Datagram& datagram, const DatagramState& state, Packet& packet) noexcept;
  void send_to_group(const Packet& packet) noexcept;
  void send_copy(const Packet& packet, std::uint32_t to) noexcept;
  int bind_to_any() noexcept;

  Endpoint local_;
  Ip bound_ip_;
  Endpoint peer_;
  bool bound_ = false;
  bool has_peer_ = false;
  std::array<int, static_cast<std::size_t>(SocketOption::ipv6_multicast_all) + 1> values_{};
  std::vector<Group> groups_;
  std::deque<Received> queue_;
  std::size_t queued_bytes_ = 0;
  std::deque<DatagramError> errors_;
  int error_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace ieum::detail::sim
