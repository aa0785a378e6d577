// What the command line and the configuration file say: one declaration for both.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "config/config.hpp"

namespace ieum::hub {

struct Invocation {
  Config config;
  bool check_only = false;
  std::vector<std::string> words;  // as they came, to read the file again
};

/// What ends the program at once instead: a text and a status.
struct EarlyEnd {
  int status = 0;
  std::string text;
};

[[nodiscard]] std::expected<Invocation, EarlyEnd> parse_invocation(std::vector<std::string> words);

/// The nearest of `known` to `word`; empty if none is near.
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace ieum::hub
