// Hub: what the log hands out, told to those whom it concerns.
#include <algorithm>

#include "irc/text.hpp"
#include "rooms/hub.hpp"
#include "session/commands.hpp"
#include "session/message_entry.hpp"
#include "session/session.hpp"

namespace ieum::hub {

void Hub::apply_to(Room& room, const StoredEntry& stored, Session* by) {
  const Entry& entry = stored.entry;
  User* user = nullptr;
  switch (entry.kind) {
    case Kind::join:
      room.state.apply(stored);
      user = find_user(PresenceId{entry.about});
      if (user != nullptr) {
        joined(room, *user, stored, by);
      } else {
        room.state.remove_member(entry.about);  // has gone meanwhile
      }
      break;
    case Kind::part:
    case Kind::kick:
      user = find_user(PresenceId{entry.about});
      if (user != nullptr && room.has(*user)) left(room, *user, stored, by);
      room.state.apply(stored);
      break;
    case Kind::quit: room.state.apply(stored); break;  // was told when it happened
    case Kind::topic: {
      room.state.apply(stored);
      Outgoing line(entry.time, entry.source, "TOPIC", {room.name(), entry.body}, true);
      line.id = message_id(stored.room, stored.position);
      for (User* member : room.members) {
        for (Session* session : member->sessions) session->deliver(line, session == by);
      }
      break;
    }
    case Kind::mode: changed_modes(room, stored, by); break;
    case Kind::redact: redacted(&room, stored, by); break;
    case Kind::message:
    case Kind::notice:
    case Kind::tags: said_to(room.members, stored, room.name(), by); break;
    default: break;
  }
}

void Hub::joined(Room& room, User& user, const StoredEntry& stored, Session* by) {
  const Entry& entry = stored.entry;
  room.members.push_back(&user);
  user.rooms.push_back(&room);
  std::erase(user.invited, room.id);
  const std::string source = user.mask();
  Outgoing plain(entry.time, source, "JOIN", {room.name()});
  Outgoing extended(entry.time, source, "JOIN",
                    {room.name(), user.account.empty() ? "*" : user.account, user.realname}, true);
  Outgoing away(entry.time, source, "AWAY", {user.away}, true);
  for (Outgoing* line : {&plain, &extended, &away}) {
    line->account = user.account;
    line->bot = user.bot;
  }
  plain.id = extended.id = message_id(stored.room, stored.position);
  for (User* member : room.members) {
    for (Session* session : member->sessions) {
      const bool response = session == by;
      session->deliver(session->caps.has(Cap::extended_join) ? extended : plain, response);
      if (member == &user) {
        show_room(*session, room);
      } else if (!user.away.empty() && session->caps.has(Cap::away_notify)) {
        session->deliver(away);
      }
    }
  }
}

void Hub::left(Room& room, User& user, const StoredEntry& stored, Session* by) {
  const Entry& entry = stored.entry;
  std::vector<std::string> params{room.name()};
  const bool kicked = entry.kind == Kind::kick;
  if (kicked) params.push_back(user.nick);
  if (!entry.body.empty()) params.push_back(entry.body);
  Outgoing line(entry.time, entry.source, kicked ? "KICK" : "PART", std::move(params),
                !entry.body.empty());
  line.id = message_id(stored.room, stored.position);
  for (User* member : room.members) {
    for (Session* session : member->sessions) session->deliver(line, session == by);
  }
  std::erase(room.members, &user);
  std::erase(user.rooms, &room);
}

void Hub::changed_modes(Room& room, const StoredEntry& stored, Session* by) {
  const Entry& entry = stored.entry;
  room.state.apply(stored);
  std::vector<ModeChange> shown;
  for (LoggedChange& logged : decode_modes(entry.body)) {
    if (logged.member != 0) {
      const User* member = find_user(logged.member);
      if (member == nullptr) continue;
      logged.change.param = member->nick;
    }
    if (logged.change.letter == 'r') logged.change.param.clear();
    shown.push_back(std::move(logged.change));
  }
  std::vector<std::string> params = mode_params(shown);
  params.insert(params.begin(), room.name());
  Outgoing line(entry.time, entry.source, "MODE", std::move(params));
  line.id = message_id(stored.room, stored.position);
  for (User* member : room.members) {
    for (Session* session : member->sessions) session->deliver(line, session == by);
  }
}

std::vector<User*> Hub::parties(const StoredEntry& stored) const {
  const std::string with = decode_message(stored).with;
  if (with.empty()) return {};  // of a room that was dropped
  std::vector<User*> users = users_of(stored.entry.sender);
  if (with == stored.entry.sender) return users;
  const std::vector<User*> others = users_of(with);
  users.insert(users.end(), others.begin(), others.end());
  return users;
}

void Hub::said_to(const std::vector<User*>& users, const StoredEntry& stored,
                  std::string_view target, Session* by) {
  const Entry& entry = stored.entry;
  MessageEntry message = decode_message(stored);
  if (!target.empty()) message.to = target;
  Outgoing line = outgoing_of(message, entry, message_id(stored.room, stored.position));
  const std::string_view source = entry.source;
  User* const speaker = find_user(source.substr(0, source.find('!')));
  if (speaker != nullptr) speaker->last_spoke = now();
  for (User* user : users) {
    for (Session* session : user->sessions) {
      if (entry.kind == Kind::tags && !session->caps.has(Cap::message_tags)) continue;
      // What one says to oneself comes twice to one who wants echoes: the echo, and what was said.
      const bool to_self = target.empty() && same_name(message.to, user->nick) && session == by;
      const bool echoes = session->caps.has(Cap::echo_message);
      if (session == by && !echoes && !to_self) continue;
      if (to_self && echoes) session->deliver(line, true);
      session->deliver(line, session == by && !(to_self && echoes));
    }
  }
}

void Hub::redacted(Room* room, const StoredEntry& stored, Session* by) {
  const Entry& entry = stored.entry;
  const std::vector<User*> users = room != nullptr ? room->members : parties(stored);
  const std::string target = room != nullptr ? room->name() : decode_message(stored).to;
  std::vector<std::string> params{target, message_id(stored.room, entry.about)};
  if (!entry.body.empty()) params.push_back(entry.body);
  Outgoing line(entry.time, entry.source, "REDACT", std::move(params), !entry.body.empty());
  line.id = message_id(stored.room, stored.position);
  for (User* user : users) {
    for (Session* session : user->sessions) {
      if (session->caps.has(Cap::message_redaction)) session->deliver(line, session == by);
    }
  }
}

}  // namespace ieum::hub
