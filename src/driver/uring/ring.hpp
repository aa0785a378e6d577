// Ring: io_uring's two queues (io_uring(7)): entries in, completions out, one system call a turn.
#pragma once

#include <liburing.h>

#include <string>
#include <utility>
#include <vector>

#include <ieum/operation.hpp>

namespace ieum::detail {

/// Belongs to the thread that first calls `enable`; only that thread may use it from then on.
class Ring {
 public:
  static constexpr unsigned entries_default = 1024;
  static constexpr unsigned completions_per_entry = 4;

  Ring() noexcept = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring();

  /// 0, or a negated errno(3) with the words for it in `reason`.
  int open(unsigned entries, std::string& reason);
  [[nodiscard]] bool is_open() const noexcept { return is_open_; }
  void enable() noexcept {
    if (!is_enabled_) [[unlikely]]
      enable_now();
  }

  /// A blank entry; a full queue is submitted to make room. Null if the kernel takes none for now:
  /// try again after the next `wait`.
  io_uring_sqe* entry() noexcept {
    io_uring_sqe* const blank = io_uring_get_sqe(&ring_);
    return blank != nullptr ? blank : entry_after_submitting();
  }
  /// Submits, and lets the kernel post what it has completed.
  void flush() noexcept;
  /// Submits, then waits until there is a completion, or `deadline` has come.
  void wait(TimePoint deadline) noexcept;

  /// Calls `each(const io_uring_cqe&)` for what was completed when it was called; false: not now,
  /// it is kept for the next time. `each` may ask for entries, and so submit and spill.
  template <class F>
  void reap(F each) {
    if (!taken_.empty()) [[unlikely]] {
      kept_.swap(taken_);
      for (const io_uring_cqe& completion : kept_) {
        if (!each(completion)) taken_.push_back(completion);
      }
      kept_.clear();
    }
    for (unsigned left = io_uring_cq_ready(&ring_); left > 0; --left) {
      io_uring_cqe completion;
      if (!take(completion)) return;
      if (!each(completion)) taken_.push_back(completion);
    }
  }

  [[nodiscard]] io_uring& raw() noexcept { return ring_; }

 private:
  void enable_now() noexcept;
  io_uring_sqe* entry_after_submitting() noexcept;
  void spill() noexcept;
  /// The oldest completion, out of the queue.
  bool take(io_uring_cqe& completion) noexcept {
    const unsigned head = *ring_.cq.khead;
    if (head == io_uring_smp_load_acquire(ring_.cq.ktail)) return false;
    completion = ring_.cq.cqes[head & *ring_.cq.kring_mask];
    io_uring_smp_store_release(ring_.cq.khead, head + 1);
    return true;
  }
  [[nodiscard]] bool has_completions() noexcept {
    return !taken_.empty() || io_uring_cq_ready(&ring_) > 0;
  }

  io_uring ring_{};
  // Out of the queue: to make room in the kernel, or not wanted yet. And those of the last time,
  // while `reap` looks through them.
  std::vector<io_uring_cqe> taken_;
  std::vector<io_uring_cqe> kept_;
  bool is_open_ = false;
  bool is_enabled_ = false;
};

}  // namespace ieum::detail
