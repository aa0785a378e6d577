// Loop: runs what is ready, and asks the driver for what has completed. Hot paths are inline; the
// rest is in src/runtime/loop.cpp.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include <ieum/detail/assert.hpp>
#include <ieum/detail/frame.hpp>
#include <ieum/detail/leaf.hpp>
#include <ieum/detail/scope.hpp>
#include <ieum/detail/timer.hpp>
#include <ieum/error.hpp>
#include <ieum/operation.hpp>

#pragma GCC visibility push(default)
namespace ieum::detail {

class Driver;
class OffloadLeaf;
class Pool;
struct Posted;

/// Something that others hold as well, and that has to hear of a loop's end.
class LoopEndNode : public ListLink {
 public:
  virtual void on_loop_end() noexcept = 0;

 protected:
  ~LoopEndNode() = default;
};

/// A single-threaded event loop over one driver.
class Loop {
 public:
  /// Completions and child tasks that a task may go through without waiting before others get
  /// their turn; also bounds the nesting where symmetric transfer is no tail call.
  static constexpr int budget_full = 64;

  Loop(std::unique_ptr<Driver> driver, std::size_t offload_threads_max);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// The loop that runs on this thread now, or null.
  static Loop* current() noexcept { return current_; }
  /// Tells threads apart, and costs no call.
  static const void* this_thread() noexcept { return &current_; }

  /// The first thread that asks is the loop's for good; any other fails an assertion.
  void assert_own_thread() noexcept;
  /// In a child of fork(2): this loop, with all that was made on it, is the parent's. It is not
  /// destroyed there.
  void leave_behind() noexcept;
  [[nodiscard]] bool is_left_behind() const noexcept { return left_behind_ != nullptr; }
  /// `node` hears of the loop's end, unless it is unlinked before.
  void tell_of_end(LoopEndNode& node) noexcept { node.link_before(ends_); }

  [[nodiscard]] bool spend() noexcept { return --budget_ > 0; }
  /// The time of this turn's beginning.
  [[nodiscard]] TimePoint now() const noexcept { return now_; }
  [[nodiscard]] Driver& driver() noexcept { return *driver_; }
  [[nodiscard]] Scope& root() noexcept { return root_; }
  [[nodiscard]] std::size_t pending() const noexcept { return pending_; }

  void enqueue(ReadyNode& node, ReadyNode::Action action) noexcept {
    node.action_ = action;
    node.next_ready_ = nullptr;
    *ready_end_ = &node;
    ready_end_ = &node.next_ready_;
  }
  void enqueue_resume(Frame& frame) noexcept { enqueue(frame, &Loop::resume); }

  /// `frame` has failed: the loop abandons it as soon as it gets control back.
  void fail(Frame& frame, const Error& error) noexcept {
    IEUM_ASSERT(failing_ == nullptr, "a frame fails before the loop has dealt with another");
    failing_ = &frame;
    *failing_error_ = error;
  }
  /// Takes back what `fail` said of `frame`; false if it said nothing.
  bool take_back_failure(Frame& frame) noexcept {
    if (failing_ != &frame) return false;
    failing_ = nullptr;
    return true;
  }
  [[nodiscard]] bool is_failing(const Frame& frame) const noexcept { return failing_ == &frame; }
  /// Destroys `frame` and everything that awaits it up to whoever handles `error`. Only the loop's
  /// own actions may call it.
  void abandon(Frame& frame, Error& error) noexcept;

  void cancel(Leaf& leaf) noexcept;
  /// A leaf that no driver knows has completed, with `result` set. Idempotent. Asserts the thread.
  void complete(Leaf& leaf) noexcept;

  void arm(Timer& timer, TimePoint deadline) noexcept { timers_.arm(timer, deadline); }
  /// `delay` from now on, by the driver's clock.
  void arm_in(Timer& timer, Duration delay) noexcept;
  void disarm(Timer& timer) noexcept { timers_.disarm(timer); }

  /// Gives `leaf`'s work to the pool, which completes it.
  void offload(OffloadLeaf& leaf) noexcept;
  /// Takes it back; false if it has begun.
  bool take_back(OffloadLeaf& leaf) noexcept;

  /// These two may be called from any thread.
  void post(std::unique_ptr<Posted> posted) noexcept;
  /// Another thread has completed `leaf`, with `result` set: as `complete`, but once only. A leaf
  /// that is pending keeps its loop alive, so this needs no other guard.
  void complete_elsewhere(Leaf& leaf) noexcept;

  /// One round: waits for the driver, at most `wait_max` and not at all if there is something to
  /// do; then posted work, due timers, completions, what is ready.
  void turn(Duration wait_max) noexcept;

  [[nodiscard]] std::string dump() const;

 private:
  friend class Leaf;
  friend class Scope;
  static void resume(Loop& loop, ReadyNode& node) noexcept;
  void wait_for_driver(Duration wait_max) noexcept;
  void run_posted() noexcept;
  void fire_timers() noexcept;
  void finish_completed() noexcept;
  void run_ready() noexcept;

  static inline thread_local constinit Loop* current_ = nullptr;

  std::atomic<Loop**> thread_ = nullptr;  // whose it is: the address of that thread's `current_`
  ListLink ends_;
  int budget_ = budget_full;
  Frame* failing_ = nullptr;
  ReadyNode* ready_ = nullptr;
  ReadyNode** ready_end_ = &ready_;
  TimePoint now_;
  TimerHeap timers_;
  OperationQueue completed_;
  Scope** stopping_end_ = nullptr;  // the scopes that a stop has yet to go through
  std::size_t pending_ = 0;
  std::unique_ptr<Driver> driver_;
  Scope root_;
  std::unique_ptr<Error> failing_error_;
  struct Shared;
  std::unique_ptr<Shared> shared_;
  std::unique_ptr<Pool> pool_;
  std::size_t offload_threads_max_;
  Driver* left_behind_ = nullptr;  // the parent's, for whose leases there is nothing to do
};

inline void Leaf::wait_in(Waiter& waiter, Scope& scope) noexcept {
  waiter_ = &waiter;
  loop_ = &scope.loop();
  state = State::pending;
  scope.add(*this);
  ++loop_->pending_;
}

inline void Leaf::leave() noexcept {
  unlink();
  --loop_->pending_;
  state = State::idle;
}

}  // namespace ieum::detail
#pragma GCC visibility pop
