// The reason of a failure alone, as every sentence has it.
#pragma once

#include <string>
#include <system_error>

#include <ieum/error.hpp>

namespace ieum::cli {

/// "broken pipe"
[[nodiscard]] inline std::string reason_of(std::error_code code) {
  const std::string text = Error(code, "").to_string();  // ": broken pipe"
  return text.substr(2);
}

/// The same of errno(3).
[[nodiscard]] inline std::string reason_of(int number) {
  return reason_of(std::error_code(number, std::generic_category()));
}

}  // namespace ieum::cli
