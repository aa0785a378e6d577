// Mutex: one task of a runtime at a time, across its awaits.
#pragma once

#include <ieum/semaphore.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// What one task of a runtime holds at a time. Between two awaits a task is never interrupted, so
/// it is needed only where something must stay whole across awaits: a request and its answer on a
/// shared connection, two writes that belong together.
///
///     Mutex::Lock lock = co_await mutex.lock();
///     co_await socket.write_all(head);
///     co_await socket.write_all(body);     // nobody writes in between; released at the end
///
/// First come, first served. A task that locks it twice waits for itself, for ever. Its thread and
/// lifetime as of a `Semaphore`.
class Mutex {
 public:
  /// Unlocks when it is destroyed, also by an error that ends the task.
  using Lock = Semaphore::Permit;

  Mutex() noexcept : one_(1) {}

  /// Waits until nobody holds it. Error: `operation_canceled`.
  [[nodiscard]] detail::Acquire<Lock> lock() noexcept { return {one_, "lock mutex"}; }
  /// The same without waiting: none if somebody holds it, or waits for it.
  Lock try_lock() noexcept { return one_.try_acquire(); }
  [[nodiscard]] bool is_locked() const noexcept { return one_.available() == 0; }

 private:
  Semaphore one_;
};

}  // namespace ieum
#pragma GCC visibility pop
