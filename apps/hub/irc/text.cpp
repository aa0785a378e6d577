// Text: UTF-8, and the case mapping by which names are the same.
#include "irc/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace ieum::hub {

namespace {

constexpr char lower(char letter) noexcept {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

/// Bytes of the character that begins at `at`; 0 if none does.
std::size_t character_at(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t offset) -> std::uint32_t {
    return at + offset < text.size() ? static_cast<unsigned char>(text[at + offset]) : 0U;
  };
  const auto follows = [&](std::size_t offset) { return (byte(offset) & 0xC0U) == 0x80U; };
  const std::uint32_t first = byte(0);
  if (first < 0x80U) return 1;
  if (first < 0xC2U || first > 0xF4U) return 0;
  if (first < 0xE0U) return follows(1) ? 2 : 0;
  if (first < 0xF0U) {
    if (!follows(1) || !follows(2)) return 0;
    const std::uint32_t code = ((first & 0x0FU) << 12U) | ((byte(1) & 0x3FU) << 6U);
    return code >= 0x800U && (code < 0xD800U || code > 0xDFFFU) ? 3 : 0;
  }
  if (!follows(1) || !follows(2) || !follows(3)) return 0;
  const std::uint32_t code = ((first & 0x07U) << 18U) | ((byte(1) & 0x3FU) << 12U);
  return code >= 0x10000U && code <= 0x10FFFFU ? 4 : 0;
}

}  // namespace

std::string key_of(std::string_view name) {
  std::string key(name);
  std::ranges::transform(key, key.begin(), lower);
  return key;
}

bool same_name(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool is_utf8(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = character_at(text, at);
    if (bytes == 0) return false;
    at += bytes;
  }
  return true;
}

std::string_view cut(std::string_view text, std::size_t bytes_max) noexcept {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  // A character has at most three bytes that follow its first.
  for (int back = 0; back < 3 && end > 0; ++back) {
    if ((static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80U) return text.substr(0, end);
    --end;
  }
  if ((static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) end = bytes_max;
  return text.substr(0, end);
}

std::string upper(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char letter) {
    return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  });
  return result;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    const std::string_view part = text.substr(0, end);
    if (!part.empty()) parts.push_back(part);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

bool has_controls(std::string_view text) noexcept {
  return std::ranges::any_of(text, [](char letter) {
    const auto byte = static_cast<unsigned char>(letter);
    return byte < 0x20U || byte == 0x7FU;
  });
}

std::size_t number_of(std::string_view text, std::size_t otherwise) noexcept {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() ? number
                                                                                   : otherwise;
}

}  // namespace ieum::hub
