// Commands: what clients may ask for, in one table.
#include "session/commands.hpp"

#include <algorithm>
#include <array>

namespace ieum::hub {

namespace {

constexpr bool before = true;
constexpr bool after = false;

constexpr std::array table{
    Command{"AUTHENTICATE", 1, before, nullptr, do_authenticate, "MECHANISM | DATA",
            "logs in (SASL PLAIN)"},
    Command{"AWAY", 0, after, nullptr, do_away, "[MESSAGE]", "is away, or is back"},
    Command{"CAP", 1, before, nullptr, do_cap, "LS [302] | LIST | REQ :CAPS | END",
            "negotiates capabilities"},
    Command{"CHATHISTORY", 1, after, nullptr, do_chathistory,
            "LATEST|BEFORE|AFTER|AROUND|BETWEEN|TARGETS …", "asks for what was said before"},
    Command{"HELP", 0, after, do_help, nullptr, "[COMMAND]", "says what there is"},
    Command{"INFO", 0, after, do_info, nullptr, "", "says what this server is"},
    Command{"INVITE", 0, after, nullptr, do_invite, "NICK CHANNEL", "asks somebody in"},
    Command{"ISON", 1, after, do_ison, nullptr, "NICK…", "says which of them are here"},
    Command{"JOIN", 1, after, nullptr, do_join, "CHANNEL[,…] [KEY[,…]] | 0", "comes into channels"},
    Command{"KICK", 2, after, nullptr, do_kick, "CHANNEL NICK[,…] [REASON]", "puts somebody out"},
    Command{"KILL", 1, after, nullptr, do_kill, "NICK [REASON]", "ends a client (operators)"},
    Command{"LIST", 0, after, nullptr, do_list, "[CHANNEL[,…]] [CONDITION[,…]]", "lists channels"},
    Command{"LUSERS", 0, after, do_lusers, nullptr, "", "counts who is here"},
    Command{"MARKREAD", 0, after, nullptr, do_markread, "TARGET [timestamp=TIME]",
            "tells or asks up to where one has read"},
    Command{"MODE", 1, after, nullptr, do_mode, "TARGET [MODES [PARAM…]]", "shows or sets modes"},
    Command{"MONITOR", 1, after, do_monitor, nullptr, "+ NICKS | - NICKS | C | L | S",
            "is told when somebody comes"},
    Command{"MOTD", 0, after, do_motd, nullptr, "", "the message of the day"},
    Command{"NAMES", 0, after, do_names, nullptr, "CHANNEL[,…]", "lists a channel's members"},
    Command{"NICK", 1, before, nullptr, do_nick, "NICK", "takes a name"},
    Command{"NOTICE", 0, after, nullptr, do_message, "TARGET[,…] TEXT",
            "says something that no program answers"},
    Command{"OPER", 2, after, nullptr, do_oper, "ACCOUNT PASSWORD", "becomes an operator"},
    Command{"PART", 1, after, nullptr, do_part, "CHANNEL[,…] [REASON]", "leaves channels"},
    Command{"PASS", 1, before, do_pass, nullptr, "PASSWORD", "the server's password"},
    Command{"PING", 0, before, do_ping, nullptr, "TOKEN", "asks for a sign of life"},
    Command{"PONG", 0, before, do_pong, nullptr, "TOKEN", "gives one"},
    Command{"PRIVMSG", 0, after, nullptr, do_message, "TARGET[,…] TEXT", "says something"},
    Command{"QUIT", 0, before, do_quit, nullptr, "[REASON]", "leaves"},
    Command{"REDACT", 2, after, nullptr, do_redact, "TARGET MSGID [REASON]",
            "takes a message back"},
    Command{"REGISTER", 3, before, nullptr, do_register, "ACCOUNT|* * PASSWORD",
            "makes an account"},
    Command{"RESUME", 1, before, nullptr, do_resume, "SECRET", "comes back as who one was"},
    Command{"SETNAME", 1, after, nullptr, do_setname, "REALNAME", "changes the real name"},
    Command{"TAGMSG", 0, after, nullptr, do_message, "TARGET[,…]", "sends tags alone"},
    Command{"TIME", 0, after, do_time, nullptr, "", "the server's time"},
    Command{"TOKEN", 1, after, nullptr, do_token, "CREATE LABEL [DAYS] | LIST | REVOKE NUMBER",
            "makes and revokes what bots speak with"},
    Command{"TOPIC", 1, after, nullptr, do_topic, "CHANNEL [TOPIC]", "shows or sets the topic"},
    Command{"USER", 4, before, nullptr, do_user, "USER 0 * REALNAME", "says who one is"},
    Command{"USERHOST", 1, after, do_userhost, nullptr, "NICK…", "hosts of up to five people"},
    Command{"VERSION", 0, after, do_version, nullptr, "", "the server's version"},
    Command{"WHO", 1, after, do_who, nullptr, "MASK|CHANNEL [%FIELDS]", "lists people"},
    Command{"WHOIS", 0, after, nullptr, do_whois, "NICK", "tells of somebody"},
    Command{"WHOWAS", 0, after, do_whowas, nullptr, "NICK [COUNT]", "tells of who was here"},
};
static_assert(std::ranges::is_sorted(table, {}, &Command::name));

}  // namespace

std::span<const Command> commands() noexcept { return table; }

const Command* find_command(std::string_view name) noexcept {
  const auto* const found = std::ranges::lower_bound(table, name, {}, &Command::name);
  return found != table.end() && found->name == name ? found : nullptr;
}

}  // namespace ieum::hub
