// Markers: MARKREAD.
#include "session/markers.hpp"

#include "irc/names.hpp"
#include "irc/text.hpp"
#include "session/commands.hpp"
#include "session/session.hpp"

namespace ieum::hub {

std::string marker_target(const Room& room) { return channel_key(room.key); }

Task<std::string> marker_text(Session& session, std::string target) {
  if (!session.caps.has(Cap::read_marker)) co_return "";
  std::optional<Time> marker =
      co_await session.hub.accounts().marker(session.identity(), std::move(target));
  if (!marker) co_return "*";
  co_return "timestamp=" + format_time(*marker);
}

Task<std::string> identity_of_nick(Session& session, std::string nick) {
  if (const User* user = session.hub.find_user(nick)) co_return user->identity;
  std::optional<std::string> owner = co_await session.hub.accounts().nick_owner(key_of(nick));
  if (owner) co_return account_identity(*owner);
  co_return "";
}

Task<> do_markread(Session& session, Message message) {
  if (message.params.empty()) {
    session.fail("MARKREAD", "NEED_MORE_PARAMS", {}, "Missing parameters");
    co_return;
  }
  const std::string name(message.param(0));
  std::string target;
  if (looks_like_channel(name)) {
    target = is_channel(name) ? channel_key(key_of(name)) : "";
  } else if (is_nick(name)) {
    const std::string other = co_await identity_of_nick(session, name);
    if (!other.empty()) target = direct_key(session.identity(), other);
  }
  if (target.empty()) {
    session.fail("MARKREAD", "INVALID_TARGET", {name.contains(' ') || name.empty() ? "*" : name},
                 "There is no such conversation");
    co_return;
  }
  if (message.params.size() < 2) {
    std::optional<Time> marker = co_await session.hub.accounts().marker(session.identity(), target);
    session.reply("MARKREAD", {name, marker ? "timestamp=" + format_time(*marker) : "*"});
    co_return;
  }
  const std::string_view text = message.param(1);
  const std::optional<Time> time =
      text.starts_with("timestamp=") ? parse_time(text.substr(10)) : std::nullopt;
  if (!time) {
    session.fail("MARKREAD", "INVALID_PARAMS", {name}, "That is no timestamp");
    co_return;
  }
  const Time marker = co_await session.hub.accounts().set_marker(session.identity(), target, *time);
  if (marker != *time) {  // it never goes back: this client is told alone
    session.reply("MARKREAD", {name, "timestamp=" + format_time(marker)});
    co_return;
  }
  change::Read read;
  read.id = session.user->id;
  read.target = name;
  read.marker = marker;
  co_await session.hub.announce(&session, std::move(read));
}

}  // namespace ieum::hub
