// What the server tells of itself, and what its operators may do: MOTD, LUSERS, OPER, KILL …
#include <algorithm>

#include "irc/limits.hpp"
#include "irc/names.hpp"
#include "irc/text.hpp"
#include "session/commands.hpp"
#include "session/session.hpp"
#include "session/version.hpp"

namespace ieum::hub {

namespace {

/// Whether the parameter names this server, or nobody, or somebody here.
bool is_here(Session& session, const Message& message) {
  const std::string_view name = message.param(0);
  const bool here = name.empty() || same_name(name, session.hub.config().name) ||
                    session.hub.find_user(name) != nullptr;
  if (!here) session.numeric("ERR_NOSUCHSERVER"_numeric, {shown(name)});
  return here;
}

}  // namespace

void do_motd(Session& session, const Message& message) {
  if (!is_here(session, message)) return;
  if (session.hub.motd().empty()) {
    session.numeric("ERR_NOMOTD"_numeric);
    return;
  }
  const std::string& name = session.hub.config().name;
  session.numeric("RPL_MOTDSTART"_numeric, {"- " + name + " Message of the day -"});
  for (const std::string& line : session.hub.motd()) {
    session.numeric("RPL_MOTD"_numeric, {"- " + line});
  }
  session.numeric("RPL_ENDOFMOTD"_numeric);
}

void do_lusers(Session& session, const Message& /*message*/) {
  const Hub& hub = session.hub;
  const std::size_t users = hub.users().size();
  const std::size_t invisible = hub.invisible();
  const std::string all = std::to_string(users);
  const std::string most = std::to_string(hub.users_most());
  session.numeric("RPL_LUSERCLIENT"_numeric,
                  {"There are " + std::to_string(users - invisible) + " users and " +
                   std::to_string(invisible) + " invisible on 1 servers"});
  session.numeric("RPL_LUSEROP"_numeric, {std::to_string(hub.operators())});
  session.numeric("RPL_LUSERUNKNOWN"_numeric, {std::to_string(hub.unregistered())});
  session.numeric("RPL_LUSERCHANNELS"_numeric, {std::to_string(hub.rooms_count())});
  session.numeric("RPL_LUSERME"_numeric, {"I have " + all + " clients and 0 servers"});
  session.numeric("RPL_LOCALUSERS"_numeric,
                  {all, most, "Current local users " + all + ", max " + most});
  session.numeric("RPL_GLOBALUSERS"_numeric,
                  {all, most, "Current global users " + all + ", max " + most});
}

void do_version(Session& session, const Message& message) {
  if (!is_here(session, message)) return;
  session.numeric("RPL_VERSION"_numeric,
                  {version, session.hub.config().name, "IRC with IRCv3; history is kept"});
}

void do_time(Session& session, const Message& message) {
  if (!is_here(session, message)) return;
  const Time time = session.hub.time();
  session.numeric("RPL_TIME"_numeric, {session.hub.config().name, format_time(time)});
}

void do_info(Session& session, const Message& message) {
  if (!is_here(session, message)) return;
  for (const std::string_view line :
       {version, std::string_view("A chat server whose acknowledged messages are kept, in order."),
        std::string_view("Part of ieum, sockets for C++ on coroutines.")}) {
    session.numeric("RPL_INFO"_numeric, {line});
  }
  session.numeric("RPL_INFO"_numeric, {"It was started at " + format_time(session.hub.started())});
  session.numeric("RPL_ENDOFINFO"_numeric);
}

void do_help(Session& session, const Message& message) {
  const std::string subject = upper(message.param(0));
  if (subject.empty()) {
    session.numeric("RPL_HELPSTART"_numeric, {"*", "Commands; HELP COMMAND tells more"});
    std::string line;
    for (const Command& command : commands()) {
      if (line.size() + command.name.size() > 300) {
        session.numeric("RPL_HELPTXT"_numeric, {"*", std::exchange(line, {})});
      }
      if (!line.empty()) line += ' ';
      line += command.name;
    }
    session.numeric("RPL_HELPTXT"_numeric, {"*", line});
    session.numeric("RPL_ENDOFHELP"_numeric, {"*", "End of /HELP"});
    return;
  }
  const Command* command = find_command(subject);
  if (command == nullptr) {
    session.numeric("ERR_HELPNOTFOUND"_numeric, {shown(subject)});
    return;
  }
  const std::string usage = std::string(command->name) + " " + std::string(command->syntax);
  session.numeric("RPL_HELPSTART"_numeric, {subject, usage});
  session.numeric("RPL_HELPTXT"_numeric, {subject, "It " + std::string(command->meaning)});
  session.numeric("RPL_ENDOFHELP"_numeric, {subject, "End of /HELP"});
}

Task<> do_oper(Session& session, Message message) {
  Hub& hub = session.hub;
  const std::vector<std::string>& operators = hub.config().operators;
  if (operators.empty()) {
    session.numeric("ERR_NOOPERHOST"_numeric);
    co_return;
  }
  const std::string name(message.param(0));
  const bool listed = std::ranges::any_of(
      operators, [&](const std::string& other) { return same_name(other, name); });
  Login login = Login::refused;
  if (session.origin.trusted && hub.may_try_password(session.origin.host)) {
    std::string password(message.param(1));
    login = co_await hub.accounts().log_in(key_of(name), std::move(password));
  }
  if (session.is_ending()) co_return;
  if (login != Login::accepted || !listed) {
    hub.count_failure(session.origin.host);
    hub.events().write("oper-failed", {{"nick", session.nick()}, {"host", session.origin.host}});
    session.numeric("ERR_PASSWDMISMATCH"_numeric);
    if (++session.failures >= limits::failures_per_connection) {
      session.end("Too many wrong passwords");
    }
    co_return;
  }
  hub.events().write("oper", {{"nick", session.nick()}, {"account", name}});
  session.numeric("RPL_YOUREOPER"_numeric);
  change::ModesSet set;
  set.id = session.user->id;
  set.changes.push_back({true, 'o', {}});
  co_await hub.announce(&session, std::move(set));
}

Task<> do_kill(Session& session, Message message) {
  Hub& hub = session.hub;
  if (!session.user->oper) {
    session.numeric("ERR_NOPRIVILEGES"_numeric);
    co_return;
  }
  const User* victim = hub.find_user(message.param(0));
  if (victim == nullptr) {
    if (same_name(message.param(0), hub.config().name)) {
      session.numeric("ERR_CANTKILLSERVER"_numeric);
    } else {
      session.numeric("ERR_NOSUCHNICK"_numeric, {shown(message.param(0))});
    }
    co_return;
  }
  std::string reason(cut(message.param(1), limits::kick_bytes));
  if (reason.empty()) reason = "no reason was given";
  hub.events().write("kill", {{"nick", victim->nick}, {"by", session.nick()}, {"why", reason}});
  change::Killed killed;
  killed.id = victim->id;
  killed.by = session.user->id;
  killed.reason = std::move(reason);
  co_await hub.announce(&session, std::move(killed));
}

}  // namespace ieum::hub
