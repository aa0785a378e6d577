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

std::size_t Hub::unregistered() const {
  const std::size_t all = common().admission.connections();
  return all - std::min(all, devices_);
}

void Hub::detach(Session& session, std::string_view why, bool lost) {
  User* user = std::exchange(session.user, nullptr);
  if (user == nullptr) return;
  std::erase(user->sessions, &session);
  change::Detached detached;
  detached.id = user->id;
  detached.why = why;
  detached.seen = lost ? session.confirmed() : time();
  // Who can prove who it was may come back; of others nobody could tell.
  detached.lingers = lost && (!user->account.empty() || !session.resume_session.empty());
  post(std::move(detached));
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
