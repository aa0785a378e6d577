// What may be shown and what may be a name.
#include "text.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace chat {

namespace {

constexpr char32_t replacement = 0xFFFD;

struct Character {
  char32_t code;
  std::size_t bytes;
};

/// The first character of `text`, which is not empty; a byte of invalid UTF-8 is U+FFFD.
Character first_character(std::string_view text) {
  constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return {replacement, 1};
  char32_t code = lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0U) != 0x80) return {replacement, 1};
    code = code << 6U | (next & 0x3FU);
  }
  const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < smallest[bytes] || code > 0x10FFFF || is_surrogate) return {replacement, 1};
  return {code, bytes};
}

/// For codes from 0x80 to 0xFFFF.
void append(std::string& text, char32_t code) {
  if (code >= 0x800) {
    text += static_cast<char>(0xE0U | code >> 12U);
    text += static_cast<char>(0x80U | (code >> 6U & 0x3FU));
  } else {
    text += static_cast<char>(0xC0U | code >> 6U);
  }
  text += static_cast<char>(0x80U | (code & 0x3FU));
}

struct Range {
  char32_t first;
  char32_t last;
};

template <std::size_t N>
bool is_in(const std::array<Range, N>& ranges, char32_t code) {
  return std::ranges::any_of(
      ranges, [code](Range range) { return code >= range.first && code <= range.last; });
}

/// C1 controls, marks of direction, line separators, and what has no width but a meaning.
constexpr std::array<Range, 8> unsafe{{{0x80, 0x9F},
                                       {0x61C, 0x61C},
                                       {0x200B, 0x200B},
                                       {0x200E, 0x200F},
                                       {0x2028, 0x202E},
                                       {0x2066, 0x2069},
                                       {0xFEFF, 0xFEFF},
                                       {0xFFF9, 0xFFFB}}};

/// No combining characters and no fillers: a name is what it looks like, and is written in one way.
constexpr std::array<Range, 24> letters{
    {{'0', '9'},       {'A', 'Z'},       {'_', '_'},       {'-', '-'},       {'a', 'z'},
     {0xC0, 0xD6},     {0xD8, 0xF6},     {0xF8, 0x24F},    {0x386, 0x386},   {0x388, 0x3FF},
     {0x400, 0x481},   {0x48A, 0x52F},   {0x531, 0x556},   {0x561, 0x587},   {0x5D0, 0x5EA},
     {0x620, 0x64A},   {0x904, 0x939},   {0xE01, 0xE30},   {0x3041, 0x3096}, {0x30A1, 0x30FA},
     {0x3131, 0x3163}, {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xAC00, 0xD7A3}}};

/// How many letters must be added, left out or changed.
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  for (std::size_t j = 0; j <= to.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t changed = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[to.size()];
}

}  // namespace

std::string printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const Character character = first_character(text);
    if (character.code == '\t') {
      shown += ' ';
    } else if (character.code < 0x20) {
      append(shown, 0x2400 + character.code);
    } else if (character.code == 0x7F) {
      append(shown, 0x2421);
    } else if (character.code == replacement || is_in(unsafe, character.code)) {
      append(shown, replacement);
    } else {
      shown += text.substr(0, character.bytes);
    }
    text.remove_prefix(character.bytes);
  }
  return shown;
}

bool is_name(std::string_view name) {
  std::size_t count = 0;
  while (!name.empty()) {
    const Character character = first_character(name);
    if (!is_in(letters, character.code) || ++count > name_characters_max) return false;
    name.remove_prefix(character.bytes);
  }
  return count > 0;
}

std::string key_of(std::string_view name) {
  std::string key(name);
  for (char& letter : key) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return key;
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> words) {
  if (word.empty() || word.size() > name_characters_max) return "";
  std::string_view best;
  std::size_t best_distance = 3;  // two letters may be wrong
  for (const std::string_view candidate : words) {
    if (candidate.starts_with(word)) return candidate;
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < std::min(best_distance, candidate.size())) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

FirstWord first_word(std::string_view text) {
  constexpr std::string_view space = " \t";
  const std::size_t end = std::min(text.find_first_of(space), text.size());
  const std::size_t rest = std::min(text.find_first_not_of(space, end), text.size());
  return {text.substr(0, end), text.substr(rest)};
}

}  // namespace chat
