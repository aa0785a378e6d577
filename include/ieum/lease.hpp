// Lease: bytes that have come, in a buffer of the runtime's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include <ieum/operation.hpp>

#pragma GCC visibility push(default)
namespace ieum {

namespace detail {
class Driver;
}

/// What `receive` gives: bytes in a buffer of the runtime's pool, which gets it back when the lease
/// is destroyed. An empty lease holds no buffer: the peer has finished sending.
///
/// Belongs to the runtime's thread and must not outlive the runtime. The pool is large but bounded
/// (`RuntimeOptions::receive_buffers_max`): do not collect leases, copy what you keep.
class [[nodiscard]] Lease {
 public:
  Lease() noexcept = default;
  Lease(Lease&& other) noexcept
      : driver_(std::exchange(other.driver_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        buffer_(other.buffer_) {}
  Lease& operator=(Lease&& other) noexcept {
    if (this != &other) {
      reset();
      driver_ = std::exchange(other.driver_, nullptr);
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
      buffer_ = other.buffer_;
    }
    return *this;
  }
  ~Lease() { reset(); }

  /// False for the end: `while (Lease data = co_await socket.receive())`.
  explicit operator bool() const noexcept { return size_ > 0; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {data_, size_}; }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(data_), size_};
  }
  operator ConstBuffer() const noexcept { return bytes(); }

  /// Keeps the first `size` bytes; with 0, gives the buffer back.
  void shrink(std::size_t size) noexcept {
    size_ = static_cast<std::uint32_t>(std::min<std::size_t>(size, size_));
    if (size_ == 0) reset();
  }
  /// Leaves out the first `size` bytes, which were used; with all of them, gives the buffer back.
  void remove_prefix(std::size_t size) noexcept {
    size = std::min<std::size_t>(size, size_);
    data_ += size;
    size_ -= static_cast<std::uint32_t>(size);
    if (size_ == 0) reset();
  }
  /// Gives the buffer back now; the lease is then empty.
  void reset() noexcept {
    if (driver_ != nullptr) give_back();
  }

  /// For implementers of streams: `buffer` of `driver`, with `size` bytes in it.
  Lease(detail::Driver& driver, std::uint32_t buffer, std::byte* data, std::size_t size) noexcept
      : driver_(&driver), data_(data), size_(static_cast<std::uint32_t>(size)), buffer_(buffer) {}

 private:
  void give_back() noexcept;

  detail::Driver* driver_ = nullptr;
  std::byte* data_ = nullptr;
  std::uint32_t size_ = 0;  // buffers are smaller
  std::uint32_t buffer_ = 0;
};

}  // namespace ieum
#pragma GCC visibility pop
