// Pool: threads for blocking work; started when there is more work than idle threads.
#include "core/pool.hpp"

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

void Pool::add(OffloadLeaf& leaf) {
  std::lock_guard lock(mutex_);
  queue_.push(leaf);
  leaf.state = Operation::State::pending;
  ++queued_;
  if (queued_ > idle_ && threads_.size() < threads_max_) {
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
      // No thread to be had: those that run will come to it. Without any, there is no way on.
      IEUM_ASSERT(!threads_.empty(), "offload: the system gives no thread for blocking work");
    }
#endif
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  work_.notify_one();
}

bool Pool::take_back(OffloadLeaf& leaf) {
  std::lock_guard lock(mutex_);
  OperationQueue kept;
  bool found = false;
  while (Operation* operation = queue_.pop()) {
    if (operation == &leaf) {
      found = true;
      --queued_;
      continue;
    }
    kept.push(*operation);
    operation->state = Operation::State::pending;
  }
  queue_.append(kept);
  return found;
}

void Pool::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    work_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) return;
    auto& leaf = static_cast<OffloadLeaf&>(*queue_.pop());
    --queued_;
    lock.unlock();
    leaf.work();
    loop_.offloaded(leaf);
    lock.lock();
  }
}

}  // namespace ieum::detail
