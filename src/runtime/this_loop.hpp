// The loop that something new belongs to.
#pragma once

#include <ieum/runtime.hpp>

namespace ieum::detail {

/// The loop that runs on this thread, or that of the thread's default runtime outside of any task.
inline Result<Loop*> this_loop() {
  if (Loop* loop = Loop::current()) return loop;
  Result<Runtime*> runtime = Runtime::of_this_thread();
  if (!runtime) return fail(runtime.error());
  return &(*runtime)->loop();
}

}  // namespace ieum::detail
