// The command line: what the words after `ieum` mean. Parsing opens nothing and looks nothing up.
#pragma once

#include <span>
#include <string>

#include "subcommand.hpp"

namespace ieum::cli {

/// The error is one sentence for the user: what is wrong, and what was meant.
[[nodiscard]] Parsed<Action> parse_command_line(std::span<const std::string> words,
                                                const Environment& environment);

}  // namespace ieum::cli
