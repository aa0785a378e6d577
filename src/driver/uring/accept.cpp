// The io_uring driver's accepting, cancelling and closing.
#include <fcntl.h>

#include <utility>

#include "driver/uring/uring_driver.hpp"

namespace ieum::uring {

using Kind = Operation::Kind;

// ---- Accepting ---------------------------------------------------------------------------------

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

// ---- Stopping and closing ----------------------------------------------------------------------

void UringDriver::ask_to_cancel(Operation& operation, int as) noexcept {
  if (operation.state != Operation::State::pending || operation.cancel_as != 0) return;
  operation.cancel_as = static_cast<std::int16_t>(as);
  if (operation.parked_in == in_ring) {
    const auto user_data = reinterpret_cast<std::uint64_t>(&operation);
    if (!cancel_entry(user_data)) cancels_owed_.push_back(&operation);
    return;
  }
  if (operation.parked_in == in_backlog) backlog_.remove(operation);
  if (operation.parked_in == in_starved) starved_.remove(operation);
  operation.result = canceled(operation, as);
  if (operation.kind == Kind::accept) {
    Slot& at = slot(operation.handle);
    if (at.accepting != nullptr && !std::exchange(at.accepting->served, true)) {
      served_.push_back(operation.handle);
    }
  }
  finish(operation, completed_);
}

bool UringDriver::cancel_entry(std::uint64_t user_data) noexcept {
  io_uring_sqe* entry = ring_.entry();
  if (entry == nullptr) return false;
  io_uring_prep_cancel64(entry, user_data, 0);
  entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(entry, static_cast<std::uint64_t>(Tag::nothing));
  return true;
}

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
  if (at.in == nullptr && at.out == nullptr && at.accepting != nullptr && at.accepting->armed) {
    // Nobody can wait for the accept's end: gone now, so that the port is free at once.
    disarm_accept(handle, at);
    if (at.accepting->ending) {
      ring_.flush();
      at.accepting->armed = false;  // what it still brings is of an old generation
    }
  }
  if (is_idle(at)) {
    close_now(handle);
  } else {
    at.discarded = true;
    begin_close(handle);
  }
}

int UringDriver::release(int handle) noexcept {
  Slot& at = slot(handle);
  IEUM_ASSERT(at.in == nullptr && at.out == nullptr,
              "a socket is detached while an operation on it is pending");
  if (at.broken != 0) return -at.broken;
  if (at.accepting != nullptr) {
    // Who has come already comes out first.
    disarm_accept(handle, at);
    ring_.flush();
    ring_.reap([&](const io_uring_cqe& completion) { take(completion, completed_); });
    Slot& now_at = slot(handle);  // the table may have grown
    if (now_at.accepting->armed || !now_at.accepting->waiting.empty()) return -EBUSY;
    delete std::exchange(now_at.accepting, nullptr);
  }
  Slot& left = slot(handle);
  left.generation = (left.generation + 1) & generation_max;
  fresh_slot(handle, false);
  return handle;
}

void UringDriver::begin_close(int handle) noexcept {
  disarm_accept(handle, slot(handle));
  if (Operation* in = slot(handle).in) ask_to_cancel(*in, -ECANCELED);
  if (Operation* out = slot(handle).out) ask_to_cancel(*out, -ECANCELED);
}

int UringDriver::close_now(int handle) noexcept {
  Slot& at = slot(handle);
  if (at.accepting != nullptr) {
    for (const int client : at.accepting->waiting) {
      fresh_slot(client, false);  // no new slot: `at` stays where it is
      close_with_reset(client);
    }
    delete std::exchange(at.accepting, nullptr);
  }
  at.generation = (at.generation + 1) & generation_max;
  fresh_slot(handle, false);
  return ::close(handle) < 0 && errno != EINTR ? -errno : 0;
}

int UringDriver::open(Family family, SocketType type) noexcept {
  const int handle = LinuxDriver::open(family, type);
  if (handle >= 0) fresh_slot(handle, true);
  return handle;
}

int UringDriver::open_pair(int& first, int& second) noexcept {
  const int status = LinuxDriver::open_pair(first, second);
  if (status < 0) return status;
  fresh_slot(first, true);
  fresh_slot(second, true);
  return status;
}

int UringDriver::shutdown(int handle, Half half) noexcept {
  const int status = LinuxDriver::shutdown(handle, half);
  // The kernel wakes a pending receive, but for Unix sockets not a pending send.
  Operation* sending = slot(handle).out;
  if (status >= 0 && half != Half::receiving && sending != nullptr) ask_to_cancel(*sending, -EPIPE);
  return status;
}

int UringDriver::adopt(int descriptor) noexcept {
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0) return -errno;
  if ((flags & O_NONBLOCK) == 0) return -EINVAL;
  fresh_slot(descriptor, is_socket(descriptor));
  return descriptor;
}

std::int64_t UringDriver::receive_descriptors(int handle, std::span<std::byte> into,
                                              std::span<int> descriptors,
                                              std::size_t& count) noexcept {
  const std::int64_t bytes = LinuxDriver::receive_descriptors(handle, into, descriptors, count);
  Slot& at = slot(handle);
  if (bytes < 0 && breaks_connection(static_cast<int>(-bytes))) {
    at.broken = static_cast<std::int16_t>(-bytes);
  }
  return bytes == 0 && at.broken != 0 ? -at.broken : bytes;
}

}  // namespace ieum::uring
