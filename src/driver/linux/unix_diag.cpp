// Unix sockets over netlink: one request for one inode, one answer, which the kernel has made by
// the time that send(2) returns.
#include "driver/linux/unix_diag.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace ieum::detail {

namespace {

struct Request {
  nlmsghdr header;
  unix_diag_req body;
};

template <class T>
T value_in(const rtattr* attribute) noexcept {
  T value{};
  if (RTA_PAYLOAD(attribute) >= sizeof value)
    std::memcpy(&value, RTA_DATA(attribute), sizeof value);
  return value;
}

UnixDiag parse(const nlmsghdr* header) noexcept {
  UnixDiag diag;
  const auto* message = static_cast<const unix_diag_msg*>(NLMSG_DATA(header));
  auto left = static_cast<int>(NLMSG_PAYLOAD(header, sizeof *message));
  for (const auto* at = reinterpret_cast<const rtattr*>(message + 1); RTA_OK(at, left);
       at = RTA_NEXT(at, left)) {
    if (at->rta_type == UNIX_DIAG_SHUTDOWN) {
      constexpr std::uint8_t sending = 2;  // SEND_SHUTDOWN
      diag.sending_ended = (value_in<std::uint8_t>(at) & sending) != 0;
    } else if (at->rta_type == UNIX_DIAG_RQLEN) {
      const auto queue = value_in<unix_diag_rqlen>(at);
      diag.backlog = {.waiting = queue.udiag_rqueue, .max = queue.udiag_wqueue};
    }
  }
  return diag;
}

}  // namespace

UnixDiag unix_diag(int handle) noexcept {
  struct stat status{};
  if (::fstat(handle, &status) < 0) return {};
  const int netlink = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (netlink < 0) return {};

  Request request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.body.sdiag_family = AF_UNIX;
  request.body.udiag_states = ~0U;
  request.body.udiag_ino = static_cast<std::uint32_t>(status.st_ino);
  request.body.udiag_show = UDIAG_SHOW_RQLEN;
  request.body.udiag_cookie[0] = request.body.udiag_cookie[1] = ~0U;  // INET_DIAG_NOCOOKIE

  UnixDiag diag;
  alignas(nlmsghdr) std::array<std::byte, 1024> answer{};
  if (::send(netlink, &request, sizeof request, 0) == sizeof request) {
    const ssize_t length = ::recv(netlink, answer.data(), answer.size(), MSG_DONTWAIT);
    const auto* header = reinterpret_cast<const nlmsghdr*>(answer.data());
    if (length > 0 && NLMSG_OK(header, static_cast<std::uint32_t>(length)) &&
        header->nlmsg_type == SOCK_DIAG_BY_FAMILY) {
      diag = parse(header);
    }
  }
  ::close(netlink);
  return diag;
}

}  // namespace ieum::detail
