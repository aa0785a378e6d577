// The io_uring driver's handles: how one comes to be, is taken over, handed on, or shut down.
#include <fcntl.h>

#include <utility>

#include "driver/uring/uring_driver.hpp"

namespace ieum::detail::uring {

int UringDriver::open(Family family, SocketType type) noexcept {
  const int handle = LinuxDriver::open(family, type);
  if (handle >= 0) fresh_slot(handle, true);
  return handle;
}

int UringDriver::open_pair(int& first, int& second) noexcept {
  const int status = LinuxDriver::open_pair(first, second);
  if (status < 0) return status;
  fresh_slot(first, true);
  fresh_slot(second, true);
  return status;
}

int UringDriver::adopt(int descriptor, Adopted adopted) noexcept {
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0) return -errno;
  if ((flags & O_NONBLOCK) == 0) return -EINVAL;
  fresh_slot(descriptor, is_socket(descriptor));
  slot(descriptor).foreign = true;
  slot(descriptor).blocks_at_close = adopted == Adopted::shared;
  return descriptor;
}

int UringDriver::release(int handle) noexcept {
  Slot& at = slot(handle);
  IEUM_ASSERT(at.in == nullptr && at.out == nullptr,
              "a socket is detached while an operation on it is pending");
  if (at.broken != 0) return -at.broken;
  fresh_slot(handle, false);
  return handle;
}

int UringDriver::shutdown(int handle, Half half) noexcept {
  const int status = LinuxDriver::shutdown(handle, half);
  // The kernel wakes a pending receive, but for Unix sockets not a pending send.
  Operation* sending = slot(handle).out;
  if (status >= 0 && half != Half::receiving && sending != nullptr) ask_to_cancel(*sending, -EPIPE);
  return status;
}

std::int64_t UringDriver::receive_descriptors(int handle, std::span<std::byte> into,
                                              std::span<int> descriptors,
                                              std::size_t& count) noexcept {
  const std::int64_t bytes = LinuxDriver::receive_descriptors(handle, into, descriptors, count);
  Slot& at = slot(handle);
  if (bytes < 0 && breaks_connection(static_cast<int>(-bytes))) {
    at.broken = static_cast<std::int16_t>(-bytes);
  }
  return bytes == 0 && at.broken != 0 ? -at.broken : bytes;
}

}  // namespace ieum::detail::uring
