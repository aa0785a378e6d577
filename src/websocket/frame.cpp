// Frame heads, read strictly.
#include "websocket/frame.hpp"

#include <algorithm>

namespace ieum::websocket::detail {

namespace {

constexpr unsigned fin_bit = 0x80;
constexpr unsigned rsv1_bit = 0x40;
constexpr unsigned other_reserved_bits = 0x30;
constexpr unsigned mask_bit = 0x80;

const char* fault_of_first(unsigned first, const FrameRules& rules) noexcept {
  const unsigned opcode = first & 15U;
  const bool control = opcode >= 8;
  if ((first & other_reserved_bits) != 0) return "a reserved bit is set";
  if (opcode > 10 || (opcode > 2 && opcode < 8)) return "the opcode is reserved";
  if ((first & rsv1_bit) != 0) {
    if (!rules.compressed) return "a reserved bit is set";
    if (control) return "a control frame is compressed";
    if (opcode == 0) return "a continuation says that it is compressed";
  }
  if (control && (first & fin_bit) == 0) return "a control frame is fragmented";
  return nullptr;
}

}  // namespace

HeadRead read_head(ConstBuffer bytes, const FrameRules& rules, FrameHead& head) noexcept {
  if (bytes.empty()) return {};
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(bytes[i]); };
  const unsigned first = at(0);
  if (const char* const fault = fault_of_first(first, rules)) return {0, fault};
  if (bytes.size() < 2) return {};
  const unsigned second = at(1);
  const bool is_masked = (second & mask_bit) != 0;
  if (is_masked != rules.masked) {
    return {0, is_masked ? "a server's frame is masked" : "a client's frame is not masked"};
  }
  std::uint64_t length = second & 127U;
  if ((first & 8U) != 0 && length > control_bytes_max) return {0, "a control frame is too long"};
  std::size_t size = 2;
  if (length > 125) {
    const std::size_t count = length == 126 ? 2 : 8;
    const std::uint64_t least = length == 126 ? 126 : 65'536;
    // The top bit can be seen before the rest has come.
    if (count == 8 && bytes.size() > 2 && (at(2) & 0x80U) != 0) {
      return {0, "a length has its top bit set"};
    }
    if (bytes.size() < 2 + count) return {};
    length = 0;
    for (std::size_t i = 0; i < count; ++i) length = length << 8U | at(2 + i);
    if (length < least) return {0, "a length is not in its shortest form"};
    size += count;
  }
  if (is_masked) {
    if (bytes.size() < size + 4) return {};
    std::ranges::copy(bytes.subspan(size, 4), head.key.begin());
    size += 4;
  }
  head.opcode = static_cast<Opcode>(first & 15U);
  head.fin = (first & fin_bit) != 0;
  head.is_compressed = (first & rsv1_bit) != 0;
  head.is_masked = is_masked;
  head.length = length;
  return {size, nullptr};
}

std::size_t write_head(const FrameHead& head, std::span<std::byte> into) noexcept {
  into[0] = static_cast<std::byte>(static_cast<unsigned>(head.opcode) | (head.fin ? fin_bit : 0U) |
                                   (head.is_compressed ? rsv1_bit : 0U));
  const unsigned mask = head.is_masked ? mask_bit : 0U;
  std::size_t size = 2;
  if (head.length < 126) {
    into[1] = static_cast<std::byte>(head.length | mask);
  } else {
    const std::size_t count = head.length < 65'536 ? 2 : 8;
    into[1] = static_cast<std::byte>((count == 2 ? 126U : 127U) | mask);
    for (std::size_t i = 0; i < count; ++i) {
      into[2 + i] = static_cast<std::byte>(head.length >> (8 * (count - 1 - i)));
    }
    size += count;
  }
  if (head.is_masked) {
    std::ranges::copy(head.key, into.begin() + static_cast<std::ptrdiff_t>(size));
    size += 4;
  }
  return size;
}

}  // namespace ieum::websocket::detail
