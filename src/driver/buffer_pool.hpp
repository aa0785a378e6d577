// BufferPool: the memory behind pooled receives: buffers of two sizes, made in slabs as they are
// wanted, reused last in first out, and given back to the system when they are wanted no more.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <ieum/operation.hpp>

namespace ieum::detail {

/// Until a receive is tried again for which the system gave no memory: nothing tells when it has.
inline constexpr Duration no_memory_pause = std::chrono::milliseconds(5);

class BufferPool {
 public:
  /// Small ones for most of what arrives; large ones for a connection whose last receive filled
  /// what a small one holds.
  enum class Size : std::uint8_t { small, large };
  static constexpr std::size_t small_bytes = std::size_t{4} * 1024;
  static constexpr std::size_t large_bytes = std::size_t{64} * 1024;
  static constexpr unsigned buffers_max_default = 65'536;  // of the small; 256 MiB
  static constexpr std::uint32_t none = UINT32_MAX;
  /// Of each size, in bytes: free buffers up to here keep their memory.
  static constexpr std::size_t kept_bytes = std::size_t{1} << 20U;
  /// What has not been used for so long is given back, so much at a time.
  static constexpr Duration trim_period = std::chrono::milliseconds(200);
  static constexpr std::size_t trim_bytes_max = std::size_t{64} << 20U;

  static constexpr std::size_t bytes_of(Size size) noexcept {
    return size == Size::small ? small_bytes : large_bytes;
  }
  static constexpr Size size_of(std::uint32_t id) noexcept {
    return (id & large_bit) != 0 ? Size::large : Size::small;
  }
  /// The id's number among those of its size, from 0 on; and back.
  static constexpr std::uint32_t index_of(std::uint32_t id) noexcept {
    return id & ~(large_bit | output_bit);
  }
  static constexpr std::uint32_t id_of(Size size, std::uint32_t index) noexcept {
    return size == Size::large ? index | large_bit : index;
  }

  /// At most `buffers_max` small ones and a sixteenth of that in large ones; 0, and more than
  /// io_uring's 16 bits can number: the default.
  explicit BufferPool(unsigned buffers_max) noexcept
      : max_(buffers_max == 0 ? buffers_max_default : std::min(buffers_max, buffers_max_default)) {}

  /// A buffer of `size`: its id, or `none` if all are taken or memory has run out.
  std::uint32_t take(Size size) noexcept {
    Kind& of = kind(size);
    if (of.free.empty() && !grow(size)) return none;
    const std::uint32_t id = of.free.back();
    of.free.pop_back();
    of.low = std::min(of.low, of.free.size());
    return id;
  }
  void give_back(std::uint32_t id) noexcept {
    if (is_extra(id)) [[unlikely]]
      return give_back_extra(id);
    kind(size_of(id)).free.push_back(id);
  }
  [[nodiscard]] bool is_extra(std::uint32_t id) const noexcept {
    return index_of(id) >= max_ && size_of(id) == Size::small;
  }
  /// A small one beyond the maximum, if fewer than `extra_max` such are taken for receiving.
  std::uint32_t take_extra(std::size_t extra_max) noexcept;
  /// One beyond the maximum for what is sent, as long as there is memory; not one of those.
  std::uint32_t take_output() noexcept;
  [[nodiscard]] std::byte* data(std::uint32_t id) const noexcept {
    const std::size_t index = index_of(id);
    if (size_of(id) == Size::small) return place<small_bytes>(kinds_[0], index);
    return place<large_bytes>(kinds_[1], index);
  }
  [[nodiscard]] unsigned max(Size size) const noexcept {
    return size == Size::small ? max_ : (max_ + 15) / 16;
  }
  /// How many small ones can be taken.
  [[nodiscard]] std::size_t small_left() const noexcept {
    return kinds_[0].free.size() + (max_ - kinds_[0].made);
  }
  /// How many more `take_extra(extra_max)` gives.
  [[nodiscard]] std::size_t extra_left(std::size_t extra_max) const noexcept {
    const std::size_t most = std::min<std::size_t>(extra_max, buffers_max_default - max_);
    return most - std::min(most, extra_taken_ - outputs_);
  }
  /// Whether `data` lies in one of its buffers.
  [[nodiscard]] bool owns(const std::byte* data) const noexcept;

  /// Before a sleep until `deadline`: gives back the memory of what was free for a period, and
  /// answers until when to sleep so that the rest follows. The buffers stay in the pool.
  TimePoint trim_before(TimePoint deadline) noexcept {
    return wants_trim() ? trim_now(deadline) : deadline;
  }

 private:
  static constexpr std::uint32_t large_bit = std::uint32_t{1} << 31U;
  static constexpr std::uint32_t output_bit = std::uint32_t{1} << 29U;
  static constexpr std::size_t slab_bytes = std::size_t{256} * 1024;

  struct Free {
    void operator()(std::byte* slab) const noexcept;
  };
  struct Kind {
    std::vector<std::unique_ptr<std::byte, Free>> slabs;
    std::vector<std::uint32_t> free;  // the last one is taken first
    unsigned made = 0;
    std::size_t low = 0;    // the fewest that were free since the last trim
    std::size_t clean = 0;  // so many of the first of `free` were without memory then
    [[nodiscard]] std::size_t with_memory() const noexcept {
      return free.size() - std::min(clean, low);
    }
  };
  template <std::size_t bytes>
  static std::byte* place(const Kind& of, std::size_t index) noexcept {
    constexpr std::size_t per_slab = slab_bytes / bytes;
    return of.slabs[index / per_slab].get() + index % per_slab * bytes;
  }
  void give_back_extra(std::uint32_t id) noexcept;
  bool add_slab(Size size) noexcept;
  bool grow(Size size) noexcept;
  [[nodiscard]] bool wants_trim() const noexcept {
    return kinds_[0].with_memory() > kept_bytes / small_bytes ||
           kinds_[1].with_memory() > kept_bytes / large_bytes;
  }
  TimePoint trim_now(TimePoint deadline) noexcept;
  void trim(Size size) noexcept;
  Kind& kind(Size size) noexcept { return kinds_[static_cast<std::size_t>(size)]; }

  std::array<Kind, 2> kinds_;
  std::vector<const std::byte*> slabs_;  // all, in order of their addresses
  std::vector<std::uint32_t> extra_free_;
  std::size_t extra_taken_ = 0;
  std::size_t outputs_ = 0;  // of them, for what is sent
  unsigned extra_made_ = 0;
  unsigned max_;
  TimePoint next_trim_{};
};

}  // namespace ieum::detail
