#include "options/setting.hpp"

#include <array>
#include <optional>

#include <fmt/format.h>

#include "text/suggest.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

constexpr std::int64_t buffer_max = std::int64_t{1} << 30;

constexpr std::uint32_t tcp = bit(Scheme::tcp) | bit(Scheme::tls);
constexpr std::uint32_t udp = bit(Scheme::udp);
constexpr std::uint32_t mcast = bit(Scheme::multicast);
constexpr std::uint32_t unix_files = bit(Scheme::unix_stream) | bit(Scheme::unix_datagram);
constexpr std::uint32_t listen = bit(Role::listen);
constexpr std::uint32_t cast = bit(Role::cast);
constexpr std::uint32_t relay = bit(Role::relay);
constexpr std::uint32_t terminals = bit(Scheme::terminal) | bit(Scheme::pseudo_terminal);
constexpr std::uint32_t both_ways = bit(Role::connect) | listen;
constexpr std::uint32_t all = both_ways | cast;

constexpr std::array key_table{
    KeyInfo{Key::nodelay, "nodelay", "0|1", tcp, both_ways, 0, 1,
            "Send small writes at once (TCP_NODELAY). Default: 1."},
    KeyInfo{Key::keepalive, "keepalive", "SECONDS", tcp, both_ways, 1, 32767,
            "Ask a peer that has been silent for SECONDS whether it is still there; one that has "
            "gone is told of after about as long again (SO_KEEPALIVE)."},
    KeyInfo{Key::sndbuf, "sndbuf", "BYTES", tcp | udp | mcast, all, 1, buffer_max,
            "The size of the system's send buffer, as 65536 or 64k (SO_SNDBUF)."},
    KeyInfo{Key::rcvbuf, "rcvbuf", "BYTES", tcp | udp | mcast, all, 1, buffer_max,
            "The size of the system's receive buffer (SO_RCVBUF)."},
    KeyInfo{Key::tos, "tos", "0-255", tcp | udp | mcast, all, 0, 255,
            "The type of service, or traffic class, of what is sent (IP_TOS, IPV6_TCLASS)."},
    KeyInfo{Key::ttl, "ttl", "1-255", tcp | udp | mcast, all, 1, 255,
            "How many routers a packet may pass (IP_TTL, IPV6_UNICAST_HOPS); to a group, 1 by "
            "default (IP_MULTICAST_TTL)."},
    KeyInfo{Key::reuseport, "reuseport", "0|1", tcp | udp, listen, 0, 1,
            "Share the port with other programs that set this too (SO_REUSEPORT)."},
    KeyInfo{Key::ipv6only, "ipv6only", "0|1", tcp | udp, listen, 0, 1,
            "On [::], accept no IPv4 (IPV6_V6ONLY)."},
    KeyInfo{Key::replace, "replace", "0|1", unix_files, listen, 0, 1,
            "Replace a socket file that was left behind by a server that has ended."},
    KeyInfo{Key::unlink, "unlink", "0|1", unix_files, listen, 0, 1,
            "Remove the socket file on exit. Default: 1."},
    KeyInfo{Key::mode, "mode", "0660", unix_files, listen, 0, 0,
            "The permissions of the socket file, in octal; who may write may connect. Default: "
            "0777 less the umask."},
    KeyInfo{Key::owner, "owner", "USER:GROUP", unix_files, listen, 0, 0,
            "Whose the socket file is: USER, USER:GROUP or :GROUP, by name or number."},
    KeyInfo{Key::interface, "if", "NAME", mcast, cast, 0, 0,
            "The interface on which to join the group, or to send. Default: the route's."},
    KeyInfo{Key::source, "source", "ADDRESS", mcast, cast, 0, 0,
            "With --receive: only what this host sends (RFC 4607)."},
    KeyInfo{Key::loop, "loop", "0|1", mcast, cast, 0, 1,
            "Deliver what is sent to receivers on this host too. Default: 1."},
    KeyInfo{Key::write, "write", "new|replace|append", bit(Scheme::file), relay, 0, 0,
            "Write the file instead of reading it. new: there must be none yet."},
    KeyInfo{Key::speed, "speed", "BITS", bit(Scheme::terminal), relay, 50, 4'000'000,
            "The speed of a serial line in bits a second, as 115200. Default: as it is."},
    KeyInfo{Key::raw, "raw", "0|1", terminals, relay, 0, 1,
            "Every byte passes as it is: no echo, no line editing, no Ctrl-C. Default: 1."},
};

Parsed<int> parse_value(const KeyInfo& key, std::string_view text) {
  if (key.max == 0) {
    if (!text.empty()) return 0;
    return UsageError(fmt::format("{} has no value; write {}={}", key.name, key.name, key.value));
  }
  const bool is_bytes = key.value == "BYTES";
  const std::optional<std::uint64_t> number =
      text.empty() ? std::optional<std::uint64_t>{} : parse_bytes(text);
  const bool plain = text.find_first_not_of("0123456789") == std::string_view::npos;
  if (number && (is_bytes || plain) && *number >= static_cast<std::uint64_t>(key.min) &&
      *number <= static_cast<std::uint64_t>(key.max)) {
    return static_cast<int>(*number);
  }
  if (is_bytes) {
    return UsageError(fmt::format("{} takes a number of bytes up to 1G, as 65536 or 64k, not {}",
                                  key.name, in_quotes(text)));
  }
  if (key.max == 1) {
    return UsageError(fmt::format("{} takes 0 or 1, not {}", key.name, in_quotes(text)));
  }
  return UsageError(fmt::format("{} takes a number from {} to {}, not {}", key.name, key.min,
                                key.max, in_quotes(text)));
}

std::string_view verb_of(std::uint32_t roles) {
  if ((roles & bit(Role::connect)) != 0) return "";
  if ((roles & relay) != 0) return " of 'ieum relay'";
  return (roles & listen) != 0 ? " of 'ieum listen'" : " of 'ieum cast'";
}

Parsed<Setting> parse_setting(std::string_view text, Scheme scheme, Role role) {
  const std::size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  std::vector<std::string_view> known;
  for (const KeyInfo& key : key_table) {
    if ((key.schemes & bit(scheme)) == 0 || (key.roles & bit(role)) == 0) {
      if (key.name != name) continue;
      return UsageError(fmt::format("the key {} is for {} addresses{} only", in_quotes(name),
                                    scheme_names(key.schemes), verb_of(key.roles)));
    }
    known.push_back(key.name);
    if (key.name != name) continue;
    if (equals == std::string_view::npos) {
      return UsageError(
          fmt::format("the key {} has no value; write {}={}", in_quotes(name), name, key.value));
    }
    const auto value = parse_value(key, text.substr(equals + 1));
    if (!value) return UsageError(value.error());
    return Setting{key.key, *value, std::string(text.substr(equals + 1))};
  }
  std::string reason = fmt::format("unknown key {} after '?'", in_quotes(name));
  const std::string meant = did_you_mean(name, known);
  if (!meant.empty()) return UsageError(reason + meant);
  if (known.empty()) return UsageError(reason + "; such an address takes none");
  return UsageError(fmt::format("{}; there are {}", reason, fmt::join(known, ", ")));
}

}  // namespace

std::span<const KeyInfo> keys() noexcept { return key_table; }

Parsed<std::vector<Setting>> parse_settings(std::string_view query, Scheme scheme, Role role) {
  std::vector<Setting> settings;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const auto setting = parse_setting(query.substr(0, end), scheme, role);
    if (!setting) return UsageError(setting.error());
    for (const Setting& earlier : settings) {
      if (earlier.key == setting->key) {
        return UsageError(
            fmt::format("the key {} is given twice", in_quotes(query.substr(0, query.find('=')))));
      }
    }
    settings.push_back(*setting);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
  }
  return settings;
}

}  // namespace ieum::cli
