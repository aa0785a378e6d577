// LinuxDriver: what only Unix sockets can do: pairs, credentials, passing descriptors (unix(7)).
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "driver/linux/linux_driver.hpp"

namespace ieum::detail {

namespace {

/// The kernel ignores descriptors that are sent over TCP, and makes credentials up for it.
int refuse_unless_unix(int handle) noexcept {
  int family = 0;
  socklen_t size = sizeof family;
  if (::getsockopt(handle, SOL_SOCKET, SO_DOMAIN, &family, &size) < 0) return -errno;
  return family == AF_UNIX ? 0 : -EOPNOTSUPP;
}

constexpr std::size_t rights_bytes_max = descriptors_passed_max * sizeof(int);

/// Room for the descriptors, and for what else an adopted socket may be set to give: credentials, a
/// security label, a pidfd.
struct Control {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(rights_bytes_max) + 1024> bytes;
};

/// Calls `take(descriptor, is_wanted)` for each that came; a pidfd is one that nobody asked for.
template <class Take>
void for_each_descriptor(msghdr& message, Take take) noexcept {
  constexpr int scm_pidfd = 4;  // SCM_PIDFD, Linux 6.5
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET) continue;
    if (part->cmsg_type != SCM_RIGHTS && part->cmsg_type != scm_pidfd) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(part) + i * sizeof descriptor, sizeof descriptor);
      if (descriptor >= 0) take(descriptor, part->cmsg_type == SCM_RIGHTS);
    }
  }
}

}  // namespace

int LinuxDriver::open_pair(int& first, int& second) noexcept {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) < 0) {
    return -errno;
  }
  first = adopt(ends[0], Adopted::own);
  second = adopt(ends[1], Adopted::own);
  const int status = std::min(first, second);
  if (status >= 0) return 0;
  for (const int end : ends) ::close(end);
  return status;
}

int LinuxDriver::peer_credentials(int handle, PeerCredentials& peer) noexcept {
  if (const int status = refuse_unless_unix(handle); status < 0) return status;
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(handle, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return -errno;
  peer = {.pid = credentials.pid, .uid = credentials.uid, .gid = credentials.gid};
  return 0;
}

std::int64_t LinuxDriver::send_descriptors(int handle, ConstBuffer data,
                                           std::span<const int> descriptors) noexcept {
  if (const int status = refuse_unless_unix(handle); status < 0) return status;
  if (descriptors.size() > descriptors_passed_max) return -EINVAL;
  iovec part{const_cast<std::byte*>(data.data()), data.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  Control control{};
  if (!descriptors.empty()) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  ssize_t count = 0;
  do {
    count = ::sendmsg(handle, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

std::int64_t LinuxDriver::receive_descriptors(int handle, std::span<std::byte> into,
                                              std::span<int> descriptors,
                                              std::size_t& count) noexcept {
  count = 0;
  if (const int status = refuse_unless_unix(handle); status < 0) return status;
  iovec part{into.data(), into.size()};
  Control control;
  msghdr message{};
  ssize_t bytes = 0;
  do {
    message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes.data();
    message.msg_controllen = control.bytes.size();
    bytes = ::recvmsg(handle, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (bytes < 0 && errno == EINTR);
  if (bytes < 0) return -errno;

  // Never an exact fit: what would be cut off is open already, and ours to close.
  bool surplus = false;
  for_each_descriptor(message, [&](int descriptor, bool is_wanted) {
    if (is_wanted && count < descriptors.size()) {
      descriptors[count++] = descriptor;
    } else {
      surplus = surplus || is_wanted;
      ::close(descriptor);
    }
  });
  const bool cut_off = (message.msg_flags & MSG_CTRUNC) != 0;  // out of descriptor numbers
  if (!surplus && !cut_off) return bytes;
  for (const int descriptor : descriptors.first(count)) ::close(descriptor);
  count = 0;
  return surplus ? -EMSGSIZE : -EMFILE;
}

}  // namespace ieum::detail
