// `ieum completion`.
#include <iterator>

#include <fmt/format.h>

#include "help/completion.hpp"
#include "subcommand.hpp"

namespace ieum::cli {

namespace {

std::vector<std::string> shell_names() { return {std::begin(shells), std::end(shells)}; }

Parsed<Action> parse_completion(const GivenOptions& given, const Environment& /*environment*/) {
  const Parsed<std::string> shell = read_word(given, shell_names());
  if (!shell) return UsageError(shell.error());
  return PrintText{completion_script(*shell)};
}

ManualText completion_manual() {
  return {.description = {
              fmt::format("Prints a script with which SHELL ({}) completes commands and options. "
                          "For bash: source <(ieum completion bash). For zsh: source <(ieum "
                          "completion zsh). For fish: ieum completion fish | source. An "
                          "installation puts them where the shells look.",
                          fmt::join(shells, ", "))}};
}

}  // namespace

extern const Subcommand completion_subcommand;
const Subcommand completion_subcommand{
    .name = "completion",
    .purpose = "print a completion script for a shell",
    .arguments = {.term = "SHELL", .max = 1, .choices = shell_names},
    .manual = completion_manual,
    .has_man_page = false,
    .parse = parse_completion};

}  // namespace ieum::cli
