// The loop that something new belongs to.
#pragma once

#include <ieum/runtime.hpp>

namespace ieum::detail {

/// The loop that runs on this thread, or that of the thread's default runtime outside of any task
/// (only `run` comes here from there, and has made it already).
inline Loop& this_loop() {
  if (Loop* loop = Loop::current()) return *loop;
  Result<Runtime*> runtime = Runtime::of_this_thread();
  IEUM_ASSERT(runtime.has_value(), "no runtime on this thread, and none could be made");
  return (*runtime)->loop();
}

}  // namespace ieum::detail
