// MessageEntry: what is kept of a PRIVMSG, NOTICE or TAGMSG beside its text.
#pragma once

#include <string>
#include <string_view>

#include "irc/tags.hpp"
#include "log/entry.hpp"
#include "session/outgoing.hpp"

namespace ieum::hub {

/// The tag by which a client names a message of its own.
inline constexpr std::string_view once_tag = "+ieum/once";
/// The id in the log of what was said to `to`: one line may have several targets.
[[nodiscard]] std::string once_id(std::string_view once, std::string_view to);

struct MessageEntry {
  std::string to;       // as it was addressed: a nick, or a room's name
  std::string with;     // the identity that it was said to, if it is no room
  std::string account;  // of who sent it
  bool bot = false;
  Tags client_tags;
};

[[nodiscard]] std::string encode(const MessageEntry& message);
[[nodiscard]] MessageEntry decode_message(const StoredEntry& stored);
/// As clients get it.
[[nodiscard]] Outgoing outgoing_of(const MessageEntry& message, const Entry& entry, std::string id);
[[nodiscard]] constexpr std::string_view command_of(Kind kind) noexcept {
  if (kind == Kind::notice) return "NOTICE";
  if (kind == Kind::topic) return "TOPIC";
  return kind == Kind::tags ? "TAGMSG" : "PRIVMSG";
}

}  // namespace ieum::hub
