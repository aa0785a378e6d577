// Parses words against option specs. CLI11 does the work, behind this header alone.
#pragma once

#include <span>
#include <string>

#include "options/given_options.hpp"
#include "options/option_spec.hpp"

namespace ieum::cli {

/// What could be read is there even if there is an error, so that --help is found beside one.
[[nodiscard]] GivenOptions parse_options(std::span<const OptionSpec> specs,
                                         std::span<const std::string> words);

}  // namespace ieum::cli
