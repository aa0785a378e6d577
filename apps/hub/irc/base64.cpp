// Base64 (RFC 4648, section 4), strictly.
#include "irc/base64.hpp"

#include <cstdint>

namespace ieum::hub {

namespace {

constexpr std::string_view letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string encode_base64(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group <<= 8U;
      if (i + k < bytes.size()) group |= static_cast<unsigned char>(bytes[i + k]);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      const bool padding = i + k > bytes.size();
      text += padding ? '=' : letters[(group >> (18U - 6U * k)) & 63U];
    }
  }
  return text;
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t group = 0;
    std::size_t padding = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const char letter = text[i + k];
      group <<= 6U;
      if (letter == '=' && i + 4 == text.size() && k >= 2) {
        ++padding;
        continue;
      }
      const std::size_t value = letters.find(letter);
      if (value == std::string_view::npos || padding > 0) return std::nullopt;
      group |= static_cast<std::uint32_t>(value);
    }
    for (std::size_t k = 0; k < 3 - padding; ++k) {
      bytes += static_cast<char>((group >> (16U - 8U * k)) & 0xFFU);
    }
  }
  if (encode_base64(bytes) != text) return std::nullopt;
  return bytes;
}

}  // namespace ieum::hub
