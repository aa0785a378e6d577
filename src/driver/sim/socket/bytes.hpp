// Bytes: a queue of bytes in one ring that grows as it is wanted.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

namespace ieum::detail::sim {

class Bytes {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  void append(std::span<const std::byte> data) {
    if (data.empty()) return;
    if (size_ + data.size() > room_) grow(size_ + data.size());
    const std::size_t at = (begin_ + size_) & (room_ - 1);
    const std::size_t first = std::min(data.size(), room_ - at);
    std::memcpy(ring_.get() + at, data.data(), first);
    if (first < data.size()) std::memcpy(ring_.get(), data.data() + first, data.size() - first);
    size_ += data.size();
  }
  /// Copies what lies `offset` bytes behind the first; all of `into` must be there.
  void copy(std::size_t offset, std::span<std::byte> into) const noexcept {
    if (into.empty()) return;
    const std::size_t at = (begin_ + offset) & (room_ - 1);
    const std::size_t first = std::min(into.size(), room_ - at);
    std::memcpy(into.data(), ring_.get() + at, first);
    if (first < into.size()) std::memcpy(into.data() + first, ring_.get(), into.size() - first);
  }
  void drop(std::size_t count) noexcept {
    if (count == 0) return;
    begin_ = (begin_ + count) & (room_ - 1);
    size_ -= count;
    if (size_ == 0) begin_ = 0;
  }
  /// Takes at most `into.size()` bytes.
  std::size_t take(std::span<std::byte> into) noexcept {
    const std::size_t count = std::min(into.size(), size_);
    copy(0, into.first(count));
    drop(count);
    return count;
  }
  void clear() noexcept {
    ring_.reset();
    room_ = begin_ = size_ = 0;
  }

 private:
  void grow(std::size_t wanted) {
    const std::size_t room = std::max<std::size_t>(std::bit_ceil(wanted), 1024);
    std::unique_ptr<std::byte[]> ring(new std::byte[room]);
    copy(0, {ring.get(), size_});
    ring_ = std::move(ring);
    room_ = room;
    begin_ = 0;
  }

  std::unique_ptr<std::byte[]> ring_;
  std::size_t room_ = 0;  // a power of two
  std::size_t begin_ = 0;
  std::size_t size_ = 0;
};

}  // namespace ieum::detail::sim
