// The characters of HTTP's grammar, and lists (RFC 9110, section 5.6).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace ieum::http::detail {

namespace characters {

enum : std::uint8_t { token = 1, value = 2, target = 4, host = 8, digit = 16, hex = 32 };

consteval std::array<std::uint8_t, 256> make_table() {
  std::array<std::uint8_t, 256> table{};
  const auto mark = [&table](std::string_view which, std::uint8_t bit) {
    for (const char c : which) table[static_cast<unsigned char>(c)] |= bit;
  };
  for (unsigned c = 0; c < 256; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digits = c >= '0' && c <= '9';
    if (letter || digits) table[c] |= token | host;
    if (digits) table[c] |= digit | hex;
    if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) table[c] |= hex;
    if (c == '\t' || (c >= ' ' && c != 0x7f)) table[c] |= value;
    if (c > ' ' && c < 0x7f && c != '#') table[c] |= target;
  }
  mark("!#$%&'*+-.^_`|~", token);
  mark("-._~%!$&'()*+,;=", host);  // of a name: unreserved, percent-encoded, sub-delims
  return table;
}
inline constexpr std::array<std::uint8_t, 256> table = make_table();

}  // namespace characters

[[nodiscard]] constexpr bool is_of(char c, std::uint8_t kind) noexcept {
  return (characters::table[static_cast<unsigned char>(c)] & kind) != 0;
}
/// All of them.
[[nodiscard]] constexpr bool are_of(std::string_view text, std::uint8_t kind) noexcept {
  unsigned all = kind;
  for (const char c : text) all &= characters::table[static_cast<unsigned char>(c)];
  return all != 0;
}
[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept {
  return !text.empty() && are_of(text, characters::token);
}
[[nodiscard]] inline bool is_field_value(std::string_view text) noexcept {
  // Eight at a time: has one a byte below a space, or DEL? Then, of a tab maybe, they are looked at
  // one by one.
  constexpr std::uint64_t each = 0x0101010101010101U;
  while (text.size() >= sizeof each) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof word);
    const std::uint64_t del = word ^ (each * 0x7f);
    const std::uint64_t low = (word - each * 0x20) & ~word;
    const std::uint64_t zero = (del - each) & ~del;
    if (((low | zero) & (each * 0x80)) != 0 &&
        !are_of(text.substr(0, sizeof word), characters::value)) {
      return false;
    }
    text.remove_prefix(sizeof word);
  }
  return are_of(text, characters::value);
}

[[nodiscard]] constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}
[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

/// Without the spaces and tabs round it.
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Takes the first element off a list: up to a comma that is not within quotation marks. Empty
/// elements are passed over (RFC 9110, section 5.6.1.2); empty once there is none.
[[nodiscard]] constexpr std::string_view next_element(std::string_view& list) noexcept {
  while (!list.empty()) {
    std::size_t at = 0;
    bool quoted = false;
    for (; at < list.size() && (quoted || list[at] != ','); ++at) {
      if (quoted && list[at] == '\\' && at + 1 < list.size()) {
        ++at;
      } else if (list[at] == '"') {
        quoted = !quoted;
      }
    }
    const std::string_view element = trimmed(list.substr(0, at));
    list.remove_prefix(at < list.size() ? at + 1 : at);
    if (!element.empty()) return element;
  }
  return {};
}

/// The value of a hexadecimal digit.
[[nodiscard]] constexpr unsigned hex_value(char c) noexcept {
  return c <= '9' ? static_cast<unsigned>(c - '0') : static_cast<unsigned>(lower(c) - 'a') + 10U;
}

/// A host and, perhaps, a port, as in Host and in a URL: a name, an IPv4 address or an IPv6 address
/// within brackets. May be empty.
[[nodiscard]] bool is_authority(std::string_view text) noexcept;

}  // namespace ieum::http::detail
