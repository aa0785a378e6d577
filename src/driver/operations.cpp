// Operations as every driver sees them.
#include "driver/operations.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/operation_name.hpp"

namespace ieum::detail {

bool pass_parts(Operation& operation, std::size_t count) noexcept {
  count += operation.part_moved;
  while (operation.buffer < operation.size) {
    const std::size_t part = operation.parts[operation.buffer].size();
    if (count < part) break;
    count -= part;
    ++operation.buffer;
  }
  operation.part_moved = count;
  return operation.buffer == operation.size;
}

bool breaks_connection(int number) noexcept {
  switch (number) {
    case ECONNRESET:
    case ECONNABORTED:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH: return true;
    default: return false;
  }
}

bool refuse_second(const Operation& pending, Operation& second) noexcept {
#ifdef IEUM_DEBUG
  std::fprintf(stderr,
               "ieum: %s was begun on descriptor %d while %s is pending on it: at most one "
               "operation a direction a socket; await the first one before\n",
               name_of(second.kind), second.handle, name_of(pending.kind));
  std::abort();
#else
  second.buffer = static_cast<std::uint32_t>(pending.kind);
  return done_with(second, -EBUSY);
#endif
}

}  // namespace ieum::detail
