// The hub as a program: what `ieum-hub` does without a subcommand.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace ieum::hub {

/// Serves until a signal ends it; gives the exit status.
int serve_program(std::vector<std::string> words);

/// `backup`, `restore`, `check`: the exit status; nothing if `words` is none of them.
std::optional<int> storage_program(const std::vector<std::string>& words);

}  // namespace ieum::hub
