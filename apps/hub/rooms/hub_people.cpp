// Hub: who is there: nicks, devices, those who are lost for a while, those who watch.
#include <algorithm>

#include <ieum/timeout.hpp>

#include "irc/text.hpp"
#include "rooms/hub.hpp"
#include "session/session.hpp"

namespace ieum::hub {

User* Hub::find_user(std::string_view nick) const {
  const auto found = users_.find(key_of(nick));
  return found == users_.end() ? nullptr : found->second.get();
}

User* Hub::find_user(PresenceId id) const {
  const auto found = presences_.find(id);
  return found == presences_.end() ? nullptr : found->second;
}

std::vector<User*> Hub::users_of(std::string_view identity) const {
  std::vector<User*> users;
  const auto [first, last] = identities_.equal_range(std::string(identity));
  for (auto at = first; at != last; ++at) users.push_back(at->second);
  return users;
}

std::size_t Hub::operators() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(users_, [](const auto& user) { return user.second->oper; }));
}

User& Hub::enter(std::unique_ptr<User> user, Session& session) {
  User& entered = *user;
  users_.emplace(key_of(entered.nick), std::move(user));
  presences_.emplace(entered.id, &entered);
  identities_.emplace(entered.identity, &entered);
  users_most_ = std::max(users_most_, users_.size());
  attach(entered, session);
  tell_watchers(entered, entered.nick, true);
  return entered;
}

void Hub::attach(User& user, Session& session) {
  user.sessions.push_back(&session);
  session.user = &user;
  user.last_spoke = now();
}

void Hub::detach(Session& session, std::string_view why, bool lost) {
  User* user = std::exchange(session.user, nullptr);
  if (user == nullptr) return;
  std::erase(user->sessions, &session);
  user->seen = std::max(user->seen, lost ? session.confirmed() : time());
  if (!user->sessions.empty()) return;
  if (!user->account.empty()) run_beside(keep_marker(user->identity, user->seen));
  // Who can prove who it was may come back; of others nobody could tell.
  const bool may_come_back = !user->account.empty() || !session.resume_session.empty();
  if (lost && may_come_back && !shutting_down_ && config().linger.count() > 0) {
    user->lost_until = now() + config().linger;
    user->lost_because = why;
    return;
  }
  quit(*user, why);
}

Task<> Hub::keep_marker(std::string identity, Time seen) {
  co_await attempt(accounts().set_marker(std::move(identity), "\nseen", seen));
}

void Hub::quit(User& user, std::string_view why) {
  const Time at = time();
  if (!shutting_down_) {
    Outgoing line(at, user.mask(), "QUIT", {std::string(cut(why, limits::quit_bytes))}, true);
    line.account = user.account;
    tell_peers(user, line, false);
  }
  for (Room* room : user.rooms) {
    std::erase(room->members, &user);
    room->state.remove_member(user.id);
    if (shutting_down_) continue;
    Entry entry;
    entry.kind = Kind::quit;
    entry.sender = user.identity;
    entry.source = user.mask();
    entry.body = why;
    entry.about = user.id;
    run_beside(log_quit(room->id, std::move(entry)));
  }
  user.rooms.clear();
  tell_watchers(user, user.nick, false);
  formers_.push_front({user.nick, user.user, user.host, user.realname, user.account, at});
  if (formers_.size() > limits::whowas) formers_.pop_back();

  presences_.erase(user.id);
  const auto [first, last] = identities_.equal_range(user.identity);
  for (auto found = first; found != last; ++found) {
    if (found->second == &user) {
      identities_.erase(found);
      break;
    }
  }
  const std::string key = key_of(user.nick);
  users_.erase(key);
}

void Hub::rename(User& user, std::string_view nick, Session* by) {
  const std::string former = user.nick;
  Outgoing line(time(), user.mask(), "NICK", {std::string(nick)}, true);
  line.account = user.account;
  line.bot = user.bot;
  if (!same_name(former, nick)) {
    formers_.push_front({user.nick, user.user, user.host, user.realname, user.account, time()});
    if (formers_.size() > limits::whowas) formers_.pop_back();
    auto node = users_.extract(key_of(former));
    node.key() = key_of(nick);
    users_.insert(std::move(node));
  }
  user.nick = nick;
  tell_peers(user, line, true, {}, by);
  if (!same_name(former, nick)) {
    tell_watchers(user, former, false);
    tell_watchers(user, nick, true);
  }
}

void Hub::log_in(User& user, std::string_view account) {
  const auto [first, last] = identities_.equal_range(user.identity);
  for (auto found = first; found != last; ++found) {
    if (found->second == &user) {
      identities_.erase(found);
      break;
    }
  }
  user.account = account;
  user.identity = account_identity(account);
  identities_.emplace(user.identity, &user);
  Outgoing line(time(), user.mask(), "ACCOUNT", {user.account});
  tell_peers(user, line, true, Cap::account_notify);
}

void Hub::tell_peers(User& user, Outgoing& line, bool self, std::optional<Cap> cap,
                     const Session* response_to) {
  const std::uint64_t telling = ++tellings_;
  const auto tell_one = [&](Session* session) {
    if (session->told == telling) return;
    session->told = telling;
    if (cap && !session->caps.has(*cap)) return;
    session->deliver(line, session == response_to);
  };
  if (self) {
    for (Session* session : user.sessions) tell_one(session);
  } else {
    for (Session* session : user.sessions) session->told = telling;
  }
  for (const Room* room : user.rooms) {
    for (User* member : room->members) {
      for (Session* session : member->sessions) tell_one(session);
    }
  }
}

void Hub::tell(Room& room, Outgoing& line, const Session* except, std::optional<Cap> cap) {
  for (User* member : room.members) {
    for (Session* session : member->sessions) {
      if (session == except || (cap && !session->caps.has(*cap))) continue;
      session->deliver(line);
    }
  }
}

// ---- MONITOR
// --------------------------------------------------------------------------------------

void Hub::watch(Session& session, std::string_view nick) {
  watchers_[key_of(nick)].push_back(&session);
  session.watching.emplace_back(nick);
}

void Hub::unwatch(Session& session, std::string_view nick) {
  std::erase_if(session.watching, [&](const std::string& other) { return same_name(other, nick); });
  const auto found = watchers_.find(key_of(nick));
  if (found == watchers_.end()) return;
  std::erase(found->second, &session);
  if (found->second.empty()) watchers_.erase(found);
}

void Hub::tell_watchers(const User& user, std::string_view nick, bool online) {
  const auto found = watchers_.find(key_of(nick));
  if (found == watchers_.end()) return;
  for (Session* session : found->second) {
    // Not `numeric`: it answers nothing that the session has just asked.
    Outgoing line(time(), config().name, online ? "730" : "731",
                  {session->nick(), online ? user.mask() : std::string(nick)}, true);
    session->deliver(line);
  }
}

}  // namespace ieum::hub
