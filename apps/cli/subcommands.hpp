// The table of subcommands.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "subcommand.hpp"

namespace ieum::cli {

/// In the order in which the help lists them.
[[nodiscard]] std::span<const Subcommand* const> subcommands() noexcept;
/// None if there is no such command.
[[nodiscard]] const Subcommand* find_subcommand(std::string_view name) noexcept;

[[nodiscard]] std::vector<std::string> subcommand_names();
/// Of those that have a man page.
[[nodiscard]] std::vector<std::string> man_page_names();

}  // namespace ieum::cli
