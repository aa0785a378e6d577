// Signals as events that a task waits for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <ieum/task.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// Catches signals as long as it exists (sigaction(2)) and gives them to a task; then what they did
/// before is restored. Several objects may catch the same signal: each gets it. As with every
/// signal, two of one number that come before either was taken count once. It belongs to the
/// runtime that it was made on and hears of a signal whichever thread the system interrupts for it,
/// so one object, on one of several cores, is enough. In a child of fork(2) they do at once what
/// they did before: the object stays the parent's, as its runtime does.
///
///     Signals signals = co_await Signals::create(SIGINT, SIGTERM);
///     const int signal = co_await signals.next();
class Signals {
 public:
  /// At most this many objects may exist in a process.
  static constexpr std::size_t objects_max = 32;

  /// `numbers` as in signal(7), 1 to 63. Errors: `invalid_argument` (SIGKILL, SIGSTOP, no signal),
  /// `too_many_files_open`, `resource_unavailable_try_again` (more than `objects_max`).
  template <class... Number>
  [[nodiscard]] static Result<Signals> create(Number... numbers) {
    const std::array<int, sizeof...(Number)> all{numbers...};
    return create_for(all);
  }

  Signals(Signals&& other) noexcept
      : loop_(other.loop_), slot_(std::exchange(other.slot_, -1)), handle_(other.handle_) {}
  Signals& operator=(Signals&&) = delete;
  ~Signals();

  /// Waits for the next signal and gives its number; of several, the lowest first.
  /// One at a time: of a second one the error is `device_or_resource_busy`.
  [[nodiscard]] detail::ConsumingTask<int> next();

 private:
  Signals(detail::Loop& loop, int slot, int handle) noexcept
      : loop_(&loop), slot_(slot), handle_(handle) {}
  Task<int> take();
  static Result<Signals> create_for(std::span<const int> numbers);

  detail::Loop* loop_;
  int slot_;
  int handle_;
};

}  // namespace ieum
#pragma GCC visibility pop
