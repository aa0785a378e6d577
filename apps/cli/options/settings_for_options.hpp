// The options of connections, where they are written within an address.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "options/option_spec.hpp"

namespace ieum::cli {

/// The option of this name without its hyphens, as `ca`, if it can be written as ?ca=FILE of an
/// end; null if it is none, or not about an end.
[[nodiscard]] const OptionSpec* find_setting(std::span<const OptionSpec> options,
                                             std::string_view name);

/// A sentence of `connect` or `listen`, which have these options, for a command whose ends have
/// them as settings: "--ca FILE" becomes "?ca=FILE", "--self-signed" becomes "?self-signed=1".
[[nodiscard]] std::string with_settings(std::string_view sentence,
                                        std::span<const OptionSpec> options);

}  // namespace ieum::cli
