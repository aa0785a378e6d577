// The io_uring driver's accepting: the ring says that there is a client, and we take it. Nobody is
// taken in who was not asked for, and of several processes that share a listener any that asks may
// take who has come: an accept in the ring would wake one alone, which may be busy.
#include "driver/uring/uring_driver.hpp"

namespace ieum::detail::uring {

/// One try: false if there is no client.
bool UringDriver::accept_one(Operation& operation, Slot& at) noexcept {
  const bool told = operation.state == Operation::State::pending;
  const int client = accept_now(operation.handle, at.foreign, *operation.address);
  if (client == -EAGAIN) {
    at.readiness.found_none();
    return false;
  }
  at.readiness.received(told, false);
  if (client >= 0) fresh_slot(client, true);
  return done_with(operation, client);
}

/// The poll has ended: true if the operation is over, false if it is to be started again.
bool UringDriver::accept_ended(Operation& operation, Slot& at, int result) noexcept {
  if (operation.cancel_as != 0) return done_with(operation, operation.cancel_as);
  return result < 0 ? done_with(operation, result) : accept_one(operation, at);
}

}  // namespace ieum::detail::uring
