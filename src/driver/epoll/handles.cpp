// The epoll driver's handles: how one comes to be, is taken over, handed on, shut down or closed.
#include <fcntl.h>

#include "driver/epoll/epoll_driver.hpp"

namespace ieum::detail::epoll {

int EpollDriver::open(Family family, SocketType type) noexcept {
  const int handle = LinuxDriver::open(family, type);
  const bool is_tcp =
      type == SocketType::stream && (family == Family::ipv4 || family == Family::ipv6);
  if (handle >= 0) fresh_slot(handle, is_tcp, true);
  return handle;
}

int EpollDriver::open_pair(int& first, int& second) noexcept {
  const int status = LinuxDriver::open_pair(first, second);
  if (status < 0) return status;
  fresh_slot(first, false, true);
  fresh_slot(second, false, true);
  return status;
}

int EpollDriver::adopt(int descriptor, Adopted adopted) noexcept {
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0) return -errno;
  if ((flags & O_NONBLOCK) == 0) return -EINVAL;
  fresh_slot(descriptor, is_tcp(descriptor), is_socket(descriptor));
  slot(descriptor).foreign = true;
  slot(descriptor).blocks_at_close = adopted == Adopted::shared;
  return descriptor;
}

int EpollDriver::release(int handle) noexcept {
  Slot& at = slot(handle);
  IEUM_ASSERT(at.in == nullptr && at.out == nullptr,
              "a socket is detached while an operation on it is pending");
  if (at.broken != 0) return -at.broken;
  forget(handle, at);
  return handle;
}

int EpollDriver::shutdown(int handle, Half half) noexcept {
  const int status = LinuxDriver::shutdown(handle, half);
  // The kernel wakes a pending receive, but for Unix sockets not a pending send.
  Operation* sending = slot(handle).out;
  if (status >= 0 && half != Half::receiving && sending != nullptr) {
    cancel(*sending);
    sending->result = -EPIPE;
  }
  return status;
}

int EpollDriver::close(int handle) noexcept {
  if (handle < 0) return -EBADF;
  Slot& at = slot(handle);
  for (Operation* pending : {at.in, at.out}) {
    if (pending != nullptr) cancel(*pending);
  }
  if (at.blocks_at_close) let_block(handle);
  forget(handle, at);
  return ::close(handle) < 0 && errno != EINTR ? -errno : 0;
}

std::int64_t EpollDriver::receive_descriptors(int handle, std::span<std::byte> into,
                                              std::span<int> descriptors,
                                              std::size_t& count) noexcept {
  const std::int64_t bytes = LinuxDriver::receive_descriptors(handle, into, descriptors, count);
  Slot& at = slot(handle);
  if (bytes < 0 && breaks_connection(static_cast<int>(-bytes)))
    at.broken = static_cast<std::int16_t>(-bytes);
  return bytes == 0 && at.broken != 0 ? -at.broken : bytes;
}

}  // namespace ieum::detail::epoll
