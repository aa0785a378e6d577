// The io_uring driver's cancelling and closing: what the kernel still holds is asked back first.
#include "driver/uring/uring_driver.hpp"

namespace ieum::detail::uring {

using Kind = Operation::Kind;

// ---- Cancelling --------------------------------------------------------------------------------

void UringDriver::ask_to_cancel(Operation& operation, int as) noexcept {
  if (operation.kind == Kind::lease) return leases_.cancel(operation, completed_);
  if (operation.state != Operation::State::pending || operation.cancel_as != 0) return;
  operation.cancel_as = static_cast<std::int16_t>(as);
  if (operation.parked_in == in_ring) {
    const auto user_data = reinterpret_cast<std::uint64_t>(&operation);
    if (!cancel_entry(user_data)) cancels_owed_.push_back(&operation);
    return;
  }
  if (operation.parked_in == in_backlog) backlog_.remove(operation);
  if (operation.parked_in == in_starved) starved_.remove(operation);
  if (operation.parked_in == in_starved_direct) starved_direct_.remove(operation);
  operation.result = canceled(operation, as);
  finish(operation, slot(operation.handle), completed_);
}

bool UringDriver::cancel_entry(std::uint64_t user_data) noexcept {
  io_uring_sqe* entry = ring_.entry();
  if (entry == nullptr) return false;
  io_uring_prep_cancel64(entry, user_data, 0);
  entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(entry, static_cast<std::uint64_t>(Tag::nothing));
  return true;
}

// ---- Closing -----------------------------------------------------------------------------------

bool UringDriver::close(Operation& operation) noexcept {
  const int handle = operation.handle;
  if (handle < 0) return done_with(operation, -EBADF);
  Slot& at = slot(handle);
  if (is_idle(at)) return done_with(operation, close_now(handle));
  at.closing = &operation;
  operation.state = Operation::State::pending;
  operation.cancel_as = -ECANCELED;  // a close cannot be canceled
  begin_close(handle);
  return false;
}

void UringDriver::discard(int handle) noexcept {
  Slot& at = slot(handle);
  if (is_idle(at)) {
    close_now(handle);
  } else {
    at.discarded = true;
    begin_close(handle);
  }
}

void UringDriver::begin_close(int handle) noexcept {
  if (Operation* in = slot(handle).in) ask_to_cancel(*in, -ECANCELED);
  if (Operation* out = slot(handle).out) ask_to_cancel(*out, -ECANCELED);
}

/// After the end of an operation: if that was the last.
void UringDriver::go_on_closing(int handle, Slot& at, OperationQueue& done) noexcept {
  if (!is_idle(at)) return;
  Operation* closing = at.closing;
  const int status = close_now(handle);
  if (closing == nullptr) return;
  closing->result = status;
  done.push(*closing);
}

int UringDriver::close_now(int handle) noexcept {
  if (slot(handle).blocks_at_close) let_block(handle);
  fresh_slot(handle, false);
  return ::close(handle) < 0 && errno != EINTR ? -errno : 0;
}

}  // namespace ieum::detail::uring
