// UsageError: why a command line is refused, as one sentence for the user without a full stop.
#pragma once

#include <expected>
#include <string>

namespace ieum::cli {

template <class T>
using Parsed = std::expected<T, std::string>;
using UsageError = std::unexpected<std::string>;

}  // namespace ieum::cli
