#include "options/endpoint.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "text/suggest.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

struct SchemeInfo {
  Scheme scheme;
  std::string_view prefix;
};

constexpr std::array schemes{
    SchemeInfo{Scheme::tcp, "tcp://"},
    SchemeInfo{Scheme::unix_stream, "unix:"},
    SchemeInfo{Scheme::descriptor, "fd:"},
    SchemeInfo{Scheme::udp, "udp://"},
    SchemeInfo{Scheme::unix_datagram, "unix-dgram:"},
    SchemeInfo{Scheme::multicast, "mcast://"},
    SchemeInfo{Scheme::tls, "tls://"},
    SchemeInfo{Scheme::websocket, "ws://"},
    SchemeInfo{Scheme::websocket_tls, "wss://"},
};

constexpr std::int64_t buffer_max = std::int64_t{1} << 30;

constexpr std::uint32_t tcp = bit(Scheme::tcp);
constexpr std::uint32_t udp = bit(Scheme::udp);
constexpr std::uint32_t mcast = bit(Scheme::multicast);
constexpr std::uint32_t unix_files = bit(Scheme::unix_stream) | bit(Scheme::unix_datagram);
constexpr std::uint32_t listen = bit(Role::listen);
constexpr std::uint32_t cast = bit(Role::cast);
constexpr std::uint32_t both_ways = bit(Role::connect) | listen;
constexpr std::uint32_t all = both_ways | cast;

constexpr std::array key_table{
    KeyInfo{Key::nodelay, "nodelay", "0|1", tcp, both_ways, 0, 1,
            "Send small writes at once (TCP_NODELAY). Default: 1."},
    KeyInfo{Key::keepalive, "keepalive", "SECONDS", tcp, both_ways, 1, 32767,
            "Ask a peer that has been silent for SECONDS whether it is still there "
            "(SO_KEEPALIVE)."},
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
    KeyInfo{Key::interface, "if", "NAME", mcast, cast, 0, 0,
            "The interface on which to join the group, or to send. Default: the route's."},
    KeyInfo{Key::source, "source", "ADDRESS", mcast, cast, 0, 0,
            "With --receive: only what this host sends (RFC 4607)."},
    KeyInfo{Key::loop, "loop", "0|1", mcast, cast, 0, 1,
            "Deliver what is sent to receivers on this host too. Default: 1."},
};

constexpr std::size_t target_bytes_max = 300;  // a host's name has at most 253

/// The scheme of `text`, which loses it; tcp if it has none.
Parsed<Scheme> take_scheme(std::string_view& text) {
  std::string lower(text.substr(0, 16));
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  for (const SchemeInfo& info : schemes) {
    if (!lower.starts_with(info.prefix)) continue;
    text.remove_prefix(info.prefix.size());
    return info.scheme;
  }
  const std::size_t end = text.find("://");
  if (end == std::string_view::npos) {
    for (const SchemeInfo& info : schemes) {  // udp:HOST:PORT
      if (!info.prefix.ends_with("//") || text.find(':') == text.rfind(':')) continue;
      if (!lower.starts_with(info.prefix.substr(0, info.prefix.size() - 2))) continue;
      return UsageError(fmt::format("{} lacks the '//' after '{}'", in_quotes(text),
                                    info.prefix.substr(0, info.prefix.size() - 2)));
    }
    return Scheme::tcp;
  }
  const std::string_view name = text.substr(0, end + 3);
  if (name == "http://" || name == "https://") {
    return UsageError(
        fmt::format("{} is a web address; for its socket write tcp://HOST:PORT, as "
                    "tcp://example.com:80",
                    in_quotes(text)));
  }
  std::array<std::string_view, schemes.size()> known;
  std::ranges::transform(schemes, known.begin(), &SchemeInfo::prefix);
  std::string_view near = nearest(name, known);
  if (near.empty()) near = "tcp://, unix: or fd:";
  return UsageError(
      fmt::format("{} begins with {}, which is not an address scheme; did you mean "
                  "{}?",
                  in_quotes(text), in_quotes(name), near));
}

std::optional<std::uint16_t> parse_port(std::string_view digits) {
  std::uint16_t port = 0;
  const char* end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, port);
  if (error != std::errc{} || rest != end || digits.empty()) return {};
  return port;
}

bool is_host_name(std::string_view host) {
  constexpr std::size_t host_bytes_max = 253;
  return !host.empty() && host.size() <= host_bytes_max &&
         host.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
             std::string_view::npos;
}

std::string about_host(std::string_view target, std::string_view host) {
  for (const char letter : host) {
    if (static_cast<unsigned char>(letter) >= 0x80) {
      return fmt::format("{} is not in ASCII; write such a name in its xn-- form", in_quotes(host));
    }
  }
  return fmt::format("{} has no valid host before its port", in_quotes(target));
}

std::string about_port(std::string_view target, std::string_view port) {
  const std::size_t dash = port.find('-');
  if (dash != std::string_view::npos && parse_port(port.substr(0, dash)) &&
      parse_port(port.substr(dash + 1))) {
    return fmt::format("{} is a range of ports; for each of them: for port in $(seq {} {})",
                       in_quotes(target), port.substr(0, dash), port.substr(dash + 1));
  }
  const bool is_word = !port.empty() && port.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") ==
                                            std::string_view::npos;
  if (is_word) {
    return fmt::format("{} names a service; write its port, a number from 1 to 65535",
                       in_quotes(target));
  }
  return fmt::format("{} needs a port, a number from 1 to 65535, after its colon",
                     in_quotes(target));
}

/// Why `target` is no HOST:PORT; empty if it is one.
std::string refuse_target(std::string_view target, Role role) {
  if (target.empty()) return "an address must not be empty; write HOST:PORT";
  if (target.size() > target_bytes_max) return fmt::format("{} is too long", in_quotes(target));
  if (target.find('/') != std::string_view::npos) {
    return fmt::format(
        "{} has a '/': it is HOST:PORT and nothing more; a Unix socket is "
        "unix:/PATH",
        in_quotes(target));
  }
  if (target.find('@') != std::string_view::npos) {
    return fmt::format("{} names a user, which an address does not have; write HOST:PORT",
                       in_quotes(target));
  }
  const Result<Address> address = Address::parse(target);
  const std::size_t colon = target.rfind(':');
  if (!address) {
    if (colon == std::string_view::npos && role == Role::listen && parse_port(target)) {
      return fmt::format("{} has no host; write :{}", in_quotes(target), target);
    }
    if (colon == std::string_view::npos) {
      return fmt::format("{} has no port; write HOST:PORT, as {}", in_quotes(target),
                         parse_port(target)
                             ? fmt::format("localhost:{}", target)
                             : fmt::format("{}:80", is_host_name(target) ? target : "localhost"));
    }
    if (target.starts_with('[')) return std::string(address.error().detail());
    if (target.find(':') != colon) {
      return fmt::format(
          "{} has several colons; an IPv6 address is written within brackets, as "
          "[::1]:80",
          in_quotes(target));
    }
    if (!parse_port(target.substr(colon + 1))) return about_port(target, target.substr(colon + 1));
    if (!is_host_name(target.substr(0, colon))) return about_host(target, target.substr(0, colon));
  }
  if (role != Role::listen && parse_port(target.substr(colon + 1)) == 0) {
    return fmt::format("{} has port 0, where nobody can listen", in_quotes(target));
  }
  return {};
}

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

Parsed<std::string> ip_target(std::string_view text, Role role) {
  std::string target(text);
  // As Go and others have it: no host is this host, or every address of it.
  if (target.starts_with(':') && target.rfind(':') == 0) {
    target.insert(0, role == Role::listen ? "*" : "localhost");
  }
  std::string reason = refuse_target(target, role);
  // What was typed, not what was made of it.
  if (!reason.empty() && target != text && !parse_port(text.substr(1))) {
    reason = about_port(text, text.substr(1));
  }
  if (!reason.empty()) return UsageError(std::move(reason));
  return target;
}

Parsed<std::string> unix_target(std::string_view text, std::string_view whole) {
  std::string target = "unix:" + std::string(text);
  const Result<Address> address = Address::parse(target);
  if (address) return target;
  if (address.error().detail().empty()) {
    return UsageError(
        fmt::format("{} is longer than the {} bytes that the name of a Unix socket may have",
                    in_quotes(whole), Address::unix_name_bytes_max));
  }
  return UsageError(std::string(address.error().detail()));
}

Parsed<int> descriptor_of(std::string_view text, std::string_view whole) {
  const std::optional<std::uint16_t> number = parse_port(text);
  if (number) return *number;
  return UsageError(fmt::format("{} does not name a descriptor; write fd:3", in_quotes(whole)));
}

/// Why an address of this kind is none for `role`; empty if it is one.
std::string refuse_scheme(Scheme scheme, Role role) {
  const auto* info = std::ranges::find(schemes, scheme, &SchemeInfo::scheme);
  if (scheme >= Scheme::tls) {
    return fmt::format(
        "{} is not built into this version, which has tcp://, udp://, unix:, "
        "unix-dgram:, mcast://, fd: and -",
        info->prefix);
  }
  if (role == Role::cast && scheme != Scheme::multicast && scheme != Scheme::udp) {
    return "casting is one to many: write mcast://GROUP:PORT, or udp://HOST:PORT with a broadcast "
           "address";
  }
  if (role != Role::cast && scheme == Scheme::multicast) {
    return "mcast:// is one to many: use 'ieum cast', or 'ieum cast --receive'";
  }
  return {};
}

bool is_group(const Address& address) noexcept {
  const auto first = address.is_ip() ? static_cast<unsigned char>(address.bytes().front()) : 0U;
  return address.family() == Family::ipv4 ? first >= 224 && first < 240 : first == 0xff;
}

}  // namespace

std::span<const KeyInfo> keys() noexcept { return key_table; }

std::string scheme_names(std::uint32_t wanted) {
  std::string names;
  for (const SchemeInfo& info : schemes) {
    if ((wanted & bit(info.scheme)) == 0) continue;
    if (!names.empty()) names += ", ";
    names += info.prefix;
  }
  return names;
}

std::optional<int> Endpoint::setting(Key key) const noexcept {
  for (const Setting& setting : settings) {
    if (setting.key == key) return setting.value;
  }
  return {};
}

std::string_view Endpoint::text_setting(Key key) const noexcept {
  for (const Setting& setting : settings) {
    if (setting.key == key) return setting.text;
  }
  return {};
}

std::string Endpoint::to_string() const {
  switch (scheme) {
    case Scheme::standard: return "-";
    case Scheme::descriptor: return fmt::format("fd:{}", descriptor);
    default: return target;
  }
}

Parsed<Endpoint> parse_endpoint(std::string_view text, Role role) {
  const std::string_view whole = text;
  if (text.find('\0') != std::string_view::npos) {
    return UsageError(fmt::format("{} contains a zero byte", in_quotes(text)));
  }
  Parsed<Scheme> scheme = Scheme::standard;
  if (text != "-") scheme = take_scheme(text);
  if (!scheme) return UsageError(scheme.error());
  std::string unfit = refuse_scheme(*scheme, role);
  if (!unfit.empty()) return UsageError(std::move(unfit));
  if (*scheme == Scheme::standard) return Endpoint{.scheme = *scheme};
  const std::size_t question = text.find('?');
  const std::string_view query =
      question == std::string_view::npos ? std::string_view{} : text.substr(question + 1);
  text = text.substr(0, question);
  auto settings = parse_settings(query, *scheme, role);
  if (!settings) return UsageError(fmt::format("in {}: {}", in_quotes(whole), settings.error()));

  Endpoint endpoint{.scheme = *scheme, .settings = *std::move(settings)};
  if (endpoint.scheme == Scheme::descriptor) {
    const auto number = descriptor_of(text, whole);
    if (!number) return UsageError(number.error());
    endpoint.descriptor = *number;
    return endpoint;
  }
  auto target = endpoint.is_unix() ? unix_target(text, whole) : ip_target(text, role);
  if (!target) return UsageError(target.error());
  endpoint.target = *std::move(target);
  if (endpoint.scheme == Scheme::multicast) {
    const Result<Address> group = Address::parse(endpoint.target);
    if (!group || !is_group(*group)) {
      return UsageError(
          fmt::format("{} is not a multicast group; write an address from 224.0.0.0 to "
                      "239.255.255.255, or one that begins with ff, as [ff02::1234]:5000",
                      in_quotes(whole)));
    }
  }
  return endpoint;
}

Parsed<Address> parse_source(std::string_view text) {
  // A port alone, of any address: `:5000`, for IPv6 `[::]:5000`.
  Result<Address> address =
      Address::parse(text.starts_with(':') && text.rfind(':') == 0 ? fmt::format("0.0.0.0{}", text)
                                                                   : std::string(text));
  if (!address || !address->is_ip()) {
    const bool bare_ipv6 = text.find(':') != text.rfind(':') && !text.starts_with('[');
    const std::string with_port =
        bare_ipv6 ? fmt::format("[{}]:0", text) : fmt::format("{}:0", text);
    address = Address::parse(with_port);
  }
  if (address && address->is_ip() && text.find_first_of("*") == std::string_view::npos)
    return *address;
  return UsageError(
      fmt::format("{} is not a local address; write one as 192.0.2.1, "
                  "192.0.2.1:5000, [2001:db8::1]:5000, or a port alone as :5000",
                  in_quotes(text)));
}

HostPort split_host_port(std::string_view target) {
  const std::size_t colon = target.rfind(':');
  return {std::string(target.substr(0, colon)), parse_port(target.substr(colon + 1)).value_or(0)};
}

}  // namespace ieum::cli
