// Commands with which a client says who it is: NICK, USER, PASS, CAP; and what greets it then.
#include <algorithm>

#include "irc/isupport.hpp"
#include "irc/limits.hpp"
#include "irc/names.hpp"
#include "irc/text.hpp"
#include "session/commands.hpp"
#include "session/history.hpp"
#include "session/markers.hpp"
#include "session/session.hpp"
#include "session/version.hpp"

namespace ieum::hub {

namespace {

bool is_offered(const Session& session, Cap cap) {
  return cap != Cap::sasl || session.origin.trusted;
}

std::string clean_user(std::string_view name) {
  std::string user = "~";
  for (const char letter : name) {
    if (static_cast<unsigned char>(letter) < 0x80U && is_user({&letter, 1})) user += letter;
  }
  if (user.size() == 1) user += "user";
  return std::string(cut(user, limits::user_bytes));
}

// ---- CAP
// ------------------------------------------------------------------------------------------

void list_caps(Session& session, std::string_view subcommand,
               const std::vector<std::string>& names) {
  // The lines before the last one have a '*', for those who know that.
  std::string line;
  for (const std::string& name : names) {
    if (line.size() + name.size() > 400) {
      if (session.wants_cap_values) {
        session.reply("CAP", {session.nick(), std::string(subcommand), "*", line}, true);
      } else {
        session.reply("CAP", {session.nick(), std::string(subcommand), line}, true);
      }
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += name;
  }
  session.reply("CAP", {session.nick(), std::string(subcommand), line}, true);
}

void request_caps(Session& session, std::string_view wanted) {
  CapSet set = session.caps;
  bool good = true;
  for (std::string_view name : split(wanted, ' ')) {
    const bool removing = name.starts_with('-');
    if (removing) name.remove_prefix(1);
    const CapInfo* info = find_cap(name);
    if (info == nullptr || !is_offered(session, info->cap)) {
      good = false;
    } else if (!removing) {
      set.add(info->cap);
    } else if (info->cap == Cap::cap_notify && session.wants_cap_values) {
      good = false;  // implied by CAP LS 302
    } else {
      set.remove(info->cap);
    }
  }
  if (good) {
    session.caps = set;
    session.knows_caps = true;
  }
  session.reply("CAP", {session.nick(), good ? "ACK" : "NAK", std::string(wanted)}, true);
}

// ---- The greeting
// ---------------------------------------------------------------------------------

void greet(Session& session) {
  const Hub& hub = session.hub;
  const Config& config = hub.config();
  session.numeric("RPL_WELCOME"_numeric,
                  {"Welcome to the " + config.network + " chat, " + session.user->mask()});
  session.numeric("RPL_YOURHOST"_numeric,
                  {"Your host is " + config.name + ", running " + std::string(version)});
  session.numeric("RPL_CREATED"_numeric,
                  {"This server was started at " + format_time(hub.started())});
  session.reply("004",
                {session.nick(), config.name, std::string(version), std::string(user_mode_letters),
                 channel_mode_letters(), channel_mode_letters_with_param()});
  std::vector<std::string> line;
  for (std::string& token : isupport_tokens(config.network)) {
    line.push_back(std::move(token));
    if (line.size() == 12) session.numeric("RPL_ISUPPORT"_numeric, std::exchange(line, {}));
  }
  if (!line.empty()) session.numeric("RPL_ISUPPORT"_numeric, std::move(line));
  do_lusers(session, {});
  do_motd(session, {});
}

Task<> give_resume_secret(Session& session) {
  if (!session.caps.has(Cap::resume)) co_return;
  if (session.resume_secret.empty()) {
    const Time expires = session.hub.time() + limits::resume_age;
    ResumeSecret secret =
        co_await session.hub.accounts().issue_secret(session.user->identity, expires);
    session.resume_secret = secret.secret;
    session.resume_session = secret.session;
  }
  session.reply("RESUME", {"TOKEN", std::exchange(session.resume_secret, {})});
}

/// Why `nick` cannot be had; empty if it can.
Task<std::string> refusal_of_nick(Session& session, std::string nick) {
  std::string key = key_of(nick);
  std::optional<std::string> owner = co_await session.hub.accounts().nick_owner(key);
  if (owner && *owner != key_of(session.account)) co_return "is reserved: log in to use it";
  co_return "";
}

/// The presence that the session goes on with: one that was lost, or another device's; 0: none.
PresenceId presence_of(const Session& session) {
  const Hub& hub = session.hub;
  std::string identity = session.resumed_identity;
  if (identity.empty() && !session.account.empty()) identity = account_identity(session.account);
  if (identity.empty()) return 0;
  PresenceId lost = 0;
  for (const User* user : hub.users_of(identity)) {
    if (user->devices >= limits::devices_per_user) continue;
    if (same_name(user->nick, session.registering.nick)) return user->id;
    if (user->is_lost() && lost == 0) lost = user->id;
  }
  return lost;
}

/// False: it has gone meanwhile.
Task<bool> come_back(Session& session, PresenceId presence) {
  change::Attached attached;
  attached.id = presence;
  attached.host = session.origin.host;
  co_return co_await session.hub.announce(&session, std::move(attached));
}

/// False: the nick is taken.
Task<bool> come_in(Session& session) {
  change::Entered entered;
  Person& person = entered.person;
  person.id = Hub::random_number();
  person.account = session.account;
  person.identity = session.resumed_identity;
  if (!session.account.empty()) person.identity = account_identity(session.account);
  if (person.identity.empty()) person.identity = guest_identity();
  person.nick = session.registering.nick;
  person.user = session.registering.user;
  person.host = session.origin.host;
  person.realname = session.registering.realname;
  person.secure = session.origin.secure;
  person.signed_on = session.hub.time();
  co_return co_await session.hub.announce(&session, std::move(entered));
}

/// A room that the session's user is in already.
Task<> show_again(Session& session, RoomId id) {
  const Room* room = session.hub.find_room(id);
  if (room == nullptr) co_return;
  std::string target = marker_target(*room);
  session.join_marker = co_await marker_text(session, std::move(target));
  room = session.hub.find_room(id);
  if (room != nullptr && room->has(*session.user)) {
    session.answer(Outgoing(session.hub.time(), session.user->mask(), "JOIN", {room->name()}));
    show_room(session, *room);
  }
  session.join_marker.clear();
}

Task<> register_now(Session& session) {
  Hub& hub = session.hub;
  const Config& config = hub.config();
  const std::string nick = session.registering.nick;
  if (!config.password.empty() && session.registering.password != config.password) {
    session.numeric("ERR_PASSWDMISMATCH"_numeric);
    session.end("The server's password is needed");
    co_return;
  }
  const std::string refusal = co_await refusal_of_nick(session, nick);
  if (session.registering.nick != nick || session.is_ending()) co_return;
  const PresenceId presence = presence_of(session);
  bool came_back = false;
  bool taken = !refusal.empty();
  if (!taken && presence != 0) came_back = co_await come_back(session, presence);
  if (!taken && !came_back) {
    taken = hub.find_user(nick) != nullptr;
    if (!taken && hub.users().size() >= config.clients) {
      session.end("The server is full, please try again later");
      co_return;
    }
    if (!taken) {
      const bool entered = co_await come_in(session);
      taken = !entered;
    }
  }
  if (taken) {
    session.numeric("ERR_NICKNAMEINUSE"_numeric, {nick});
    if (!refusal.empty()) {
      session.standard_reply("NOTE", "NICK", "NICKNAME_RESERVED", {nick},
                             "This nickname " + refusal);
    }
    session.registering.nick.clear();
    co_return;
  }
  hub.events().write("client", {{"nick", session.nick()},
                                {"host", session.origin.host},
                                {"account", session.account},
                                {"tls", session.origin.secure ? "yes" : "no"}});
  greet(session);
  co_await give_resume_secret(session);
  if (came_back) {
    std::vector<RoomId> rooms;
    for (const Room* room : session.user->rooms) rooms.push_back(room->id);
    for (const RoomId id : rooms) co_await show_again(session, id);
  }
  co_await replay_what_was_missed(session, came_back);
}

}  // namespace

Task<> complete_registration(Session& session) {
  Session::Registering& registering = session.registering;
  if (session.is_registered() || registering.busy || registering.negotiating) co_return;
  if (registering.nick.empty() || registering.user.empty()) co_return;
  registering.busy = true;
  Result<> done = co_await attempt(register_now(session));
  registering.busy = false;
  if (!done) co_await ieum::fail(done.error());
}

Task<> do_nick(Session& session, Message message) {
  Hub& hub = session.hub;
  const std::string nick(message.param(0));
  if (nick.empty()) {
    session.numeric("ERR_NONICKNAMEGIVEN"_numeric);
    co_return;
  }
  if (!is_nick(nick)) {
    session.numeric("ERR_ERRONEUSNICKNAME"_numeric, {shown(nick)});
    co_return;
  }
  if (session.is_registered() && nick == session.user->nick) co_return;
  const User* owner = hub.find_user(nick);
  if (owner != nullptr && owner != session.user) {
    // Before logging in it may still turn out to be one's own.
    const bool may_be_own =
        !session.is_registered() && (session.registering.negotiating || !session.account.empty() ||
                                     !session.resumed_identity.empty());
    if (!may_be_own) {
      session.numeric("ERR_NICKNAMEINUSE"_numeric, {nick});
      co_return;
    }
  }
  if (!session.is_registered()) {
    session.registering.nick = nick;
    co_await complete_registration(session);
    co_return;
  }
  const std::string refusal = co_await refusal_of_nick(session, nick);
  const User* other = hub.find_user(nick);
  if (!refusal.empty() || (other != nullptr && other != session.user)) {
    session.numeric("ERR_NICKNAMEINUSE"_numeric, {nick});
    co_return;
  }
  for (const Room* room : session.user->rooms) {
    if (room->is_banned(*session.user) && !room->is_voiced(*session.user)) {
      session.reply("435", {session.nick(), nick, room->name(), "Cannot change nick while banned"},
                    true);
      co_return;
    }
  }
  change::Renamed renamed;
  renamed.id = session.user->id;
  renamed.nick = nick;
  const bool done = co_await hub.announce(&session, std::move(renamed));
  if (!done) session.numeric("ERR_NICKNAMEINUSE"_numeric, {nick});
}

Task<> do_user(Session& session, Message message) {
  if (session.is_registered()) {
    session.numeric("ERR_ALREADYREGISTERED"_numeric);
    co_return;
  }
  if (message.param(0).empty() || message.param(3).empty()) {
    session.numeric("ERR_NEEDMOREPARAMS"_numeric, {"USER"});
    co_return;
  }
  session.registering.user = clean_user(message.param(0));
  session.registering.realname = cut(message.param(3), limits::realname_bytes);
  co_await complete_registration(session);
}

void do_pass(Session& session, const Message& message) {
  if (session.is_registered()) {
    session.numeric("ERR_ALREADYREGISTERED"_numeric);
    return;
  }
  session.registering.password = message.param(0);
}

Task<> do_cap(Session& session, Message message) {
  const std::string subcommand = upper(message.param(0));
  std::vector<std::string> names;
  if (subcommand == "LS") {
    if (!session.is_registered()) session.registering.negotiating = true;
    if (number_of(message.param(1), 0) >= 302) {
      session.wants_cap_values = true;
      session.caps.add(Cap::cap_notify);
    }
    for (const CapInfo& info : capabilities) {
      if (!is_offered(session, info.cap)) continue;
      std::string name(info.name);
      if (session.wants_cap_values && !info.value.empty()) name += "=" + std::string(info.value);
      names.push_back(std::move(name));
    }
    list_caps(session, "LS", names);
  } else if (subcommand == "LIST") {
    for (const CapInfo& info : capabilities) {
      if (session.caps.has(info.cap)) names.emplace_back(info.name);
    }
    list_caps(session, "LIST", names);
  } else if (subcommand == "REQ") {
    if (!session.is_registered()) session.registering.negotiating = true;
    request_caps(session, message.param(1));
  } else if (subcommand == "END") {
    session.registering.negotiating = false;
    co_await complete_registration(session);
  } else {
    session.numeric("ERR_INVALIDCAPCMD"_numeric, {shown(message.param(0))});
  }
}

void do_quit(Session& session, const Message& message) {
  const std::string reason(cut(message.param(0), limits::quit_bytes));
  session.quit(reason.empty() ? "Client quit" : "Quit: " + reason);
}

void do_ping(Session& session, const Message& message) {
  if (message.params.empty()) {
    session.numeric("ERR_NEEDMOREPARAMS"_numeric, {"PING"});
    return;
  }
  session.reply("PONG", {session.hub.config().name, std::string(message.param(0))}, true);
}

void do_pong(Session& session, const Message& message) { session.pong(message.param(0)); }

Task<> do_setname(Session& session, Message message) {
  const std::string_view name = message.param(0);
  if (name.empty() || name.size() > limits::realname_bytes || has_controls(name)) {
    session.fail("SETNAME", "INVALID_REALNAME", {}, "Realname is not valid");
    co_return;
  }
  change::RealnameSet set;
  set.id = session.user->id;
  set.realname = name;
  co_await session.hub.announce(&session, std::move(set));
}

}  // namespace ieum::hub
