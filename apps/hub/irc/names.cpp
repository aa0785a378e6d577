// Names: what nicks, channels, users, keys and accounts may be called; masks.
#include "irc/names.hpp"

#include <algorithm>

#include "irc/limits.hpp"
#include "irc/text.hpp"

namespace ieum::hub {

namespace {

constexpr bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_beyond_ascii(char c) noexcept { return static_cast<unsigned char>(c) >= 0x80U; }

/// What no name may hold although it is no control: separators that look like nothing, and what
/// changes the direction of writing.
bool has_invisible(std::string_view text) noexcept {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    const auto first = static_cast<unsigned char>(text[i]);
    const auto second = static_cast<unsigned char>(text[i + 1]);
    if (first == 0xC2U && second <= 0xA0U) return true;  // C1, no-break space
    const auto third = static_cast<unsigned char>(i + 2 < text.size() ? text[i + 2] : 0);
    if (first == 0xE2U && second == 0x80U && third >= 0x80U && third <= 0xAFU) {
      if (third <= 0x8FU || third >= 0xA8U) return true;  // spaces, joiners, directions
    }
    if (first == 0xE2U && second == 0x81U && third >= 0x9FU && third <= 0xAFU) return true;
    if (first == 0xE3U && second == 0x80U && third == 0x80U) return true;  // ideographic space
    if (first == 0xEFU && second == 0xBBU && third == 0xBFU) return true;  // byte order mark
  }
  return false;
}

}  // namespace

bool is_channel(std::string_view name) noexcept {
  return name.size() >= 2 && name.size() <= limits::channel_bytes && name.front() == '#' &&
         !has_controls(name) && name.find_first_of(" ,*?!@:") == std::string_view::npos &&
         is_utf8(name) && !has_invisible(name);
}

bool is_nick(std::string_view name) noexcept {
  if (name.empty() || name.size() > limits::nick_bytes) return false;
  if (is_digit(name.front()) || name.front() == '-') return false;
  const bool letters = std::ranges::all_of(name, [](char c) {
    return is_letter(c) || is_digit(c) || is_beyond_ascii(c) ||
           std::string_view("[]\\`_^{|}-").contains(c);
  });
  return letters && is_utf8(name) && !has_invisible(name);
}

bool is_user(std::string_view name) noexcept {
  return !name.empty() &&
         std::ranges::all_of(name,
                             [](char c) {
                               return is_letter(c) || is_digit(c) || is_beyond_ascii(c) ||
                                      std::string_view("[]\\`_^{|}-.~").contains(c);
                             }) &&
         is_utf8(name) && !has_invisible(name);
}

bool is_key(std::string_view key) noexcept {
  return !key.empty() && key.size() <= limits::key_bytes && !has_controls(key) &&
         key.find_first_of(" ,:") == std::string_view::npos;
}

bool is_account(std::string_view name) noexcept {
  return is_nick(name) && name.size() <= limits::account_bytes && name != "*";
}

std::string_view shown(std::string_view name) noexcept {
  const bool good = !name.empty() && !name.starts_with(':') && !name.contains(' ');
  return good ? cut(name, limits::channel_bytes) : std::string_view("*");
}

bool matches(std::string_view mask, std::string_view text) noexcept {
  const auto same = [](char a, char b) {
    const auto lower = [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return lower(a) == lower(b);
  };
  // Where a star was last, and what it has taken so far: linear, but for the stars.
  std::size_t m = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t taken = 0;
  while (t < text.size()) {
    if (m < mask.size() && mask[m] == '*') {
      star = m++;
      taken = t;
    } else if (m < mask.size() && mask[m] == '?') {
      ++m;
      ++t;  // a whole character
      while (t < text.size() && (static_cast<unsigned char>(text[t]) & 0xC0U) == 0x80U) ++t;
    } else if (m < mask.size() && same(mask[m], text[t])) {
      ++m;
      ++t;
    } else if (star != std::string_view::npos) {
      m = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  while (m < mask.size() && mask[m] == '*') ++m;
  return m == mask.size();
}

std::string full_mask(std::string_view mask) {
  const auto or_star = [](std::string_view part) { return std::string(part.empty() ? "*" : part); };
  const std::size_t bang = mask.find('!');
  const std::size_t at = mask.find('@', bang == std::string_view::npos ? 0 : bang);
  if (bang == std::string_view::npos && at == std::string_view::npos) {
    if (mask.contains('.') || mask.contains(':')) return "*!*@" + or_star(mask);
    return or_star(mask) + "!*@*";
  }
  if (bang == std::string_view::npos) {
    return "*!" + or_star(mask.substr(0, at)) + "@" + or_star(mask.substr(at + 1));
  }
  const std::string nick = or_star(mask.substr(0, bang));
  if (at == std::string_view::npos) return nick + "!" + or_star(mask.substr(bang + 1)) + "@*";
  return nick + "!" + or_star(mask.substr(bang + 1, at - bang - 1)) + "@" +
         or_star(mask.substr(at + 1));
}

}  // namespace ieum::hub
