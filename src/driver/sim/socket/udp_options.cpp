// Udp: what its owner sets: addresses, peers, groups, options.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "driver/sim/host_driver.hpp"
#include "driver/sim/socket/tcp_options.hpp"
#include "driver/sim/socket/udp.hpp"

namespace ieum::detail::sim {

using Option = SocketOption;

namespace {

constexpr int buffer_default = 212'992;

struct Limits {
  int first;
  int last;
};

/// What can be set, and to what; the first above the last: nothing can.
Limits limits_of(Family family, Option option) noexcept {
  const bool ipv6 = family == Family::ipv6;
  constexpr Limits flag{0, 1};
  constexpr Limits refused{1, 0};
  switch (option) {
    case Option::so_reuseaddr:
    case Option::so_reuseport:
    case Option::so_broadcast:
    case Option::so_timestampns:
    case Option::ip_pktinfo:
    case Option::ip_recvttl:
    case Option::ip_recvtos:
    case Option::ip_recverr:
    case Option::ip_multicast_loop:
    case Option::ip_multicast_all: return flag;
    case Option::ipv6_v6only:
    case Option::ipv6_recvpktinfo:
    case Option::ipv6_recvhoplimit:
    case Option::ipv6_recvtclass:
    case Option::ipv6_recverr:
    case Option::ipv6_multicast_loop:
    case Option::ipv6_multicast_all: return ipv6 ? flag : refused;
    case Option::so_rcvbuf:
    case Option::so_sndbuf: return {0, INT32_MAX};
    case Option::so_priority: return {0, 6};
    case Option::ip_tos: return {0, 255};
    case Option::ip_ttl: return {1, 255};
    case Option::ip_multicast_ttl: return {0, 255};
    case Option::ip_mtu_discover: return {0, 5};
    case Option::ip_multicast_if: return {0, 2};
    case Option::ipv6_tclass:
    case Option::ipv6_unicast_hops:
    case Option::ipv6_multicast_hops: return ipv6 ? Limits{0, 255} : refused;
    case Option::ipv6_mtu_discover: return ipv6 ? Limits{0, 5} : refused;
    case Option::ipv6_multicast_if: return ipv6 ? Limits{0, 2} : refused;
    default: return refused;
  }
}

}  // namespace

Udp::Udp(Node& node, Family family) noexcept : Connectionless(node, family) {
  const auto preset = [this](Option option, int value) {
    values_[static_cast<std::size_t>(option)] = value;
  };
  preset(Option::so_rcvbuf, buffer_default);
  preset(Option::so_sndbuf, buffer_default);
  preset(Option::ip_ttl, 64);
  preset(Option::ipv6_unicast_hops, 64);
  preset(Option::ip_multicast_ttl, 1);
  preset(Option::ipv6_multicast_hops, 1);
  preset(Option::ip_multicast_loop, 1);
  preset(Option::ipv6_multicast_loop, 1);
  preset(Option::ip_mtu_discover, 1);
  preset(Option::ipv6_mtu_discover, 1);
}

int Udp::set_option(SocketOption option, int value) noexcept {
  if (option == Option::ipv6_v6only && bound_) return -EINVAL;
  Limits limits = limits_of(family(), option);
  if (limits.first > limits.last) return -ENOPROTOOPT;
  const bool is_flag = limits.last == 1;
  if (is_flag) value = value != 0 ? 1 : 0;
  if (value < limits.first || value > limits.last) return -EINVAL;
  const bool is_buffer = option == Option::so_rcvbuf || option == Option::so_sndbuf;
  values_[static_cast<std::size_t>(option)] = is_buffer ? buffer_bytes(option, value) : value;
  return 0;
}

int Udp::get_option(SocketOption option, int& value) noexcept {
  if (option == Option::so_error) {
    value = std::exchange(error_, 0);
    return 0;
  }
  if (option == Option::ip_mtu || option == Option::ipv6_mtu) {
    if (!has_peer_) return -ENOTCONN;
    const Node* const there = node().has(peer_.ip) ? &node() : world().node_with(peer_.ip);
    if (there == nullptr) return -EHOSTUNREACH;
    value = static_cast<int>(world().link(node().index(), there->index()).mtu());
    return 0;
  }
  const Limits limits = limits_of(family(), option);
  if (limits.first > limits.last) return -ENOPROTOOPT;
  value = this->value(option);
  return 0;
}

// ---- Addresses ----------------------------------------------------------------------------------

int Udp::bind(const Address& address) noexcept {
  if (bound_) return -EINVAL;
  if (address.family() != family()) return -EAFNOSUPPORT;
  Endpoint at = Endpoint::of(address);
  if (const int status = node().bind(*this, at); status < 0) return status;
  local_ = at;
  bound_ip_ = at.ip;
  bound_ = true;
  return 0;
}

int Udp::bind_to_any() noexcept {
  return bind(family() == Family::ipv4 ? Address::ipv4({}, 0) : Address::ipv6({}, 0));
}

int Udp::set_peer(const Address& peer) noexcept {
  if (peer.family() == Family::none) {
    has_peer_ = false;
    local_.ip = bound_ip_;
    return 0;
  }
  const bool fits = peer.family() == family() ||
                    (family() == Family::ipv6 && peer.family() == Family::ipv4 && !is_ipv6_only());
  if (!fits) return -EAFNOSUPPORT;
  const Endpoint to = Endpoint::of(peer);
  Ip source;
  if (!to.ip.is_group() && !node().source_for(to.ip, source)) return -ENETUNREACH;
  if (!bound_) {
    if (const int status = bind_to_any(); status < 0) return status;
  }
  if (bound_ip_.is_wildcard() && !to.ip.is_group()) local_.ip = source;
  peer_ = to;
  has_peer_ = true;
  return 0;
}

Address Udp::peer() const noexcept {
  if (!has_peer_) return {};
  return peer_.address(peer_.ip.is_ipv4() ? Family::ipv4 : Family::ipv6);
}

int Udp::shutdown(Half /*half*/) noexcept { return has_peer_ ? 0 : -ENOTCONN; }

void Udp::close() noexcept {
  if (bound_) node().unbind(*this);
  world().retire(*this);
}

// ---- Groups -------------------------------------------------------------------------------------

int Udp::join_group(const Membership& membership) noexcept {
  const Ip group = Ip::of(membership.group);
  if (!membership.group.is_ip() || !group.is_group()) return -EINVAL;
  if (membership.interface > network_interface) return -ENODEV;
  const Ip source = membership.source.is_ip() ? Ip::of(membership.source) : Ip{};
  const auto same = [&](const Group& joined) {
    return joined.ip == group && joined.source == source;
  };
  if (std::ranges::any_of(groups_, same)) return -EADDRINUSE;
  groups_.push_back({group, source});
  return 0;
}

int Udp::leave_group(const Membership& membership) noexcept {
  const Ip group = Ip::of(membership.group);
  const Ip source = membership.source.is_ip() ? Ip::of(membership.source) : Ip{};
  const auto gone = std::erase_if(
      groups_, [&](const Group& joined) { return joined.ip == group && joined.source == source; });
  return gone > 0 ? 0 : -EADDRNOTAVAIL;
}

}  // namespace ieum::detail::sim
