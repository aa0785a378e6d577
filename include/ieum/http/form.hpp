// Forms: percent-encoding, and application/x-www-form-urlencoded.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)
namespace ieum::http {

/// `%41` becomes `A`. None if a percent sign is not followed by two hexadecimal digits.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

/// Names and values in their order, of a query or of a form's body (WHATWG URL, section 5.1): a
/// plus sign is a space, and a percent sign that begins no code stands for itself.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> parse_form(std::string_view text);

}  // namespace ieum::http
#pragma GCC visibility pop
