#include "options/scheme.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "text/suggest.hpp"

namespace ieum::cli {

namespace {

struct SchemeInfo {
  Scheme scheme;
  std::string_view prefix;
};

#ifdef IEUM_HAS_TLS
constexpr bool has_tls = true;
#else
constexpr bool has_tls = false;
#endif

constexpr std::array schemes{
    SchemeInfo{Scheme::tcp, "tcp://"},
    SchemeInfo{Scheme::tls, "tls://"},
    SchemeInfo{Scheme::unix_stream, "unix:"},
    SchemeInfo{Scheme::descriptor, "fd:"},
    SchemeInfo{Scheme::udp, "udp://"},
    SchemeInfo{Scheme::unix_datagram, "unix-dgram:"},
    SchemeInfo{Scheme::multicast, "mcast://"},
    SchemeInfo{Scheme::websocket, "ws://"},
    SchemeInfo{Scheme::websocket_tls, "wss://"},
    SchemeInfo{Scheme::file, "file:"},
    SchemeInfo{Scheme::terminal, "tty:"},
    SchemeInfo{Scheme::pseudo_terminal, "pty:"},
    SchemeInfo{Scheme::command, "exec:"},
    SchemeInfo{Scheme::command_on_terminal, "exec-pty:"},
};

}  // namespace

std::string scheme_names(std::uint32_t wanted) {
  std::string names;
  for (const SchemeInfo& info : schemes) {
    if ((wanted & bit(info.scheme)) == 0) continue;
    if (!names.empty()) names += ", ";
    names += info.prefix;
  }
  return names;
}

Parsed<Scheme> take_scheme(std::string_view& text, Role role) {
  std::string lower(text.substr(0, 16));
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  for (const SchemeInfo& info : schemes) {
    if (!lower.starts_with(info.prefix)) continue;
    // Elsewhere it would be the name of a host.
    if (is_local(info.scheme) && role != Role::relay) continue;
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
    return UsageError(fmt::format(
        "{} is a web address, which 'ieum get' asks; for its socket write {}", in_quotes(text),
        name == "http://" ? "tcp://HOST:PORT, as tcp://example.com:80"
                          : "tls://HOST:PORT, as tls://example.com:443"));
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

std::string refuse_scheme(Scheme scheme, Role role) {
  const auto* info = std::ranges::find(schemes, scheme, &SchemeInfo::scheme);
  if (scheme == Scheme::tls && !has_tls) {
    return "tls:// is not built into this ieum: its build found no OpenSSL 3";
  }
  if (scheme == Scheme::websocket || scheme == Scheme::websocket_tls) {
    return fmt::format(
        "{} is not built into this version, which has tcp://, tls://, udp://, unix:, "
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

}  // namespace ieum::cli
