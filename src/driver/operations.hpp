// What every driver does with an operation, whatever keeps the bytes: directions, totals, results,
// and the errors that end a connection.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <ieum/operation.hpp>

namespace ieum::detail {

/// What a driver over a kernel tells to have received at a time, if there is that much; the rest is
/// for the turns that follow. A core's cache holds so much while it is decrypted, used and
/// encrypted: of what came before it, nothing would be left there.
inline constexpr std::size_t turn_bytes_max = std::size_t{128} * 1024;

/// Whether `operation` is of the direction that receives.
inline bool is_in(const Operation& operation) noexcept {
  return operation.kind <= Operation::Kind::wait_readable;
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

/// At most one operation a direction a socket: true, and `second` has failed with -EBUSY and, in
/// `buffer`, the kind of the other. Built with IEUM_DEBUG (CMAKE_BUILD_TYPE=Debug), says which
/// socket and which two, and aborts: in a release what the peer sends may decide when it happens.
bool refuse_second(const Operation& pending, Operation& second) noexcept;

/// Errors of the connection, not of the call. The kernel tells them once and then shows an orderly
/// end, which would make what was cut off look whole.
bool breaks_connection(int number) noexcept;

/// The part of a gathered send where it goes on, past `count` more bytes; true if there is none. It
/// is kept, so that many parts cost no more than their number.
bool pass_parts(Operation& operation, std::size_t count) noexcept;

/// `count` bytes of a send have gone; true if those were the last.
inline bool advance(Operation& operation, std::size_t count) noexcept {
  operation.moved += count;
  return operation.parts == nullptr ? operation.moved == operation.size
                                    : pass_parts(operation, count);
}

/// Makes a send begin at its first byte; false if it has none.
inline bool begin_send(Operation& operation) noexcept {
  if (operation.parts == nullptr) return operation.size > 0;
  operation.buffer = 0;
  operation.part_moved = 0;
  return !pass_parts(operation, 0);
}

/// What is left of a send, as far as `pieces` reach; `make(data, size)` gives one piece.
template <class Piece, class Make>
std::span<const Piece> remaining_pieces(const Operation& operation, std::span<Piece> pieces,
                                        Make make) noexcept {
  if (operation.parts == nullptr) {
    pieces[0] = make(operation.data + operation.moved, operation.size - operation.moved);
    return pieces.first(1);
  }
  std::size_t skip = operation.part_moved;
  std::size_t count = 0;
  for (std::size_t i = operation.buffer; i < operation.size && count < pieces.size(); ++i) {
    const ConstBuffer part = operation.parts[i].subspan(std::exchange(skip, 0));
    if (part.empty()) continue;
    // A send only reads it; iovec(3type) has no const.
    pieces[count++] = make(const_cast<std::byte*>(part.data()), part.size());
  }
  return pieces.first(count);
}

/// Whether a pending send sends what lies in a buffer of one of `pools`: its owner can only wait,
/// so that the buffer does not count. Of many parts the next ones say it.
template <class... Pools>
bool sends_pooled(const Operation* pending, const Pools&... pools) noexcept {
  if (pending == nullptr || pending->kind != Operation::Kind::send) return false;
  const auto in_a_pool = [&](const std::byte* data) { return (pools.owns(data) || ...); };
  if (pending->parts == nullptr) return in_a_pool(pending->data);
  constexpr std::size_t looked_at_max = 16;
  const std::size_t end = std::min(pending->size, pending->buffer + looked_at_max);
  for (std::size_t i = pending->buffer; i < end; ++i) {
    if (in_a_pool(pending->parts[i].data())) return true;
  }
  return false;
}

}  // namespace ieum::detail
