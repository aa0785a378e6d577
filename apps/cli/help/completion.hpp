// Completion: scripts for bash, zsh and fish, made of the same declaration as the help.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ieum::cli {

/// What can stand on a command line, as the declaration has it.
struct CommandSummary {
  struct Option {
    std::vector<std::string> names{};  ///< "-w", "--wait"
    std::string value{};               ///< "SECONDS"; empty: a flag
    std::vector<std::string> choices{};
    std::string description{};
  };
  std::string name{};
  std::string purpose{};
  std::vector<Option> options{};
  /// What its argument may be, if that is one of few.
  std::vector<std::string> arguments{};
};

inline constexpr std::string_view shells[] = {"bash", "zsh", "fish"};

/// The script for `shell`; none if it is none of `shells`.
[[nodiscard]] std::optional<std::string> completion_script(
    std::string_view shell, const std::vector<CommandSummary>& commands);

}  // namespace ieum::cli
