#include "command_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "options/command_line_parts.hpp"
#include "options/declaration.hpp"
#include "text/suggest.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

/// What users of netcat, ncat and socat look for.
std::string_view hint_for(std::string_view option) {
  using Hint = std::pair<std::string_view, std::string_view>;
  constexpr std::array hints{
      Hint{"-l", "to listen, write 'ieum listen ADDRESS'"},
      Hint{"-p", "a port stands in the address, as HOST:PORT; the source's with -s ADDRESS:PORT"},
      Hint{"-u", "for datagrams, write udp://HOST:PORT as the address"},
      Hint{"--udp", "for datagrams, write udp://HOST:PORT as the address"},
      Hint{"-U", "for a Unix socket, write unix:/PATH as the address"},
      Hint{"-n", "only names are looked up, never addresses, so this is not needed"},
      Hint{"-N", "this is what happens anyway; see --on-eof"},
      Hint{"-q", "see --on-eof, --linger and -i"},
      Hint{"-e", "to run a command for each client, write 'ieum listen --exec COMMAND ADDRESS'"},
      Hint{"-C", "lines are sent as they are; for CR LF write printf 'text\\r\\n'"},
      Hint{"--crlf", "lines are sent as they are; for CR LF write printf 'text\\r\\n'"},
      Hint{"--broker", "'ieum listen -k' hears all and speaks to all, but does not join them"},
      Hint{"--chat", "'ieum listen -k' hears all and speaks to all, but does not join them"},
      Hint{"--ssl", "TLS is not built into this version"},
      Hint{"-c", "to run a command, write 'ieum listen --exec COMMAND ADDRESS'"},
      Hint{"-x", "to see the bytes, use --hex"},
      Hint{"--timeout", "-w limits connecting, -i silence"},
      Hint{"--keep-open", "the option is --keep"},
      Hint{"--send-only", "see --on-eof=close"},
      Hint{"--recv-only", "redirect standard input from /dev/null"},
      Hint{"--version", "write 'ieum --version'"},
  };
  for (const auto& [name, hint] : hints) {
    if (name == option) return hint;
  }
  return {};
}

/// The same for one of several letters, as in -lk.
std::string_view hint_for_letters(std::string_view options) {
  if (options.starts_with("--")) return {};
  for (const char letter : options.substr(1)) {
    const std::string option{'-', letter};
    const std::string_view hint = hint_for(option);
    if (!hint.empty()) return hint;
  }
  return {};
}

std::vector<std::string_view> views(const std::vector<std::string>& words) {
  return {words.begin(), words.end()};
}

std::string about_extra(const CLI::App& app, const std::string& extra, std::string_view address) {
  const bool is_option = extra.size() > 1 && extra.starts_with('-');
  if (!is_option) {
    const bool is_port = extra.find_first_not_of("0123456789") == std::string::npos;
    if (is_port && !address.empty() && address.find(':') == std::string_view::npos) {
      return fmt::format("{} is one word too many; write {}:{}", in_quotes(extra),
                         printable(address), printable(extra));
    }
    return fmt::format("{} is one word too many; one address is all it takes", in_quotes(extra));
  }
  const std::string_view name = std::string_view(extra).substr(0, extra.find('=', 2));
  const std::vector<std::string> names = option_names(app);
  if (std::ranges::find(names, name) != names.end()) {
    return fmt::format("{} is a flag and takes no value", in_quotes(name));
  }
  std::string_view hint = hint_for(name);
  if (hint.empty()) hint = hint_for_letters(name);
  if (app.get_name() == "listen" && name == "-p") hint = "the port stands in the address, as :7000";
  if (app.get_name() == "listen" && name.starts_with("-l")) hint = "this is 'ieum listen' already";
  if (!hint.empty()) return fmt::format("unknown option {}; {}", in_quotes(name), hint);
  const std::string meant = name.starts_with("--") ? did_you_mean(name, views(names)) : "";
  return fmt::format("unknown option {}{}", in_quotes(name),
                     meant.empty() ? fmt::format("; see 'ieum {} --help'", app.get_name()) : meant);
}

}  // namespace

std::string parse_with(CLI::App& app, std::span<const std::string> words,
                       const std::string& address) {
  std::vector<std::string> reversed(words.rbegin(), words.rend());
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::ArgumentMismatch& mismatch) {
    const std::string text = mismatch.what();
    const std::string name = text.substr(0, text.find_first_of(": "));
    for (const CLI::Option* option : app.get_options()) {
      if (option->get_name() != name && !option->check_name(name) && !option->check_lname(name)) {
        continue;
      }
      if (option->get_items_expected_max() == 0) {
        return fmt::format("{} is a flag and takes no value", in_quotes(option->get_name()));
      }
      if (option->count() > 1) return fmt::format("{} may stand once only", in_quotes(name));
      return fmt::format("{} needs a value, {}", in_quotes(name), option->get_type_name());
    }
    return printable(text);
  } catch (const CLI::ParseError& error) {
    return fmt::format("this cannot be understood: {}", printable(error.what()));
  }
  std::vector<std::string> extras = app.remaining();
  std::erase(extras, "--");
  if (extras.empty()) return {};
  // An unknown option says more than the word behind it.
  const auto option = std::ranges::find_if(
      extras, [](const std::string& word) { return word.size() > 1 && word.starts_with('-'); });
  return about_extra(app, option != extras.end() ? *option : extras.front(), address);
}

bool given(const CLI::App& app, const std::string& name) { return app.count(name) > 0; }

Parsed<Duration> read_duration(const CLI::App& app, const std::string& name,
                               const std::string& text, Duration otherwise) {
  if (!given(app, name)) return otherwise;
  const std::optional<Duration> duration = parse_duration(text);
  if (duration) return *duration;
  return Refusal(fmt::format("{} takes {}, not {}", name, duration_forms, in_quotes(text)));
}

Parsed<int> read_count(const CLI::App& app, const std::string& name, const std::string& text,
                       int otherwise, int max) {
  if (!given(app, name)) return otherwise;
  int number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc{} && rest == end && number >= 1 && number <= max) return number;
  return Refusal(fmt::format("{} takes a number from 1 to {}, not {}", name, max, in_quotes(text)));
}

namespace {

Parsed<OnEof> read_on_eof(const CLI::App& app, const std::string& text) {
  if (!given(app, "--on-eof")) return OnEof::automatic;
  if (text == "half-close") return OnEof::half_close;
  if (text == "close") return OnEof::close;
  if (text == "keep") return OnEof::keep;
  constexpr std::array<std::string_view, 3> choices{"half-close", "close", "keep"};
  std::string meant = did_you_mean(text, choices);
  if (meant.empty()) meant = "; it takes half-close, close or keep";
  return Refusal(fmt::format("unknown --on-eof {}{}", in_quotes(text), meant));
}

/// Why an address is not of `family`; empty if it is, or if it is a name.
std::string refuse_family(const Endpoint& endpoint, Family family) {
  const Result<Address> address = Address::parse(endpoint.target);
  if (family == Family::none || !endpoint.is_ip() || !address || address->family() == family ||
      endpoint.target.starts_with('*')) {
    return {};
  }
  return fmt::format("{} is an {} address, which -{} excludes", in_quotes(endpoint.target),
                     address->family() == Family::ipv4 ? "IPv4" : "IPv6",
                     family == Family::ipv4 ? 4 : 6);
}

}  // namespace

Parsed<CommonOptions> read_common(const CLI::App& app, const GivenCommon& words, Role role,
                                  const Surroundings& surroundings) {
  CommonOptions common;
  const auto wait = read_duration(app, "--wait", words.wait, Duration::zero());
  if (!wait) return Refusal(wait.error());
  common.wait = *wait;
  const auto idle = read_duration(app, "--idle", words.idle, Duration::zero());
  if (!idle) return Refusal(idle.error());
  common.session.idle = *idle;
  const auto linger = read_duration(app, "--linger", words.linger, common.session.linger);
  if (!linger) return Refusal(linger.error());
  common.session.linger = *linger;
  if (words.address.empty()) {
    return Refusal(
        given(app, "ADDRESS")
            ? std::string("an address must not be empty; write HOST:PORT")
            : fmt::format("an address is missing, as 'ieum {} localhost:7000'", app.get_name()));
  }
  auto endpoint = parse_endpoint(words.address, role);
  if (!endpoint) return Refusal(endpoint.error());
  common.endpoint = *std::move(endpoint);
  if (words.ipv4 && words.ipv6) return Refusal("-4 and -6 exclude each other");
  if (words.ipv4) common.family = Family::ipv4;
  if (words.ipv6) common.family = Family::ipv6;
  if (common.family != Family::none && !common.endpoint.is_ip()) {
    return Refusal("-4 and -6 are for TCP and UDP addresses");
  }
  std::string unfit = refuse_family(common.endpoint, common.family);
  if (!unfit.empty()) return Refusal(std::move(unfit));
  const auto on_eof = read_on_eof(app, words.on_eof);
  if (!on_eof) return Refusal(on_eof.error());
  common.session.on_eof = *on_eof;
  if (given(app, "--output") && words.output.empty()) return Refusal("-o takes a file's name");
  if (words.output != "-") common.output_path = words.output;
  common.rendering = {.hex = words.hex, .timestamps = words.timestamps};
  common.log = {.verbosity = std::min(words.verbosity, 2),
                .json = words.json,
                .color = surroundings.error_color};
  unfit = read_framing(app, words, common);
  if (!unfit.empty()) return Refusal(std::move(unfit));
  return common;
}

namespace {

Command help_for(std::string_view name, const Surroundings& surroundings) {
  return PrintCommand{to_text(manual_of(name), surroundings.help)};
}

Parsed<Command> parse_connect(std::span<const std::string> words,
                              const Surroundings& surroundings) {
  ConnectDeclaration declaration;
  std::string wrong = parse_with(declaration.app, words, declaration.given.address);
  if (given(declaration.app, "--help")) return help_for("connect", surroundings);
  if (!wrong.empty()) return Refusal(std::move(wrong));
  auto common = read_common(declaration.app, declaration.given, Role::connect, surroundings);
  if (!common) return Refusal(common.error());
  ConnectCommand command{.common = *std::move(common), .source = {}, .probe = declaration.probe};
  if (given(declaration.app, "--source")) {
    if (!command.common.endpoint.is_ip()) {
      return Refusal("--source is for TCP and UDP addresses");
    }
    const auto source = parse_source(declaration.source);
    if (!source) return Refusal(source.error());
    command.source = *source;
    // Only addresses of the source's family can be reached from it.
    if (command.common.family == Family::none) command.common.family = source->family();
    if (command.common.family != source->family()) {
      return Refusal("--source is of another family than -4 or -6 asks for");
    }
    if (!refuse_family(command.common.endpoint, command.common.family).empty()) {
      return Refusal("--source and the address are of different families, IPv4 and IPv6");
    }
  }
  if (command.common.endpoint.has_datagrams()) {
    std::string unfit = refuse_for_datagrams(declaration.app);
    if (!unfit.empty()) return Refusal(std::move(unfit));
    return command;
  }
  const bool connects = command.common.endpoint.scheme == Scheme::tcp ||
                        command.common.endpoint.scheme == Scheme::unix_stream;
  if (command.probe && !connects) return Refusal("--probe needs an address to connect to");
  if (command.probe && given(declaration.app, "--output")) {
    return Refusal("--probe receives nothing that -o could write");
  }
  if (!connects && given(declaration.app, "--wait")) {
    return Refusal("--wait needs an address to connect to");
  }
  return command;
}

Parsed<Command> parse_listen(std::span<const std::string> words, const Surroundings& surroundings) {
  using Service = ListenCommand::Service;
  ListenDeclaration declaration;
  const CLI::App& app = declaration.app;
  std::string wrong = parse_with(declaration.app, words, declaration.given.address);
  if (given(app, "--help")) return help_for("listen", surroundings);
  if (!wrong.empty()) return Refusal(std::move(wrong));
  auto common = read_common(app, declaration.given, Role::listen, surroundings);
  if (!common) return Refusal(common.error());
  ListenCommand command{.common = *std::move(common), .command = declaration.exec};
  const bool exec = given(app, "--exec");
  if (int{declaration.echo} + int{declaration.discard} + int{exec} > 1) {
    return Refusal("--echo, --discard and --exec exclude each other");
  }
  if (declaration.echo) command.service = Service::echo;
  if (declaration.discard) command.service = Service::discard;
  if (exec) command.service = Service::exec;
  if (exec && (declaration.exec.empty() || declaration.exec.find('\0') != std::string::npos)) {
    return Refusal("--exec takes a command, as --exec 'date; uptime'");
  }
  if (command.common.endpoint.has_datagrams()) {
    std::string unfit = refuse_for_datagrams(app);
    if (!unfit.empty()) return Refusal(std::move(unfit));
  }
  const Scheme scheme = command.common.endpoint.scheme;
  if (command.service != Service::stdio && scheme != Scheme::standard) {
    for (const char* option : {"--output", "--hex", "--timestamps", "--on-eof", "--linger"}) {
      if (!given(app, option)) continue;
      return Refusal(fmt::format("{} cannot be combined with --echo, --discard or --exec", option));
    }
  }
  if (scheme == Scheme::standard) {
    for (const char* option : {"--keep", "--wait", "--backlog", "--on-eof", "--linger"}) {
      if (given(app, option))
        return Refusal(fmt::format("{} cannot be combined with the address -", option));
    }
  }
  if (declaration.keep && given(app, "--wait")) {
    return Refusal("--wait is for the one client that comes without --keep");
  }
  if (given(app, "--max-clients") && !declaration.keep) {
    return Refusal("--max-clients goes with --keep");
  }
  command.keep = declaration.keep;
  constexpr int clients_max = 1'000'000;
  constexpr int backlog_max = 65'535;
  const auto clients =
      read_count(app, "--max-clients", declaration.clients_max, 10'000, clients_max);
  if (!clients) return Refusal(clients.error());
  command.clients_max = static_cast<std::size_t>(*clients);
  const auto backlog = read_count(app, "--backlog", declaration.backlog, 4096, backlog_max);
  if (!backlog) return Refusal(backlog.error());
  command.backlog = *backlog;
  return command;
}

/// A command of one word. `make` gives its text.
template <class Make>
Parsed<Command> parse_word(WordDeclaration declaration, std::span<const std::string> words,
                           bool may_be_missing, const Surroundings& surroundings, Make make) {
  std::string wrong = parse_with(declaration.app, words, declaration.word);
  if (given(declaration.app, "--help")) return help_for(declaration.app.get_name(), surroundings);
  if (!wrong.empty()) return Refusal(std::move(wrong));
  if (declaration.word.empty()) {
    if (may_be_missing) return PrintCommand{make(std::string{})};
    return Refusal(fmt::format("it takes one of {}", fmt::join(declaration.allowed, ", ")));
  }
  if (std::ranges::find(declaration.allowed, declaration.word) == declaration.allowed.end()) {
    std::string meant = did_you_mean(declaration.word, views(declaration.allowed));
    if (meant.empty()) {
      meant = fmt::format("; there are {}", fmt::join(declaration.allowed, ", "));
    }
    return Refusal(fmt::format("unknown word {}{}", in_quotes(declaration.word), meant));
  }
  return PrintCommand{make(declaration.word)};
}

std::string about_command(const std::string& word) {
  std::vector<std::string> names;
  for (const CommandSummary& command : summaries()) names.push_back(command.name);
  if (word.starts_with('-')) {
    const std::string_view hint = hint_for(word);
    return fmt::format("unknown option {}; {}", in_quotes(word),
                       hint.empty() ? "the command comes first: see 'ieum --help'" : hint);
  }
  const std::string meant = did_you_mean(word, views(names));
  if (!meant.empty()) return fmt::format("unknown command {}{}", in_quotes(word), meant);
  if (word.find(':') != std::string::npos) {
    return fmt::format("{} is no command; did you mean 'ieum connect {}'?", in_quotes(word),
                       printable(word));
  }
  return fmt::format("unknown command {}; there are {}", in_quotes(word), fmt::join(names, ", "));
}

}  // namespace

std::expected<Command, std::string> parse_command_line(std::span<const std::string> words,
                                                       const Surroundings& surroundings) {
  if (words.empty())
    return Refusal("a command is missing: 'ieum connect' or 'ieum listen'; see 'ieum --help'");
  const std::string& name = words.front();
  const std::span<const std::string> rest = words.subspan(1);
  const auto refuse = [&](Parsed<Command> parsed) -> Parsed<Command> {
    if (parsed) return parsed;
    return Refusal(fmt::format("{}: {}", name, parsed.error()));
  };
  if (name == "connect") return refuse(parse_connect(rest, surroundings));
  if (name == "listen") return refuse(parse_listen(rest, surroundings));
  if (name == "cast") {
    const bool asks = std::ranges::any_of(
        rest, [](const std::string& word) { return word == "--help" || word == "-h"; });
    if (asks) return help_for("cast", surroundings);
    return refuse(parse_cast(rest, surroundings));
  }
  if (name == "completion") {
    return refuse(parse_word(
        declare_completion(), rest, false, surroundings,
        [](const std::string& shell) { return *completion_script(shell, summaries()); }));
  }
  if (name == "manual") {
    return refuse(parse_word(declare_manual(), rest, true, surroundings, [](const std::string& of) {
      return to_man_page(manual_of(of), IEUM_VERSION);
    }));
  }
  if (name == "help") {
    return refuse(parse_word(declare_help(), rest, true, surroundings, [&](const std::string& of) {
      return to_text(manual_of(of), surroundings.help);
    }));
  }
  const bool alone = rest.empty();
  if ((name == "--help" || name == "-h") && alone) return help_for("", surroundings);
  if ((name == "--version" || name == "-V") && alone) {
    return PrintCommand{fmt::format("ieum {}\n", IEUM_VERSION)};
  }
  return Refusal(about_command(name));
}

}  // namespace ieum::cli
