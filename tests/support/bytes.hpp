// Bytes that tests send and compare: random ones, their hash, whether two runs of them are the
// same. Compiled with optimisation, which the tests themselves are not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ieum::test {

/// Random bytes, made from `seed` alone.
std::vector<std::byte> random_bytes(std::size_t count, std::uint64_t seed);

bool same_bytes(std::span<const std::byte> left, std::span<const std::byte> right);

/// A 64-bit hash of a flow of bytes, whatever the chunks that it comes in. Four lanes, so that the
/// gigabyte is not spent waiting for one multiplication after another.
class ByteHash {
 public:
  void add(std::span<const std::byte> bytes);
  [[nodiscard]] std::uint64_t value() const;
  [[nodiscard]] std::uint64_t total() const { return total_; }

 private:
  static constexpr std::size_t block_bytes = 32;
  static constexpr std::uint64_t prime = 0x9E3779B97F4A7C15;
  void mix(const std::byte* block);

  std::array<std::uint64_t, 4> lanes_{1, 2, 3, 4};
  std::array<std::byte, block_bytes> rest_{};
  std::size_t kept_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace ieum::test
