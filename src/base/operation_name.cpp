// What an operation is called in a sentence.
#include "base/operation_name.hpp"

namespace ieum::detail {

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
    case Operation::Kind::lease: return "a lease";
    case Operation::Kind::none:
    case Operation::Kind::close: break;
  }
  return "an operation";
}

}  // namespace ieum::detail
