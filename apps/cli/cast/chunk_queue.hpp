// Chunk queue: what waits for our output, and how much memory that takes.
#pragma once

#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

namespace ieum::cli {

class ChunkQueue {
 public:
  /// What a chunk takes besides its bytes, about: a vector, and what malloc adds.
  static constexpr std::size_t chunk_overhead_bytes = 64;

  void push(std::vector<std::byte> chunk) {
    bytes_ += cost(chunk);
    chunks_.push_back(std::move(chunk));
  }
  /// The oldest; stays where it is while others are pushed.
  [[nodiscard]] const std::vector<std::byte>& front() const noexcept { return chunks_.front(); }
  void pop() noexcept {
    bytes_ -= cost(chunks_.front());
    chunks_.pop_front();
  }

  [[nodiscard]] bool empty() const noexcept { return chunks_.empty(); }
  /// Of memory, the overhead included.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  static std::size_t cost(const std::vector<std::byte>& chunk) noexcept {
    return chunk.capacity() + chunk_overhead_bytes;
  }

  std::deque<std::vector<std::byte>> chunks_;
  std::size_t bytes_ = 0;
};

}  // namespace ieum::cli
