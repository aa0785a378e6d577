// WHO, WHOIS, WHOWAS, USERHOST, ISON, AWAY, MONITOR.
#include <algorithm>

#include "irc/limits.hpp"
#include "irc/names.hpp"
#include "irc/text.hpp"
#include "session/commands.hpp"
#include "session/session.hpp"
#include "session/version.hpp"

namespace ieum::hub {

namespace {

bool share_a_room(const User& a, const User& b) {
  return std::ranges::any_of(a.rooms, [&](const Room* room) { return room->has(b); });
}

std::string idle_seconds(const User& user) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(now() - user.last_spoke).count());
}

// ---- WHO
// ------------------------------------------------------------------------------------------

struct Who {
  std::string fields;  // of WHOX, behind the '%'; empty: a plain WHO
  std::string token;
};

std::string flags_of(const Session& session, const User& user, const Room* room) {
  std::string flags = user.away.empty() ? "H" : "G";
  if (user.oper) flags += '*';
  if (user.bot) flags += 'B';
  if (room != nullptr) flags += room->prefix(user, session.caps.has(Cap::multi_prefix));
  return flags;
}

void send_who(Session& session, const Who& who, const User& user, const Room* room) {
  const std::string& server = session.hub.config().name;
  const std::string channel = room != nullptr ? room->name() : "*";
  const std::string flags = flags_of(session, user, room);
  if (who.fields.empty()) {
    session.numeric("RPL_WHOREPLY"_numeric, {channel, user.user, user.host, server, user.nick,
                                             flags, "0 " + user.realname});
    return;
  }
  const std::string account = user.account.empty() ? "0" : user.account;
  std::vector<std::string> params{session.nick()};
  const auto field = [&](char letter, const std::string& value) {
    if (who.fields.contains(letter)) params.push_back(value);
  };
  field('t', who.token);
  field('c', channel);
  field('u', user.user);
  field('i', session.user->oper || session.user == &user ? user.host : "255.255.255.255");
  field('h', user.host);
  field('s', server);
  field('n', user.nick);
  field('f', flags);
  field('d', "0");
  field('l', idle_seconds(user));
  field('a', account);
  field('o', room != nullptr && room->is_op(user) ? "999" : "n/a");
  field('r', user.realname);
  session.reply("354", std::move(params), who.fields.contains('r'));
}

bool is_meant(const User& user, std::string_view mask) {
  return matches(mask, user.nick) || matches(mask, user.user) || matches(mask, user.host) ||
         matches(mask, user.realname) || matches(mask, user.account) || matches(mask, user.mask());
}

}  // namespace

void do_who(Session& session, const Message& message) {
  const std::string mask(message.param(0) == "0" ? "*" : message.param(0));
  Who who;
  const std::string_view options = message.param(1);
  const std::size_t percent = options.find('%');
  if (percent != std::string_view::npos) {
    const std::string_view fields = options.substr(percent + 1);
    who.fields = fields.substr(0, fields.find(','));
    if (fields.contains(',')) who.token = cut(fields.substr(fields.find(',') + 1), 3);
    if (who.token.empty()) who.token = "0";
  }
  const bool operators_only = options.substr(0, percent).contains('o');
  const auto wanted = [&](const User& user) { return !operators_only || user.oper; };
  if (looks_like_channel(mask)) {
    const Room* room = session.hub.find_room(mask);
    if (room != nullptr && room->is_shown_to(*session.user)) {
      const bool inside = room->has(*session.user);
      for (const User* user : room->members) {
        if ((inside || !user->invisible) && wanted(*user)) send_who(session, who, *user, room);
      }
    }
  } else if (const User* named = session.hub.find_user(mask)) {
    if (wanted(*named)) send_who(session, who, *named, nullptr);
  } else if (mask.find_first_of("*?") != std::string::npos) {
    for (const auto& [key, user] : session.hub.users()) {
      const bool known = !user->invisible || user.get() == session.user || session.user->oper ||
                         share_a_room(*user, *session.user);
      if (known && wanted(*user) && is_meant(*user, mask)) {
        send_who(session, who, *user, nullptr);
      }
    }
  }
  session.numeric("RPL_ENDOFWHO"_numeric, {shown(message.param(0))});
}

// ---- WHOIS, WHOWAS
// --------------------------------------------------------------------------------

Task<> do_whois(Session& session, Message message) {
  if (message.params.empty() || message.param(0).empty()) {
    session.numeric("ERR_NONICKNAMEGIVEN"_numeric);
    co_return;
  }
  const std::string asked(message.params.size() > 1 ? message.param(1) : message.param(0));
  const User* user = session.hub.find_user(asked);
  const Config& config = session.hub.config();
  if (user == nullptr) {
    session.numeric("ERR_NOSUCHNICK"_numeric, {shown(asked)});
    session.numeric("RPL_ENDOFWHOIS"_numeric, {shown(asked)});
    co_return;
  }
  const std::string& nick = user->nick;
  const bool all = session.user->oper || user == session.user;
  session.numeric("RPL_WHOISUSER"_numeric, {nick, user->user, user->host, "*", user->realname});
  std::string rooms;
  for (const Room* room : user->rooms) {
    const bool visible =
        room->has(*session.user) || all || (!room->state.secret && !user->invisible);
    if (!visible) continue;
    const std::string name =
        room->prefix(*user, session.caps.has(Cap::multi_prefix)) + room->name();
    if (rooms.size() + name.size() > 350) {
      session.numeric("RPL_WHOISCHANNELS"_numeric, {nick, rooms});
      rooms.clear();
    }
    if (!rooms.empty()) rooms += ' ';
    rooms += name;
  }
  if (!rooms.empty()) session.numeric("RPL_WHOISCHANNELS"_numeric, {nick, rooms});
  session.numeric("RPL_WHOISSERVER"_numeric, {nick, config.name, config.network});
  if (!user->away.empty()) session.numeric("RPL_AWAY"_numeric, {nick, user->away});
  if (user->oper) session.numeric("RPL_WHOISOPERATOR"_numeric, {nick});
  if (all)
    session.numeric("RPL_WHOISACTUALLY"_numeric, {nick, user->user + "@" + user->host, user->host});
  if (all) session.numeric("RPL_WHOISMODES"_numeric, {nick, "is using modes " + user_modes(*user)});
  if (!user->account.empty()) session.numeric("RPL_WHOISACCOUNT"_numeric, {nick, user->account});
  if (user->bot) session.numeric("RPL_WHOISBOT"_numeric, {nick});
  if (user->secure) session.numeric("RPL_WHOISSECURE"_numeric, {nick});
  session.numeric("RPL_WHOISIDLE"_numeric,
                  {nick, idle_seconds(*user), unix_seconds(user->signed_on)});
  session.numeric("RPL_ENDOFWHOIS"_numeric, {shown(asked)});
}

void do_whowas(Session& session, const Message& message) {
  const std::string_view nick = message.param(0);
  if (nick.empty()) {
    session.numeric("ERR_NONICKNAMEGIVEN"_numeric);
    return;
  }
  const Config& config = session.hub.config();
  std::size_t count = number_of(message.param(1), 0);
  if (count == 0) count = limits::whowas;
  bool any = false;
  for (const Former& former : session.hub.formers()) {
    if (count == 0) break;
    if (!matches(nick, former.nick)) continue;
    any = true;
    --count;
    session.numeric("RPL_WHOWASUSER"_numeric,
                    {former.nick, former.user, former.host, "*", former.realname});
    if (!former.account.empty()) {
      session.numeric("RPL_WHOISACCOUNT"_numeric, {former.nick, former.account});
    }
    session.numeric("RPL_WHOISSERVER"_numeric,
                    {former.nick, config.name, format_time(former.left)});
  }
  if (!any) session.numeric("ERR_WASNOSUCHNICK"_numeric, {shown(nick)});
  session.numeric("RPL_ENDOFWHOWAS"_numeric, {shown(nick)});
}

void do_userhost(Session& session, const Message& message) {
  constexpr std::size_t nicks_max = 5;
  std::string text;
  for (std::size_t i = 0; i < std::min(message.params.size(), nicks_max); ++i) {
    const User* user = session.hub.find_user(message.params[i]);
    if (user == nullptr) continue;
    if (!text.empty()) text += ' ';
    text += user->nick;
    if (user->oper) text += '*';
    text += user->away.empty() ? "=+" : "=-";
    text += user->user + "@" + user->host;
  }
  session.numeric("RPL_USERHOST"_numeric, {text});
}

void do_ison(Session& session, const Message& message) {
  std::string text;
  for (const std::string& param : message.params) {
    for (const std::string_view nick : split(param, ' ')) {
      const User* user = session.hub.find_user(nick);
      if (user == nullptr) continue;
      if (!text.empty()) text += ' ';
      text += user->nick;
    }
  }
  session.reply("303", {session.nick(), text}, true);
}

Task<> do_away(Session& session, Message message) {
  const User& user = *session.user;
  change::Away away;
  away.id = user.id;
  away.why = cut(message.param(0), limits::away_bytes);
  const bool changed = away.why != user.away;
  session.numeric(away.why.empty() ? "RPL_UNAWAY"_numeric : "RPL_NOWAWAY"_numeric);
  if (changed) co_await session.hub.announce(&session, std::move(away));
}

// ---- MONITOR
// --------------------------------------------------------------------------------------

namespace {

/// Names in as few lines as they fit in.
class NickList {
 public:
  NickList(Session& session, Numeric numeric) : session_(session), numeric_(numeric) {}
  void add(const std::string& name) {
    if (text_.size() + name.size() > 380) send();
    if (!text_.empty()) text_ += ',';
    text_ += name;
  }
  void send() {
    if (!text_.empty()) session_.numeric(numeric_, {std::exchange(text_, {})});
  }

 private:
  Session& session_;
  Numeric numeric_;
  std::string text_;
};

void tell_status(Session& session, const std::vector<std::string>& nicks) {
  NickList online(session, "RPL_MONONLINE"_numeric);
  NickList offline(session, "RPL_MONOFFLINE"_numeric);
  for (const std::string& nick : nicks) {
    if (const User* user = session.hub.find_user(nick)) {
      online.add(user->mask());
    } else {
      offline.add(nick);
    }
  }
  online.send();
  offline.send();
}

void watch_more(Session& session, std::string_view list) {
  std::vector<std::string> added;
  const std::vector<std::string_view> nicks = split(list, ',');
  for (std::size_t i = 0; i < nicks.size(); ++i) {
    const std::string_view nick = nicks[i];
    if (!is_nick(nick)) continue;
    const bool known = std::ranges::any_of(
        session.watching, [&](const std::string& other) { return same_name(other, nick); });
    if (!known && session.watching.size() >= limits::monitor) {
      std::string rest;
      for (; i < nicks.size(); ++i) {
        if (!rest.empty()) rest += ',';
        rest += nicks[i];
      }
      session.numeric("ERR_MONLISTFULL"_numeric,
                      {std::to_string(limits::monitor), std::string(cut(rest, 300))});
      break;
    }
    if (!known) session.hub.watch(session, nick);
    added.emplace_back(nick);
  }
  tell_status(session, added);
}

}  // namespace

void do_monitor(Session& session, const Message& message) {
  const std::string what = upper(message.param(0));
  if ((what == "+" || what == "-") && message.params.size() < 2) {
    session.numeric("ERR_NEEDMOREPARAMS"_numeric, {"MONITOR"});
  } else if (what == "+") {
    watch_more(session, message.param(1));
  } else if (what == "-") {
    for (const std::string_view nick : split(message.param(1), ',')) {
      session.hub.unwatch(session, nick);
    }
  } else if (what == "C") {
    const std::vector<std::string> all = session.watching;
    for (const std::string& nick : all) session.hub.unwatch(session, nick);
  } else if (what == "L") {
    NickList list(session, "RPL_MONLIST"_numeric);
    for (const std::string& nick : session.watching) list.add(nick);
    list.send();
    session.numeric("RPL_ENDOFMONLIST"_numeric);
  } else if (what == "S") {
    tell_status(session, session.watching);
  } else {
    session.numeric("ERR_NEEDMOREPARAMS"_numeric, {"MONITOR"});
  }
}

}  // namespace ieum::hub
