// The loop: what every task runs on. On the data path: the second file; it takes a completed
// operation from the driver and resumes the coroutine that awaits it.
#include <ieum/detail/loop.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <vector>

#include <ieum/offload.hpp>

#include "base/driver.hpp"
#include "runtime/fork.hpp"
#include "runtime/pool.hpp"
#include "runtime/posted.hpp"

namespace ieum::detail {

/// What other threads may touch.
struct Loop::Shared {
  std::mutex mutex;
  std::atomic<bool> any = false;  // something is in one of the two below
  std::vector<std::unique_ptr<Posted>> posted;
  OperationQueue completed;
};

Loop::Loop(std::unique_ptr<Driver> driver, std::size_t offload_threads_max)
    : now_(driver->now()),
      driver_(std::move(driver)),
      root_(*this),
      failing_error_(std::make_unique<Error>(std::errc::operation_canceled, "none")),
      shared_(std::make_unique<Shared>()),
      offload_threads_max_(offload_threads_max) {
  tell_of_fork(*this);
}

Loop::~Loop() {
  forget_at_fork(*this);
  IEUM_ASSERT(current_ != this, "a runtime is destroyed from within one of its tasks");
  // First: one of them may still have an operation under way, which it ends now.
  while (ends_.linked()) {
    auto& node = static_cast<LoopEndNode&>(*ends_.next);
    node.unlink();
    node.on_loop_end();
  }
  IEUM_ASSERT(ready_ == nullptr && pending_ == 0,
              "a runtime is destroyed before its tasks have ended");
  pool_.reset();
  const std::lock_guard lock(shared_->mutex);  // a post that woke us may still be about to return
}

void Loop::leave_behind() noexcept {
  current_ = nullptr;  // if a task forked, it is not within one in the child
  Driver* const instead = driver_->left_behind();
  if (instead == nullptr) return;
  left_behind_ = driver_.release();
  driver_.reset(instead);
}

void Loop::assert_own_thread() noexcept {
  Loop** const here = &current_;
  Loop** owner = thread_.load(std::memory_order_relaxed);
  if (owner == nullptr && thread_.compare_exchange_strong(owner, here)) return;
  IEUM_ASSERT(
      owner == here,
      "a runtime is used on a thread that is not its own: use post() to reach it, or a mailbox");
}

void Loop::arm_in(Timer& timer, Duration delay) noexcept {
  // Not `now_`: the task may have computed since.
  const TimePoint now = driver_->now();
  delay = std::max(delay, Duration::zero());
  const bool beyond = delay > TimePoint::max() - now;
  timers_.arm(timer, beyond ? TimePoint::max() : now + delay);
}

void Loop::cancel(Leaf& leaf) noexcept {
  if (leaf.state == Operation::State::pending) driver_->cancel(leaf);
}

void Loop::complete(Leaf& leaf) noexcept {
  assert_own_thread();
  if (leaf.state == Operation::State::pending) completed_.push(leaf);
}

void Loop::offload(OffloadLeaf& leaf) noexcept {
  if (driver_->is_simulated()) {
    leaf.work();
    return complete(leaf);
  }
  if (!pool_) pool_ = std::make_unique<Pool>(*this, offload_threads_max_);
  if (pool_->add(leaf)) return;
  leaf.result = -EAGAIN;  // the system gives no thread
  complete(leaf);
}

bool Loop::take_back(OffloadLeaf& leaf) noexcept { return pool_ && pool_->take_back(leaf); }

void Loop::post(std::unique_ptr<Posted> posted) noexcept {
  if (is_left_behind()) driver_->wake();  // which says so, and aborts
  // Woken under the lock: once the loop has the work it may end, and the driver with it.
  std::lock_guard lock(shared_->mutex);
  shared_->posted.push_back(std::move(posted));
  if (!shared_->any.exchange(true)) driver_->wake();
}

void Loop::complete_elsewhere(Leaf& leaf) noexcept {
  if (is_left_behind()) driver_->wake();
  std::lock_guard lock(shared_->mutex);
  shared_->completed.push(leaf);
  if (!shared_->any.exchange(true)) driver_->wake();
}

void Loop::turn(Duration wait_max) noexcept {
  assert_own_thread();
  IEUM_ASSERT(current_ != this, "turn() is called from within a task of the same runtime");
  Loop* outer = std::exchange(current_, this);
  wait_for_driver(wait_max);
  if (shared_->any.load(std::memory_order_relaxed)) run_posted();
  fire_timers();
  finish_completed();
  run_ready();
  current_ = outer;
}

void Loop::wait_for_driver(Duration wait_max) noexcept {
  TimePoint deadline = TimePoint::min();
  const bool busy =
      ready_ != nullptr || !completed_.empty() || shared_->any.load(std::memory_order_relaxed);
  if (!busy) {
    // `now_` may be old (the thread was elsewhere between two turns): a bounded wait reads the
    // clock.
    deadline = TimePoint::max();
    if (wait_max <= Duration::zero()) {
      deadline = TimePoint::min();
    } else if (wait_max < std::chrono::hours(24 * 365)) {
      deadline = driver_->now() + wait_max;
    }
    if (!timers_.empty() && timers_.nearest().deadline() < deadline) {
      deadline = timers_.nearest().deadline();
    }
  }
  driver_->wait(deadline, completed_);
  now_ = driver_->now();
}

void Loop::run_posted() noexcept {
  std::vector<std::unique_ptr<Posted>> posted;
  {
    std::lock_guard lock(shared_->mutex);
    shared_->any = false;
    posted.swap(shared_->posted);
    completed_.append(shared_->completed);
  }
  for (auto& one : posted) one->work();
}

void Loop::fire_timers() noexcept {
  while (Timer* timer = timers_.take_due(now_)) timer->fire();
}

void Loop::finish_completed() noexcept {
  OperationQueue batch;
  batch.append(completed_);
  while (Operation* operation = batch.pop()) static_cast<Leaf*>(operation)->finish(*this);
}

void Loop::run_ready() noexcept {
  // A batch: what becomes ready meanwhile waits for the next turn, after the driver was asked.
  ReadyNode* node = std::exchange(ready_, nullptr);
  ready_end_ = &ready_;
  while (node != nullptr) {
    ReadyNode* next = node->next_ready_;
    node->action_(*this, *node);
    node = next;
  }
}

void Loop::resume(Loop& loop, ReadyNode& node) noexcept {
  loop.budget_ = budget_full;
  static_cast<Frame&>(node).handle().resume();
  if (Frame* frame = std::exchange(loop.failing_, nullptr)) {
    Error error = *loop.failing_error_;
    loop.abandon(*frame, error);
  }
}

void Loop::abandon(Frame& frame, Error& error) noexcept {
  for (Frame* next = &frame; next != nullptr;) {
    error.passed(next->where);
    Waiter* waiter = next->waiter;
    if (next->owner != &Frame::kept) {
      if (next->owner != nullptr) *next->owner = nullptr;
      next->handle().destroy();
    }
    next = waiter->failed(error);
  }
}

std::string Loop::dump() const {
  std::string text;
  root_.describe(text, 0);
  return text;
}

}  // namespace ieum::detail
