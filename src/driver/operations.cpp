// Operations as every driver sees them.
#include "driver/operations.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace ieum::detail {

namespace {

const char* name_of(Operation::Kind kind) noexcept {
  switch (kind) {
    case Operation::Kind::receive: return "a read";
    case Operation::Kind::send: return "a write";
    case Operation::Kind::accept: return "an accept";
    case Operation::Kind::connect: return "a connect";
    case Operation::Kind::receive_datagrams: return "a receive";
    case Operation::Kind::send_datagrams: return "a send";
    case Operation::Kind::wait_readable: return "a wait until readable";
    case Operation::Kind::wait_writable: return "a wait until writable";
    case Operation::Kind::none:
    case Operation::Kind::close: break;
  }
  return "an operation";
}

}  // namespace

std::size_t total_bytes(const Operation& operation) noexcept {
  if (operation.parts == nullptr) return operation.size;
  std::size_t total = 0;
  for (std::size_t i = 0; i < operation.size; ++i) total += operation.parts[i].size();
  return total;
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

void refuse_second(const Operation& pending, const Operation& second) noexcept {
  std::fprintf(stderr,
               "ieum: %s was begun on descriptor %d while %s is pending on it: at most one "
               "operation a direction a socket; await the first one before\n",
               name_of(second.kind), second.handle, name_of(pending.kind));
  std::abort();
}

}  // namespace ieum::detail
