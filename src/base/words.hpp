// Words: sentences with figures in them.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <ieum/operation.hpp>

namespace ieum::detail {

/// "120 µs", "40 ms", "3.2 s", "12 min", "5 h".
std::string in_words(Duration time);

/// "30 s", "1.5 s", "40 ms": a time that somebody has set, as exactly as they did.
std::string limit_in_words(Duration limit);

inline std::string in_words(std::string_view text) { return std::string(text); }
template <std::integral T>
std::string in_words(T number) {
  return std::to_string(number);
}

/// All parts, one after the other.
template <class... Parts>
std::string words(const Parts&... parts) {
  std::string text;
  (text.append(in_words(parts)), ...);
  return text;
}

/// The length of the first character of `text`, if that may stand in a line for a terminal: it is
/// well-formed UTF-8, and no control (C0, DEL, C1), no line or paragraph separator, and nothing
/// that changes the direction of writing. Else 0.
std::size_t printable_length(std::string_view text) noexcept;

/// Copies `text` as far as it fits, character by character, with `?` for each that is not printable
/// and takes what was copied off it. Gives the number of bytes written.
std::size_t copy_printable(std::string_view& text, std::span<char> into) noexcept;

/// The text within quotation marks, cut if it is long; for a message.
std::string quoted(std::string_view text);

/// "1 byte", "2 bytes".
inline std::string count_of(std::uint64_t count, std::string_view what) {
  return words(count, " ", what, count == 1 ? "" : "s");
}

}  // namespace ieum::detail
