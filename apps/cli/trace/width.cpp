#include "trace/width.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include <fmt/format.h>

#include <ieum/printable.hpp>

namespace ieum::cli::trace {

namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// East_Asian_Width W and F, joined where what lies between is not assigned or as wide.
constexpr std::array wide{
    Range{0x1100, 0x115f},   Range{0x231a, 0x231b},   Range{0x2329, 0x232a},
    Range{0x23e9, 0x23ec},   Range{0x23f0, 0x23f0},   Range{0x23f3, 0x23f3},
    Range{0x25fd, 0x25fe},   Range{0x2614, 0x2615},   Range{0x2648, 0x2653},
    Range{0x267f, 0x267f},   Range{0x2693, 0x2693},   Range{0x26a1, 0x26a1},
    Range{0x26aa, 0x26ab},   Range{0x26bd, 0x26be},   Range{0x26c4, 0x26c5},
    Range{0x26ce, 0x26ce},   Range{0x26d4, 0x26d4},   Range{0x26ea, 0x26ea},
    Range{0x26f2, 0x26f3},   Range{0x26f5, 0x26f5},   Range{0x26fa, 0x26fa},
    Range{0x26fd, 0x26fd},   Range{0x2705, 0x2705},   Range{0x270a, 0x270b},
    Range{0x2728, 0x2728},   Range{0x274c, 0x274c},   Range{0x274e, 0x274e},
    Range{0x2753, 0x2755},   Range{0x2757, 0x2757},   Range{0x2795, 0x2797},
    Range{0x27b0, 0x27b0},   Range{0x27bf, 0x27bf},   Range{0x2b1b, 0x2b1c},
    Range{0x2b50, 0x2b50},   Range{0x2b55, 0x2b55},   Range{0x2e80, 0x303e},
    Range{0x3041, 0x3247},   Range{0x3250, 0x4dbf},   Range{0x4e00, 0xa4c6},
    Range{0xa960, 0xa97c},   Range{0xac00, 0xd7a3},   Range{0xf900, 0xfaff},
    Range{0xfe10, 0xfe19},   Range{0xfe30, 0xfe6b},   Range{0xff01, 0xff60},
    Range{0xffe0, 0xffe6},   Range{0x16fe0, 0x18cff}, Range{0x1aff0, 0x1b2fb},
    Range{0x1f004, 0x1f004}, Range{0x1f0cf, 0x1f0cf}, Range{0x1f18e, 0x1f18e},
    Range{0x1f191, 0x1f19a}, Range{0x1f200, 0x1f320}, Range{0x1f32d, 0x1f335},
    Range{0x1f337, 0x1f37c}, Range{0x1f37e, 0x1f393}, Range{0x1f3a0, 0x1f3ca},
    Range{0x1f3cf, 0x1f3d3}, Range{0x1f3e0, 0x1f3f0}, Range{0x1f3f4, 0x1f3f4},
    Range{0x1f3f8, 0x1f43e}, Range{0x1f440, 0x1f440}, Range{0x1f442, 0x1f4fc},
    Range{0x1f4ff, 0x1f53d}, Range{0x1f54b, 0x1f567}, Range{0x1f57a, 0x1f57a},
    Range{0x1f595, 0x1f596}, Range{0x1f5a4, 0x1f5a4}, Range{0x1f5fb, 0x1f64f},
    Range{0x1f680, 0x1f6c5}, Range{0x1f6cc, 0x1f6cc}, Range{0x1f6d0, 0x1f6d2},
    Range{0x1f6d5, 0x1f6df}, Range{0x1f6eb, 0x1f6ec}, Range{0x1f6f4, 0x1f6fc},
    Range{0x1f7e0, 0x1f7f0}, Range{0x1f90c, 0x1f93a}, Range{0x1f93c, 0x1f945},
    Range{0x1f947, 0x1f9ff}, Range{0x1fa70, 0x1faf8}, Range{0x20000, 0x3fffd}};
// Combining marks, the vowels and finals of conjoining Hangul, joiners, selectors.
constexpr std::array zero{Range{0x0300, 0x036f},   Range{0x1160, 0x11ff},  Range{0x200b, 0x200f},
                          Range{0x20d0, 0x20ff},   Range{0x302a, 0x302d},  Range{0x3099, 0x309a},
                          Range{0xd7b0, 0xd7fb},   Range{0xfe00, 0xfe0f},  Range{0xfe20, 0xfe2f},
                          Range{0x1f3fb, 0x1f3ff}, Range{0xe0100, 0xe01ef}};

bool is_in(const auto& ranges, char32_t letter) {
  const auto* const range = std::ranges::lower_bound(ranges, letter, {}, &Range::last);
  return range != ranges.end() && letter >= range->first;
}

std::size_t columns_of_letter(char32_t letter) {
  if (is_in(zero, letter)) return 0;
  return is_in(wide, letter) ? 2 : 1;
}

/// Bytes of the letter that begins with `first`.
std::size_t bytes_of_letter(unsigned char first) {
  if (first < 0xc0U) return 1;
  if (first < 0xe0U) return 2;
  return first < 0xf0U ? 3 : 4;
}

/// Takes the first letter off `text`, which is well-formed or taken byte by byte.
char32_t take_letter(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t bytes = std::min(bytes_of_letter(first), text.size());
  char32_t letter = bytes == 1 ? first : first & (0xffU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    letter = (letter << 6U) | (static_cast<unsigned char>(text[i]) & 0x3fU);
  }
  text.remove_prefix(bytes);
  return letter;
}

}  // namespace

std::size_t columns_of_wide(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) columns += columns_of_letter(take_letter(text));
  return columns;
}

std::string cut_to(std::string_view text, std::size_t columns, bool ascii) {
  if (columns_of_wide(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  std::string_view rest = text;
  std::size_t used = 0;
  std::size_t end = 0;
  while (!rest.empty()) {
    const std::size_t more = columns_of_letter(take_letter(rest));
    if (used + more > columns - 1) break;
    used += more;
    end = text.size() - rest.size();
  }
  return std::string(text.substr(0, end)) + (ascii ? "~" : "…");
}

std::string pad_left(std::string_view text, std::size_t columns, bool ascii) {
  const std::string cut = cut_to(text, columns, ascii);
  return std::string(columns - columns_of_wide(cut), ' ') + cut;
}

std::string pad_right(std::string_view text, std::size_t columns, bool ascii) {
  std::string cut = cut_to(text, columns, ascii);
  cut.append(columns - columns_of_wide(cut), ' ');
  return cut;
}

std::string to_ascii(std::string_view text) {
  std::string ascii;
  while (!text.empty()) {
    const char32_t letter = take_letter(text);
    switch (letter) {
      case U'←': ascii += "<-"; break;
      case U'→': ascii += "->"; break;
      case U'…': ascii += "..."; break;
      case U'µ': ascii += 'u'; break;
      default:
        if (letter < 0x80U) {
          ascii += static_cast<char>(letter);
        } else {
          ascii += fmt::format("\\u{{{:X}}}", static_cast<std::uint32_t>(letter));
        }
    }
  }
  return ascii;
}

std::string escape_data(std::string_view bytes, bool is_cut) {
  if (is_cut) {
    // At most three bytes of a letter can be without its rest.
    for (std::size_t back = 1; back <= std::min<std::size_t>(3, bytes.size()); ++back) {
      const auto byte = static_cast<unsigned char>(bytes[bytes.size() - back]);
      if ((byte & 0xc0U) == 0x80U) continue;
      if (byte >= 0xc0U && bytes_of_letter(byte) > back) bytes.remove_suffix(back);
      break;
    }
  }
  std::string text;
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find_first_of("\n\r\t"), bytes.size());
    text += printable(bytes.substr(0, end));
    bytes.remove_prefix(end);
    if (bytes.empty()) break;
    text += bytes.front() == '\n' ? "\\n" : bytes.front() == '\r' ? "\\r" : "\\t";
    bytes.remove_prefix(1);
  }
  return text;
}

}  // namespace ieum::cli::trace
