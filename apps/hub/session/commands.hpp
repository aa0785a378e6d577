// Commands: what clients may ask for, in one table.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include <ieum/task.hpp>

#include "irc/message.hpp"

namespace ieum::hub {

class Session;

struct Command {
  std::string_view name;
  std::size_t params_min;
  bool before_registration;
  void (*now)(Session&, const Message&);  // one of the two
  Task<> (*later)(Session&, Message);
  std::string_view syntax;
  std::string_view meaning;
};

[[nodiscard]] std::span<const Command> commands() noexcept;
[[nodiscard]] const Command* find_command(std::string_view name) noexcept;

// By file:
// registering.cpp, logging_in.cpp
Task<> do_nick(Session& session, Message message);
Task<> do_user(Session& session, Message message);
void do_pass(Session& session, const Message& message);
Task<> do_cap(Session& session, Message message);
Task<> do_authenticate(Session& session, Message message);
Task<> do_register(Session& session, Message message);
Task<> do_resume(Session& session, Message message);
void do_quit(Session& session, const Message& message);
void do_ping(Session& session, const Message& message);
void do_pong(Session& session, const Message& message);
Task<> do_setname(Session& session, Message message);
/// Completes the registration, if everything that it takes is there.
Task<> complete_registration(Session& session);
// tokens.cpp
Task<> do_token(Session& session, Message message);
// channels.cpp
Task<> do_join(Session& session, Message message);
Task<> do_part(Session& session, Message message);
Task<> do_kick(Session& session, Message message);
Task<> do_invite(Session& session, Message message);
Task<> do_topic(Session& session, Message message);
// listing.cpp
void do_names(Session& session, const Message& message);
Task<> do_list(Session& session, Message message);
// modes.cpp
Task<> do_mode(Session& session, Message message);
// messages.cpp
Task<> do_message(Session& session, Message message);
Task<> do_redact(Session& session, Message message);
// history.cpp
Task<> do_chathistory(Session& session, Message message);
Task<> do_markread(Session& session, Message message);
// people.cpp, monitor.cpp
void do_who(Session& session, const Message& message);
Task<> do_whois(Session& session, Message message);
void do_whowas(Session& session, const Message& message);
void do_userhost(Session& session, const Message& message);
void do_ison(Session& session, const Message& message);
Task<> do_away(Session& session, Message message);
void do_monitor(Session& session, const Message& message);
// server.cpp
void do_motd(Session& session, const Message& message);
void do_lusers(Session& session, const Message& message);
void do_version(Session& session, const Message& message);
void do_time(Session& session, const Message& message);
void do_info(Session& session, const Message& message);
void do_help(Session& session, const Message& message);
Task<> do_oper(Session& session, Message message);
Task<> do_kill(Session& session, Message message);

// What several of them share.
class Room;
struct Appended;
struct User;
/// Whether it was stored (or had been); else the client is told: never that it surely was not, if
/// that is not known.
bool is_stored(Session& session, std::string_view command, std::string_view target,
               const Appended& appended);
/// Topic and names, to a client that has just come into a room.
void show_room(Session& session, const Room& room);
void send_names(Session& session, const Room& room);
/// A mask or a nick's file of modes, `+i`.
[[nodiscard]] std::string user_modes(const User& user);

}  // namespace ieum::hub
