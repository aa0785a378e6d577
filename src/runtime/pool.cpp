// Pool: threads for blocking work; started when there is more work than idle threads.
#include "runtime/pool.hpp"

#include <csignal>
#include <system_error>

namespace ieum::detail {

Pool::~Pool() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool Pool::add(OffloadLeaf& leaf) {
  std::lock_guard lock(mutex_);
  if (queued_ + 1 > idle_ && threads_.size() < threads_max_) {
    // Signals are for the program's own threads: these take none.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
#if defined(__cpp_exceptions)
    try {
#endif
      threads_.emplace_back([this] { serve(); });
#if defined(__cpp_exceptions)
    } catch (const std::system_error&) {
      // No thread to be had: those that run will come to it.
    }
#endif
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  if (threads_.empty()) return false;
  leaf.queued.link_before(queue_);
  ++queued_;
  work_.notify_one();
  return true;
}

bool Pool::take_back(OffloadLeaf& leaf) {
  std::lock_guard lock(mutex_);
  if (!leaf.queued.linked()) return false;
  leaf.queued.unlink();
  --queued_;
  return true;
}

void Pool::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    work_.wait(lock, [this] { return ending_ || queue_.linked(); });
    --idle_;
    if (!queue_.linked()) return;
    OffloadLeaf& leaf = static_cast<OffloadLeaf::Link*>(queue_.next)->leaf;
    leaf.queued.unlink();
    --queued_;
    lock.unlock();
    leaf.work();
    loop_.complete_elsewhere(leaf);
    lock.lock();
  }
}

}  // namespace ieum::detail
