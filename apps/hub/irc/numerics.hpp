// Numerics: the numbered replies, in one table.
#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace ieum::hub {

struct Numeric {
  std::uint16_t number;
  std::string_view name;
  std::string_view text;  // the last parameter; empty: the code that sends it makes one
};

inline constexpr std::array numerics{
    Numeric{1, "RPL_WELCOME", ""},
    Numeric{2, "RPL_YOURHOST", ""},
    Numeric{3, "RPL_CREATED", ""},
    Numeric{4, "RPL_MYINFO", ""},
    Numeric{5, "RPL_ISUPPORT", "are supported by this server"},
    Numeric{221, "RPL_UMODEIS", ""},
    Numeric{251, "RPL_LUSERCLIENT", ""},
    Numeric{252, "RPL_LUSEROP", "operator(s) online"},
    Numeric{253, "RPL_LUSERUNKNOWN", "unknown connection(s)"},
    Numeric{254, "RPL_LUSERCHANNELS", "channels formed"},
    Numeric{255, "RPL_LUSERME", ""},
    Numeric{265, "RPL_LOCALUSERS", ""},
    Numeric{266, "RPL_GLOBALUSERS", ""},
    Numeric{301, "RPL_AWAY", ""},
    Numeric{302, "RPL_USERHOST", ""},
    Numeric{305, "RPL_UNAWAY", "You are no longer marked as being away"},
    Numeric{306, "RPL_NOWAWAY", "You have been marked as being away"},
    Numeric{311, "RPL_WHOISUSER", ""},
    Numeric{312, "RPL_WHOISSERVER", ""},
    Numeric{313, "RPL_WHOISOPERATOR", "is an IRC operator"},
    Numeric{314, "RPL_WHOWASUSER", ""},
    Numeric{315, "RPL_ENDOFWHO", "End of WHO list"},
    Numeric{317, "RPL_WHOISIDLE", "seconds idle, signon time"},
    Numeric{318, "RPL_ENDOFWHOIS", "End of /WHOIS list"},
    Numeric{319, "RPL_WHOISCHANNELS", ""},
    Numeric{321, "RPL_LISTSTART", "Users  Name"},
    Numeric{322, "RPL_LIST", ""},
    Numeric{323, "RPL_LISTEND", "End of /LIST"},
    Numeric{324, "RPL_CHANNELMODEIS", ""},
    Numeric{329, "RPL_CREATIONTIME", ""},
    Numeric{330, "RPL_WHOISACCOUNT", "is logged in as"},
    Numeric{331, "RPL_NOTOPIC", "No topic is set"},
    Numeric{332, "RPL_TOPIC", ""},
    Numeric{333, "RPL_TOPICWHOTIME", ""},
    Numeric{335, "RPL_WHOISBOT", "is a bot"},
    Numeric{336, "RPL_INVITELIST", ""},
    Numeric{337, "RPL_ENDOFINVITELIST", "End of /INVITE list"},
    Numeric{338, "RPL_WHOISACTUALLY", "Actual user@host, Actual IP"},
    Numeric{341, "RPL_INVITING", ""},
    Numeric{346, "RPL_INVEXLIST", ""},
    Numeric{347, "RPL_ENDOFINVEXLIST", "End of channel invite exception list"},
    Numeric{348, "RPL_EXCEPTLIST", ""},
    Numeric{349, "RPL_ENDOFEXCEPTLIST", "End of channel exception list"},
    Numeric{351, "RPL_VERSION", ""},
    Numeric{352, "RPL_WHOREPLY", ""},
    Numeric{353, "RPL_NAMREPLY", ""},
    Numeric{354, "RPL_WHOSPCRPL", ""},
    Numeric{366, "RPL_ENDOFNAMES", "End of /NAMES list"},
    Numeric{367, "RPL_BANLIST", ""},
    Numeric{368, "RPL_ENDOFBANLIST", "End of channel ban list"},
    Numeric{369, "RPL_ENDOFWHOWAS", "End of WHOWAS"},
    Numeric{371, "RPL_INFO", ""},
    Numeric{372, "RPL_MOTD", ""},
    Numeric{374, "RPL_ENDOFINFO", "End of /INFO list"},
    Numeric{375, "RPL_MOTDSTART", ""},
    Numeric{376, "RPL_ENDOFMOTD", "End of /MOTD command"},
    Numeric{379, "RPL_WHOISMODES", ""},
    Numeric{381, "RPL_YOUREOPER", "You are now an IRC operator"},
    Numeric{391, "RPL_TIME", ""},
    Numeric{401, "ERR_NOSUCHNICK", "No such nick/channel"},
    Numeric{402, "ERR_NOSUCHSERVER", "No such server"},
    Numeric{403, "ERR_NOSUCHCHANNEL", "No such channel"},
    Numeric{404, "ERR_CANNOTSENDTOCHAN", "Cannot send to channel"},
    Numeric{405, "ERR_TOOMANYCHANNELS", "You have joined too many channels"},
    Numeric{406, "ERR_WASNOSUCHNICK", "There was no such nickname"},
    Numeric{407, "ERR_TOOMANYTARGETS", "Too many targets"},
    Numeric{410, "ERR_INVALIDCAPCMD", "Invalid CAP command"},
    Numeric{411, "ERR_NORECIPIENT", ""},
    Numeric{412, "ERR_NOTEXTTOSEND", "No text to send"},
    Numeric{417, "ERR_INPUTTOOLONG", "Input line was too long"},
    Numeric{421, "ERR_UNKNOWNCOMMAND", "Unknown command"},
    Numeric{422, "ERR_NOMOTD", "There is no message of the day"},
    Numeric{431, "ERR_NONICKNAMEGIVEN", "No nickname given"},
    Numeric{432, "ERR_ERRONEUSNICKNAME", "Erroneous nickname"},
    Numeric{433, "ERR_NICKNAMEINUSE", "Nickname is already in use"},
    Numeric{441, "ERR_USERNOTINCHANNEL", "They aren't on that channel"},
    Numeric{442, "ERR_NOTONCHANNEL", "You're not on that channel"},
    Numeric{443, "ERR_USERONCHANNEL", "is already on channel"},
    Numeric{451, "ERR_NOTREGISTERED", "You have not registered"},
    Numeric{461, "ERR_NEEDMOREPARAMS", "Not enough parameters"},
    Numeric{462, "ERR_ALREADYREGISTERED", "You may not reregister"},
    Numeric{464, "ERR_PASSWDMISMATCH", "Password incorrect"},
    Numeric{471, "ERR_CHANNELISFULL", "Cannot join channel (+l)"},
    Numeric{472, "ERR_UNKNOWNMODE", "is unknown mode char to me"},
    Numeric{473, "ERR_INVITEONLYCHAN", "Cannot join channel (+i)"},
    Numeric{474, "ERR_BANNEDFROMCHAN", "Cannot join channel (+b)"},
    Numeric{475, "ERR_BADCHANNELKEY", "Cannot join channel (+k)"},
    Numeric{478, "ERR_BANLISTFULL", "Channel list is full"},
    Numeric{481, "ERR_NOPRIVILEGES", "Permission denied: you're not an IRC operator"},
    Numeric{482, "ERR_CHANOPRIVSNEEDED", "You're not channel operator"},
    Numeric{483, "ERR_CANTKILLSERVER", "You can't kill a server!"},
    Numeric{491, "ERR_NOOPERHOST", "No operators are configured"},
    Numeric{501, "ERR_UMODEUNKNOWNFLAG", "Unknown MODE flag"},
    Numeric{502, "ERR_USERSDONTMATCH", "Can't change mode for other users"},
    Numeric{524, "ERR_HELPNOTFOUND", "No help available on this topic"},
    Numeric{671, "RPL_WHOISSECURE", "is using a secure connection"},
    Numeric{696, "ERR_INVALIDMODEPARAM", ""},
    Numeric{704, "RPL_HELPSTART", ""},
    Numeric{705, "RPL_HELPTXT", ""},
    Numeric{706, "RPL_ENDOFHELP", ""},
    Numeric{730, "RPL_MONONLINE", ""},
    Numeric{731, "RPL_MONOFFLINE", ""},
    Numeric{732, "RPL_MONLIST", ""},
    Numeric{733, "RPL_ENDOFMONLIST", "End of MONITOR list"},
    Numeric{734, "ERR_MONLISTFULL", "Monitor list is full"},
    Numeric{900, "RPL_LOGGEDIN", ""},
    Numeric{903, "RPL_SASLSUCCESS", "SASL authentication successful"},
    Numeric{904, "ERR_SASLFAIL", "SASL authentication failed"},
    Numeric{905, "ERR_SASLTOOLONG", "SASL message too long"},
    Numeric{906, "ERR_SASLABORTED", "SASL authentication aborted"},
    Numeric{907, "ERR_SASLALREADY", "You have already authenticated using SASL"},
    Numeric{908, "RPL_SASLMECHS", "are available SASL mechanisms"},
};

/// `"ERR_NOSUCHNICK"_numeric`: of the table, or it does not compile.
consteval Numeric operator""_numeric(const char* name, std::size_t size) {
  for (const Numeric& numeric : numerics) {
    if (numeric.name == std::string_view(name, size)) return numeric;
  }
  std::abort();  // no such numeric in the table
}

}  // namespace ieum::hub
