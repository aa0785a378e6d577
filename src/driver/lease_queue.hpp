// LeaseQueue: operations that ask for a buffer of the pool, and those of them that wait for one.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "driver/buffer_pool.hpp"
#include "driver/operations.hpp"
#include "driver/parked_list.hpp"

namespace ieum::detail {

class LeaseQueue {
 public:
  /// `number` is what `Operation::parked_in` is while one waits here; `mark` is set in the ids of
  /// the buffers.
  LeaseQueue(BufferPool& pool, std::uint8_t number, std::uint32_t mark = 0) noexcept
      : pool_(pool), waiting_(number), mark_(mark) {}

  [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }
  /// Who waits for a buffer, here or among `others`, has one before whoever comes now.
  [[nodiscard]] bool must_wait(std::size_t others) const noexcept {
    const std::size_t waiting = others + waiting_.size();
    return waiting > 0 && pool_.small_left() <= waiting;
  }

  /// True: it has its buffer. False: it waits, which it must where others have come before.
  bool begin(Operation& operation, bool must_wait) noexcept {
    const bool may_try = operation.whole || !must_wait;
    const std::uint32_t id = may_try ? take(operation, 0) : BufferPool::none;
    if (id != BufferPool::none) return give(operation, id);
    operation.state = Operation::State::pending;
    waiting_.push(operation);
    return false;
  }
  /// What `share` is told of the others.
  struct Others {
    bool were_served;
    std::size_t left = SIZE_MAX;  ///< buffers that are left for the leases
  };
  /// Hands out the buffers that there are, `extra_max` beyond the maximum among them, to those that
  /// wait here and to those that `serve_others` serves: who came first this time comes second the
  /// next, since one kind could always take them all.
  template <class ServeOthers>
  void share(std::size_t extra_max, OperationQueue& done,
             const ServeOthers& serve_others) noexcept {
    const bool comes_first = comes_first_;
    if (comes_first && serve(extra_max, done, SIZE_MAX)) comes_first_ = false;
    const Others others = serve_others();
    if (comes_first) return;
    if (others.were_served) comes_first_ = true;
    serve(extra_max, done, others.left);
  }
  void cancel(Operation& operation, OperationQueue& done) noexcept {
    if (operation.state != Operation::State::pending) return;
    waiting_.remove(operation);
    operation.result = -ECANCELED;
    done.push(operation);
  }

 private:
  /// At most `most`; whether there was one.
  bool serve(std::size_t extra_max, OperationQueue& done, std::size_t most) noexcept {
    bool any = false;
    for (; most > 0 && !waiting_.empty(); --most) {
      Operation& first = *waiting_.first();
      const std::uint32_t id = take(first, extra_max);
      if (id == BufferPool::none) break;
      waiting_.remove(first);
      give(first, id);
      done.push(first);
      any = true;
    }
    return any;
  }
  /// A large one for more than a small one holds, if there is one.
  std::uint32_t take(const Operation& operation, std::size_t extra_max) noexcept {
    std::uint32_t id = BufferPool::none;
    if (operation.size > BufferPool::small_bytes) id = pool_.take(BufferPool::Size::large);
    if (id == BufferPool::none) id = pool_.take(BufferPool::Size::small);
    if (id != BufferPool::none) return id;
    return operation.whole ? pool_.take_output() : pool_.take_extra(extra_max);
  }
  bool give(Operation& operation, std::uint32_t id) noexcept {
    operation.data = pool_.data(id);
    operation.buffer = id | mark_;
    return done_with(operation,
                     static_cast<std::int64_t>(BufferPool::bytes_of(BufferPool::size_of(id))));
  }

  BufferPool& pool_;
  ParkedList waiting_;
  std::uint32_t mark_;
  bool comes_first_ = true;
};

}  // namespace ieum::detail
