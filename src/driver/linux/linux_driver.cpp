// LinuxDriver: Linux's socket calls that do not wait.
#include "driver/linux/linux_driver.hpp"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include <ieum/result.hpp>
#include <ieum/socket_option.hpp>

#include "driver/linux/transfer.hpp"

namespace ieum::detail {

namespace {

int or_errno(int result) noexcept { return result < 0 ? -errno : result; }

struct Name {
  int level;
  int option;
};

Name name_of(SocketOption option) noexcept {
  switch (option) {
    case SocketOption::so_keepalive: return {SOL_SOCKET, SO_KEEPALIVE};
    case SocketOption::so_rcvbuf: return {SOL_SOCKET, SO_RCVBUF};
    case SocketOption::so_sndbuf: return {SOL_SOCKET, SO_SNDBUF};
    case SocketOption::so_reuseaddr: return {SOL_SOCKET, SO_REUSEADDR};
    case SocketOption::so_reuseport: return {SOL_SOCKET, SO_REUSEPORT};
    case SocketOption::so_priority: return {SOL_SOCKET, SO_PRIORITY};
    case SocketOption::so_incoming_cpu: return {SOL_SOCKET, SO_INCOMING_CPU};
    case SocketOption::so_error: return {SOL_SOCKET, SO_ERROR};
    case SocketOption::tcp_nodelay: return {IPPROTO_TCP, TCP_NODELAY};
    case SocketOption::tcp_cork: return {IPPROTO_TCP, TCP_CORK};
    case SocketOption::tcp_quickack: return {IPPROTO_TCP, TCP_QUICKACK};
    case SocketOption::tcp_keepidle: return {IPPROTO_TCP, TCP_KEEPIDLE};
    case SocketOption::tcp_keepintvl: return {IPPROTO_TCP, TCP_KEEPINTVL};
    case SocketOption::tcp_keepcnt: return {IPPROTO_TCP, TCP_KEEPCNT};
    case SocketOption::tcp_user_timeout: return {IPPROTO_TCP, TCP_USER_TIMEOUT};
    case SocketOption::tcp_maxseg: return {IPPROTO_TCP, TCP_MAXSEG};
    case SocketOption::tcp_notsent_lowat: return {IPPROTO_TCP, TCP_NOTSENT_LOWAT};
    case SocketOption::tcp_defer_accept: return {IPPROTO_TCP, TCP_DEFER_ACCEPT};
    case SocketOption::ip_tos: return {IPPROTO_IP, IP_TOS};
    case SocketOption::ip_ttl: return {IPPROTO_IP, IP_TTL};
    case SocketOption::ipv6_v6only: return {IPPROTO_IPV6, IPV6_V6ONLY};
    case SocketOption::ipv6_tclass: return {IPPROTO_IPV6, IPV6_TCLASS};
    case SocketOption::ipv6_unicast_hops: return {IPPROTO_IPV6, IPV6_UNICAST_HOPS};
    case SocketOption::so_broadcast: return {SOL_SOCKET, SO_BROADCAST};
    case SocketOption::so_timestampns: return {SOL_SOCKET, SO_TIMESTAMPNS};
    case SocketOption::udp_gro: return {IPPROTO_UDP, UDP_GRO};
    case SocketOption::ip_pktinfo: return {IPPROTO_IP, IP_PKTINFO};
    case SocketOption::ip_recvttl: return {IPPROTO_IP, IP_RECVTTL};
    case SocketOption::ip_recvtos: return {IPPROTO_IP, IP_RECVTOS};
    case SocketOption::ip_recverr: return {IPPROTO_IP, IP_RECVERR};
    case SocketOption::ip_mtu_discover: return {IPPROTO_IP, IP_MTU_DISCOVER};
    case SocketOption::ip_mtu: return {IPPROTO_IP, IP_MTU};
    case SocketOption::ip_multicast_ttl: return {IPPROTO_IP, IP_MULTICAST_TTL};
    case SocketOption::ip_multicast_loop: return {IPPROTO_IP, IP_MULTICAST_LOOP};
    case SocketOption::ip_multicast_if: return {IPPROTO_IP, IP_MULTICAST_IF};
    case SocketOption::ip_multicast_all: return {IPPROTO_IP, IP_MULTICAST_ALL};
    case SocketOption::ipv6_recvpktinfo: return {IPPROTO_IPV6, IPV6_RECVPKTINFO};
    case SocketOption::ipv6_recvhoplimit: return {IPPROTO_IPV6, IPV6_RECVHOPLIMIT};
    case SocketOption::ipv6_recvtclass: return {IPPROTO_IPV6, IPV6_RECVTCLASS};
    case SocketOption::ipv6_recverr: return {IPPROTO_IPV6, IPV6_RECVERR};
    case SocketOption::ipv6_mtu_discover: return {IPPROTO_IPV6, IPV6_MTU_DISCOVER};
    case SocketOption::ipv6_mtu: return {IPPROTO_IPV6, IPV6_MTU};
    case SocketOption::ipv6_multicast_hops: return {IPPROTO_IPV6, IPV6_MULTICAST_HOPS};
    case SocketOption::ipv6_multicast_loop: return {IPPROTO_IPV6, IPV6_MULTICAST_LOOP};
    case SocketOption::ipv6_multicast_if: return {IPPROTO_IPV6, IPV6_MULTICAST_IF};
    case SocketOption::ipv6_multicast_all: return {IPPROTO_IPV6, IPV6_MULTICAST_ALL};
  }
  return {-1, -1};
}

}  // namespace

KernelAddress::KernelAddress(const Address& address) noexcept : length_(0) {
  const std::string_view bytes = address.bytes();
  switch (address.family()) {
    case Family::none: break;
    case Family::ipv4:
      storage_.ipv4.sin_family = AF_INET;
      storage_.ipv4.sin_port = htons(address.port());
      std::memcpy(&storage_.ipv4.sin_addr, bytes.data(), bytes.size());
      length_ = sizeof storage_.ipv4;
      break;
    case Family::ipv6:
      storage_.ipv6.sin6_family = AF_INET6;
      storage_.ipv6.sin6_port = htons(address.port());
      storage_.ipv6.sin6_scope_id = address.scope();
      std::memcpy(&storage_.ipv6.sin6_addr, bytes.data(), bytes.size());
      length_ = sizeof storage_.ipv6;
      break;
    case Family::unix_path:
    case Family::unix_abstract: {
      const bool abstract = address.family() == Family::unix_abstract;
      storage_.unix_name.sun_family = AF_UNIX;
      std::memcpy(storage_.unix_name.sun_path + (abstract ? 1 : 0), bytes.data(), bytes.size());
      // One more: the zero byte before an abstract name or after a path.
      length_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + bytes.size());
      break;
    }
  }
}

Address KernelAddress::address() const noexcept {
  if (storage_.any.sa_family == AF_INET) {
    std::array<std::uint8_t, 4> ip{};
    std::memcpy(ip.data(), &storage_.ipv4.sin_addr, ip.size());
    return Address::ipv4(ip, ntohs(storage_.ipv4.sin_port));
  }
  if (storage_.any.sa_family == AF_INET6) {
    std::array<std::uint8_t, 16> ip{};
    std::memcpy(ip.data(), &storage_.ipv6.sin6_addr, ip.size());
    if (IN6_IS_ADDR_V4MAPPED(&storage_.ipv6.sin6_addr)) {
      return Address::ipv4({ip[12], ip[13], ip[14], ip[15]}, ntohs(storage_.ipv6.sin6_port));
    }
    return Address::ipv6(ip, ntohs(storage_.ipv6.sin6_port), storage_.ipv6.sin6_scope_id);
  }
  if (storage_.any.sa_family != AF_UNIX) return {};
  const std::size_t bytes =
      length_ - std::min<std::size_t>(length_, offsetof(sockaddr_un, sun_path));
  const char* path = storage_.unix_name.sun_path;
  if (bytes == 0) return {};  // unnamed, as the peers of most Unix listeners are
  const Result<Address> named = path[0] == '\0' ? Address::unix_abstract({path + 1, bytes - 1})
                                                : Address::unix_path({path, strnlen(path, bytes)});
  return named.value_or(Address{});
}

TimePoint LinuxDriver::now() const noexcept { return TimePoint::clock::now(); }

int LinuxDriver::open(Family family, SocketType type) noexcept {
  const int domain = family == Family::ipv4 ? AF_INET : family == Family::ipv6 ? AF_INET6 : AF_UNIX;
  if (family == Family::none) return -EAFNOSUPPORT;
  const int kind = type == SocketType::stream ? SOCK_STREAM : SOCK_DGRAM;
  return or_errno(::socket(domain, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

int LinuxDriver::bind(int handle, const Address& address) noexcept {
  const KernelAddress name(address);
  if (address.family() == Family::none) {  // an autobind: unix(7)
    sockaddr_un any{};
    any.sun_family = AF_UNIX;
    return or_errno(::bind(handle, reinterpret_cast<const sockaddr*>(&any), sizeof(sa_family_t)));
  }
  return or_errno(::bind(handle, name.data(), name.length()));
}

int LinuxDriver::listen(int handle, int backlog) noexcept {
  return or_errno(::listen(handle, backlog));
}

int LinuxDriver::accept_now(int listener, bool asks_first, Address& peer) noexcept {
  constexpr int gone_max = 16;  // then it is told, so that others get their turn
  for (int gone = 0;; ++gone) {
    // accept4(2) has no flag for not waiting, and another process may have taken who had come.
    pollfd asked{.fd = listener, .events = POLLIN, .revents = 0};
    if (asks_first && ::poll(&asked, 1, 0) == 0) return -EAGAIN;
    KernelAddress name;
    const int client =
        ::accept4(listener, name.data(), name.length_in_out(), SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client >= 0) {
      peer = name.address();
      return client;
    }
    if (!is_about_one_client(errno) || gone == gone_max) return -errno;
  }
}

void LinuxDriver::let_block(int descriptor) noexcept {
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags >= 0) ::fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK);
}

int LinuxDriver::shutdown(int handle, Half half) noexcept {
  const int how = half == Half::receiving ? SHUT_RD : half == Half::sending ? SHUT_WR : SHUT_RDWR;
  return or_errno(::shutdown(handle, how));
}

int LinuxDriver::local_address(int handle, Address& address) noexcept {
  KernelAddress name;
  const int status = or_errno(::getsockname(handle, name.data(), name.length_in_out()));
  if (status >= 0) address = name.address();
  return status;
}

int LinuxDriver::peer_address(int handle, Address& address) noexcept {
  KernelAddress name;
  const int status = or_errno(::getpeername(handle, name.data(), name.length_in_out()));
  if (status >= 0) address = name.address();
  return status;
}

int LinuxDriver::set_option(int handle, SocketOption option, int value) noexcept {
  const Name name = name_of(option);
  if (option == SocketOption::ip_multicast_if) {  // an int would be an address of ours
    ip_mreqn interface{};
    interface.imr_ifindex = value;
    return or_errno(::setsockopt(handle, name.level, name.option, &interface, sizeof interface));
  }
  return or_errno(::setsockopt(handle, name.level, name.option, &value, sizeof value));
}

int LinuxDriver::get_option(int handle, SocketOption option, int& value) noexcept {
  const Name name = name_of(option);
  socklen_t size = sizeof value;
  return or_errno(::getsockopt(handle, name.level, name.option, &value, &size));
}

int LinuxDriver::reset_on_close(int handle) noexcept {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  return or_errno(::setsockopt(handle, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
}

std::int64_t LinuxDriver::unacknowledged(int handle) noexcept {
  const auto queued = [handle]() noexcept {
    int bytes = 0;
    const int answer = or_errno(::ioctl(handle, SIOCOUTQ, &bytes));
    return answer < 0 ? answer : bytes;
  };
  const int bytes = queued();
  if (bytes <= 0) return bytes;
  // A connection that has failed keeps its count. Not SO_ERROR: that would take the error away from
  // a read, which would then see an orderly end.
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(handle, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
      info.tcpi_state == TCP_CLOSE) {
    return queued() == 0 ? 0 : -ECONNRESET;  // 0: it has ended in order since we asked
  }
  return bytes;
}

}  // namespace ieum::detail
