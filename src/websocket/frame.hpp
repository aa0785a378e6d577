// Frames: their heads read and written (RFC 6455, section 5.2). Pure functions over bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <ieum/operation.hpp>

namespace ieum::websocket::detail {

enum class Opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10,
};
[[nodiscard]] constexpr bool is_control(Opcode opcode) noexcept {
  return static_cast<std::uint8_t>(opcode) >= 8;
}

inline constexpr std::size_t head_bytes_max = 14;
inline constexpr std::size_t control_bytes_max = 125;

struct FrameHead {
  Opcode opcode = Opcode::continuation;
  bool fin = true;
  bool is_compressed = false;  ///< RSV1 (RFC 7692, section 6)
  bool is_masked = false;
  std::array<std::byte, 4> key{};
  std::uint64_t length = 0;
};

struct FrameRules {
  bool masked = true;       ///< frames must be masked, as a client's; or must not, as a server's
  bool compressed = false;  ///< RSV1 has a meaning
};

/// What came of reading a head: its size; 0: more is needed; or what is wrong with it, a literal.
struct HeadRead {
  std::size_t size = 0;
  const char* fault = nullptr;
};
/// Reads the head that `bytes` begin with. What is wrong is told as soon as it can be seen.
[[nodiscard]] HeadRead read_head(ConstBuffer bytes, const FrameRules& rules,
                                 FrameHead& head) noexcept;

/// The bytes that a head takes.
[[nodiscard]] constexpr std::size_t head_size(std::uint64_t length, bool is_masked) noexcept {
  return (length < 126 ? 2U : length < 65'536 ? 4U : 10U) + (is_masked ? 4U : 0U);
}
/// Writes it, and gives its size.
std::size_t write_head(const FrameHead& head, std::span<std::byte> into) noexcept;

}  // namespace ieum::websocket::detail
