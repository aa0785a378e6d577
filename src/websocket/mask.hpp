// mask: what makes of a client's payload what proxies cannot take for their own protocol (RFC 6455,
// section 5.3); and back.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace ieum::websocket::detail {

/// The key for what follows `bytes` bytes.
[[nodiscard]] inline std::array<std::byte, 4> turned(std::array<std::byte, 4> key,
                                                     std::size_t bytes) noexcept {
  std::array<std::byte, 4> next{};
  for (std::size_t i = 0; i < 4; ++i) next[i] = key[(i + bytes) % 4];
  return next;
}

/// Eight bytes at a time, which compilers turn into vectors; of any alignment.
inline void mask(std::span<std::byte> bytes, std::array<std::byte, 4> key) noexcept {
  std::uint32_t half = 0;
  std::memcpy(&half, key.data(), 4);
  const std::uint64_t both = std::uint64_t{half} << 32U | half;
  std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, at, 8);
    eight ^= both;
    std::memcpy(at, &eight, 8);
  }
  for (std::size_t i = 0; i < left; ++i) at[i] ^= key[i % 4];
}

}  // namespace ieum::websocket::detail
