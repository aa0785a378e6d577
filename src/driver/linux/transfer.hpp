// What the drivers over Linux's sockets share in moving bytes: gathering, writing without SIGPIPE,
// and what an error number means.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <span>

#include <ieum/operation.hpp>

namespace ieum {

/// Of a gathered write in one call; longer ones go in several.
using Parts = std::array<iovec, 64>;

/// What is left of a send, as far as it fits into one call.
std::span<const iovec> remaining(const Operation& operation, Parts& parts) noexcept;
std::size_t total_bytes(const Operation& operation) noexcept;

/// One try at once, never SIGPIPE: bytes, or -1 and errno.
ssize_t send_parts(int handle, std::span<const iovec> parts, bool is_socket) noexcept;

bool is_socket(int descriptor) noexcept;
bool is_tcp(int descriptor) noexcept;

/// Errors of the connection, not of the call. The kernel tells them once and then shows an orderly
/// end, which would make what was cut off look whole.
bool breaks_connection(int number) noexcept;
bool would_block(int number) noexcept;
/// accept(2): the client has gone again, or its network has; there may be another one.
bool is_about_one_client(int number) noexcept;

/// Whether `operation` is of the direction that receives.
inline bool is_in(const Operation& operation) noexcept {
  return operation.kind == Operation::Kind::receive || operation.kind == Operation::Kind::accept ||
         operation.kind == Operation::Kind::receive_datagrams ||
         operation.kind == Operation::Kind::wait_readable;
}

inline bool is_of_datagrams(const Operation& operation) noexcept {
  return operation.kind == Operation::Kind::receive_datagrams ||
         operation.kind == Operation::Kind::send_datagrams;
}

inline bool done_with(Operation& operation, std::int64_t result) noexcept {
  operation.result = result;
  return true;
}

/// What a canceled operation ends with: `as`, unless datagrams have gone: that is told.
inline std::int64_t canceled(const Operation& operation, std::int64_t as) noexcept {
  const bool some_have_gone =
      operation.kind == Operation::Kind::send_datagrams && operation.moved > 0;
  return some_have_gone ? static_cast<std::int64_t>(operation.moved) : as;
}

/// At most one operation a direction a socket: says which socket and which two, and aborts.
[[noreturn]] void refuse_second(const Operation& pending, const Operation& second) noexcept;

}  // namespace ieum
