// Pool: the threads that run a runtime's blocking work. The queue is made of the awaiting frames'
// own operations, so that it needs no memory and no limit.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include <ieum/offload.hpp>

namespace ieum::detail {

class Pool {
 public:
  Pool(Loop& loop, std::size_t threads_max) : loop_(loop), threads_max_(threads_max) {}
  /// Nothing may be queued or running.
  ~Pool();

  /// False if there is no thread and the system gives none.
  [[nodiscard]] bool add(OffloadLeaf& leaf);
  /// True if `leaf` had not begun: it is no longer queued.
  bool take_back(OffloadLeaf& leaf);

 private:
  void serve();

  Loop& loop_;
  const std::size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable work_;
  ListLink queue_;
  std::size_t queued_ = 0;
  std::size_t idle_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ieum::detail
