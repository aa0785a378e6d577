// Addresses as other tools write them: which of our forms says the same.
#pragma once

#include <string>
#include <string_view>

#include "options/scheme.hpp"

namespace ieum::cli {

/// If `text` is an address in the form of socat or of bash, or a scheme without its slashes: a
/// sentence that names ours. Empty if it is none of them.
[[nodiscard]] std::string explain_foreign_form(std::string_view text, Role role);

}  // namespace ieum::cli
