// TcpOptions: what can be set, and to what.
#include "driver/sim/socket/tcp_options.hpp"

#include <algorithm>
#include <cerrno>

namespace ieum::detail::sim {

using Option = SocketOption;

namespace {

constexpr int buffer_default = 512 * 1024;

bool is_flag(Option option) noexcept {
  switch (option) {
    case Option::so_keepalive:
    case Option::so_reuseaddr:
    case Option::so_reuseport:
    case Option::tcp_nodelay:
    case Option::tcp_cork:
    case Option::tcp_quickack:
    case Option::ipv6_v6only: return true;
    default: return false;
  }
}

struct Limits {
  int first;
  int last;
};
Limits limits_of(Option option) noexcept {
  switch (option) {
    case Option::so_priority: return {0, 6};
    case Option::tcp_keepidle:
    case Option::tcp_keepintvl: return {1, 32'767};
    case Option::tcp_keepcnt: return {1, 127};
    case Option::tcp_user_timeout: return {0, INT32_MAX};
    case Option::tcp_maxseg: return {88, 65'495};
    case Option::tcp_notsent_lowat: return {0, INT32_MAX};
    case Option::ip_tos: return {0, 255};
    case Option::ip_ttl: return {1, 255};
    case Option::ipv6_tclass: return {0, 255};
    case Option::ipv6_unicast_hops: return {0, 255};
    default: return {0, INT32_MAX};
  }
}

}  // namespace

int buffer_bytes(Option option, int asked) noexcept {
  const int least = option == Option::so_sndbuf ? 4608 : 2304;
  return std::max(std::clamp(asked, 0, 1 << 29) * 2, least);
}

TcpOptions::TcpOptions() noexcept {
  const auto preset = [this](Option option, int value) {
    values_[static_cast<std::size_t>(option)] = value;
  };
  preset(Option::so_rcvbuf, buffer_default);
  preset(Option::so_sndbuf, buffer_default);
  preset(Option::tcp_quickack, 1);
  preset(Option::tcp_keepidle, 7200);
  preset(Option::tcp_keepintvl, 75);
  preset(Option::tcp_keepcnt, 9);
  preset(Option::ip_ttl, 64);
  preset(Option::ipv6_unicast_hops, 64);
}

bool TcpOptions::has(Family family, Option option) noexcept {
  switch (option) {
    case Option::so_incoming_cpu:
    case Option::tcp_defer_accept: return false;  // there is no CPU, and no accept filter
    case Option::ip_tos:
    case Option::ip_ttl: return family == Family::ipv4;
    case Option::ipv6_v6only:
    case Option::ipv6_tclass:
    case Option::ipv6_unicast_hops: return family == Family::ipv6;
    default: return true;
  }
}

int TcpOptions::set(Family family, Option option, int value) noexcept {
  if (!has(family, option) || option == Option::so_error) return -ENOPROTOOPT;
  int& stored = values_[static_cast<std::size_t>(option)];
  if (is_flag(option)) {
    stored = value != 0 ? 1 : 0;
    return 0;
  }
  if (option == Option::so_rcvbuf || option == Option::so_sndbuf) {
    stored = buffer_bytes(option, value);
    return 0;
  }
  const auto [first, last] = limits_of(option);
  if (value < first || value > last) return -EINVAL;
  stored = value;
  return 0;
}

}  // namespace ieum::detail::sim
