// The io_uring driver's accepting: a listener has one multishot accept, armed while somebody waits.
#include <utility>

#include "driver/uring/uring_driver.hpp"

namespace ieum::detail::uring {

void UringDriver::arm_accept(int handle, Slot& at) noexcept {
  if (at.accepting == nullptr) at.accepting = new Accepting;
  if (at.accepting->armed) return;  // or about to end, and then armed again
  io_uring_sqe* entry = ring_.entry();
  if (entry == nullptr) {
    Operation& operation = *at.in;
    return backlog_.push(operation);
  }
  io_uring_prep_multishot_accept(entry, handle, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  io_uring_sqe_set_data64(entry, accept_data(handle, at.generation));
  at.accepting->armed = true;
  at.accepting->ending = false;
}

void UringDriver::disarm_accept(int handle, Slot& at) noexcept {
  if (at.accepting == nullptr || !at.accepting->armed || at.accepting->ending) return;
  at.accepting->ending = cancel_entry(accept_data(handle, at.generation));
  if (!at.accepting->ending) served_.push_back(handle);  // the next wait tries again
}

/// A listener that nobody awaits any more leaves its clients in the backlog.
void UringDriver::disarm_unwanted() noexcept {
  for (const int handle : std::exchange(served_, {})) {
    Slot& at = slot(handle);
    if (at.accepting == nullptr) continue;
    at.accepting->served = false;
    if (at.in == nullptr) disarm_accept(handle, at);
  }
}

void UringDriver::accept_ended(const io_uring_cqe& completion, OperationQueue& done) noexcept {
  const auto handle = static_cast<int>(completion.user_data >> 32U);
  const int client = completion.res;
  if (client >= 0) fresh_slot(client, true);
  Slot& at = slot(handle);
  if (accept_data(handle, at.generation) != completion.user_data) {
    if (client >= 0) {  // the listener has been closed meanwhile
      fresh_slot(client, false);
      close_with_reset(client);
    }
    return;
  }
  Accepting& accepting = *at.accepting;
  if ((completion.flags & IORING_CQE_F_MORE) == 0) accepting.armed = accepting.ending = false;
  if (!accepting.served) {
    accepting.served = true;
    served_.push_back(handle);
  }
  Operation* pending = at.in;
  if (client >= 0 && pending == nullptr) {
    accepting.waiting.push_back(client);
  } else if (pending != nullptr && client >= 0) {
    deliver(*pending, client);
    return finish(*pending, done);
  } else if (pending != nullptr && client != -ECANCELED && !is_about_one_client(-client)) {
    pending->result = client;
    return finish(*pending, done);
  }
  if (at.closing != nullptr || at.discarded) {
    if (!is_idle(at)) return;
    Operation* closing = at.closing;
    const int status = close_now(handle);
    if (closing == nullptr) return;
    closing->result = status;
    return done.push(*closing);
  }
  if (pending != nullptr) arm_accept(handle, at);
}

void UringDriver::deliver(Operation& operation, int client) noexcept {
  *operation.address = Address{};  // of one who has gone again
  peer_address(client, *operation.address);
  operation.result = client;
}

}  // namespace ieum::detail::uring
