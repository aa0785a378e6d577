// Tags: what stands before a line behind an '@' (IRCv3 message tags).
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace ieum::hub {

struct Tag {
  std::string key;
  std::string value;  // as it is meant, without escapes

  /// Passed on to other clients as it came, if a client sent it.
  [[nodiscard]] bool is_client_only() const noexcept { return key.starts_with('+'); }
  bool operator==(const Tag&) const = default;
};
using Tags = std::vector<Tag>;

/// The value of `key`, or nothing.
[[nodiscard]] const std::string* find_tag(const Tags& tags, std::string_view key) noexcept;

[[nodiscard]] std::string escape_tag(std::string_view value);
[[nodiscard]] std::string unescape_tag(std::string_view text);
/// `[+][vendor/]name`, of letters, digits and hyphens; a vendor may have dots as well.
[[nodiscard]] bool is_tag_key(std::string_view key) noexcept;

/// Of the text between '@' and the space. Of a key that comes twice the last one counts. Tags whose
/// key is none are left out, as what a server need not understand.
[[nodiscard]] Tags parse_tags(std::string_view text);
/// `a=1;b` without '@'.
[[nodiscard]] std::string serialize_tags(const Tags& tags);

}  // namespace ieum::hub
