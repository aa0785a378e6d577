#include "get/secret.hpp"

#include <cstdlib>
#include <fstream>

#include <fmt/format.h>

#include "text/suggest.hpp"

namespace ieum::cli {

std::expected<std::string, Failure> read_secret(std::string_view from, std::string_view option) {
  constexpr std::string_view environment = "env:";
  std::string line;
  if (from.starts_with(environment)) {
    const std::string name(from.substr(environment.size()));
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') {
      return std::unexpected(Failure{
          Status::usage, fmt::format("{}: the environment has no {}", option, in_quotes(name))});
    }
    line = value;
  } else {
    std::ifstream file{std::string(from)};
    if (!file || !std::getline(file, line) || line.empty()) {
      return std::unexpected(
          Failure{Status::usage,
                  fmt::format("{}: the first line of {} cannot be read", option, in_quotes(from))});
    }
  }
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

}  // namespace ieum::cli
