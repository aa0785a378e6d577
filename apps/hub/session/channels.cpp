// Commands of channels: JOIN, PART, KICK, INVITE, TOPIC.
#include <algorithm>

#include "irc/limits.hpp"
#include "irc/names.hpp"
#include "irc/text.hpp"
#include "session/commands.hpp"
#include "session/history.hpp"
#include "session/markers.hpp"
#include "session/session.hpp"

namespace ieum::hub {

namespace {

Entry entry_of(const Session& session, Kind kind, std::string body) {
  Entry entry;
  entry.kind = kind;
  entry.sender = session.identity();
  entry.source = session.user->mask();
  entry.body = std::move(body);
  return entry;
}

/// Tells why `session` may not come in; true: it may.
bool may_join(Session& session, const Room& room, std::string_view key) {
  const User& user = *session.user;
  const RoomState& state = room.state;
  if (!room.exists()) return true;
  const auto access = state.access.find(key_of(user.account));
  if (state.registered && !user.account.empty() && access != state.access.end() &&
      access->second == 'o') {
    return true;
  }
  const bool invited = room.is_invited(user);
  if (room.is_banned(user) && !invited) {
    session.numeric("ERR_BANNEDFROMCHAN"_numeric, {room.name()});
  } else if (state.invite_only && !invited) {
    session.numeric("ERR_INVITEONLYCHAN"_numeric, {room.name()});
  } else if (!state.key.empty() && key != state.key && !invited) {
    session.numeric("ERR_BADCHANNELKEY"_numeric, {room.name()});
  } else if ((state.limit != 0 && state.members.size() >= state.limit && !invited) ||
             state.members.size() >= limits::members_per_room) {
    session.numeric("ERR_CHANNELISFULL"_numeric, {room.name()});
  } else {
    return true;
  }
  return false;
}

Task<> join(Session& session, std::string name, std::string key) {
  if (!is_channel(name)) {
    session.numeric("ERR_NOSUCHCHANNEL"_numeric, {shown(name)});
    co_return;
  }
  const User& user = *session.user;
  if (user.rooms.size() >= session.hub.config().rooms_per_client) {
    session.numeric("ERR_TOOMANYCHANNELS"_numeric, {name});
    co_return;
  }
  constexpr int tries_max = 3;
  for (int tries = 0; tries < tries_max; ++tries) {
    const SharedRoom room = co_await session.hub.open_room(name);
    if (session.is_ending() || room->has(user) || !may_join(session, *room, key)) co_return;
    std::string marker_of = marker_target(*room);
    session.join_marker = co_await marker_text(session, std::move(marker_of));
    JoinBody body;
    body.room = room->name();
    body.account = user.account;
    body.realname = user.realname;
    Entry entry = entry_of(session, Kind::join, encode(body));
    entry.about = user.id;
    const Appended joined = co_await session.hub.commit(&session, room->id, {}, std::move(entry));
    session.join_marker.clear();
    if (!is_stored(session, "JOIN", name, joined)) co_return;
    if (room->dropped) continue;  // it was empty for so long
    co_await replay_room(session, room->id, joined.id.position);
    co_return;
  }
}

Task<> part(Session& session, std::string name, std::string reason) {
  Room* found = session.hub.find_room(name);
  if (found == nullptr) {
    session.numeric("ERR_NOSUCHCHANNEL"_numeric, {shown(name)});
    co_return;
  }
  const SharedRoom room = found->shared_from_this();
  if (!room->has(*session.user)) {
    session.numeric("ERR_NOTONCHANNEL"_numeric, {room->name()});
    co_return;
  }
  Entry entry = entry_of(session, Kind::part, std::move(reason));
  entry.about = session.user->id;
  const Appended parted = co_await session.hub.commit(&session, room->id, {}, std::move(entry));
  is_stored(session, "PART", name, parted);
}

Task<> kick(Session& session, Room& in, std::string nick, std::string reason) {
  const SharedRoom room = in.shared_from_this();
  const User* victim = session.hub.find_user(nick);
  if (victim == nullptr) {
    session.numeric("ERR_NOSUCHNICK"_numeric, {shown(nick)});
    co_return;
  }
  if (!room->has(*victim)) {
    session.numeric("ERR_USERNOTINCHANNEL"_numeric, {victim->nick, room->name()});
    co_return;
  }
  Entry entry = entry_of(session, Kind::kick, std::move(reason));
  entry.about = victim->id;
  const Appended kicked = co_await session.hub.commit(&session, room->id, {}, std::move(entry));
  is_stored(session, "KICK", room->name(), kicked);
}

/// The room that `session` is in, or null after telling why not.
Room* own_room(Session& session, std::string_view name) {
  Room* room = session.hub.find_room(name);
  if (room == nullptr) {
    session.numeric("ERR_NOSUCHCHANNEL"_numeric, {shown(name)});
  } else if (!room->has(*session.user)) {
    session.numeric("ERR_NOTONCHANNEL"_numeric, {room->name()});
    room = nullptr;
  }
  return room;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> result;
  for (const std::string_view part : split(text, ',')) result.emplace_back(part);
  return result;
}

}  // namespace

bool is_stored(Session& session, std::string_view command, std::string_view target,
               const Appended& appended) {
  switch (appended.outcome) {
    case Outcome::stored:
    case Outcome::duplicate: return true;
    case Outcome::absent:
      session.fail(command, "NOT_FOUND", {target}, "There is no such thing to do that to");
      return false;
    case Outcome::refused:
      session.fail(command, "NOT_STORED", {target},
                   "The server could not keep it, so nothing was done: " + appended.reason);
      return false;
    case Outcome::unknown: break;
  }
  session.fail(command, "UNKNOWN_OUTCOME", {target}, "unknown, try again");
  return false;
}

void show_room(Session& session, const Room& room) {
  const RoomState& state = room.state;
  if (!state.topic.empty()) {
    session.numeric("RPL_TOPIC"_numeric, {room.name(), state.topic});
    session.numeric("RPL_TOPICWHOTIME"_numeric,
                    {room.name(), state.topic_setter, unix_seconds(state.topic_time)});
  }
  if (!session.join_marker.empty() && session.caps.has(Cap::read_marker)) {
    session.reply("MARKREAD", {room.name(), session.join_marker});
  }
  send_names(session, room);
}

Task<> do_join(Session& session, Message message) {
  if (message.param(0) == "0") {
    std::vector<std::string> names;
    for (const Room* room : session.user->rooms) names.push_back(room->name());
    for (std::string& name : names) co_await part(session, name, {});
    co_return;
  }
  const std::vector<std::string> names = words(message.param(0));
  // Empty keys keep their places.
  std::vector<std::string> keys;
  std::string_view rest = message.param(1);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    keys.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::string key;
    if (i < keys.size()) key = keys[i];
    co_await join(session, names[i], std::move(key));
    if (session.is_ending()) co_return;
  }
}

Task<> do_part(Session& session, Message message) {
  const std::string reason(cut(message.param(1), limits::quit_bytes));
  const std::vector<std::string> names = words(message.param(0));
  for (const std::string& name : names) co_await part(session, name, reason);
}

Task<> do_kick(Session& session, Message message) {
  const std::vector<std::string> rooms = words(message.param(0));
  const std::vector<std::string> nicks = words(message.param(1));
  // Several from one, or one from each of several.
  if (rooms.empty() || nicks.empty() || (rooms.size() > 1 && rooms.size() != nicks.size())) {
    session.numeric("ERR_NEEDMOREPARAMS"_numeric, {"KICK"});
    co_return;
  }
  if (nicks.size() > limits::targets) {
    session.numeric("ERR_TOOMANYTARGETS"_numeric, {shown(message.param(1))});
    co_return;
  }
  std::string reason(cut(message.param(2), limits::kick_bytes));
  if (reason.empty()) reason = session.user->nick;
  for (std::size_t i = 0; i < nicks.size(); ++i) {
    // Looked up anew each time: one may have kicked oneself.
    Room* room = own_room(session, rooms.size() == 1 ? rooms[0] : rooms[i]);
    if (room == nullptr) continue;
    if (!room->is_op(*session.user)) {
      session.numeric("ERR_CHANOPRIVSNEEDED"_numeric, {room->name()});
      continue;
    }
    co_await kick(session, *room, nicks[i], reason);
  }
}

Task<> do_invite(Session& session, Message message) {
  if (message.params.size() < 2) {
    if (!message.params.empty()) {
      session.numeric("ERR_NEEDMOREPARAMS"_numeric, {"INVITE"});
      co_return;
    }
    for (const RoomId id : session.user->invited) {
      if (const Room* room = session.hub.find_room(id)) {
        session.numeric("RPL_INVITELIST"_numeric, {room->name()});
      }
    }
    session.numeric("RPL_ENDOFINVITELIST"_numeric);
    co_return;
  }
  const User* guest = session.hub.find_user(message.param(0));
  if (guest == nullptr) {
    session.numeric("ERR_NOSUCHNICK"_numeric, {shown(message.param(0))});
    co_return;
  }
  const Room* room = own_room(session, message.param(1));
  if (room == nullptr) co_return;
  if (room->has(*guest)) {
    session.numeric("ERR_USERONCHANNEL"_numeric, {guest->nick, room->name()});
    co_return;
  }
  if (room->state.invite_only && !room->is_op(*session.user)) {
    session.numeric("ERR_CHANOPRIVSNEEDED"_numeric, {room->name()});
    co_return;
  }
  session.numeric("RPL_INVITING"_numeric, {guest->nick, room->name()});
  if (!guest->away.empty()) session.numeric("RPL_AWAY"_numeric, {guest->nick, guest->away});
  change::Invited invited;
  invited.guest = guest->id;
  invited.by = session.user->id;
  invited.room = room->id;
  co_await session.hub.announce(&session, std::move(invited));
}

Task<> do_topic(Session& session, Message message) {
  Room* found = session.hub.find_room(message.param(0));
  if (found == nullptr || !found->is_shown_to(*session.user)) {
    session.numeric("ERR_NOSUCHCHANNEL"_numeric, {shown(message.param(0))});
    co_return;
  }
  const SharedRoom room = found->shared_from_this();
  if (message.params.size() < 2) {
    const RoomState& state = room->state;
    if (state.topic.empty()) {
      session.numeric("RPL_NOTOPIC"_numeric, {room->name()});
    } else {
      session.numeric("RPL_TOPIC"_numeric, {room->name(), state.topic});
      session.numeric("RPL_TOPICWHOTIME"_numeric,
                      {room->name(), state.topic_setter, unix_seconds(state.topic_time)});
    }
    co_return;
  }
  if (!room->has(*session.user)) {
    session.numeric("ERR_NOTONCHANNEL"_numeric, {room->name()});
    co_return;
  }
  if (room->state.topic_protected && !room->is_op(*session.user)) {
    session.numeric("ERR_CHANOPRIVSNEEDED"_numeric, {room->name()});
    co_return;
  }
  std::string topic(cut(message.param(1), limits::topic_bytes));
  if (topic == room->state.topic) co_return;
  Entry entry = entry_of(session, Kind::topic, std::move(topic));
  const Appended set = co_await session.hub.commit(&session, room->id, {}, std::move(entry));
  is_stored(session, "TOPIC", room->name(), set);
}

}  // namespace ieum::hub
