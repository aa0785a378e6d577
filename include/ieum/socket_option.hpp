// SocketOption: the integer options of sockets, by the names that their man pages give them.
#pragma once

#include <chrono>
#include <cstdint>

#pragma GCC visibility push(default)
namespace ieum {

/// Integer options. Booleans are 0 and 1; sizes are bytes; times as the man page says. See
/// socket(7), tcp(7), udp(7), ip(7), ipv6(7).
enum class SocketOption : std::uint8_t {
  so_keepalive,
  so_rcvbuf,
  so_sndbuf,
  so_reuseaddr,
  so_reuseport,
  so_priority,
  so_incoming_cpu,
  so_error,  ///< read only; reading clears it
  tcp_nodelay,
  tcp_cork,
  tcp_quickack,
  tcp_keepidle,   ///< seconds
  tcp_keepintvl,  ///< seconds
  tcp_keepcnt,
  tcp_user_timeout,  ///< milliseconds
  tcp_maxseg,
  tcp_notsent_lowat,
  tcp_defer_accept,  ///< seconds
  ip_tos,
  ip_ttl,
  ipv6_v6only,
  ipv6_tclass,
  ipv6_unicast_hops,
  // Of datagram sockets.
  so_broadcast,
  so_timestampns,  ///< `Datagram::received_at`
  udp_gro,
  ip_pktinfo,
  ip_recvttl,
  ip_recvtos,
  ip_recverr,
  ip_mtu_discover,  ///< IP_PMTUDISC_DONT and so on, 0 to 5
  ip_mtu,           ///< read only: of the way to the connected peer
  ip_multicast_ttl,
  ip_multicast_loop,
  ip_multicast_if,   ///< an interface's index
  ip_multicast_all,  ///< 0: only of groups that this very socket has joined
  ipv6_recvpktinfo,
  ipv6_recvhoplimit,
  ipv6_recvtclass,
  ipv6_recverr,
  ipv6_mtu_discover,
  ipv6_mtu,
  ipv6_multicast_hops,
  ipv6_multicast_loop,
  ipv6_multicast_if,
  ipv6_multicast_all,
};

/// Asking a silent peer whether it is still there, so that a connection to one that has gone breaks
/// (`timed_out`): after `idle` without a word from it, `count` times, `interval` apart. 1 second to
/// 32,767, 1 to 127 times. See tcp(7).
struct Keepalive {
  std::chrono::seconds idle{60};
  std::chrono::seconds interval{10};
  int count = 6;
};

}  // namespace ieum
#pragma GCC visibility pop
