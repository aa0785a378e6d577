// DatagramSocket: groups, options, what it has counted.
#include <net/if.h>

#include <cerrno>
#include <string>

#include <ieum/datagram_socket.hpp>

#include "base/driver.hpp"

namespace ieum {

int DatagramSocket::set_both(SocketOption ipv4, SocketOption ipv6, int value) noexcept {
  if (!is_open()) return -EBADF;
  int status = 0;
  if (family() == Family::ipv6) status = driver().set_option(core_->handle, ipv6, value);
  if (status >= 0 && (family() == Family::ipv4 || speaks_both())) {
    status = driver().set_option(core_->handle, ipv4, value);
  }
  return status;
}

Result<> DatagramSocket::set_named(SocketOption ipv4, SocketOption ipv6, int value) noexcept {
  const int status = is_open() && core_->is_unix() ? -EOPNOTSUPP : set_both(ipv4, ipv6, value);
  if (status < 0) return fail(error(-status, "set socket option"));
  return {};
}

Result<> DatagramSocket::join(const Membership& membership) {
  const int status = !is_open() ? -EBADF : driver().join_group(core_->handle, membership);
  if (status < 0) return fail(Error::from_errno(-status, "join group", membership.group));
  return {};
}

Result<> DatagramSocket::leave(const Membership& membership) {
  const int status = !is_open() ? -EBADF : driver().leave_group(core_->handle, membership);
  if (status < 0) return fail(Error::from_errno(-status, "leave group", membership.group));
  return {};
}

Result<> DatagramSocket::set_multicast_hop_limit(int hops) {
  return set_named(SocketOption::ip_multicast_ttl, SocketOption::ipv6_multicast_hops, hops);
}

Result<> DatagramSocket::set_multicast_loopback(bool on) {
  return set_named(SocketOption::ip_multicast_loop, SocketOption::ipv6_multicast_loop, on ? 1 : 0);
}

Result<> DatagramSocket::set_multicast_interface(std::uint32_t interface) {
  return set_named(SocketOption::ip_multicast_if, SocketOption::ipv6_multicast_if,
                   static_cast<int>(interface));
}

Result<> DatagramSocket::set_hop_limit(int hops) {
  return set_named(SocketOption::ip_ttl, SocketOption::ipv6_unicast_hops, hops);
}

Result<> DatagramSocket::set_traffic_class(int traffic_class) {
  return set_named(SocketOption::ip_tos, SocketOption::ipv6_tclass, traffic_class);
}

Result<> DatagramSocket::set_ecn(Ecn ecn) {
  const Result<int> now = option(is_open() && family() == Family::ipv6 ? SocketOption::ipv6_tclass
                                                                       : SocketOption::ip_tos);
  if (!now) return fail(now.error());
  return set_traffic_class((*now & ~3) | static_cast<int>(ecn));
}

Result<std::size_t> DatagramSocket::path_mtu() const {
  const bool ipv6 = peer_address().family() == Family::ipv6;
  const Result<int> mtu = option(ipv6 ? SocketOption::ipv6_mtu : SocketOption::ip_mtu);
  if (!mtu) return fail(mtu.error());
  return static_cast<std::size_t>(*mtu);
}

Result<> DatagramSocket::set_option(SocketOption option, int value) noexcept {
  const int status = !is_open() ? -EBADF : driver().set_option(core_->handle, option, value);
  if (status < 0) return fail(error(-status, "set socket option"));
  return {};
}

Result<int> DatagramSocket::option(SocketOption option) const noexcept {
  int value = 0;
  const int status = !is_open() ? -EBADF : driver().get_option(core_->handle, option, value);
  if (status < 0) return fail(error(-status, "get socket option"));
  return value;
}

Result<std::optional<DatagramError>> DatagramSocket::take_error() {
  if (is_open() && !core_->state.errors.empty()) {
    const DatagramError kept = core_->state.errors.front();
    core_->state.errors.erase(core_->state.errors.begin());
    return kept;
  }
  DatagramError waiting;
  const int status = !is_open() ? -EBADF : driver().take_error(core_->handle, waiting);
  if (status < 0) return fail(error(-status, "take error"));
  if (status == 0) return std::nullopt;
  return waiting;
}

DatagramCounters DatagramSocket::counters() const noexcept {
  DatagramCounters counters = core_ ? core_->state.counters : DatagramCounters();
  detail::DatagramQueues queues;
  if (is_open()) driver().datagram_queues(core_->handle, queues);
  counters.dropped = queues.dropped;
  return counters;
}

Result<std::uint32_t> interface_index(std::string_view name) {
  const unsigned index = ::if_nametoindex(std::string(name).c_str());
  if (index == 0) return fail(Error::from_errno(errno, "find interface").with_name(name));
  return index;
}

}  // namespace ieum
