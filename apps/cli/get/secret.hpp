// Secrets, from where nobody sees them on a command line.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "report/failure.hpp"

namespace ieum::cli {

/// The first line of a file, or of the variable NAME if `from` is `env:NAME`; `option` wants it.
[[nodiscard]] std::expected<std::string, Failure> read_secret(std::string_view from,
                                                              std::string_view option);

}  // namespace ieum::cli
