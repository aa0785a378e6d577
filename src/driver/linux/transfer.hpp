// What the drivers over Linux's sockets share in moving bytes: gathering, writing without SIGPIPE,
// and what an error number means.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <span>

#include <ieum/operation.hpp>

#include "driver/operations.hpp"

namespace ieum::detail {

/// Of a gathered write in one call; longer ones go in several.
using Parts = std::array<iovec, 64>;

/// What is left of a send, as far as it fits into one call.
std::span<const iovec> remaining(const Operation& operation, Parts& parts) noexcept;

// Neither waits, even if another process has made the open file, which it shares, a blocking one: a
// socket call says so by a flag, others by RWF_NOWAIT. What has no such thing (terminals; pipes
// before Linux 6.4) is polled right before the call, which writes no more than then has room, and
// blocks only if another takes in between what was there.

/// One try: bytes, or -1 and errno.
ssize_t read_file(int handle, std::byte* data, std::size_t size) noexcept;
inline ssize_t read_some(int handle, std::byte* data, std::size_t size, bool is_socket) noexcept {
  return is_socket ? ::recv(handle, data, size, MSG_DONTWAIT) : read_file(handle, data, size);
}

/// One try to send what is left, as far as it fits into one call, never SIGPIPE: bytes, or -1 and
/// errno.
ssize_t send_parts(const Operation& operation, bool is_socket) noexcept;
inline ssize_t send_left(const Operation& operation, bool is_socket) noexcept {
  if (!is_socket || operation.parts != nullptr) return send_parts(operation, is_socket);
  return ::send(operation.handle, operation.data + operation.moved,
                operation.size - operation.moved, MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool is_socket(int descriptor) noexcept;
bool is_tcp(int descriptor) noexcept;

bool would_block(int number) noexcept;
/// accept(2): the client has gone again, or its network has, or a firewall forbids it; there may be
/// another one.
bool is_about_one_client(int number) noexcept;

}  // namespace ieum::detail
