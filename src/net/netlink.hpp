// Lists of sockets over netlink (sock_diag(7)).
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <ieum/descriptor.hpp>

namespace ieum::detail {

template <class T>
T value_of(const rtattr& attribute) noexcept {
  T value{};
  if (RTA_PAYLOAD(&attribute) >= sizeof value)
    std::memcpy(&value, RTA_DATA(&attribute), sizeof value);
  return value;
}

/// Calls `take(attribute)` for each attribute behind a message of type T.
template <class T, class F>
void for_each_attribute(const nlmsghdr* header, F take) {
  auto left = static_cast<int>(NLMSG_PAYLOAD(header, sizeof(T)));
  const auto* message = static_cast<const T*>(NLMSG_DATA(header));
  for (const auto* at = reinterpret_cast<const rtattr*>(message + 1); RTA_OK(at, left);
       at = RTA_NEXT(at, left)) {
    take(*at);
  }
}

/// Sends a request for a list, and calls `take(header)` for each entry of the answer. Gives an
/// errno, or 0.
template <class Body, class F>
int list_sockets(const Descriptor& netlink, std::span<std::byte> answer, const Body& body, F take) {
  struct {
    nlmsghdr header;
    Body body;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body = body;
  if (::send(netlink.number(), &request, sizeof request, 0) != sizeof request) return errno;
  for (;;) {
    const ssize_t length = ::recv(netlink.number(), answer.data(), answer.size(), 0);
    if (length < 0 && errno == EINTR) continue;
    if (length <= 0) return length < 0 ? errno : EPROTO;
    auto left = static_cast<std::uint32_t>(length);
    for (auto* header = reinterpret_cast<nlmsghdr*>(answer.data()); NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type == NLMSG_DONE) return 0;
      if (header->nlmsg_type == NLMSG_ERROR) {
        return -static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
      }
      if (header->nlmsg_type == SOCK_DIAG_BY_FAMILY) take(header);
    }
  }
}

}  // namespace ieum::detail
