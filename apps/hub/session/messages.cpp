// PRIVMSG, NOTICE, TAGMSG, REDACT.
#include <algorithm>

#include <ieum/timeout.hpp>

#include "irc/limits.hpp"
#include "irc/names.hpp"
#include "irc/text.hpp"
#include "session/commands.hpp"
#include "session/markers.hpp"
#include "session/message_entry.hpp"
#include "session/session.hpp"

namespace ieum::hub {

namespace {

/// What a client says, before it is known to whom.
struct Saying {
  Kind kind = Kind::message;
  std::string command;
  std::string text;
  Tags tags;  // of the client's own
  std::string once;

  /// That somebody is typing is not kept: it is worth nothing a moment later.
  [[nodiscard]] bool is_fleeting() const {
    return kind == Kind::tags && std::ranges::all_of(tags, [](const Tag& tag) {
             return tag.key == "+typing" || tag.key == "+draft/typing";
           });
  }
};

/// `with`: the identity that it is said to, if it is no room.
Entry entry_of(const Session& session, const Saying& saying, std::string to,
               std::string with = {}) {
  MessageEntry message;
  message.to = std::move(to);
  message.with = std::move(with);
  message.account = session.user->account;
  message.bot = session.user->bot;
  message.client_tags = saying.tags;
  Entry entry;
  entry.kind = saying.kind;
  entry.sender = session.identity();
  entry.source = session.user->mask();
  entry.body = saying.text;
  entry.tags = encode(message);
  return entry;
}

/// Why it reaches nobody; a NOTICE is answered by nothing of the kind (RFC 1459, 4.4.2).
void refuse(Session& session, const Saying& saying, const Numeric& why, std::string_view target) {
  if (saying.kind != Kind::notice) session.numeric(why, {target});
}

/// Past the log, to those who are there and know tags: a room, or one person.
Task<> tell_fleeting(Session& session, const Saying& saying, RoomId room, PresenceId to,
                     std::string target) {
  change::Typed typed;
  typed.room = room;
  typed.to = to;
  typed.by = session.user->id;
  typed.entry = entry_of(session, saying, std::move(target));
  co_await session.hub.announce(&session, std::move(typed));
}

/// The first one's echo, to one who has said the same again.
Task<> echo_first(Session& session, MessageId id) {
  if (!session.caps.has(Cap::echo_message)) co_return;
  Window window;
  window.room = id.room;
  window.limit = 1;
  Page page = co_await session.hub.log().after(window, id.position - 1);
  if (page.entries.empty() || page.entries.front().position != id.position) co_return;
  const StoredEntry& stored = page.entries.front();
  session.answer(outgoing_of(decode_message(stored), stored.entry, id.to_string()));
}

Task<> append(Session& session, const Saying& saying, RoomId room, std::string to,
              std::string with = {}) {
  Entry entry = entry_of(session, saying, to, std::move(with));
  std::string once = saying.once.empty() ? "" : once_id(saying.once, to);
  const Appended appended =
      co_await session.hub.commit(&session, room, std::move(once), std::move(entry));
  if (!is_stored(session, saying.command, to, appended)) co_return;
  if (appended.outcome == Outcome::duplicate) co_await echo_first(session, appended.id);
}

Task<> say_in_room(Session& session, const Saying& saying, std::string name) {
  Room* found = session.hub.find_room(name);
  if (found == nullptr) {
    refuse(session, saying, "ERR_NOSUCHCHANNEL"_numeric, shown(name));
    co_return;
  }
  const SharedRoom room = found->shared_from_this();
  if (!room->may_speak(*session.user)) {
    refuse(session, saying, "ERR_CANNOTSENDTOCHAN"_numeric, room->name());
    co_return;
  }
  if (saying.is_fleeting()) {
    co_await tell_fleeting(session, saying, room->id, 0, room->name());
    co_return;
  }
  co_await append(session, saying, room->id, room->name());
}

Task<> say_to(Session& session, const Saying& saying, std::string nick) {
  Hub& hub = session.hub;
  const User* other = hub.find_user(nick);
  if (other == nullptr) {
    refuse(session, saying, "ERR_NOSUCHNICK"_numeric, shown(nick));
    co_return;
  }
  // Across the awaits below it may go.
  const std::string to = other->nick;
  const std::string identity = other->identity;
  const std::string away = other->away;
  if (saying.is_fleeting()) {
    co_await tell_fleeting(session, saying, RoomId::none, other->id, to);
    co_return;
  }
  const RoomId room = co_await hub.open_direct(session.identity(), identity);
  co_await append(session, saying, room, to, identity);
  if (!away.empty() && saying.kind == Kind::message) {
    session.numeric("RPL_AWAY"_numeric, {to, away});
  }
}

/// `with`: whom the conversation is with, if it is no room.
Task<> redact(Session& session, RoomId room, bool is_op, std::string target, std::string with,
              MessageId id, std::string reason) {
  Hub& hub = session.hub;
  Window window;
  window.room = room;
  window.limit = 1;
  Page page;
  if (id.epoch == hub.log().epoch() && id.room == room && id.position > 0) {
    page = co_await hub.log().after(window, id.position - 1);
  }
  if (page.entries.empty() || page.entries.front().position != id.position) {
    session.fail("REDACT", "UNKNOWN_MSGID", {target, id.to_string()}, "There is no such message");
    co_return;
  }
  if (page.entries.front().entry.sender != session.identity() && !is_op) {
    session.fail("REDACT", "REDACT_FORBIDDEN", {target, id.to_string()},
                 "Only who wrote a message, or an operator, may take it back");
    co_return;
  }
  Entry entry;
  entry.kind = Kind::redact;
  entry.sender = session.identity();
  entry.source = session.user->mask();
  entry.body = std::move(reason);
  entry.about = id.position;
  MessageEntry about;
  about.to = target;
  about.with = std::move(with);
  entry.tags = encode(about);
  const Appended appended = co_await hub.commit(&session, room, {}, std::move(entry));
  is_stored(session, "REDACT", target, appended);
}

}  // namespace

Task<> do_message(Session& session, Message message) {
  Saying saying;
  saying.command = message.command;
  saying.kind = message.command == "PRIVMSG"  ? Kind::message
                : message.command == "NOTICE" ? Kind::notice
                                              : Kind::tags;
  const bool knows_tags = session.caps.has(Cap::message_tags);
  if (saying.kind == Kind::tags && !knows_tags) {
    session.numeric("ERR_UNKNOWNCOMMAND"_numeric, {message.command});
    co_return;
  }
  for (Tag& tag : message.tags) {
    if (!tag.is_client_only() || !knows_tags) continue;
    if (tag.key == once_tag) {
      if (tag.value.empty() || tag.value.size() > limits::once_bytes) {
        session.fail(message.command, "INVALID_ONCE", {}, "That cannot be an id of a message");
        co_return;
      }
      saying.once = tag.value;
    }
    saying.tags.push_back(std::move(tag));
  }
  std::vector<std::string> targets;
  for (const std::string_view target : split(message.param(0), ',')) targets.emplace_back(target);
  if (targets.empty()) {
    session.numeric("ERR_NORECIPIENT"_numeric, {"No recipient given (" + message.command + ")"});
    co_return;
  }
  if (saying.kind != Kind::tags) {
    saying.text = message.param(1);
    if (saying.text.empty()) {
      session.numeric("ERR_NOTEXTTOSEND"_numeric);
      co_return;
    }
  } else if (saying.tags.empty()) {
    co_return;
  }
  if (targets.size() > limits::targets) {
    session.numeric("ERR_TOOMANYTARGETS"_numeric, {shown(targets[limits::targets])});
    co_return;
  }
  session.user->last_spoke = now();
  for (const std::string& target : targets) {
    if (looks_like_channel(target)) {
      co_await say_in_room(session, saying, target);
    } else {
      co_await say_to(session, saying, target);
    }
    if (session.is_ending()) co_return;
  }
}

Task<> do_redact(Session& session, Message message) {
  if (!session.caps.has(Cap::message_redaction)) {
    session.numeric("ERR_UNKNOWNCOMMAND"_numeric, {message.command});
    co_return;
  }
  const std::string target(message.param(0));
  std::string reason(cut(message.param(2), limits::kick_bytes));
  const std::optional<MessageId> id = MessageId::parse(message.param(1));
  RoomId room_id = RoomId::none;
  bool is_op = false;
  std::string with;
  if (looks_like_channel(target)) {
    const Room* room = session.hub.find_room(target);
    if (room != nullptr && room->has(*session.user)) {
      room_id = room->id;
      is_op = room->is_op(*session.user);
    }
  } else {
    with = co_await identity_of_nick(session, target);
    if (!with.empty()) room_id = co_await session.hub.open_direct(session.identity(), with);
  }
  if (room_id == RoomId::none) {
    session.fail("REDACT", "INVALID_TARGET", {shown(target)}, "You are not in that conversation");
    co_return;
  }
  if (!id) {
    session.fail("REDACT", "UNKNOWN_MSGID", {target, shown(message.param(1))},
                 "There is no such message");
    co_return;
  }
  co_await redact(session, room_id, is_op, target, std::move(with), *id, std::move(reason));
}

}  // namespace ieum::hub
