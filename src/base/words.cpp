// Words: times, and text for a terminal.
#include "base/words.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include <ieum/printable.hpp>

namespace ieum::detail {

std::string in_words(Duration time) {
  const double seconds = std::chrono::duration<double>(time).count();
  char text[32];
  if (seconds < 1e-3) {
    std::snprintf(text, sizeof text, "%.0f µs", seconds * 1e6);
  } else if (seconds < 0.9995) {
    std::snprintf(text, sizeof text, "%.0f ms", seconds * 1e3);
  } else if (seconds < 100) {
    std::snprintf(text, sizeof text, "%.1f s", seconds);
  } else if (seconds < 100 * 60) {
    std::snprintf(text, sizeof text, "%.0f min", seconds / 60);
  } else {
    std::snprintf(text, sizeof text, "%.0f h", seconds / 3600);
  }
  return text;
}

std::string limit_in_words(Duration limit) {
  if (limit == Duration::min()) limit = Duration::zero();  // at once, whatever its unit was
  const double seconds = std::chrono::duration<double>(limit).count();
  char text[32];
  if (std::abs(seconds) >= 1) {
    std::snprintf(text, sizeof text, "%.10g s", seconds);
  } else {
    std::snprintf(text, sizeof text, "%g ms", seconds * 1e3);
  }
  return text;
}

namespace {

/// The first character of `text`, and its length; a length of 0: it is not well-formed
/// (Unicode, table 3-7).
struct Character {
  std::uint32_t code = 0;
  std::size_t length = 0;
};

Character first_character(std::string_view text) noexcept {
  const auto byte = [&text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  if (text.empty()) return {};
  const unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead < 0xc2   ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
  if (length == 0 || text.size() < length) return {};
  std::uint32_t code = lead & (0x7fU >> length);
  for (std::size_t at = 1; at < length; ++at) {
    if ((byte(at) & 0xc0U) != 0x80) return {};
    code = code << 6U | (byte(at) & 0x3fU);
  }
  const bool is_longer_than_needed =
      (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool is_surrogate = code >= 0xd800 && code < 0xe000;
  if (is_longer_than_needed || is_surrogate || code > 0x10ffff) return {};
  return {code, length};
}

bool is_printable(std::uint32_t code) noexcept {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return false;  // C0, DEL, C1
  if (code == 0x2028 || code == 0x2029) return false;              // separators
  return code != 0x061c && code != 0x200e && code != 0x200f &&     // direction
         (code < 0x202a || code > 0x202e) && (code < 0x2066 || code > 0x2069);
}

}  // namespace

std::size_t printable_length(std::string_view text) noexcept {
  const Character character = first_character(text);
  return is_printable(character.code) ? character.length : 0;
}

std::size_t copy_printable(std::string_view& text, std::span<char> into) noexcept {
  std::size_t written = 0;
  while (!text.empty()) {
    const std::size_t printable = printable_length(text);
    const std::size_t needed = printable > 0 ? printable : 1;
    if (written + needed > into.size()) break;
    if (printable > 0) {
      text.copy(into.data() + written, printable);
    } else {
      into[written] = '?';
    }
    written += needed;
    text.remove_prefix(printable > 0 ? printable
                                     : std::max<std::size_t>(first_character(text).length, 1));
  }
  return written;
}

std::string quoted(std::string_view text) {
  std::array<char, 40> shown{};
  const std::size_t length = copy_printable(text, shown);
  std::string result = "\"";
  return result.append(shown.data(), length).append(text.empty() ? "\"" : "…\"");
}

}  // namespace ieum::detail

namespace ieum {

std::string printable(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string result;
  while (!text.empty()) {
    const std::size_t length = detail::printable_length(text);
    if (length > 0) {
      result.append(text.substr(0, length));
    } else {
      const auto byte = static_cast<unsigned char>(text[0]);
      result.append("\\x").append({hex[byte >> 4U], hex[byte & 15U]});
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

}  // namespace ieum
