#include "tls_layer/tls_options.hpp"

#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <ieum/host_port.hpp>
#include <ieum/result.hpp>

#include "text/suggest.hpp"

namespace ieum::cli {

namespace {

constexpr std::string_view group = "TLS";

std::vector<std::string_view> names_of(Role role) {
  if (role == Role::listen) {
    return {"--cert", "--key", "--self-signed", "--ca", "--alpn", "--key-log"};
  }
  return {"--insecure", "--ca", "--pin", "--cert", "--key", "--alpn", "--servername", "--key-log"};
}

constexpr std::string_view about_key_log =
    "Append the secrets of each session to FILE, for Wireshark and others that read a recording "
    "(SSLKEYLOGFILE). Whoever has FILE can read all that was said.";

void add_client_options(std::vector<OptionSpec>& options) {
  options.push_back({.names = "--insecure",
                     .group = group,
                     .help = "Take any certificate: anybody on the way can read and change "
                             "everything, unless --pin names the key."});
  options.push_back({.names = "--ca",
                     .value = "FILE",
                     .group = group,
                     .help = "Trust the certificates in FILE (PEM) instead of those that the "
                             "system trusts."});
  options.push_back({.names = "--pin",
                     .value = "PIN",
                     .group = group,
                     .help = "Besides all else the server's key must be this one: sha256//BASE64, "
                             "the SHA-256 of the public key, as curl's --pinnedpubkey; several "
                             "with ; between them. With --insecure nothing else is verified."});
  options.push_back({.names = "--cert",
                     .value = "FILE",
                     .group = group,
                     .help = "Show the certificate in FILE (PEM), which those between it and a "
                             "root follow, to a server that asks for one."});
  options.push_back({.names = "--key",
                     .value = "FILE",
                     .group = group,
                     .help = "Its key (PEM). Default: FILE of --cert has it too."});
  options.push_back({.names = "--alpn",
                     .value = "LIST",
                     .group = group,
                     .help = "Offer these protocols, best first, as h2,http/1.1 (RFC 7301)."});
  options.push_back({.names = "--servername",
                     .value = "NAME",
                     .group = group,
                     .help = "Ask for the server NAME (SNI), which it must prove to be. Default: "
                             "HOST of the address."});
}

void add_server_options(std::vector<OptionSpec>& options) {
  options.push_back({.names = "--cert",
                     .value = "FILE",
                     .group = group,
                     .help = "Serve with the certificate in FILE (PEM), which those between it and "
                             "a root follow. 'ieum certificate make' makes one."});
  options.push_back({.names = "--key",
                     .value = "FILE",
                     .group = group,
                     .help = "Its key (PEM). Default: FILE of --cert has it too."});
  options.push_back({.names = "--self-signed",
                     .group = group,
                     .help = "Serve with a certificate made for this run, which nobody vouches "
                             "for. Its pin, and how to connect, are written to standard error."});
  options.push_back({.names = "--ca",
                     .value = "FILE",
                     .group = group,
                     .help = "Serve only clients with a certificate that one in FILE (PEM) has "
                             "issued."});
  options.push_back({.names = "--alpn",
                     .value = "LIST",
                     .group = group,
                     .help = "Speak these protocols, best first, as h2,http/1.1 (RFC 7301); a "
                             "client that offers only others is refused."});
}

bool is_base64(char letter) noexcept {
  return (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z') ||
         (letter >= '0' && letter <= '9') || letter == '+' || letter == '/';
}

bool is_pin(std::string_view text) noexcept {
  constexpr std::string_view prefix = "sha256//";
  constexpr std::size_t digits = 43;  // of 32 bytes
  if (!text.starts_with(prefix) || text.size() != prefix.size() + digits + 1) return false;
  text.remove_prefix(prefix.size());
  for (const char letter : text.substr(0, digits)) {
    if (!is_base64(letter)) return false;
  }
  return text.ends_with('=');
}

/// Gives what is wrong, or nothing.
std::string read_pins(std::string_view text, std::vector<std::string>& pins) {
  for (;;) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view pin = text.substr(0, end);
    if (!is_pin(pin)) {
      return fmt::format("--pin takes sha256//BASE64, the SHA-256 of a public key, not {}",
                         in_quotes(pin));
    }
    pins.emplace_back(pin);
    if (end == text.size()) return {};
    text.remove_prefix(end + 1);
  }
}

std::string check_alpn(std::string_view text) {
  constexpr std::size_t protocol_bytes_max = 255;
  for (;;) {
    const std::size_t end = std::min(text.find(','), text.size());
    if (end == 0 || end > protocol_bytes_max) {
      return "--alpn takes names of protocols with commas between them, as h2,http/1.1";
    }
    if (end == text.size()) return {};
    text.remove_prefix(end + 1);
  }
}

}  // namespace

void add_tls_options(std::vector<OptionSpec>& options, Role role) {
  if (role == Role::listen) {
    add_server_options(options);
  } else {
    add_client_options(options);
  }
  options.push_back(
      {.names = "--key-log", .value = "FILE", .group = group, .help = std::string(about_key_log)});
}

void add_tls_conflicts(std::vector<Conflict>& conflicts, Role role) {
  conflicts.push_back({.options = names_of(role),
                       .sentence = "{} needs TLS; write the address as tls://HOST:PORT",
                       .schemes = ~bit(Scheme::tls)});
  if (role == Role::listen) {
    conflicts.push_back({.options = {"--cert", "--key"},
                         .sentence = "{} cannot be combined with --self-signed, which makes a "
                                     "certificate and its key",
                         .with = {"--self-signed"}});
  } else {
    conflicts.push_back(
        {.options = {"--ca"},
         .sentence = "{} has no effect with --insecure, which takes any certificate",
         .with = {"--insecure"}});
  }
  conflicts.push_back(
      {.options = {"--key"}, .sentence = "{} requires --cert", .without = {"--cert"}});
}

Parsed<TlsSettings> read_tls_options(const GivenOptions& given, Role role,
                                     const Endpoint& endpoint) {
  TlsSettings settings;
  if (endpoint.scheme != Scheme::tls) return settings;
  settings.insecure = given.has("--insecure");
  settings.self_signed = given.has("--self-signed");
  struct Text {
    std::string_view name;
    std::string& value;
    std::string_view what;
  };
  for (const auto& [name, value, what] :
       {Text{"--ca", settings.authorities, "file"}, Text{"--cert", settings.certificate, "file"},
        Text{"--key", settings.key, "file"}, Text{"--key-log", settings.key_log, "file"},
        Text{"--servername", settings.server_name, "host"}}) {
    value = given.text(name);
    if (given.has(name) && value.empty()) {
      return UsageError(fmt::format("{} takes the name of a {}", name, what));
    }
  }
  settings.alpn = given.text("--alpn");
  std::string wrong;
  if (given.has("--alpn")) wrong = check_alpn(settings.alpn);
  if (wrong.empty() && given.has("--pin")) wrong = read_pins(given.text("--pin"), settings.pins);
  if (wrong.empty() && !settings.server_name.empty() && !HostPort::make(settings.server_name, 0)) {
    wrong = fmt::format("--servername takes the name of a host, not {}",
                        in_quotes(settings.server_name));
  }
  if (wrong.empty() && role == Role::listen && settings.certificate.empty() &&
      !settings.self_signed) {
    wrong = "tls:// needs a certificate: give one with --cert and --key, or write --self-signed";
  }
  if (!wrong.empty()) return UsageError(std::move(wrong));
  if (settings.key.empty()) settings.key = settings.certificate;
  return settings;
}

}  // namespace ieum::cli
