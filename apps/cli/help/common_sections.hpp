// Sections that the manuals of several commands share.
#pragma once

#include "help/manual.hpp"
#include "options/endpoint.hpp"

namespace ieum::cli {

/// The addresses of `connect` and `listen`.
[[nodiscard]] ManualSection addresses_section(Role role);
/// Adds ?key=value of the addresses of `role`.
void add_keys(ManualSection& section, Role role);
[[nodiscard]] ManualSection exit_status_section(Role role);
/// How a session on standard input and output ends.
[[nodiscard]] ManualSection closing_section();

}  // namespace ieum::cli
