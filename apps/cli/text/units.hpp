// Numbers with a unit, and times, as people type and read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <ieum/operation.hpp>

namespace ieum::cli {

/// `5`, `0.5`, `500ms`, `2m`, `1h`: a number of seconds unless it says otherwise; more than zero,
/// at most a year.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);
inline constexpr std::string_view duration_forms = "seconds, as 5 or 0.5, or 500ms, 2m, 1h";

/// `4096`, `64k`, `1M`, `1G` (1024 times).
[[nodiscard]] std::optional<std::uint64_t> parse_bytes(std::string_view text);

/// "1.24 s", "340 ms", "12 µs", "2 min 5 s".
[[nodiscard]] std::string format_duration(Duration duration);
/// "1 byte", "12 bytes", "3.4 MiB".
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);

/// "2026-11-25T09:11:39.123456Z": now, in UTC.
[[nodiscard]] std::string utc_now();

}  // namespace ieum::cli
