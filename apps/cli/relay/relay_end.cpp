// How an end of a relay is read. What connects and what listens is read by the commands that do
// so: their options are written into the address.
#include <algorithm>

#include <fmt/format.h>

#include "options/foreign_form.hpp"
#include "options/parse_options.hpp"
#include "options/settings_for_options.hpp"
#include "relay/relay.hpp"
#include "subcommands.hpp"
#include "text/suggest.hpp"

namespace ieum::cli {

namespace {

/// Takes the keys that are options out of the address, and gives them as words of a command line.
Parsed<std::vector<std::string>> take_options(std::string& address,
                                              const std::vector<OptionSpec>& options) {
  const std::size_t question = address.find('?');
  std::vector<std::string> words;
  if (question == std::string::npos) return words;
  std::string rest;
  std::string_view query = std::string_view(address).substr(question + 1);
  for (;;) {
    const std::size_t end = query.find('&');
    const std::string_view item = query.substr(0, end);
    const std::string_view key = item.substr(0, item.find('='));
    const OptionSpec* option = find_setting(options, key);
    const std::string_view value =
        key.size() < item.size() ? item.substr(key.size() + 1) : std::string_view{};
    if (option == nullptr) {
      rest.append(rest.empty() ? "?" : "&").append(item);
    } else if (!option->is_flag()) {
      words.push_back(fmt::format("--{}={}", key, value));
    } else if (value == "1") {
      words.push_back(fmt::format("--{}", key));
    } else if (value != "0") {
      return UsageError(fmt::format("{} takes 0 or 1, not {}", key, in_quotes(value)));
    }
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  address = address.substr(0, question) + rest;
  return words;
}

/// What the relay's own options say of an end: -w, -4, -6.
void add_own_options(const GivenOptions& given, const Endpoint& endpoint, bool waits,
                     std::vector<std::string>& words) {
  for (const std::string_view family : {"-4", "-6"}) {
    if (given.has(family) && endpoint.is_ip()) words.emplace_back(family);
  }
  const bool is_said = std::ranges::any_of(
      words, [](const std::string& word) { return word.starts_with("--wait="); });
  if (given.has("--wait") && waits && !is_said && !endpoint.has_datagrams()) {
    words.push_back(fmt::format("--wait={}", given.text("--wait")));
  }
}

/// The command line of `subcommand` that says the same as the end.
Parsed<GivenOptions> options_of_end(std::string_view subcommand, Role role, std::string address,
                                    const GivenOptions& given) {
  const std::vector<OptionSpec> specs = options_of(*find_subcommand(subcommand));
  auto words = take_options(address, specs);
  if (!words) return UsageError(words.error());
  const Parsed<Endpoint> endpoint = parse_endpoint(address, role);
  if (!endpoint) return UsageError(endpoint.error());
  if (endpoint->scheme == Scheme::standard) {
    return UsageError("standard input has no clients; write - alone");
  }
  const bool waits = role == Role::connect || !given.has("--keep");
  add_own_options(given, *endpoint, waits, *words);
  if (role == Role::listen && given.has("--keep")) words->emplace_back("--keep");
  words->emplace_back("--");
  words->push_back(std::move(address));
  GivenOptions options = parse_options(specs, *words);
  if (!options.error.empty()) return UsageError(with_settings(options.error, specs));
  return options;
}

Parsed<RelayEnd> parse_listening(const std::string& word, const GivenOptions& given,
                                 const Environment& environment) {
  constexpr std::string_view prefix = "listen:";
  const auto options = options_of_end("listen", Role::listen, word.substr(prefix.size()), given);
  if (!options) return UsageError(options.error());
  auto listen = parse_listen(*options, environment);
  if (!listen) {
    return UsageError(with_settings(listen.error(), options_of(*find_subcommand("listen"))));
  }
  RelayEnd end{.word = word, .listens = true};
  end.endpoint = listen->common.endpoint;
  end.listen = *std::move(listen);
  end.listen.service = ListenCommand::Service::relay;
  end.listen.common.writes_output = false;
  end.listen.common.is_end = true;
  return end;
}

Parsed<RelayEnd> parse_connecting(const std::string& word, const GivenOptions& given,
                                  const Environment& environment) {
  const auto options = options_of_end("connect", Role::connect, word, given);
  if (!options) return UsageError(options.error());
  auto connect = parse_connect(*options, environment);
  if (!connect) {
    return UsageError(with_settings(connect.error(), options_of(*find_subcommand("connect"))));
  }
  RelayEnd end{.word = word};
  end.endpoint = connect->common.endpoint;
  end.connect = *std::move(connect);
  end.connect.common.writes_output = false;
  end.connect.common.is_end = true;
  return end;
}

Parsed<RelayEnd> parse_local(const std::string& word) {
  Parsed<Endpoint> endpoint = parse_endpoint(word, Role::relay);
  if (!endpoint) return UsageError(endpoint.error());
  RelayEnd end{.word = word, .endpoint = *std::move(endpoint)};
  end.terminal = {.path = end.endpoint.target,
                  .raw = end.endpoint.setting(Key::raw).value_or(1) != 0,
                  .speed = end.endpoint.setting(Key::speed).value_or(0)};
  if (end.terminal.speed != 0 && !is_terminal_speed(end.terminal.speed)) {
    return UsageError(
        fmt::format("no terminal has a speed of {}; common ones are 9600, 19200, "
                    "38400, 57600 and 115200",
                    end.terminal.speed));
  }
  const std::string_view writes = end.endpoint.text_setting(Key::write);
  if (writes == "new") end.writes = Output::Existing::refuse;
  if (writes == "replace") end.writes = Output::Existing::replace;
  if (writes == "append") end.writes = Output::Existing::append;
  if (!writes.empty() && !end.writes) {
    return UsageError(fmt::format("write takes new, replace or append, not {}", in_quotes(writes)));
  }
  return end;
}

}  // namespace

Parsed<RelayEnd> parse_relay_end(const std::string& word, const GivenOptions& given,
                                 const Environment& environment) {
  if (word.starts_with("listen:")) return parse_listening(word, given, environment);
  std::string foreign = explain_foreign_form(word, Role::relay);
  if (!foreign.empty()) return UsageError(std::move(foreign));
  if (word == "-") return parse_local(word);
  std::string_view rest = word;
  const Parsed<Scheme> scheme = take_scheme(rest, Role::relay);
  if (scheme && is_local(*scheme)) return parse_local(word);
  return parse_connecting(word, given, environment);
}

}  // namespace ieum::cli
