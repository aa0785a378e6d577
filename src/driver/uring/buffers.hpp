// BufferRings: the pool's buffers, provided to the kernel so that a receive takes one only once
// there is something to put into it (io_uring_register_buf_ring(3)).
#pragma once

#include <array>
#include <cstdint>

#include "driver/buffer_pool.hpp"
#include "driver/uring/ring.hpp"

namespace ieum::detail {

class BufferRings {
 public:
  BufferRings(Ring& ring, unsigned buffers_max) noexcept : ring_(ring), pool_(buffers_max) {}
  BufferRings(const BufferRings&) = delete;
  BufferRings& operator=(const BufferRings&) = delete;
  /// After the io_uring has been closed: the kernel may still look at them before.
  ~BufferRings();

  /// Sets up the ring of `size` at its first use; false if the kernel refuses one.
  bool provide(BufferPool::Size size) noexcept {
    return of(size).ring != nullptr || provide_now(size);
  }
  /// The kernel has taken a buffer out of the ring of `size`: its id.
  std::uint32_t taken(BufferPool::Size size, std::uint16_t index) noexcept {
    --of(size).count;
    return BufferPool::id_of(size, index);
  }
  /// More for a ring that ran empty, as far as there are free ones.
  void refill(BufferPool::Size size) noexcept;
  /// Small ones that a receive can have, in the ring or the pool.
  [[nodiscard]] std::size_t small_left() const noexcept {
    return provided_[0].count + pool_.small_left();
  }
  /// Small ones in the ring.
  [[nodiscard]] std::size_t small_ready() const noexcept { return provided_[0].count; }
  /// At most `wanted` small ones beyond the maximum, which allows `extra_max` such, into the ring.
  void add_extra(std::size_t wanted, std::size_t extra_max) noexcept;
  /// Back into the ring, or the pool if the ring has enough.
  void give_back(std::uint32_t id) noexcept {
    Provided& provided = of(BufferPool::size_of(id));
    const bool is_wanted = provided.ring != nullptr && provided.count < provided.target;
    if (!is_wanted || pool_.is_extra(id)) return pool_.give_back(id);
    add(provided, id);
  }

  [[nodiscard]] BufferPool& pool() noexcept { return pool_; }
  [[nodiscard]] const BufferPool& pool() const noexcept { return pool_; }
  static std::uint16_t group(BufferPool::Size size) noexcept {
    return static_cast<std::uint16_t>(size);
  }

 private:
  static constexpr unsigned entries_max = 1024;  // a power of two
  static constexpr unsigned filled_first = 64;
  struct Provided {
    io_uring_buf_ring* ring = nullptr;
    unsigned entries = 0;
    unsigned count = 0;   // in the ring now
    unsigned target = 0;  // how many it is kept filled with
    bool refused = false;
  };
  Provided& of(BufferPool::Size size) noexcept { return provided_[static_cast<std::size_t>(size)]; }
  bool provide_now(BufferPool::Size size) noexcept;
  void add(Provided& provided, std::uint32_t id) noexcept {
    io_uring_buf_ring_add(provided.ring, pool_.data(id),
                          static_cast<unsigned>(BufferPool::bytes_of(BufferPool::size_of(id))),
                          static_cast<std::uint16_t>(BufferPool::index_of(id)),
                          io_uring_buf_ring_mask(provided.entries), 0);
    io_uring_buf_ring_advance(provided.ring, 1);
    ++provided.count;
  }

  Ring& ring_;
  BufferPool pool_;
  std::array<Provided, 2> provided_{};
};

}  // namespace ieum::detail
