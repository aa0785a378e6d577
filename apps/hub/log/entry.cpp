#include "log/entry.hpp"

#include <algorithm>
#include <charconv>

namespace ieum::hub {

namespace {

/// `text` is what to_chars writes of it: no sign, no leading zero.
std::optional<std::uint64_t> decimal(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size() || text.front() == '0') return {};
  return value;
}

constexpr char channel_mark = 'c';
constexpr char direct_mark = 'd';
constexpr char separator = '\n';  // in no identity

}  // namespace

std::string MessageId::to_string() const {
  std::string text;
  for (unsigned shift = 64; shift != 0;) {
    shift -= 4;
    text += "0123456789abcdef"[(epoch >> shift) & 15U];
  }
  text += '.';
  text += std::to_string(static_cast<std::uint64_t>(room));
  text += '.';
  text += std::to_string(position);
  return text;
}

std::optional<MessageId> MessageId::parse(std::string_view text) noexcept {
  if (text.size() < 20 || text[16] != '.') return {};
  MessageId id;
  for (const char digit : text.substr(0, 16)) {
    const std::size_t value = std::string_view("0123456789abcdef").find(digit);
    if (value == std::string_view::npos) return {};
    id.epoch = id.epoch << 4U | value;
  }
  text.remove_prefix(17);
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == text.size()) return {};
  const std::optional<std::uint64_t> room = decimal(text.substr(0, dot));
  const std::optional<std::uint64_t> position = decimal(text.substr(dot + 1));
  if (!room || !position) return {};
  id.room = RoomId{*room};
  id.position = *position;
  return id;
}

std::string channel_key(std::string_view folded_name) {
  return channel_mark + std::string(folded_name);
}

std::string direct_key(std::string_view identity, std::string_view other) {
  const auto [first, second] = std::minmax(identity, other);
  return direct_mark + std::string(first) + separator + std::string(second);
}

std::optional<DirectPair> direct_pair(std::string_view key) {
  if (!key.starts_with(direct_mark)) return {};
  key.remove_prefix(1);
  const std::size_t at = key.find(separator);
  if (at == std::string_view::npos) return {};
  return DirectPair{std::string(key.substr(0, at)), std::string(key.substr(at + 1))};
}

std::optional<std::string> channel_name(std::string_view key) {
  if (!key.starts_with(channel_mark)) return {};
  return std::string(key.substr(1));
}

}  // namespace ieum::hub
