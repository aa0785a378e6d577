// Bytes that tests send and compare.
#include "support/bytes.hpp"

#include <algorithm>
#include <cstring>
#include <random>

namespace ieum::test {

std::vector<std::byte> random_bytes(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::byte> bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

bool same_bytes(std::span<const std::byte> left, std::span<const std::byte> right) {
  if (left.size() != right.size()) return false;
  return left.empty() || std::memcmp(left.data(), right.data(), left.size()) == 0;
}

void ByteHash::add(std::span<const std::byte> bytes) {
  total_ += bytes.size();
  if (kept_ > 0) {
    const std::size_t count = std::min(bytes.size(), block_bytes - kept_);
    std::memcpy(rest_.data() + kept_, bytes.data(), count);
    kept_ += count;
    bytes = bytes.subspan(count);
    if (kept_ < block_bytes) return;
    mix(rest_.data());
    kept_ = 0;
  }
  for (; bytes.size() >= block_bytes; bytes = bytes.subspan(block_bytes)) mix(bytes.data());
  if (!bytes.empty()) std::memcpy(rest_.data(), bytes.data(), bytes.size());
  kept_ = bytes.size();
}

std::uint64_t ByteHash::value() const {
  std::uint64_t value = total_;
  for (const std::uint64_t lane : lanes_) value = (value ^ lane) * prime;
  for (std::size_t i = 0; i < kept_; ++i) {
    value = (value ^ std::to_integer<std::uint64_t>(rest_[i])) * prime;
  }
  return value ^ value >> 32U;
}

void ByteHash::mix(const std::byte* block) {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, block + i * sizeof word, sizeof word);
    lanes_[i] = (lanes_[i] ^ word) * prime;
    lanes_[i] ^= lanes_[i] >> 29U;
  }
}

}  // namespace ieum::test
