#include "command_line.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include <ieum/address.hpp>
#include <ieum/result.hpp>

#include "help/subcommand_manual.hpp"
#include "options/parse_options.hpp"
#include "subcommands.hpp"
#include "text/suggest.hpp"

namespace ieum::cli {

namespace {

/// What users of netcat, ncat and socat look for.
constexpr std::array common_hints{
    Hint{"-l", "to listen, write 'ieum listen ADDRESS'"},
    Hint{"-p", "the port is part of the address, HOST:PORT; a source port goes with -s"},
    Hint{"-u", "for datagrams, write udp://HOST:PORT as the address"},
    Hint{"--udp", "for datagrams, write udp://HOST:PORT as the address"},
    Hint{"-U", "for a Unix socket, write unix:/PATH as the address"},
    Hint{"-n", "it is not needed: addresses are never looked up, only names are"},
    Hint{"-N", "it is not needed: this is the default; see --on-eof"},
    Hint{"-q", "see --on-eof, --linger and -i"},
    Hint{"-e", "to run a command for each client, write 'ieum listen --exec COMMAND ADDRESS'"},
    Hint{"--chat", "write 'ieum listen -k --broker ADDRESS'"},
    Hint{"--ssl", "for TLS, write tls://HOST:PORT as the address"},
    Hint{"--tls", "for TLS, write tls://HOST:PORT as the address"},
    Hint{"-c", "to run a command, write 'ieum listen --exec COMMAND ADDRESS'"},
    Hint{"-x", "to see the bytes, use --hex"},
    Hint{"--timeout", "use -w to limit connecting, -i to limit silence"},
    Hint{"--keep-open", "the option is --keep"},
    Hint{"--send-only", "see --on-eof=close"},
    Hint{"--recv-only", "redirect standard input from /dev/null"},
    Hint{"--version", "write 'ieum --version'"},
};

std::string_view hint_for(std::string_view option, std::span<const Hint> own) {
  for (const std::span<const Hint> hints : {own, std::span<const Hint>(common_hints)}) {
    const auto hint = std::ranges::find(hints, option, &Hint::option);
    if (hint != hints.end()) return hint->text;
  }
  return {};
}

/// The same for one of several letters, as in -lk.
std::string_view hint_for_letters(std::string_view option, std::span<const Hint> own) {
  std::string_view hint = hint_for(option, own);
  if (!hint.empty() || option.starts_with("--")) return hint;
  for (const char letter : option.substr(1)) {
    const std::string one{'-', letter};
    hint = hint_for(one, own);
    if (!hint.empty()) break;
  }
  return hint;
}

std::vector<std::string_view> views(const std::vector<std::string>& words) {
  return {words.begin(), words.end()};
}

std::string about_unknown_option(const Subcommand& subcommand, std::span<const OptionSpec> options,
                                 std::string_view option) {
  const std::string_view name = option.substr(0, option.find('=', 2));
  std::vector<std::string_view> known;
  for (const OptionSpec& spec : options) {
    for (const std::string_view one : split_names(spec.names)) known.push_back(one);
  }
  if (std::ranges::find(known, name) != known.end()) {
    return fmt::format("{} is a flag and takes no value", in_quotes(name));
  }
  const std::string_view hint = hint_for_letters(name, subcommand.hints);
  if (!hint.empty()) return fmt::format("unknown option {}; {}", in_quotes(name), hint);
  std::string meant = name.starts_with("--") ? did_you_mean(name, known) : "";
  if (meant.empty()) meant = fmt::format("; see 'ieum {} --help'", subcommand.name);
  return fmt::format("unknown option {}{}", in_quotes(name), meant);
}

/// Two words that are one here, `host 80`; empty if they are none.
std::string host_and_port(const std::string& host, const std::string& port) {
  const bool is_port =
      !port.empty() &&
      port.find_first_not_of("0123456789-abcdefghijklmnopqrstuvwxyz") == std::string::npos;
  if (!is_port || host.empty() || host.find('/') != std::string::npos) return {};
  if (host.find(':') == std::string::npos) return fmt::format("{}:{}", shown(host), shown(port));
  if (!Address::parse(fmt::format("[{}]:0", host))) return {};
  return fmt::format("[{}]:{}", shown(host), shown(port));
}

/// `words` has more than the command takes.
std::string about_extra_word(const Subcommand& subcommand, std::span<const std::string> words) {
  const std::string& extra = words[subcommand.arguments.max];
  const std::string joined =
      subcommand.arguments.term == "ADDRESS" ? host_and_port(words.front(), extra) : std::string();
  if (!joined.empty()) {
    return fmt::format("unexpected argument {}; write {}", in_quotes(extra), joined);
  }
  if (subcommand.arguments.term == "ADDRESS") {
    return fmt::format("unexpected argument {}; only one address is taken", in_quotes(extra));
  }
  return fmt::format("unexpected argument {}; see 'ieum {} --help'", in_quotes(extra),
                     subcommand.name);
}

/// netcat's `-l -p 80`, `-lkp 80`, `-l 80`: the same in our form; empty if it is none.
std::string as_listen(std::span<const std::string> words) {
  bool listens = false;
  bool keeps = false;
  bool datagrams = false;
  std::string port;
  for (const std::string& word : words) {
    if (word.starts_with('-') && !word.starts_with("--")) {
      listens = listens || word.contains('l');
      keeps = keeps || word.contains('k');
      datagrams = datagrams || word.contains('u');
    } else if (!word.empty() && word.find_first_not_of("0123456789") == std::string::npos) {
      port = word;
    }
  }
  if (!listens || port.empty() || port.size() > 5) return {};
  return fmt::format("ieum listen {}{}:{}", keeps ? "-k " : "", datagrams ? "udp://" : "", port);
}

Parsed<Action> parse_subcommand(const Subcommand& subcommand, std::span<const std::string> words,
                                const Environment& environment) {
  const std::vector<OptionSpec> options = options_of(subcommand);
  const GivenOptions given = parse_options(options, words);
  if (given.has("--help")) {
    return PrintText{to_text(manual_of(subcommand), environment.help)};
  }
  if (!given.error.empty()) return UsageError(given.error);
  // An unknown option says more than the word behind it.
  if (!given.unknown_option.empty()) {
    std::string about = about_unknown_option(subcommand, options, given.unknown_option);
    const bool is_port = subcommand.name == "listen" && given.unknown_option.starts_with("-") &&
                         given.unknown_option.ends_with('p');
    std::vector<std::string> as_netcat(words.begin(), words.end());
    as_netcat.emplace_back("-l");
    const std::string listening = is_port ? as_listen(as_netcat) : std::string();
    if (!listening.empty()) about += fmt::format("; write '{}'", listening);
    return UsageError(std::move(about));
  }
  if (given.words.size() > subcommand.arguments.max) {
    return UsageError(about_extra_word(subcommand, given.words));
  }
  return subcommand.parse(given, environment);
}

/// An option before the command, where none is.
std::string about_early_option(const std::string& word) {
  const std::string_view hint = hint_for_letters(word, {});
  if (!hint.empty()) return std::string(hint);
  for (const std::string_view name : {"connect", "listen"}) {
    const Subcommand* subcommand = find_subcommand(name);
    if (subcommand == nullptr) continue;
    for (const OptionSpec& spec : options_of(*subcommand)) {
      const auto own_names = split_names(spec.names);
      if (std::ranges::find(own_names, std::string_view(word)) == own_names.end()) continue;
      return fmt::format("the command comes first, as 'ieum {} {} HOST:PORT'", name, word);
    }
  }
  return "the command comes first: see 'ieum --help'";
}

std::string about_unknown_command(std::span<const std::string> words) {
  const std::vector<std::string> names = subcommand_names();
  const std::string& word = words.front();
  if (word.starts_with('-')) {
    const std::string listening = as_listen(words);
    if (!listening.empty()) {
      return fmt::format("unknown option {}; to listen, write '{}'", in_quotes(word), listening);
    }
    return fmt::format("unknown option {}; {}", in_quotes(word), about_early_option(word));
  }
  const bool has_port =
      words.size() == 2 && words[1].find_first_of("0123456789") != std::string::npos;
  const std::string joined = has_port ? host_and_port(word, words[1]) : std::string();
  if (!joined.empty()) {
    return fmt::format("unknown command {}; did you mean 'ieum connect {}'?", in_quotes(word),
                       joined);
  }
  const std::string meant = did_you_mean(word, views(names));
  if (!meant.empty()) return fmt::format("unknown command {}{}", in_quotes(word), meant);
  if (word.find(':') != std::string::npos) {
    const bool is_of_web = word.starts_with("http://") || word.starts_with("https://");
    return fmt::format("{} is not a command; did you mean 'ieum {} {}'?", in_quotes(word),
                       is_of_web ? "get" : "connect", shown(word));
  }
  return fmt::format("unknown command {}; the commands are {}", in_quotes(word),
                     fmt::join(names, ", "));
}

}  // namespace

Parsed<Action> parse_command_line(std::span<const std::string> words,
                                  const Environment& environment) {
  if (words.empty()) {
    return UsageError("a command is missing: 'ieum connect' or 'ieum listen'; see 'ieum --help'");
  }
  const std::string& name = words.front();
  if (const Subcommand* subcommand = find_subcommand(name)) {
    Parsed<Action> action = parse_subcommand(*subcommand, words.subspan(1), environment);
    if (action) return action;
    return UsageError(fmt::format("{}: {}", name, action.error()));
  }
  const bool alone = words.size() == 1;
  if ((name == "--help" || name == "-h") && alone) {
    return PrintText{to_text(main_manual(), environment.help)};
  }
  if ((name == "--version" || name == "-V") && alone) {
    return PrintText{fmt::format("ieum {}\n", IEUM_VERSION)};
  }
  return UsageError(about_unknown_command(words));
}

}  // namespace ieum::cli
