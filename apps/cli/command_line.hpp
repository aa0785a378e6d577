// The command line: what the words after `ieum` mean. Parsing opens nothing and looks nothing up.
#pragma once

#include <expected>
#include <span>
#include <string>

#include "commands.hpp"
#include "help/manual.hpp"

namespace ieum::cli {

/// What the parser needs to know of its surroundings.
struct Surroundings {
  TextStyle help;            ///< for help on standard output
  bool error_color = false;  ///< standard error takes colours
};

/// The error is one sentence for the user: what is wrong, and what was meant.
[[nodiscard]] std::expected<Command, std::string> parse_command_line(
    std::span<const std::string> words, const Surroundings& surroundings);

}  // namespace ieum::cli
