// Subcommand: one record that holds all that `ieum` knows of one of its commands. To add one, make
// a folder with such a record, and name it in subcommands.cpp; the parser, the help, the man pages
// and the completions read it from there.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "help/manual.hpp"
#include "options/given_options.hpp"
#include "options/option_spec.hpp"
#include "options/usage_error.hpp"

namespace ieum::cli {

/// What parsing needs to know of where we run.
struct Environment {
  TextStyle help;            ///< for help on standard output
  bool error_color = false;  ///< standard error takes colours
};

/// Text for standard output: help, a man page, completions.
struct PrintText {
  std::string text;
};
/// Runs a command, and gives its exit status; what went wrong has been reported.
using Run = std::function<int()>;
/// What a command line asks for.
using Action = std::variant<PrintText, Run>;

/// The words that a command takes beside its options.
struct Arguments {
  std::string_view term{};  ///< as the help has it: "ADDRESS", "[COMMAND]"
  std::size_t max = 0;
  /// All that a word may be, if that is one of few.
  std::vector<std::string> (*choices)() = nullptr;
};

/// For those who come from other tools: what to write instead of an option that we do not have.
struct Hint {
  std::string_view option;  ///< "-u"
  std::string_view text;
};

struct Subcommand {
  std::string_view name{};     ///< "connect"
  std::string_view purpose{};  ///< one line, without a full stop
  Arguments arguments{};
  /// Without --help, which every command has.
  std::vector<OptionSpec> (*options)() = nullptr;
  std::span<const Hint> hints{};
  /// What its help and its man page say before and after the options.
  ManualText (*manual)() = nullptr;
  bool has_man_page = true;
  /// Opens nothing and looks nothing up.
  Parsed<Action> (*parse)(const GivenOptions& given, const Environment& environment) = nullptr;
};

/// Its options, --help included.
[[nodiscard]] std::vector<OptionSpec> options_of(const Subcommand& subcommand);

}  // namespace ieum::cli
