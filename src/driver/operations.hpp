// What every driver does with an operation, whatever keeps the bytes: directions, totals, results,
// and the errors that end a connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <ieum/operation.hpp>

namespace ieum::detail {

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

/// Errors of the connection, not of the call. The kernel tells them once and then shows an orderly
/// end, which would make what was cut off look whole.
bool breaks_connection(int number) noexcept;

/// Of a send: its bytes, or those of all its parts.
std::size_t total_bytes(const Operation& operation) noexcept;

/// What is left of a send, as far as `pieces` reach; `make(data, size)` gives one piece.
template <class Piece, class Make>
std::span<const Piece> remaining_pieces(const Operation& operation, std::span<Piece> pieces,
                                        Make make) noexcept {
  if (operation.parts == nullptr) {
    pieces[0] = make(operation.data + operation.moved, operation.size - operation.moved);
    return pieces.first(1);
  }
  std::size_t skip = operation.moved;
  std::size_t count = 0;
  for (std::size_t i = 0; i < operation.size && count < pieces.size(); ++i) {
    const ConstBuffer part = operation.parts[i];
    if (skip >= part.size()) {
      skip -= part.size();
      continue;
    }
    // A send only reads it; iovec(3type) has no const.
    pieces[count++] = make(const_cast<std::byte*>(part.data()) + skip, part.size() - skip);
    skip = 0;
  }
  return pieces.first(count);
}

}  // namespace ieum::detail
