// Numbers as people read them: measured times, and large counts.
#pragma once

#include <cstdint>
#include <string>

#include <ieum/operation.hpp>

namespace ieum::cli {

/// "85 ns", "12.3 µs", "1.24 ms", "2.05 s", "7200 s": three digits, also of what is short.
[[nodiscard]] std::string format_latency(Duration latency);
/// "1,234,567"
[[nodiscard]] std::string grouped(std::uint64_t number);

}  // namespace ieum::cli
