// Link: one direction between two hosts of a simulated network: when a packet arrives, if at all.
#pragma once

#include <array>

#include <ieum/sim_options.hpp>
#include <ieum/sim_random.hpp>

#include "driver/sim/network/packet.hpp"

namespace ieum::detail::sim {

class Link {
 public:
  /// What becomes of a packet.
  struct Fate {
    SimEvent::What why = SimEvent::What::sent;  ///< `sent`: it arrives
    Time arrives = never;
    Time copy_arrives = never;  ///< `never`: there is no copy
    bool corrupted = false;
  };

  void set(const LinkOptions& options) noexcept;
  [[nodiscard]] std::uint32_t mtu() const noexcept { return mtu_; }
  void cut(bool ipv4, bool ipv6) noexcept {
    cut_ipv4_ = cut_ipv4_ || ipv4;
    cut_ipv6_ = cut_ipv6_ || ipv6;
  }
  void heal() noexcept { cut_ipv4_ = cut_ipv6_ = false; }
  [[nodiscard]] bool is_cut(bool ipv4) const noexcept { return ipv4 ? cut_ipv4_ : cut_ipv6_; }

  /// Draws from `random` for what is a matter of luck.
  Fate carry(const Packet& packet, Time now, SimRandom& random) noexcept;

 private:
  Time latency_ = 0;
  Time jitter_ = 0;
  Time reordering_delay_ = 0;
  std::uint64_t bandwidth_ = 0;
  std::uint64_t queue_bytes_ = 0;
  std::uint32_t loss_ = 0;  // in a million
  std::uint32_t duplication_ = 0;
  std::uint32_t reordering_ = 0;
  std::uint32_t corruption_ = 0;
  std::uint32_t mtu_ = 0;
  bool cut_ipv4_ = false;
  bool cut_ipv6_ = false;
  Time sending_until_ = 0;
  Time last_arrival_ = 0;
};

/// A share of 1 in millionths.
std::uint32_t in_millionths(double share) noexcept;

}  // namespace ieum::detail::sim
