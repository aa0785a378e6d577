// What fork(2) does to runtimes: they stay the parent's.
#pragma once

namespace ieum::detail {

class Loop;

/// From now on until `forget_at_fork`, `loop` hears of a fork in the child: `Loop::leave_behind`.
void tell_of_fork(Loop& loop);
void forget_at_fork(Loop& loop) noexcept;

/// Whether this is a child of fork(2) that has inherited runtimes, and runs no task now: what it
/// destroys on its way out may be waited for, or held, by their tasks, which go on in the parent.
[[nodiscard]] bool leaves_tasks_behind() noexcept;

}  // namespace ieum::detail
