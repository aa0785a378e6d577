// What fork(2) does to runtimes. A list of all of them, which the child goes through once: no turn
// of a loop pays for it. A child of vfork(2) or posix_spawn(3) shares the memory and changes
// nothing, so that they are not told.
#include "runtime/fork.hpp"

#include <pthread.h>

#include <mutex>
#include <vector>

#include <ieum/detail/loop.hpp>

namespace ieum::detail {

namespace {

struct Loops {
  std::mutex mutex;
  std::vector<Loop*> all;
};

bool left_any_behind = false;

/// Never destroyed: a runtime may outlive any variable.
Loops& loops() {
  static Loops* const made = [] {
    ::pthread_atfork([] { loops().mutex.lock(); }, [] { loops().mutex.unlock(); },
                     [] {
                       left_any_behind |= !loops().all.empty();
                       for (Loop* loop : loops().all) loop->leave_behind();
                       loops().mutex.unlock();
                     });
    return new Loops;
  }();
  return *made;
}

}  // namespace

void tell_of_fork(Loop& loop) {
  Loops& to = loops();
  const std::lock_guard lock(to.mutex);
  to.all.push_back(&loop);
}

void forget_at_fork(Loop& loop) noexcept {
  Loops& from = loops();
  const std::lock_guard lock(from.mutex);
  std::erase(from.all, &loop);
}

bool leaves_tasks_behind() noexcept { return left_any_behind && Loop::current() == nullptr; }

}  // namespace ieum::detail
