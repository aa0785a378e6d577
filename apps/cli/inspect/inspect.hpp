// `ieum inspect`: all sockets of this machine, with the reason why each does not move.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <ieum/operation.hpp>

#include "help/manual.hpp"
#include "inspect/filter.hpp"

namespace ieum::cli {

struct InspectCommand {
  static constexpr Duration watch_default = std::chrono::seconds(2);

  Filter filter;
  std::string network_namespace;  ///< a name, a path or pid:N; empty: ours
  Duration watch{};               ///< redraw so often; zero: look once
  bool json = false;
  bool summary = false;
  TextStyle style;
};

/// Gives the exit status; what went wrong has been reported.
[[nodiscard]] int run_inspect(const InspectCommand& command);

}  // namespace ieum::cli
