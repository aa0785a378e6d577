// `ieum trace`: what it is asked for, and doing it.
#pragma once

#include <string>

#include "trace/outputs.hpp"
#include "trace/recorder.hpp"

namespace ieum::cli::trace {

struct TraceCommand {
  RecorderOptions recorder{};
  OutputOptions outputs{};
  std::string replay{};  ///< a recording, which is shown instead; empty: none
};

/// Gives the exit status: the command's, if one was started.
[[nodiscard]] int run_trace(const TraceCommand& command);

}  // namespace ieum::cli::trace
