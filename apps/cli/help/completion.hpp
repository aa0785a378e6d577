// Completion: scripts for bash, zsh and fish, made of the table of subcommands.
#pragma once

#include <string>
#include <string_view>

namespace ieum::cli {

inline constexpr std::string_view shells[] = {"bash", "zsh", "fish"};

/// The script for `shell`, which is one of `shells`.
[[nodiscard]] std::string completion_script(std::string_view shell);

}  // namespace ieum::cli
