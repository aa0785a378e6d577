// What fork(2) does to runtimes: they stay the parent's.
#pragma once

namespace ieum::detail {

class Loop;

/// From now on until `forget_at_fork`, `loop` hears of a fork in the child: `Loop::leave_behind`.
void tell_of_fork(Loop& loop);
void forget_at_fork(Loop& loop) noexcept;

}  // namespace ieum::detail
