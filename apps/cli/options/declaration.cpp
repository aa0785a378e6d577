#include "options/declaration.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "options/declaration_parts.hpp"
#include "options/endpoint.hpp"

namespace ieum::cli {

namespace {

constexpr const char* ending_group = "Connecting and ending";
constexpr const char* payload_group = "Output";
constexpr const char* telling_group = "Diagnostics";

const std::vector<std::string> on_eof_choices{"half-close", "close", "keep"};

void declare_common(CLI::App& app, GivenCommon& given, const char* wait, const char* group) {
  declare_address(app, given, group);
  app.add_option("-w,--wait", given.wait, wait)->type_name("TIME")->group(group);
  app.add_option(
         "-i,--idle", given.idle,
         "End when nothing has come or gone for so long, with status 28. TIME is a number of "
         "seconds, as 5 or 0.5, or has a unit: 500ms, 2m, 1h.")
      ->type_name("TIME")
      ->group(group);
  app.add_option("--on-eof", given.on_eof,
                 "What the end of our input means. half-close: the peer is told, and we receive "
                 "until it has finished too. close: end as soon as all has arrived. keep: the peer "
                 "is not told, and we go on receiving. Default: half-close; for 'ieum listen' with "
                 "its input from /dev/null, keep.")
      ->type_name("half-close|close|keep")
      ->group(group);
  app.add_option("--linger", given.linger,
                 "When the peer has finished before our input: how long that may be silent before "
                 "we end, default 1s. What it gives without such a pause is still sent. If it has "
                 "given something before, ending so is status 1. A terminal is not waited for. "
                 "Datagrams: after the end of our input, how long nothing may have come before we "
                 "end.")
      ->type_name("TIME")
      ->group(group);
  declare_framing(app, given,
                  "Datagrams: at most so many bytes each, default 1452 (unix-dgram: 65507). Each "
                  "read of our input becomes one; at a terminal each line does.");
  declare_output(app, given);
}

}  // namespace

void declare_address(CLI::App& app, GivenCommon& given, const char* group) {
  app.set_help_flag();
  app.allow_extras();
  app.add_option("ADDRESS", given.address);
  app.add_flag("-4", given.ipv4, "Only IPv4.")->disable_flag_override()->group(group);
  app.add_flag("-6", given.ipv6, "Only IPv6.")->disable_flag_override()->group(group);
}

void declare_framing(CLI::App& app, GivenCommon& given, const char* size) {
  app.add_option("--size", given.size, size)->type_name("BYTES")->group(payload_group);
  app.add_flag("--lines", given.lines, "Datagrams: each line of our input becomes one.")
      ->disable_flag_override()
      ->group(payload_group);
}

void declare_output(CLI::App& app, GivenCommon& given) {
  app.add_option("-o,--output", given.output,
                 "Write what is received to FILE instead of standard output.")
      ->type_name("FILE")
      ->group(payload_group);
  app.add_flag("--hex", given.hex,
               "Show what is received (<) and what is sent (>) as a hexadecimal dump.")
      ->disable_flag_override()
      ->group(payload_group);
  app.add_flag("--timestamps", given.timestamps,
               "Put the time before each line, in UTC, with microseconds.")
      ->disable_flag_override()
      ->group(payload_group);
  app.add_flag("-v,--verbose", given.verbosity,
               "Tell each step of the socket's life on standard error. Twice (-vv): also each "
               "transfer, and the system call behind each step.")
      ->disable_flag_override()
      ->group(telling_group);
  app.add_flag("--json", given.json,
               "Tell the steps, and errors, as one JSON object a line on standard error; the "
               "members are described in docs/events.md.")
      ->disable_flag_override()
      ->group(telling_group);
  app.add_flag("-h,--help")
      ->disable_flag_override()
      ->description("This page.")
      ->group(telling_group);
}

namespace {

/// "-w, --wait TIME"
std::string term_of(const CLI::Option& option) {
  std::string term;
  for (const std::string& name : option.get_snames()) term += (term.empty() ? "-" : ", -") + name;
  for (const std::string& name : option.get_lnames()) term += (term.empty() ? "--" : ", --") + name;
  if (option.get_items_expected_max() > 0) term += " " + option.get_type_name();
  return term;
}

}  // namespace

std::vector<ManualSection> option_sections(const CLI::App& app) {
  std::vector<ManualSection> sections;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) continue;
    auto section = std::ranges::find(sections, option->get_group(), &ManualSection::title);
    if (section == sections.end()) {
      section = sections.insert(section, ManualSection{.title = option->get_group()});
    }
    section->entries.push_back({term_of(*option), option->get_description()});
  }
  return sections;
}

namespace {

CommandSummary summary_of(const CLI::App& app) {
  CommandSummary summary{.name = app.get_name(), .purpose = app.get_description()};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) continue;
    CommandSummary::Option one{.description = option->get_description()};
    for (const std::string& name : option->get_snames()) one.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) one.names.push_back("--" + name);
    if (option->get_items_expected_max() > 0) one.value = option->get_type_name();
    if (one.names.front() == "--on-eof") one.choices = on_eof_choices;
    summary.options.push_back(std::move(one));
  }
  return summary;
}

CommandSummary summary_of(const WordDeclaration& declaration) {
  CommandSummary summary = summary_of(declaration.app);
  summary.arguments = declaration.allowed;
  return summary;
}

Manual word_manual(const WordDeclaration& declaration, std::string_view argument,
                   std::vector<std::string> paragraphs) {
  Manual manual{.name = "ieum " + declaration.app.get_name(),
                .purpose = declaration.app.get_description(),
                .synopsis = fmt::format("ieum {} {}", declaration.app.get_name(), argument)};
  manual.sections.push_back({.title = "Description", .paragraphs = std::move(paragraphs)});
  return manual;
}

}  // namespace

// ---- The declarations
// -----------------------------------------------------------------------------

ConnectDeclaration::ConnectDeclaration() : app("connect to an address and talk", "connect") {
  declare_common(app, given,
                 "How long connecting may take, looking up the name included. Default: as long as "
                 "the system tries, about two minutes.",
                 ending_group);
  app.add_option("-s,--source", source,
                 "Connect from this address of ours, and port: 192.0.2.1, 192.0.2.1:5000, "
                 "[2001:db8::1]:5000.")
      ->type_name("ADDRESS")
      ->group(ending_group);
  app.add_flag("-z,--probe", probe, "Connect and close at once: see whether somebody listens.")
      ->disable_flag_override()
      ->group(ending_group);
}

ListenDeclaration::ListenDeclaration()
    : app("wait for a client and talk, or serve many", "listen") {
  constexpr const char* service_group = "Serving";
  app.add_flag("-k,--keep", keep, "Go on listening: many clients, at once.")
      ->disable_flag_override()
      ->group(service_group);
  app.add_flag("--echo", echo, "Send back what comes.")
      ->disable_flag_override()
      ->group(service_group);
  app.add_flag("--discard", discard, "Take what comes, and say nothing.")
      ->disable_flag_override()
      ->group(service_group);
  app.add_option(
         "-e,--exec", exec,
         "Run COMMAND with /bin/sh for each client: what the client sends is its input, its "
         "output goes to the client.")
      ->type_name("COMMAND")
      ->group(service_group);
  app.add_option("-m,--max-clients", clients_max,
                 "With -k: so many at a time, default 10000; others wait.")
      ->type_name("N")
      ->group(service_group);
  app.add_option("-b,--backlog", backlog,
                 "How many clients the system keeps waiting until we take them, default 4096 "
                 "(listen(2)).")
      ->type_name("N")
      ->group(service_group);
  declare_common(app, given, "Without -k: how long to wait for a client. Default: for ever.",
                 ending_group);
}

WordDeclaration::WordDeclaration(std::string_view name, std::string_view purpose,
                                 std::vector<std::string> words)
    : app(std::string(purpose), std::string(name)), allowed(std::move(words)) {
  app.set_help_flag();
  app.allow_extras();
  app.add_option("WORD", word);
  app.add_flag("-h,--help")
      ->disable_flag_override()
      ->description("This page.")
      ->group(telling_group);
}

WordDeclaration declare_help() {
  return {
      "help", "explain a command", {"connect", "listen", "cast", "completion", "manual", "help"}};
}
WordDeclaration declare_completion() {
  return {"completion", "print a completion script for a shell",
          std::vector<std::string>(std::begin(shells), std::end(shells))};
}
WordDeclaration declare_manual() {
  return {"manual", "print a man page, for man -l -", {"connect", "listen", "cast"}};
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CommandSummary::Option& option : summary_of(app).options) {
    names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return names;
}

std::vector<CommandSummary> summaries() {
  return {summary_of(ConnectDeclaration().app), summary_of(ListenDeclaration().app),
          summary_of(CastDeclaration().app),    summary_of(declare_help()),
          summary_of(declare_completion()),     summary_of(declare_manual())};
}

Manual manual_of(std::string_view name) {
  if (name == "connect") return connect_manual();
  if (name == "listen") return listen_manual();
  if (name == "cast") return cast_manual();
  if (name == "help") {
    return word_manual(declare_help(), "[COMMAND]", {"Explains a command, or lists them all."});
  }
  if (name == "completion") {
    return word_manual(
        declare_completion(), "bash|zsh|fish",
        {"Prints a script that completes commands and options. For bash: source <(ieum "
         "completion bash). For zsh: source <(ieum completion zsh). For fish: ieum "
         "completion fish | source. An installation puts them where the shells look."});
  }
  if (name == "manual") {
    return word_manual(declare_manual(), "[connect|listen|cast]",
                       {"Prints the man page of a command, or of ieum itself, as man(7) source. To "
                        "read it: ieum manual connect | man -l -"});
  }
  return main_manual();
}

}  // namespace ieum::cli
