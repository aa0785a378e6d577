// The io_uring driver's datagrams: moved by calls of ours, one or many in each, once the ring says
// that there are some, or room. A receive by the ring itself was measured to be dearer
// (docs/decisions/0008-datagrams.md).
#include <poll.h>

#include "driver/uring/uring_driver.hpp"

namespace ieum::detail::uring {

using Kind = Operation::Kind;

/// One try: false if it would block.
bool UringDriver::move_datagrams(Operation& operation, Slot& at) noexcept {
  if (operation.kind == Kind::send_datagrams) return datagrams_.send(operation);
  const bool waited = operation.state == Operation::State::pending;
  if (!datagrams_.receive(operation)) {
    at.readiness.found_none();
    return false;
  }
  const auto wanted = static_cast<std::int64_t>(operation.transfer->datagrams.size());
  at.readiness.received(waited, operation.result > 0 && operation.result < wanted);
  return true;
}

/// The poll has ended: true if the operation is over, false if it is to be started again.
bool UringDriver::datagrams_ended(Operation& operation, Slot& at, int result) noexcept {
  // Also if it was ready before: after a close nobody may be there to take it.
  if (operation.cancel_as != 0) {
    return done_with(operation, canceled(operation, operation.cancel_as));
  }
  if (result < 0) return done_with(operation, result);
  if (move_datagrams(operation, at)) return true;
  return (result & POLLERR) != 0 && take_error_for(operation);
}

}  // namespace ieum::detail::uring
