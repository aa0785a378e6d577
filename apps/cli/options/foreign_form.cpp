#include "options/foreign_form.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <ieum/host_port.hpp>
#include <ieum/result.hpp>

#include "text/suggest.hpp"

namespace ieum::cli {

namespace {

std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return lower;
}

/// One of socat's words, and what stands for it here; {} is what follows its colon.
struct Word {
  std::string_view theirs;
  std::string_view ours;
};

// In the order in which they are looked for: a word before one that it begins with.
constexpr std::array words{
    Word{"tcp-listen", "ieum listen :{}"},
    Word{"tcp4-listen", "ieum listen -4 :{}"},
    Word{"tcp6-listen", "ieum listen -6 :{}"},
    Word{"tcp-l", "ieum listen :{}"},
    Word{"tcp4-l", "ieum listen -4 :{}"},
    Word{"tcp6-l", "ieum listen -6 :{}"},
    Word{"tcp-connect", "ieum connect {}"},
    Word{"tcp4-connect", "ieum connect -4 {}"},
    Word{"tcp6-connect", "ieum connect -6 {}"},
    Word{"tcp4", "ieum connect -4 {}"},
    Word{"tcp6", "ieum connect -6 {}"},
    Word{"udp-listen", "ieum listen udp://:{}"},
    Word{"udp4-listen", "ieum listen -4 udp://:{}"},
    Word{"udp6-listen", "ieum listen -6 udp://:{}"},
    Word{"udp-l", "ieum listen udp://:{}"},
    Word{"udp-recv", "ieum listen -k udp://:{}"},
    Word{"udp-recvfrom", "ieum listen udp://:{}"},
    Word{"udp-connect", "ieum connect udp://{}"},
    Word{"udp-sendto", "ieum connect udp://{}"},
    Word{"udp-datagram", "ieum connect udp://{}"},
    Word{"udp4", "ieum connect -4 udp://{}"},
    Word{"udp6", "ieum connect -6 udp://{}"},
    Word{"unix-listen", "ieum listen unix:{}"},
    Word{"unix-connect", "ieum connect unix:{}"},
    Word{"unix-client", "ieum connect unix:{}"},
    Word{"unix-recv", "ieum listen -k unix-dgram:{}"},
    Word{"unix-recvfrom", "ieum listen unix-dgram:{}"},
    Word{"unix-sendto", "ieum connect unix-dgram:{}"},
    Word{"abstract-listen", "ieum listen unix:@{}"},
    Word{"abstract-connect", "ieum connect unix:@{}"},
    Word{"abstract-client", "ieum connect unix:@{}"},
    Word{"exec", "ieum listen --exec COMMAND ADDRESS"},
    Word{"system", "ieum listen --exec COMMAND ADDRESS"},
    Word{"shell", "ieum listen --exec COMMAND ADDRESS"},
    Word{"openssl", "ieum connect tls://{}"},
    Word{"openssl-connect", "ieum connect tls://{}"},
    Word{"openssl-listen", "ieum listen tls://:{}"},
    Word{"openssl-l", "ieum listen tls://:{}"},
    Word{"ssl", "ieum connect tls://{}"},
    Word{"ssl-l", "ieum listen tls://:{}"},
};

/// The same as an end of a relay: "ieum listen -k :80" is listen::80.
std::string as_end(std::string ours) {
  constexpr std::string_view listening = "ieum listen ";
  constexpr std::string_view connecting = "ieum connect ";
  const bool listens = ours.starts_with(listening);
  ours.erase(0, listens ? listening.size() : connecting.size());
  while (ours.starts_with('-')) ours.erase(0, ours.find(' ') + 1);
  return listens ? "listen:" + ours : ours;
}

/// Socat's words for what is no socket, as an end of a relay.
constexpr std::array local_words{
    Word{"system", "exec:{}"},
    Word{"shell", "exec:{}"},
    Word{"open", "file:{}"},
    Word{"gopen", "file:{}, or with ?write=append"},
    Word{"create", "file:{}?write=replace"},
    Word{"creat", "file:{}?write=replace"},
    Word{"pipe", "file:{}"},
};

std::string of_socat_locally(std::string_view text) {
  const std::string lower = in_lower_case(text);
  if (lower.starts_with("pty,") || lower == "pty") {
    return fmt::format(
        "{} is socat's form; here it is 'pty:LINK', where LINK is the name that "
        "programs open",
        in_quotes(text));
  }
  const std::size_t colon = lower.find(':');
  if (colon == std::string::npos) return {};
  const auto* word =
      std::ranges::find(local_words, std::string_view(lower).substr(0, colon), &Word::theirs);
  if (word == local_words.end()) return {};
  const std::string_view rest = text.substr(colon + 1);
  return fmt::format("{} is socat's form; here it is '{}'", in_quotes(text),
                     fmt::format(fmt::runtime(word->ours), shown(rest.substr(0, rest.find(',')))));
}

std::string of_socat(std::string_view text, Role role) {
  if (role == Role::relay) {
    std::string sentence = of_socat_locally(text);
    if (!sentence.empty() || in_lower_case(text).starts_with("exec:")) return sentence;
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    const std::string lower = in_lower_case(text);
    if (lower != "stdio" && lower != "stdin" && lower != "stdout") return {};
    return fmt::format("{} is socat's form; standard input and output are the address -",
                       in_quotes(text));
  }
  const std::string name = in_lower_case(text.substr(0, colon));
  const auto word = std::ranges::find(words, std::string_view(name), &Word::theirs);
  if (word == words.end()) return {};
  // A host may have such a name, but none with the hyphen of TCP-LISTEN.
  const bool may_be_host = name.find('-') == std::string::npos;
  if (may_be_host && HostPort::parse(fmt::format("host:{}", text.substr(colon + 1)))) return {};
  std::string_view rest = text.substr(colon + 1);
  const std::string_view options = rest.substr(std::min(rest.find(','), rest.size()));
  rest = rest.substr(0, rest.size() - options.size());
  std::string ours = fmt::format(fmt::runtime(word->ours), shown(rest));
  if (options.find("fork") != std::string_view::npos && ours.starts_with("ieum listen ") &&
      !ours.starts_with("ieum listen -k")) {
    ours.insert(std::string_view("ieum listen ").size(), "-k ");
  }
  if (role == Role::relay) {
    const bool forks = ours.contains(" -k ");
    return fmt::format("{} is socat's form; here it is '{}'{}", in_quotes(text),
                       as_end(std::move(ours)), forks ? " with -k" : "");
  }
  return fmt::format("{} is socat's form; here it is '{}'", in_quotes(text), ours);
}

/// udp:9: what looks like a scheme would be the name of a host.
std::string of_scheme_alone(std::string_view text, Role role) {
  const std::size_t colon = text.find(':');
  const std::string name = in_lower_case(text.substr(0, colon));
  if (name != "udp" && name != "tcp") return {};
  const std::string_view port = text.substr(colon + 1);
  if (!HostPort::parse(fmt::format("host:{}", port))) return {};
  return fmt::format("{} would be a host named '{}'; write {}://{}:{}, or tcp://{} if there is one",
                     in_quotes(text), name, name, role == Role::listen ? "" : "localhost", port,
                     text);
}

/// /dev/tcp/HOST/PORT
std::string of_bash(std::string_view text) {
  constexpr std::string_view prefix = "/dev/";
  if (!text.starts_with("/dev/tcp/") && !text.starts_with("/dev/udp/")) return {};
  const std::string_view scheme = text.substr(prefix.size(), 3);
  std::string rest(text.substr(prefix.size() + 4));
  if (const std::size_t slash = rest.rfind('/'); slash != std::string::npos) rest[slash] = ':';
  return fmt::format("{} is bash's form; write {}://{}", in_quotes(text), scheme, shown(rest));
}

}  // namespace

std::string explain_foreign_form(std::string_view text, Role role) {
  std::string sentence = of_socat(text, role);
  if (sentence.empty()) sentence = of_scheme_alone(text, role);
  if (sentence.empty()) sentence = of_bash(text);
  return sentence;
}

}  // namespace ieum::cli
