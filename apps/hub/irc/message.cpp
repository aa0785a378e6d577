// Message: a line of IRC, taken apart and put together.
#include "irc/message.hpp"

#include <algorithm>

#include "irc/limits.hpp"
#include "irc/text.hpp"

namespace ieum::hub {

namespace {

void skip_spaces(std::string_view& text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
}

std::string_view take_word(std::string_view& text) noexcept {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  skip_spaces(text);
  return word;
}

/// Whether there is such a command is not the line's business.
bool is_command(std::string_view word) noexcept {
  return std::ranges::all_of(word, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

std::expected<Message, LineFault> parse_message(std::string_view line) {
  Message message;
  std::string_view rest = line;
  std::string_view tags;
  if (rest.starts_with('@')) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (end + 1 > limits::client_tags_bytes) return std::unexpected(LineFault::tags_too_long);
    tags = rest.substr(1, end - 1);
    rest.remove_prefix(end);
    if (rest.starts_with(' ')) rest.remove_prefix(1);
  }
  if (rest.size() > limits::line_bytes - 2) return std::unexpected(LineFault::too_long);
  if (line.find('\0') != std::string_view::npos || line.find('\r') != std::string_view::npos) {
    return std::unexpected(LineFault::controls);
  }
  if (!is_utf8(line)) return std::unexpected(LineFault::not_utf8);
  message.tags = parse_tags(tags);

  skip_spaces(rest);
  if (rest.starts_with(':')) {
    rest.remove_prefix(1);
    message.source = take_word(rest);
  }
  const std::string_view command = take_word(rest);
  if (command.empty()) {
    return std::unexpected(tags.empty() && message.source.empty() ? LineFault::empty
                                                                  : LineFault::malformed);
  }
  if (!is_command(command)) return std::unexpected(LineFault::malformed);
  message.command = upper(command);
  while (!rest.empty()) {
    if (rest.starts_with(':') || message.params.size() + 1 == limits::params) {
      if (rest.starts_with(':')) rest.remove_prefix(1);
      message.params.emplace_back(rest);
      break;
    }
    message.params.emplace_back(take_word(rest));
  }
  return message;
}

std::string with_tags(const Tags& tags, std::string_view line) {
  if (tags.empty()) return std::string(line);
  std::string text = "@" + serialize_tags(tags) + " ";
  text += line;
  return text;
}

std::string serialize(const Message& message, bool trailing) {
  std::string line;
  if (!message.source.empty()) line += ":" + message.source + " ";
  line += message.command;
  for (std::size_t i = 0; i < message.params.size(); ++i) {
    const std::string& param = message.params[i];
    line += ' ';
    const bool is_last = i + 1 == message.params.size();
    if (is_last && (trailing || param.empty() || param.starts_with(':') || param.contains(' '))) {
      line += ':';
    }
    line += param;
  }
  line = cut(line, limits::line_bytes - 2);
  line += "\r\n";
  return with_tags(message.tags, line);
}

}  // namespace ieum::hub
