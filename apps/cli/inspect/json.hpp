// The output of `ieum inspect --json`, as docs/events.md describes it.
#pragma once

#include <cstdint>
#include <string>

#include "inspect/findings.hpp"
#include "inspect/summary.hpp"

namespace ieum::cli {

/// One line: a socket.
[[nodiscard]] std::string to_json(const Findings& findings, std::uint32_t index,
                                  const std::string& time);
/// One line.
[[nodiscard]] std::string to_json(const Totals& totals, const std::string& time);

}  // namespace ieum::cli
