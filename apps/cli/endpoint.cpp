#include "endpoint.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "quantity.hpp"
#include "suggest.hpp"

namespace ieum::cli {

namespace {

using Refusal = std::unexpected<std::string>;

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

constexpr std::array key_table{
    KeyInfo{Key::nodelay, "nodelay", "0|1", Scheme::tcp, true, 0, 1,
            "Small writes go out at once (TCP_NODELAY). Default: 1."},
    KeyInfo{Key::keepalive, "keepalive", "SECONDS", Scheme::tcp, true, 1, 32767,
            "Ask a silent peer after so long whether it is still there (SO_KEEPALIVE)."},
    KeyInfo{Key::sndbuf, "sndbuf", "BYTES", Scheme::tcp, true, 1, buffer_max,
            "The system's buffer for what is sent, as 65536 or 64k (SO_SNDBUF)."},
    KeyInfo{Key::rcvbuf, "rcvbuf", "BYTES", Scheme::tcp, true, 1, buffer_max,
            "The same for what is received (SO_RCVBUF)."},
    KeyInfo{Key::tos, "tos", "0-255", Scheme::tcp, true, 0, 255,
            "The type of service, or traffic class, of what is sent (IP_TOS, IPV6_TCLASS)."},
    KeyInfo{Key::ttl, "ttl", "1-255", Scheme::tcp, true, 1, 255,
            "How many routers what is sent may pass (IP_TTL, IPV6_UNICAST_HOPS)."},
    KeyInfo{Key::reuseport, "reuseport", "0|1", Scheme::tcp, false, 0, 1,
            "Share the port with other programs that set this too (SO_REUSEPORT)."},
    KeyInfo{Key::ipv6only, "ipv6only", "0|1", Scheme::tcp, false, 0, 1,
            "On [::], take no IPv4 clients (IPV6_V6ONLY)."},
    KeyInfo{Key::replace, "replace", "0|1", Scheme::unix_stream, false, 0, 1,
            "Take the place of a socket file that a server which has ended left behind."},
    KeyInfo{Key::unlink, "unlink", "0|1", Scheme::unix_stream, false, 0, 1,
            "Remove the socket file at the end. Default: 1."},
};

constexpr std::size_t place_bytes_max = 300;  // a host's name has at most 253

/// The scheme of `text`, which loses it; tcp if it has none.
std::expected<Scheme, std::string> take_scheme(std::string_view& text) {
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
      return Refusal(fmt::format("{} lacks the '//' after '{}'", in_quotes(text),
                                 info.prefix.substr(0, info.prefix.size() - 2)));
    }
    return Scheme::tcp;
  }
  const std::string_view name = text.substr(0, end + 3);
  if (name == "http://" || name == "https://") {
    return Refusal(
        fmt::format("{} is a web address; for its socket write tcp://HOST:PORT, as "
                    "tcp://example.com:80",
                    in_quotes(text)));
  }
  std::array<std::string_view, schemes.size()> known;
  std::ranges::transform(schemes, known.begin(), &SchemeInfo::prefix);
  std::string_view near = nearest(name, known);
  if (near.empty()) near = "tcp://, unix: or fd:";
  return Refusal(
      fmt::format("{} begins with {}, which is none of our address schemes; did you mean "
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

std::string about_host(std::string_view place, std::string_view host) {
  for (const char letter : host) {
    if (static_cast<unsigned char>(letter) >= 0x80) {
      return fmt::format("{} is not in ASCII; write such a name in its xn-- form", in_quotes(host));
    }
  }
  return fmt::format("{} has no host before its port that could be a name or an address",
                     in_quotes(place));
}

/// Why `place` is no HOST:PORT; empty if it is one.
std::string refuse_place(std::string_view place, Role role) {
  if (place.empty()) return "an address must not be empty; write HOST:PORT";
  if (place.size() > place_bytes_max) return fmt::format("{} is too long", in_quotes(place));
  if (place.find('/') != std::string_view::npos) {
    return fmt::format(
        "{} has a '/': a TCP address is HOST:PORT and nothing more; a Unix socket is "
        "unix:/PATH",
        in_quotes(place));
  }
  if (place.find('@') != std::string_view::npos) {
    return fmt::format("{} names a user, which sockets do not have; write HOST:PORT",
                       in_quotes(place));
  }
  const Result<Address> address = Address::parse(place);
  const std::size_t colon = place.rfind(':');
  if (!address) {
    if (colon == std::string_view::npos) {
      return fmt::format("{} has no port; write HOST:PORT, as {}", in_quotes(place),
                         parse_port(place)
                             ? fmt::format("localhost:{}", place)
                             : fmt::format("{}:80", is_host_name(place) ? place : "localhost"));
    }
    if (place.starts_with('[')) return std::string(address.error().detail());
    if (place.find(':') != colon) {
      return fmt::format(
          "{} has several colons; an IPv6 address is written within brackets, as "
          "[::1]:80",
          in_quotes(place));
    }
    if (!parse_port(place.substr(colon + 1))) {
      return fmt::format("{} needs a port, a number from 1 to 65535, after its colon",
                         in_quotes(place));
    }
    if (!is_host_name(place.substr(0, colon))) return about_host(place, place.substr(0, colon));
  }
  if (role == Role::connect && parse_port(place.substr(colon + 1)) == 0) {
    return fmt::format("{} has port 0, where nobody can listen", in_quotes(place));
  }
  return {};
}

std::expected<int, std::string> parse_value(const KeyInfo& key, std::string_view text) {
  const bool is_bytes = key.value == "BYTES";
  const std::optional<std::uint64_t> number =
      text.empty() ? std::optional<std::uint64_t>{} : parse_bytes(text);
  const bool plain = text.find_first_not_of("0123456789") == std::string_view::npos;
  if (number && (is_bytes || plain) && *number >= static_cast<std::uint64_t>(key.min) &&
      *number <= static_cast<std::uint64_t>(key.max)) {
    return static_cast<int>(*number);
  }
  if (is_bytes) {
    return Refusal(fmt::format("{} takes a number of bytes up to 1G, as 65536 or 64k, not {}",
                               key.name, in_quotes(text)));
  }
  if (key.max == 1)
    return Refusal(fmt::format("{} takes 0 or 1, not {}", key.name, in_quotes(text)));
  return Refusal(fmt::format("{} takes a number from {} to {}, not {}", key.name, key.min, key.max,
                             in_quotes(text)));
}

std::expected<Setting, std::string> parse_setting(std::string_view text, Scheme scheme, Role role) {
  const std::size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  std::vector<std::string_view> known;
  for (const KeyInfo& key : key_table) {
    if (key.scheme != scheme || (role == Role::connect && !key.connects)) {
      if (key.name != name) continue;
      return Refusal(fmt::format(
          "the key {} is for {} addresses{} only", in_quotes(name),
          key.scheme == Scheme::tcp ? "TCP" : "unix:", key.connects ? "" : " of 'ieum listen'"));
    }
    known.push_back(key.name);
    if (key.name != name) continue;
    if (equals == std::string_view::npos) {
      return Refusal(
          fmt::format("the key {} has no value; write {}={}", in_quotes(name), name, key.value));
    }
    const auto value = parse_value(key, text.substr(equals + 1));
    if (!value) return Refusal(value.error());
    return Setting{key.key, *value};
  }
  std::string reason = fmt::format("unknown key {} after '?'", in_quotes(name));
  const std::string meant = did_you_mean(name, known);
  if (!meant.empty()) return Refusal(reason + meant);
  if (known.empty()) return Refusal(reason + "; such an address takes none");
  return Refusal(fmt::format("{}; there are {}", reason, fmt::join(known, ", ")));
}

std::expected<std::vector<Setting>, std::string> parse_settings(std::string_view query,
                                                                Scheme scheme, Role role) {
  std::vector<Setting> settings;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const auto setting = parse_setting(query.substr(0, end), scheme, role);
    if (!setting) return Refusal(setting.error());
    for (const Setting& earlier : settings) {
      if (earlier.key == setting->key) {
        return Refusal(
            fmt::format("the key {} stands twice", in_quotes(query.substr(0, query.find('=')))));
      }
    }
    settings.push_back(*setting);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
  }
  return settings;
}

std::expected<std::string, std::string> tcp_place(std::string_view text, Role role) {
  std::string place(text);
  // As Go and others have it: no host is this host, or every address of it.
  if (place.starts_with(':') && place.rfind(':') == 0) {
    place.insert(0, role == Role::listen ? "*" : "localhost");
  }
  std::string reason = refuse_place(place, role);
  if (!reason.empty()) return Refusal(std::move(reason));
  return place;
}

}  // namespace

std::span<const KeyInfo> keys() noexcept { return key_table; }

std::optional<int> Endpoint::setting(Key key) const noexcept {
  for (const Setting& setting : settings) {
    if (setting.key == key) return setting.value;
  }
  return {};
}

std::string Endpoint::to_string() const {
  switch (scheme) {
    case Scheme::standard: return "-";
    case Scheme::descriptor: return fmt::format("fd:{}", descriptor);
    default: return place;
  }
}

std::expected<Endpoint, std::string> parse_endpoint(std::string_view text, Role role) {
  if (text == "-") return Endpoint{.scheme = Scheme::standard};
  const std::string_view whole = text;
  if (text.find('\0') != std::string_view::npos) {
    return Refusal(fmt::format("{} holds a zero byte", in_quotes(text)));
  }
  const auto scheme = take_scheme(text);
  if (!scheme) return Refusal(scheme.error());
  if (*scheme > Scheme::descriptor) {
    const auto* info = std::ranges::find(schemes, *scheme, &SchemeInfo::scheme);
    return Refusal(fmt::format(
        "{} is not built into this version, which has tcp://, unix:, fd: and -", info->prefix));
  }
  const std::size_t question = text.find('?');
  const std::string_view query =
      question == std::string_view::npos ? std::string_view{} : text.substr(question + 1);
  text = text.substr(0, question);
  auto settings = parse_settings(query, *scheme, role);
  if (!settings) return Refusal(fmt::format("in {}: {}", in_quotes(whole), settings.error()));

  Endpoint endpoint{.scheme = *scheme, .settings = *std::move(settings)};
  if (*scheme == Scheme::descriptor) {
    const std::optional<std::uint16_t> number = parse_port(text);
    if (!number)
      return Refusal(fmt::format("{} names no descriptor; write fd:3", in_quotes(whole)));
    endpoint.descriptor = *number;
    return endpoint;
  }
  if (*scheme == Scheme::unix_stream) {
    endpoint.place = "unix:" + std::string(text);
    const Result<Address> address = Address::parse(endpoint.place);
    if (address) return endpoint;
    if (address.error().detail().empty()) {
      return Refusal(
          fmt::format("{} is longer than the {} bytes that a Unix socket's name may have",
                      in_quotes(whole), Address::unix_name_bytes_max));
    }
    return Refusal(std::string(address.error().detail()));
  }
  auto place = tcp_place(text, role);
  if (!place) return Refusal(place.error());
  endpoint.place = *std::move(place);
  return endpoint;
}

std::expected<Address, std::string> parse_source(std::string_view text) {
  Result<Address> address = Address::parse(text);
  if (!address || !address->is_ip()) {
    const bool bare_ipv6 = text.find(':') != text.rfind(':') && !text.starts_with('[');
    const std::string with_port =
        bare_ipv6 ? fmt::format("[{}]:0", text) : fmt::format("{}:0", text);
    address = Address::parse(with_port);
  }
  if (address && address->is_ip() && text.find_first_of("*") == std::string_view::npos)
    return *address;
  return Refusal(
      fmt::format("{} is no address of this machine to come from; write one as 192.0.2.1, "
                  "192.0.2.1:5000 or [2001:db8::1]:5000",
                  in_quotes(text)));
}

HostPort split_place(std::string_view place) {
  const std::size_t colon = place.rfind(':');
  return {std::string(place.substr(0, colon)), parse_port(place.substr(colon + 1)).value_or(0)};
}

}  // namespace ieum::cli
