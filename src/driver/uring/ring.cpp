// Ring: setting up, submitting, waiting.
#include "driver/uring/ring.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include <ieum/detail/assert.hpp>

namespace ieum::detail {

namespace {

// One thread submits, and completions are posted when it asks for them: what makes a turn one call.
// Enabled later, by the thread that will run it.
constexpr unsigned setup_flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP |
                                 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
                                 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
                                 IORING_SETUP_R_DISABLED;
constexpr unsigned features_needed = IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE |
                                     IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG |
                                     IORING_FEAT_CQE_SKIP;

/// Orders a ring after those before it, whose addresses it may get: the system does so too, unseen
/// by ThreadSanitizer, since liburing maps memory by system calls of its own.
std::atomic<unsigned> rings_closed = 0;

__kernel_timespec until(TimePoint deadline) noexcept {
  const auto left = std::max(deadline - TimePoint::clock::now(), TimePoint::duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  return {.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
}

}  // namespace

Ring::~Ring() {
  if (!is_open_) return;
  rings_closed.fetch_add(1, std::memory_order_release);
  io_uring_queue_exit(&ring_);
}

int Ring::open(unsigned entries, std::string& reason) {
  io_uring_params parameters{};
  parameters.flags = setup_flags;
  const unsigned wanted = entries == 0 ? entries_default : entries;
  parameters.cq_entries = wanted * completions_per_entry;
  const int status = io_uring_queue_init_params(wanted, &ring_, &parameters);
  if (status < 0) {
    reason = std::string("io_uring_setup: ") + std::strerror(-status);
    if (status == -EINVAL) reason += " (needs Linux 6.1 or newer)";
    if (status == -EPERM) reason += " (kernel.io_uring_disabled?)";
    return status;
  }
  is_open_ = true;
  io_uring_ring_dontfork(&ring_);  // a child has nothing to look for in the parent's queues
  static_cast<void>(rings_closed.load(std::memory_order_acquire));
  if ((parameters.features & features_needed) == features_needed) return 0;
  reason = "io_uring_setup: the kernel lacks a feature that ieum needs (Linux 6.1 has them)";
  return -ENOSYS;
}

void Ring::enable_now() noexcept {
  is_enabled_ = true;
  // Not io_uring_enable_rings: the shared library of liburing 2.3 forgets to export it.
  const long status =
      ::syscall(__NR_io_uring_register, ring_.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  IEUM_ASSERT(status == 0, "io_uring_register refuses to enable the ring");
}

io_uring_sqe* Ring::entry_after_submitting() noexcept {
  constexpr int tries_max = 4;
  for (int i = 0; i < tries_max; ++i) {
    enable();
    const int status = io_uring_submit(&ring_);
    IEUM_ASSERT(status != -EEXIST, "a socket is used on a thread that its runtime does not run on");
    if (status < 0) {
      // The completions have overflowed, or memory is short: what has completed is taken out.
      spill();
      io_uring_get_events(&ring_);
    }
    if (io_uring_sqe* blank = io_uring_get_sqe(&ring_)) return blank;
  }
  return nullptr;
}

void Ring::spill() noexcept {
  io_uring_cqe completion;
  while (take(completion)) taken_.push_back(completion);
}

void Ring::flush() noexcept {
  enable();
  io_uring_submit_and_get_events(&ring_);
}

void Ring::wait(TimePoint deadline) noexcept {
  if (deadline == TimePoint::min() || has_completions()) {
    // No call at all if the kernel has nothing for us, nor we for it.
    const unsigned flags = IO_URING_READ_ONCE(*ring_.sq.kflags);
    if (io_uring_sq_ready(&ring_) > 0 ||
        (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0) {
      io_uring_submit_and_get_events(&ring_);
    }
    return;
  }
  // Whatever goes wrong here (EINTR, EBUSY, EAGAIN, ETIME) leaves what was not submitted queued.
  if (deadline == TimePoint::max()) {
    io_uring_submit_and_wait(&ring_, 1);
  } else {
    __kernel_timespec left = until(deadline);
    io_uring_cqe* first = nullptr;
    io_uring_submit_and_wait_timeout(&ring_, &first, 1, &left, nullptr);
  }
  // We may have been stopped for long (SIGSTOP): what has come meanwhile comes before a deadline
  // that has passed. The kernel may have noted it, and not made completions of it yet.
  const bool noted = (IO_URING_READ_ONCE(*ring_.sq.kflags) & IORING_SQ_TASKRUN) != 0;
  if (noted && !has_completions()) io_uring_submit_and_get_events(&ring_);
}

}  // namespace ieum::detail
