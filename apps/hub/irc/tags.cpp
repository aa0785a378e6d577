// Tags: what stands before a line behind an '@' (IRCv3 message tags).
#include "irc/tags.hpp"

#include <algorithm>

#include "irc/limits.hpp"
#include "irc/text.hpp"

namespace ieum::hub {

namespace {

constexpr bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

const std::string* find_tag(const Tags& tags, std::string_view key) noexcept {
  const auto found = std::ranges::find(tags, key, &Tag::key);
  return found == tags.end() ? nullptr : &found->value;
}

std::string escape_tag(std::string_view value) {
  std::string text;
  text.reserve(value.size());
  for (const char c : value) {
    switch (c) {
      case ';': text += "\\:"; break;
      case ' ': text += "\\s"; break;
      case '\\': text += "\\\\"; break;
      case '\r': text += "\\r"; break;
      case '\n': text += "\\n"; break;
      default: text += c;
    }
  }
  return text;
}

std::string unescape_tag(std::string_view text) {
  std::string value;
  value.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      value += text[i];
      continue;
    }
    if (++i == text.size()) break;  // a lone one at the end is dropped
    switch (text[i]) {
      case ':': value += ';'; break;
      case 's': value += ' '; break;
      case 'r': value += '\r'; break;
      case 'n': value += '\n'; break;
      default: value += text[i];
    }
  }
  return value;
}

bool is_tag_key(std::string_view key) noexcept {
  if (key.starts_with('+')) key.remove_prefix(1);
  const std::size_t slash = key.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view vendor = key.substr(0, slash);
    if (vendor.empty() || !std::ranges::all_of(vendor, [](char c) {
          return is_letter_or_digit(c) || c == '-' || c == '.';
        })) {
      return false;
    }
    key.remove_prefix(slash + 1);
  }
  return !key.empty() &&
         std::ranges::all_of(key, [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

Tags parse_tags(std::string_view text) {
  Tags tags;
  for (const std::string_view part : split(text, ';')) {
    const std::size_t equals = part.find('=');
    const std::string_view key = part.substr(0, equals);
    if (!is_tag_key(key)) continue;
    std::string value;
    if (equals != std::string_view::npos) value = unescape_tag(part.substr(equals + 1));
    const auto found = std::ranges::find(tags, key, &Tag::key);
    if (found != tags.end()) {
      found->value = std::move(value);
    } else if (tags.size() < limits::tags_count) {
      tags.push_back(Tag{std::string(key), std::move(value)});
    }
  }
  return tags;
}

std::string serialize_tags(const Tags& tags) {
  std::string text;
  for (const Tag& tag : tags) {
    if (!text.empty()) text += ';';
    text += tag.key;
    if (!tag.value.empty()) text += "=" + escape_tag(tag.value);
  }
  return text;
}

}  // namespace ieum::hub
