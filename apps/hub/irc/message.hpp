// Message: a line of IRC, taken apart and put together.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "irc/tags.hpp"

namespace ieum::hub {

struct Message {
  Tags tags;
  std::string source;   // without the colon; empty if there is none
  std::string command;  // in capitals
  std::vector<std::string> params;

  /// The parameter, or an empty one if there are fewer.
  [[nodiscard]] std::string_view param(std::size_t index) const noexcept {
    return index < params.size() ? std::string_view(params[index]) : std::string_view();
  }
};

/// Why a line is refused.
enum class LineFault : std::uint8_t {
  empty,          ///< nothing but spaces: to be ignored
  too_long,       ///< more than 512 bytes behind the tags
  tags_too_long,  ///< more than 4096 bytes of tags
  not_utf8,       ///< utf8only
  controls,       ///< a NUL or a CR within
  malformed,      ///< no command, or one that is no word of ASCII
};

/// Takes a line apart, without its CR LF.
[[nodiscard]] std::expected<Message, LineFault> parse_message(std::string_view line);

/// As it goes out, with CR LF. What is longer than the limit behind the tags is cut, at a
/// character's end. The last parameter gets a colon where it must have one, and always if
/// `trailing`.
[[nodiscard]] std::string serialize(const Message& message, bool trailing = false);
/// The same of a line that is known already, for which tags are chosen by receiver.
[[nodiscard]] std::string with_tags(const Tags& tags, std::string_view line);

}  // namespace ieum::hub
