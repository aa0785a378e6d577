// SocketOption: the integer options of sockets, by the names that their man pages give them.
#pragma once

#include <cstdint>

namespace ieum {

/// Integer options. Booleans are 0 and 1; sizes are bytes; times as the man page says. See
/// socket(7), tcp(7), ip(7), ipv6(7).
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
};

}  // namespace ieum
