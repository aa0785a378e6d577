// MODE: of channels, of oneself.
#include <algorithm>

#include "irc/limits.hpp"
#include "irc/modes.hpp"
#include "irc/names.hpp"
#include "irc/text.hpp"
#include "session/commands.hpp"
#include "session/session.hpp"

namespace ieum::hub {

namespace {

// ---- A channel's
// ----------------------------------------------------------------------------------

void show_list(Session& session, const Room& room, char letter) {
  const auto send = [&](const Numeric& item, const Numeric& end) {
    for (const MaskEntry& entry : *room.state.list(letter)) {
      session.numeric(item, {room.name(), entry.mask, entry.setter, unix_seconds(entry.time)});
    }
    session.numeric(end, {room.name()});
  };
  switch (letter) {
    case 'b': send("RPL_BANLIST"_numeric, "RPL_ENDOFBANLIST"_numeric); break;
    case 'e': send("RPL_EXCEPTLIST"_numeric, "RPL_ENDOFEXCEPTLIST"_numeric); break;
    default: send("RPL_INVEXLIST"_numeric, "RPL_ENDOFINVEXLIST"_numeric);
  }
}

void show_modes(Session& session, const Room& room) {
  std::vector<std::string> params = room.state.modes(room.has(*session.user));
  params.insert(params.begin(), {session.nick(), room.name()});
  session.reply("324", std::move(params));
  session.numeric("RPL_CREATIONTIME"_numeric, {room.name(), unix_seconds(room.state.created)});
}

void refuse_param(Session& session, const Room& room, const ModeChange& change,
                  std::string_view why) {
  // A key is shown to nobody, not even a bad one.
  const std::string_view param = change.letter == 'k' ? "*" : shown(change.param);
  session.numeric("ERR_INVALIDMODEPARAM"_numeric, {room.name(), {&change.letter, 1}, param, why});
}

/// The change as it is to be done; nothing if it changes nothing, or is refused.
std::optional<LoggedChange> checked_member(Session& session, const Room& room, ModeChange change) {
  const User* member = session.hub.find_user(change.param);
  if (member == nullptr) {
    session.numeric("ERR_NOSUCHNICK"_numeric, {shown(change.param)});
    return std::nullopt;
  }
  const RoomState::Member* state = room.state.member(member->id);
  if (state == nullptr) {
    session.numeric("ERR_USERNOTINCHANNEL"_numeric, {member->nick, room.name()});
    return std::nullopt;
  }
  const bool has = change.letter == 'o' ? state->op : state->voice;
  if (has == change.adding) return std::nullopt;
  change.param = member->nick;
  LoggedChange logged;
  logged.change = std::move(change);
  logged.member = member->id;
  return logged;
}

std::optional<LoggedChange> checked_list(Session& session, const Room& room, ModeChange change) {
  const std::vector<MaskEntry>& list = *room.state.list(change.letter);
  if (has_controls(change.param) || change.param.contains(' ') || change.param.size() > 200) {
    refuse_param(session, room, change, "That is no mask");
    return std::nullopt;
  }
  change.param = full_mask(change.param);
  const bool has = std::ranges::any_of(
      list, [&](const MaskEntry& entry) { return same_name(entry.mask, change.param); });
  if (has == change.adding) return std::nullopt;
  if (change.adding && list.size() >= limits::list_entries) {
    session.numeric("ERR_BANLISTFULL"_numeric, {room.name(), change.param});
    return std::nullopt;
  }
  LoggedChange logged;
  logged.change = std::move(change);
  return logged;
}

std::optional<LoggedChange> checked(Session& session, const Room& room, ModeChange change) {
  const RoomState& state = room.state;
  LoggedChange logged;
  switch (change.letter) {
    case 'o':
    case 'v': return checked_member(session, room, std::move(change));
    case 'b':
    case 'e':
    case 'I': return checked_list(session, room, std::move(change));
    case 'k':
      if (change.adding ? change.param == state.key : state.key.empty()) return std::nullopt;
      if (change.adding && !is_key(change.param)) {
        refuse_param(session, room, change, "That is no key");
        return std::nullopt;
      }
      if (!change.adding) change.param = state.key;
      break;
    case 'l': {
      const std::size_t limit = number_of(change.param, 0);
      if (change.adding ? limit == state.limit && limit != 0 : state.limit == 0) {
        return std::nullopt;
      }
      if (change.adding && (limit == 0 || limit > limits::members_per_room)) {
        refuse_param(session, room, change, "That is no limit");
        return std::nullopt;
      }
      if (change.adding) change.param = std::to_string(limit);
      break;
    }
    case 'r':
      if (change.adding == state.registered) return std::nullopt;
      if (session.account.empty() && session.user->account.empty()) {
        session.fail("MODE", "ACCOUNT_REQUIRED", {room.name()},
                     "Log in first: a registered room belongs to an account");
        return std::nullopt;
      }
      if (!change.adding && key_of(session.user->account) != state.founder) {
        session.fail("MODE", "FOUNDER_REQUIRED", {room.name()},
                     "Only " + state.founder + " may do that");
        return std::nullopt;
      }
      change.param = key_of(session.user->account);
      break;
    default: {
      const std::string set = state.modes(false).front();
      if (set.contains(change.letter) == change.adding) return std::nullopt;
    }
  }
  logged.change = std::move(change);
  return logged;
}

Task<> do_channel_mode(Session& session, Message message) {
  Hub& hub = session.hub;
  Room* found = hub.find_room(message.param(0));
  if (found == nullptr || !found->is_shown_to(*session.user)) {
    session.numeric("ERR_NOSUCHCHANNEL"_numeric, {shown(message.param(0))});
    co_return;
  }
  const SharedRoom room = found->shared_from_this();
  if (message.params.size() < 2) {
    show_modes(session, *room);
    co_return;
  }
  ModeRequest request =
      parse_channel_modes(message.param(1), std::span(message.params).subspan(2), limits::modes);
  for (const char letter : request.unknown) {
    session.numeric("ERR_UNKNOWNMODE"_numeric, {{&letter, 1}});
  }
  for (const char letter : request.lists) show_list(session, *room, letter);
  for (const char letter : request.without_param) {
    session.numeric("ERR_INVALIDMODEPARAM"_numeric,
                    {room->name(), {&letter, 1}, "*", "You must give a parameter"});
  }
  if (request.changes.empty()) co_return;
  if (!room->has(*session.user)) {
    session.numeric("ERR_NOTONCHANNEL"_numeric, {room->name()});
    co_return;
  }
  if (!room->is_op(*session.user)) {
    session.numeric("ERR_CHANOPRIVSNEEDED"_numeric, {room->name()});
    co_return;
  }
  std::vector<LoggedChange> changes;
  for (ModeChange& change : request.changes) {
    std::optional<LoggedChange> logged = checked(session, *room, std::move(change));
    if (logged) changes.push_back(*std::move(logged));
  }
  if (changes.empty()) co_return;
  Entry entry;
  entry.kind = Kind::mode;
  entry.sender = session.identity();
  entry.source = session.user->mask();
  entry.body = encode(changes);
  const Appended set = co_await hub.commit(&session, room->id, {}, std::move(entry));
  is_stored(session, "MODE", room->name(), set);
}

// ---- One's own
// ------------------------------------------------------------------------------------

Task<> do_user_mode(Session& session, Message message) {
  const std::string_view nick = message.param(0);
  const User& user = *session.user;
  if (!same_name(nick, user.nick)) {
    if (session.hub.find_user(nick) == nullptr) {
      session.numeric("ERR_NOSUCHNICK"_numeric, {shown(nick)});
    } else {
      session.numeric("ERR_USERSDONTMATCH"_numeric);
    }
    co_return;
  }
  if (message.params.size() < 2) {
    session.numeric("RPL_UMODEIS"_numeric, {user_modes(user)});
    co_return;
  }
  bool adding = true;
  bool unknown = false;
  std::vector<ModeChange> changes;
  for (const char letter : message.param(1)) {
    if (letter == '+' || letter == '-') {
      adding = letter == '+';
      continue;
    }
    const bool may = letter == 'i' || letter == 'B' || (letter == 'o' && !adding);
    if (!may) {
      unknown = unknown || letter != 'o';
      continue;
    }
    // As the letters before it leave it.
    bool is_set = user_modes(user).contains(letter);
    for (const ModeChange& before : changes) {
      if (before.letter == letter) is_set = before.adding;
    }
    if (is_set != adding) changes.push_back({adding, letter, {}});
  }
  if (unknown) session.numeric("ERR_UMODEUNKNOWNFLAG"_numeric);
  if (changes.empty()) co_return;
  change::ModesSet set;
  set.id = user.id;
  set.changes = std::move(changes);
  co_await session.hub.announce(&session, std::move(set));
}

}  // namespace

std::string user_modes(const User& user) {
  std::string modes = "+";
  if (user.bot) modes += 'B';
  if (user.invisible) modes += 'i';
  if (user.oper) modes += 'o';
  return modes;
}

Task<> do_mode(Session& session, Message message) {
  if (looks_like_channel(message.param(0))) {
    co_await do_channel_mode(session, std::move(message));
  } else {
    co_await do_user_mode(session, std::move(message));
  }
}

}  // namespace ieum::hub
