// What the declarations of several commands are made of.
#pragma once

#include <string>
#include <vector>

#include "options/declaration.hpp"
#include "options/endpoint.hpp"

namespace ieum::cli {

/// ADDRESS, -4, -6.
void declare_address(CLI::App& app, GivenCommon& given, const char* group);
/// --size, which `size` describes, and --lines.
void declare_framing(CLI::App& app, GivenCommon& given, const char* size);
/// -o, --hex, --timestamps, -v, --json, -h.
void declare_output(CLI::App& app, GivenCommon& given);

/// A section for each group of options, in the order of declaration.
[[nodiscard]] std::vector<ManualSection> option_sections(const CLI::App& app);
/// ?key=value of the addresses of `role`.
void add_keys(ManualSection& section, Role role);
[[nodiscard]] ManualSection exit_statuses(Role role);

[[nodiscard]] Manual connect_manual();
[[nodiscard]] Manual listen_manual();
[[nodiscard]] Manual cast_manual();
[[nodiscard]] Manual main_manual();

}  // namespace ieum::cli
