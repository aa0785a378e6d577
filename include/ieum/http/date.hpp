// Dates as HTTP writes them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)
namespace ieum::http {

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7); for years from 1 to 9999.
[[nodiscard]] std::string format_date(std::chrono::sys_seconds time);

/// Reads any of the three forms that section names; none of anything else, and of a day that does
/// not exist. The weekday is read, and not compared with the day. `now` is what a year of two
/// digits is near to: at most 50 years after it.
[[nodiscard]] std::optional<std::chrono::sys_seconds> parse_date(
    std::string_view text, std::chrono::sys_seconds now = std::chrono::floor<std::chrono::seconds>(
                               std::chrono::system_clock::now()));

}  // namespace ieum::http
#pragma GCC visibility pop
