// Words: sentences with figures in them.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include <ieum/operation.hpp>

namespace ieum::detail {

/// "120 µs", "40 ms", "3.2 s", "12 min", "5 h".
std::string in_words(Duration time);

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

/// "1 byte", "2 bytes".
inline std::string count_of(std::uint64_t count, std::string_view what) {
  return words(count, " ", what, count == 1 ? "" : "s");
}

}  // namespace ieum::detail
