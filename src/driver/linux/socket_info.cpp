// LinuxDriver: what Linux tells of a socket: socket options, queue lengths, TCP_INFO.
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <span>

#include <ieum/socket_info.hpp>

#include "base/tcp_info.hpp"
#include "driver/linux/linux_driver.hpp"
#include "driver/linux/unix_diag.hpp"

namespace ieum::detail {

namespace {

std::optional<int> option_of(int handle, int level, int option) noexcept {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(handle, level, option, &value, &size) < 0) return std::nullopt;
  return value;
}

/// A count that ioctl(2) answers with; 0 where it does not apply.
std::uint64_t count_of(int handle, unsigned long request) noexcept {
  int count = 0;
  if (::ioctl(handle, request, &count) < 0 || count < 0) return 0;
  return static_cast<std::uint64_t>(count);
}

int fill_tcp(int handle, SocketInfo& info) noexcept {
  std::array<std::byte, 512> answer{};
  socklen_t length = sizeof answer;
  if (::getsockopt(handle, IPPROTO_TCP, TCP_INFO, answer.data(), &length) < 0) return -errno;
  fill_tcp_info(std::span(answer).first(length), info);
  if (!info.tcp) return 0;
  info.unsent_bytes = std::min(count_of(handle, SIOCOUTQNSD), info.send_queue_bytes);
  TcpInfo& tcp = *info.tcp;
  tcp.no_delay = option_of(handle, IPPROTO_TCP, TCP_NODELAY).value_or(0) != 0;
  tcp.cork = option_of(handle, IPPROTO_TCP, TCP_CORK).value_or(0) != 0;
  socklen_t size = TcpInfo::congestion_control_bytes_max;
  ::getsockopt(handle, IPPROTO_TCP, TCP_CONGESTION, tcp.congestion_control.data(), &size);
  return 0;
}

void fill_unix(int handle, short events, SocketInfo& info) noexcept {
  const UnixDiag diag = unix_diag(handle);
  if (option_of(handle, SOL_SOCKET, SO_ACCEPTCONN).value_or(0) != 0) {
    info.kind = SocketKind::unix_listener;
    info.state = SocketState::listen;
    info.send_queue_bytes = 0;
    info.backlog = diag.backlog;
    return;
  }
  info.kind = SocketKind::unix_stream;
  if ((events & POLLHUP) != 0) {
    info.state = SocketState::closed;
  } else if ((events & POLLRDHUP) != 0) {
    info.state = SocketState::close_wait;
  } else {
    info.state = diag.sending_ended ? SocketState::fin_wait_2 : SocketState::established;
  }
}

}  // namespace

int LinuxDriver::information(int handle, SocketInfo& info) noexcept {
  const std::optional<int> domain = option_of(handle, SOL_SOCKET, SO_DOMAIN);
  if (!domain) return -errno;
  const bool is_stream = option_of(handle, SOL_SOCKET, SO_TYPE) == SOCK_STREAM;
  const bool is_tcp = (domain == AF_INET || domain == AF_INET6) &&
                      option_of(handle, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP;
  if (!is_stream || (!is_tcp && domain != AF_UNIX)) return -EOPNOTSUPP;

  info = {};
  const Pending pending = this->pending(handle);
  info.receiving = pending.receive;
  info.sending = pending.send;
  // poll(2), not SO_ERROR, which would take the error away from the next operation.
  pollfd poll{.fd = handle, .events = POLLRDHUP, .revents = 0};
  ::poll(&poll, 1, 0);
  info.error_waiting = (poll.revents & POLLERR) != 0;
  info.receive_queue_bytes = count_of(handle, SIOCINQ);
  info.send_queue_bytes = count_of(handle, SIOCOUTQ);
  const int receive_buffer = option_of(handle, SOL_SOCKET, SO_RCVBUF).value_or(0);
  const int send_buffer = option_of(handle, SOL_SOCKET, SO_SNDBUF).value_or(0);
  info.receive_buffer_bytes = static_cast<std::uint64_t>(receive_buffer);
  info.send_buffer_bytes = static_cast<std::uint64_t>(send_buffer);
  local_address(handle, info.local);
  peer_address(handle, info.peer);
  if (is_tcp) return fill_tcp(handle, info);
  fill_unix(handle, poll.revents, info);
  return 0;
}

}  // namespace ieum::detail
