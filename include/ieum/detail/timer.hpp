// Timer and its heap: deadlines as intrusive nodes of awaiting frames; arming one allocates
// nothing.
#pragma once

#include <cstdint>

#include <ieum/operation.hpp>

#pragma GCC visibility push(default)
namespace ieum::detail {

/// A node of the heap below. Pinned while armed.
class Timer {
 public:
  Timer() noexcept = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  [[nodiscard]] bool armed() const noexcept { return armed_; }
  [[nodiscard]] TimePoint deadline() const noexcept { return deadline_; }
  /// Called by the loop once the deadline has passed; the timer is no longer armed then. May only
  /// enqueue or ask for a stop.
  virtual void fire() noexcept = 0;

 protected:
  ~Timer() = default;

 private:
  friend class TimerHeap;
  TimePoint deadline_{};
  std::uint64_t sequence_ = 0;  // equal deadlines fire in the order in which they were armed
  Timer* child_ = nullptr;
  Timer* sibling_ = nullptr;
  Timer* previous_ = nullptr;  // the left sibling, or the parent of a first child
  bool armed_ = false;
};

/// A pairing heap: arming is O(1), disarming a timer that is far off nearly so; both are what a
/// deadline round every read does.
class TimerHeap {
 public:
  [[nodiscard]] bool empty() const noexcept { return root_ == nullptr; }
  [[nodiscard]] const Timer& nearest() const noexcept { return *root_; }

  void arm(Timer& timer, TimePoint deadline) noexcept {
    timer.deadline_ = deadline;
    timer.sequence_ = ++sequence_;
    timer.child_ = timer.sibling_ = timer.previous_ = nullptr;
    timer.armed_ = true;
    root_ = root_ == nullptr ? &timer : meld(root_, &timer);
  }

  void disarm(Timer& timer) noexcept {
    if (!timer.armed_) return;
    timer.armed_ = false;
    if (&timer == root_) {
      root_ = combine(timer.child_);
    } else {
      detach(timer);
      if (Timer* rest = combine(timer.child_)) root_ = meld(root_, rest);
    }
    timer.child_ = nullptr;
  }

  /// The nearest timer if it is due, disarmed; else null.
  Timer* take_due(TimePoint now) noexcept {
    if (root_ == nullptr || root_->deadline_ > now) return nullptr;
    Timer* due = root_;
    disarm(*due);
    return due;
  }

 private:
  static bool before(const Timer& left, const Timer& right) noexcept {
    return left.deadline_ != right.deadline_ ? left.deadline_ < right.deadline_
                                             : left.sequence_ < right.sequence_;
  }

  static Timer* meld(Timer* left, Timer* right) noexcept {
    if (before(*right, *left)) {
      Timer* swap = left;
      left = right;
      right = swap;
    }
    right->previous_ = left;
    right->sibling_ = left->child_;
    if (left->child_ != nullptr) left->child_->previous_ = right;
    left->child_ = right;
    left->sibling_ = left->previous_ = nullptr;
    return left;
  }

  static void detach(Timer& timer) noexcept {
    if (timer.previous_->child_ == &timer) {
      timer.previous_->child_ = timer.sibling_;
    } else {
      timer.previous_->sibling_ = timer.sibling_;
    }
    if (timer.sibling_ != nullptr) timer.sibling_->previous_ = timer.previous_;
    timer.sibling_ = timer.previous_ = nullptr;
  }

  // Melds a list of siblings in two passes; iterative, whatever its length.
  static Timer* combine(Timer* first) noexcept {
    Timer* pairs = nullptr;
    while (first != nullptr) {
      Timer* left = first;
      Timer* right = left->sibling_;
      first = right != nullptr ? right->sibling_ : nullptr;
      left->sibling_ = left->previous_ = nullptr;
      if (right != nullptr) {
        right->sibling_ = right->previous_ = nullptr;
        left = meld(left, right);
      }
      left->sibling_ = pairs;
      pairs = left;
    }
    Timer* root = nullptr;
    while (pairs != nullptr) {
      Timer* next = pairs->sibling_;
      pairs->sibling_ = nullptr;
      root = root == nullptr ? pairs : meld(root, pairs);
      pairs = next;
    }
    return root;
  }

  Timer* root_ = nullptr;
  std::uint64_t sequence_ = 0;
};

}  // namespace ieum::detail
#pragma GCC visibility pop
