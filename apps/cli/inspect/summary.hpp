// Totals: how many sockets are in which state, what is stuck, and who holds most.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "help/manual.hpp"
#include "inspect/filter.hpp"
#include "inspect/findings.hpp"

namespace ieum::cli {

struct Totals {
  struct Process {
    std::string title;
    int pid = 0;
    std::size_t sockets = 0;
    std::size_t stuck = 0;
    std::size_t leaking = 0;
  };
  std::size_t sockets = 0;
  std::size_t stuck = 0;
  std::size_t leaking = 0;
  std::size_t hidden = 0;  ///< held by processes that may not be seen
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> states;  ///< tcp, listen
  std::map<std::pair<std::string_view, std::string_view>, std::size_t>
      causes;                      ///< of what is stuck
  std::vector<Process> processes;  ///< those with most sockets first
};

[[nodiscard]] Totals count(const Findings& findings, const std::vector<std::uint32_t>& indexes);

[[nodiscard]] std::string to_text(const Totals& totals, const TextStyle& style);

}  // namespace ieum::cli
