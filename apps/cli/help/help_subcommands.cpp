// `ieum help` and `ieum manual`: what the table of subcommands says, for a terminal and for man(1).
#include <fmt/format.h>

#include "help/subcommand_manual.hpp"
#include "subcommands.hpp"

namespace ieum::cli {

namespace {

Manual manual_named(std::string_view name) {
  const Subcommand* subcommand = find_subcommand(name);
  return subcommand == nullptr ? main_manual() : manual_of(*subcommand);
}

Parsed<Action> parse_help(const GivenOptions& given, const Environment& environment) {
  if (given.words.empty()) return PrintText{to_text(main_manual(), environment.help)};
  const Parsed<std::string> name = read_word(given, subcommand_names());
  if (!name) return UsageError(name.error());
  return PrintText{to_text(manual_named(*name), environment.help)};
}

ManualText help_manual() { return {.description = {"Explains a command, or lists them all."}}; }

std::vector<OptionSpec> manual_options() {
  return {{.names = "--list",
           .group = diagnostics_group,
           .help = "List the commands that have a man page of their own."}};
}

Parsed<Action> parse_manual(const GivenOptions& given, const Environment& /*environment*/) {
  if (given.has("--list")) {
    if (!given.words.empty()) return UsageError("--list lists all commands; it takes no name");
    return PrintText{fmt::format("{}\n", fmt::join(man_page_names(), "\n"))};
  }
  if (given.words.empty()) return PrintText{to_man_page(main_manual(), IEUM_VERSION)};
  const Parsed<std::string> name = read_word(given, man_page_names());
  if (!name) return UsageError(name.error());
  return PrintText{to_man_page(manual_named(*name), IEUM_VERSION)};
}

ManualText manual_manual() {
  return {.description = {"Prints the man page of a command, or of ieum itself, as man(7) source. "
                          "To read it: ieum manual connect | man -l -"}};
}

}  // namespace

extern const Subcommand help_subcommand;
const Subcommand help_subcommand{
    .name = "help",
    .purpose = "explain a command",
    .arguments = {.term = "[COMMAND]", .max = 1, .choices = subcommand_names},
    .manual = help_manual,
    .has_man_page = false,
    .parse = parse_help};

extern const Subcommand manual_subcommand;
const Subcommand manual_subcommand{
    .name = "manual",
    .purpose = "print a man page, for man -l -",
    .arguments = {.term = "[COMMAND]", .max = 1, .choices = man_page_names},
    .options = manual_options,
    .manual = manual_manual,
    .has_man_page = false,
    .parse = parse_manual};

}  // namespace ieum::cli
