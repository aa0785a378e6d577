// BufferPool: the memory behind pooled receives: buffers of two sizes, made in slabs as they are
// wanted, reused last in first out.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace ieum::detail {

class BufferPool {
 public:
  /// Small ones for most of what arrives; large ones for a connection whose last receive filled
  /// what a small one holds.
  enum class Size : std::uint8_t { small, large };
  static constexpr std::size_t small_bytes = std::size_t{4} * 1024;
  static constexpr std::size_t large_bytes = std::size_t{64} * 1024;
  static constexpr unsigned buffers_max_default = 65'536;  // of the small; 256 MiB
  static constexpr std::uint32_t none = UINT32_MAX;

  static constexpr std::size_t bytes_of(Size size) noexcept {
    return size == Size::small ? small_bytes : large_bytes;
  }
  static constexpr Size size_of(std::uint32_t id) noexcept {
    return (id & large_bit) != 0 ? Size::large : Size::small;
  }
  /// The id's number among those of its size, from 0 on; and back.
  static constexpr std::uint32_t index_of(std::uint32_t id) noexcept { return id & ~large_bit; }
  static constexpr std::uint32_t id_of(Size size, std::uint32_t index) noexcept {
    return size == Size::large ? index | large_bit : index;
  }

  /// At most `buffers_max` small ones and a sixteenth of that in large ones; 0, and more than
  /// io_uring's 16 bits can number: the default.
  explicit BufferPool(unsigned buffers_max) noexcept
      : max_(buffers_max == 0 ? buffers_max_default : std::min(buffers_max, buffers_max_default)) {}

  /// A buffer of `size`: its id, or `none` if all are taken or memory has run out.
  std::uint32_t take(Size size) noexcept;
  void give_back(std::uint32_t id) noexcept;
  [[nodiscard]] std::byte* data(std::uint32_t id) const noexcept;
  [[nodiscard]] unsigned max(Size size) const noexcept {
    return size == Size::small ? max_ : (max_ + 15) / 16;
  }

 private:
  static constexpr std::uint32_t large_bit = std::uint32_t{1} << 31U;
  static constexpr std::size_t slab_bytes = std::size_t{256} * 1024;

  struct Free {
    void operator()(std::byte* slab) const noexcept;
  };
  struct Kind {
    std::vector<std::unique_ptr<std::byte, Free>> slabs;
    std::vector<std::uint32_t> free;
    unsigned made = 0;
  };
  bool grow(Size size) noexcept;
  Kind& kind(Size size) noexcept { return kinds_[static_cast<std::size_t>(size)]; }

  std::array<Kind, 2> kinds_;
  unsigned max_;
};

}  // namespace ieum::detail
