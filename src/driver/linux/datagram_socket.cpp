// LinuxDriver: the calls on datagram sockets that do not wait: groups, the error queue, drops.
#include <ctime>  // before linux/errqueue.h, which needs its timespec

#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "driver/linux/datagram_calls.hpp"
#include "driver/linux/linux_driver.hpp"
#include "driver/linux/transfer.hpp"

namespace ieum::detail {

namespace {

int or_errno(int result) noexcept { return result < 0 ? -errno : result; }

void fill_in(sockaddr_storage& storage, const Address& address) noexcept {
  const KernelAddress name(address);
  std::memcpy(&storage, name.data(), name.length());
}

int change_membership(int handle, const Membership& membership, int any, int source) noexcept {
  if (!membership.group.is_ip()) return -EAFNOSUPPORT;
  const int level = membership.group.family() == Family::ipv4 ? IPPROTO_IP : IPPROTO_IPV6;
  // A group of an interface's own needs no further word for it: ff02::1%eth0.
  const std::uint32_t interface =
      membership.interface != 0 ? membership.interface : membership.group.scope();
  if (membership.source.family() == Family::none) {
    group_req request{};
    request.gr_interface = interface;
    fill_in(request.gr_group, membership.group);
    return or_errno(::setsockopt(handle, level, any, &request, sizeof request));
  }
  if (membership.source.family() != membership.group.family()) return -EAFNOSUPPORT;
  group_source_req request{};
  request.gsr_interface = interface;
  fill_in(request.gsr_group, membership.group);
  fill_in(request.gsr_source, membership.source);
  return or_errno(::setsockopt(handle, level, source, &request, sizeof request));
}

Address reporter_of(const sock_extended_err& error) noexcept {
  const sockaddr* offender = SO_EE_OFFENDER(const_cast<sock_extended_err*>(&error));
  KernelAddress name;
  if (offender->sa_family == AF_INET) {
    std::memcpy(name.data(), offender, sizeof(sockaddr_in));
  } else if (offender->sa_family == AF_INET6) {
    std::memcpy(name.data(), offender, sizeof(sockaddr_in6));
  } else {
    return {};
  }
  return unmapped(name, *name.length_in_out());
}

}  // namespace

int LinuxDriver::set_peer(int handle, const Address& peer) noexcept {
  if (peer.family() == Family::none) {
    const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
    return or_errno(::connect(handle, &nobody, sizeof nobody));
  }
  int domain = 0;
  socklen_t size = sizeof domain;
  if (::getsockopt(handle, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0) return -errno;
  const KernelAddress name = name_on(domain == AF_INET6 ? Family::ipv6 : Family::none, peer);
  return or_errno(::connect(handle, name.data(), name.length()));
}

int LinuxDriver::join_group(int handle, const Membership& membership) noexcept {
  return change_membership(handle, membership, MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP);
}

int LinuxDriver::leave_group(int handle, const Membership& membership) noexcept {
  return change_membership(handle, membership, MCAST_LEAVE_GROUP, MCAST_LEAVE_SOURCE_GROUP);
}

int LinuxDriver::take_error(int handle, DatagramError& error) noexcept {
  KernelAddress name;
  alignas(cmsghdr) std::array<std::byte, 512> control{};
  msghdr header{};
  header.msg_name = name.data();
  header.msg_namelen = *name.length_in_out();
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t bytes = 0;
  do {
    bytes = ::recvmsg(handle, &header, MSG_ERRQUEUE | MSG_DONTWAIT);
  } while (bytes < 0 && errno == EINTR);
  if (bytes < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
  error = {};
  error.peer = unmapped(name, header.msg_namelen);
  for (cmsghdr* next = CMSG_FIRSTHDR(&header); next != nullptr; next = CMSG_NXTHDR(&header, next)) {
    const bool told = (next->cmsg_level == IPPROTO_IP && next->cmsg_type == IP_RECVERR) ||
                      (next->cmsg_level == IPPROTO_IPV6 && next->cmsg_type == IPV6_RECVERR);
    if (!told) continue;
    const auto& from = *reinterpret_cast<const sock_extended_err*>(CMSG_DATA(next));
    error.number = static_cast<int>(from.ee_errno);
    if (from.ee_errno == EMSGSIZE) error.mtu = from.ee_info;
    if (from.ee_origin != SO_EE_ORIGIN_LOCAL) error.reporter = reporter_of(from);
  }
  return 1;
}

bool LinuxDriver::take_error_for(Operation& operation) noexcept {
  DatagramError told;
  if (take_error(operation.handle, told) != 1 || !is_of_datagrams(operation)) return false;
  DatagramState& state = *operation.transfer->state;
  if (!state.reports_errors) return false;
  state.keep(told);
  return is_in(operation) && told.reporter.is_ip() && done_with(operation, -told.number);
}

int LinuxDriver::datagram_queues(int handle, DatagramQueues& queues) noexcept {
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t size = sizeof memory;
  if (::getsockopt(handle, SOL_SOCKET, SO_MEMINFO, memory.data(), &size) < 0) return -errno;
  queues = {.receive_bytes = memory[SK_MEMINFO_RMEM_ALLOC],
            .send_bytes = memory[SK_MEMINFO_WMEM_ALLOC],
            .dropped = memory[SK_MEMINFO_DROPS]};
  return 0;
}

}  // namespace ieum::detail
