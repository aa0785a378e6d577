// Hub: the changes that all cores are told of, done on this one.
#include <algorithm>

#include "irc/text.hpp"
#include "rooms/hub.hpp"
#include "session/commands.hpp"
#include "session/message_entry.hpp"
#include "session/session.hpp"

namespace ieum::hub {

// ---- Who is there
// ---------------------------------------------------------------------------------

bool Hub::apply(const change::Entered& entered, const Change& change, Session* by) {
  const std::string key = key_of(entered.person.nick);
  if (users_.contains(key)) return false;
  auto made = std::make_unique<User>();
  User& user = *made;
  static_cast<Person&>(user) = entered.person;
  user.seen = change.time;
  user.last_spoke = now();
  user.devices = 1;
  ++devices_;
  users_.emplace(key, std::move(made));
  presences_.emplace(user.id, &user);
  identities_.emplace(user.identity, &user);
  users_most_ = std::max(users_most_, users_.size());
  if (by != nullptr) {
    user.sessions.push_back(by);
    by->user = &user;
  } else if (is_ours(change.origin)) {  // its device has ended meanwhile
    post(change::Detached{user.id, "Connection closed", false, change.time});
  }
  tell_watchers(user, user.nick, true);
  return true;
}

bool Hub::apply(const change::Attached& attached, const Change& change, Session* by) {
  User* const user = find_user(PresenceId{attached.id});
  if (user == nullptr || user->devices >= limits::devices_per_user) return false;
  const bool was_lost = user->is_lost();
  ++user->devices;
  ++devices_;
  user->last_spoke = now();
  if (by != nullptr) {
    user->sessions.push_back(by);
    by->user = user;
  } else if (is_ours(change.origin)) {
    post(change::Detached{user->id, "Connection closed", true, user->seen});
  }
  if (!was_lost || user->host == attached.host) return true;
  Outgoing line(change.time, user->mask(), "CHGHOST", {user->user, attached.host});
  user->host = attached.host;
  tell_peers(*user, line, false, Cap::chghost);
  return true;
}

bool Hub::apply(const change::Detached& detached, const Change& change, Session* /*by*/) {
  User* const user = find_user(PresenceId{detached.id});
  if (user == nullptr) return false;
  --devices_;
  --user->devices;
  user->seen = std::max(user->seen, detached.seen);
  if (!user->is_lost()) return true;
  const bool ours = is_ours(change.origin);
  if (ours && !user->account.empty()) run_beside(keep_marker(user->identity, user->seen));
  if (detached.lingers && !shutting_down_ && config().linger.count() > 0) {
    user->lost_until = now() + config().linger;
    user->lost_because = detached.why;
  } else {
    quit(*user, detached.why, change.time, ours);
  }
  return true;
}

bool Hub::apply(const change::GivenUp& given_up, const Change& change, Session* /*by*/) {
  User* const user = find_user(PresenceId{given_up.id});
  if (user == nullptr || !user->is_lost()) return false;
  quit(*user, given_up.why, change.time, is_ours(change.origin));
  return true;
}

Task<> Hub::keep_marker(std::string identity, Time seen) {
  co_await attempt(accounts().set_marker(std::move(identity), "\nseen", seen));
}

void Hub::quit(User& user, std::string_view why, Time time, bool ours) {
  if (!shutting_down_) {
    Outgoing line(time, user.mask(), "QUIT", {std::string(cut(why, limits::quit_bytes))}, true);
    line.account = user.account;
    tell_peers(user, line, false);
  }
  if (user.invisible) --invisible_;
  if (user.oper) --operators_;
  for (Room* room : user.rooms) {
    std::erase(room->members, &user);
    room->state.remove_member(user.id);
    if (!room->exists()) --rooms_count_;
    if (shutting_down_ || !ours) continue;
    Entry entry;
    entry.kind = Kind::quit;
    entry.sender = user.identity;
    entry.source = user.mask();
    entry.body = why;
    entry.about = user.id;
    run_beside(log_quit(room->id, std::move(entry)));
  }
  tell_watchers(user, user.nick, false);
  remember(user, time);
  presences_.erase(user.id);
  forget_identity(user);
  const std::string key = key_of(user.nick);
  users_.erase(key);
}

void Hub::remember(const User& user, Time time) {
  formers_.push_front({user.nick, user.user, user.host, user.realname, user.account, time});
  if (formers_.size() > limits::whowas) formers_.pop_back();
}

void Hub::forget_identity(User& user) {
  const auto [first, last] = identities_.equal_range(user.identity);
  for (auto found = first; found != last; ++found) {
    if (found->second != &user) continue;
    identities_.erase(found);
    return;
  }
}

// ---- What they are
// --------------------------------------------------------------------------------

bool Hub::apply(const change::Renamed& renamed, const Change& change, Session* by) {
  User* const user = find_user(PresenceId{renamed.id});
  if (user == nullptr) return false;
  const std::string former = user->nick;
  const bool same = same_name(former, renamed.nick);
  if (!same && find_user(renamed.nick) != nullptr) return false;
  Outgoing line(change.time, user->mask(), "NICK", {renamed.nick}, true);
  line.account = user->account;
  line.bot = user->bot;
  if (!same) {
    remember(*user, change.time);
    auto node = users_.extract(key_of(former));
    node.key() = key_of(renamed.nick);
    users_.insert(std::move(node));
  }
  user->nick = renamed.nick;
  tell_peers(*user, line, true, {}, by);
  if (!same) {
    tell_watchers(*user, former, false);
    tell_watchers(*user, renamed.nick, true);
  }
  return true;
}

bool Hub::apply(const change::LoggedIn& logged_in, const Change& change, Session* /*by*/) {
  User* const user = find_user(PresenceId{logged_in.id});
  if (user == nullptr) return false;
  forget_identity(*user);
  user->account = logged_in.account;
  user->identity = account_identity(logged_in.account);
  identities_.emplace(user->identity, user);
  Outgoing line(change.time, user->mask(), "ACCOUNT", {user->account});
  tell_peers(*user, line, true, Cap::account_notify);
  return true;
}

bool Hub::apply(const change::Away& away, const Change& change, Session* /*by*/) {
  User* const user = find_user(PresenceId{away.id});
  if (user == nullptr) return false;
  user->away = away.why;
  std::vector<std::string> params;
  if (!away.why.empty()) params.push_back(away.why);
  Outgoing line(change.time, user->mask(), "AWAY", std::move(params), true);
  line.account = user->account;
  line.bot = user->bot;
  tell_peers(*user, line, false, Cap::away_notify);
  return true;
}

bool Hub::apply(const change::RealnameSet& set, const Change& change, Session* by) {
  User* const user = find_user(PresenceId{set.id});
  if (user == nullptr) return false;
  user->realname = set.realname;
  Outgoing line(change.time, user->mask(), "SETNAME", {user->realname}, true);
  line.account = user->account;
  tell_peers(*user, line, true, Cap::setname, by);
  return true;
}

bool Hub::apply(const change::ModesSet& set, const Change& change, Session* by) {
  User* const user = find_user(PresenceId{set.id});
  if (user == nullptr) return false;
  for (const ModeChange& one : set.changes) {
    bool& flag = one.letter == 'i' ? user->invisible : one.letter == 'B' ? user->bot : user->oper;
    if (std::exchange(flag, one.adding) == one.adding || one.letter == 'B') continue;
    std::size_t& count = one.letter == 'i' ? invisible_ : operators_;
    count += one.adding ? 1 : std::size_t{0} - 1;
  }
  std::vector<std::string> params = mode_params(set.changes);
  params.insert(params.begin(), user->nick);
  Outgoing line(change.time, user->mask(), "MODE", std::move(params));
  for (Session* device : user->sessions) device->deliver(line, device == by);
  return true;
}

// ---- What they do to others
// -----------------------------------------------------------------------

bool Hub::apply(const change::Killed& killed, const Change& change, Session* by) {
  User* const victim = find_user(PresenceId{killed.id});
  const User* const killer = find_user(PresenceId{killed.by});
  if (victim == nullptr || killer == nullptr) return false;
  const std::string why = "Killed (" + killer->nick + " (" + killed.reason + "))";
  if (victim->is_lost()) {
    quit(*victim, why, change.time, is_ours(change.origin));
    return true;
  }
  Outgoing line(change.time, killer->mask(), "KILL", {victim->nick, killed.reason}, true);
  const std::vector<Session*> devices = victim->sessions;
  for (Session* device : devices) {
    device->deliver(line, device == by);
    device->end(why);
  }
  return true;
}

bool Hub::apply(const change::Invited& invited, const Change& change, Session* by) {
  User* const guest = find_user(PresenceId{invited.guest});
  const User* const inviter = find_user(PresenceId{invited.by});
  const Room* const room = find_room(invited.room);
  if (guest == nullptr || inviter == nullptr || room == nullptr) return false;
  if (std::ranges::find(guest->invited, room->id) == guest->invited.end()) {
    if (guest->invited.size() >= limits::invites_per_client) {
      guest->invited.erase(guest->invited.begin());
    }
    guest->invited.push_back(room->id);
  }
  Outgoing line(change.time, inviter->mask(), "INVITE", {guest->nick, room->name()});
  line.account = inviter->account;
  for (Session* device : guest->sessions) device->deliver(line);
  for (const User* member : room->members) {
    if (!room->is_op(*member)) continue;
    for (Session* device : member->sessions) {
      if (device != by && device->caps.has(Cap::invite_notify)) device->deliver(line);
    }
  }
  return true;
}

bool Hub::apply(const change::Typed& typed, const Change& change, Session* by) {
  const User* const sender = find_user(PresenceId{typed.by});
  if (sender == nullptr) return false;
  StoredEntry stored;
  stored.entry = typed.entry;
  Entry entry = typed.entry;
  entry.time = change.time;
  const MessageEntry message = decode_message(stored);
  Outgoing line = outgoing_of(message, entry, {});
  std::vector<User*> users;
  if (typed.room != RoomId::none) {
    if (const Room* room = find_room(typed.room)) users = room->members;
  } else if (User* to = find_user(PresenceId{typed.to})) {
    users.push_back(to);
    if (to != sender) users.push_back(find_user(PresenceId{typed.by}));
  }
  for (const User* user : users) {
    for (Session* device : user->sessions) {
      if (!device->caps.has(Cap::message_tags)) continue;
      if (device == by && device->caps.has(Cap::echo_message)) device->deliver(line, true);
      if (device != by || typed.to == typed.by) device->deliver(line);
    }
  }
  return true;
}

bool Hub::apply(const change::Read& read, const Change& change, Session* by) {
  const User* const user = find_user(PresenceId{read.id});
  if (user == nullptr) return false;
  Outgoing line(change.time, config().name, "MARKREAD",
                {read.target, "timestamp=" + format_time(read.marker)});
  for (Session* device : user->sessions) {
    if (device == by || device->caps.has(Cap::read_marker)) device->deliver(line, device == by);
  }
  return true;
}

bool Hub::apply(const change::SecretReused& reused, const Change& /*change*/, Session* /*by*/) {
  const std::vector<Session*> sessions = sessions_;
  for (Session* session : sessions) {
    if (session->resume_session == reused.session) {
      session->end("Your resume secret was used twice");
    }
  }
  return true;
}

// ---- Rooms, and the hub
// ---------------------------------------------------------------------------

bool Hub::apply(const change::RoomOpened& opened, const Change& /*change*/, Session* /*by*/) {
  if (rooms_.contains(opened.key)) return true;
  if (opened.drops != drops_) return false;
  Loaded loaded;
  loaded.info.id = opened.id;
  loaded.info.key = channel_key(opened.key);
  loaded.info.state_position = opened.saved;
  loaded.state = *opened.state;
  loaded.applied = opened.applied;
  install(std::move(loaded));
  return true;
}

bool Hub::apply(const change::RoomDropped& dropped, const Change& /*change*/, Session* /*by*/) {
  Room* const room = find_room(dropped.id);
  if (room == nullptr || room->exists()) return false;
  ++drops_;
  room->dropped = true;
  for (Event* follower : room->followers) follower->set();
  rooms_by_id_.erase(room->id);
  const std::string key = room->key;
  rooms_.erase(key);
  return true;
}

bool Hub::apply(const change::CoreReady& /*ready*/, const Change& /*change*/, Session* /*by*/) {
  if (++cores_ready_ == common().cores()) ready_.set();
  return true;
}

bool Hub::apply(const change::Reconfigured& reconfigured, const Change& change, Session* /*by*/) {
  if (!is_ours(change.origin)) {  // on ours it was done at once
    config_ = common().config();
    read_motd();
  }
  if (--*reconfigured.cores_left == 0) events().write("reloaded");
  return true;
}

bool Hub::apply(const change::ShutDown& ended, const Change& /*change*/, Session* /*by*/) {
  shutting_down_ = true;
  end_sessions(ended.why);
  ending_.set();
  return true;
}

}  // namespace ieum::hub
