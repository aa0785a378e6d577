// RPL_ISUPPORT: what clients are told of limits and features.
#include "irc/isupport.hpp"

#include "irc/limits.hpp"
#include "irc/modes.hpp"
#include "irc/text.hpp"

namespace ieum::hub {

std::vector<std::string> isupport_tokens(std::string_view network) {
  const auto token = [](std::string_view name, std::size_t value) {
    return std::string(name) + "=" + std::to_string(value);
  };
  const std::string targets = std::to_string(limits::targets);
  return {
      token("AWAYLEN", limits::away_bytes),
      "BOT=B",
      "CASEMAPPING=" + std::string(casemapping),
      token("CHANLIMIT=#", limits::rooms_per_client).replace(11, 1, ":"),
      "CHANMODES=" + chanmodes_token(),
      token("CHANNELLEN", limits::channel_bytes),
      "CHANTYPES=#",
      token("CHATHISTORY", limits::history_messages),
      "ELIST=CMNTU",
      "EXCEPTS=e",
      "INVEX=I",
      token("KEYLEN", limits::key_bytes),
      token("KICKLEN", limits::kick_bytes),
      token("MAXLIST=beI", limits::list_entries).replace(11, 1, ":"),
      token("MAXTARGETS", limits::targets),
      token("MODES", limits::modes),
      token("MONITOR", limits::monitor),
      "MSGREFTYPES=msgid,timestamp",
      token("NAMELEN", limits::realname_bytes),
      "NETWORK=" + std::string(network),
      token("NICKLEN", limits::nick_bytes),
      "PREFIX=(ov)@+",
      "SAFELIST",
      "TARGMAX=JOIN:,KICK:" + targets + ",LIST:,NAMES:1,NOTICE:" + targets +
          ",PART:,PRIVMSG:" + targets + ",TAGMSG:" + targets + ",WHOIS:1,WHOWAS:1",
      token("TOPICLEN", limits::topic_bytes),
      token("USERLEN", limits::user_bytes),
      "UTF8ONLY",
      "WHOX",
  };
}

}  // namespace ieum::hub
