// Launcher: programs that live and die with their trace. A seccomp filter stops them at the traced
// system calls and at nothing else.
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>
#include <vector>

namespace ieum::cli::trace {

struct LaunchOptions {
  bool io_uring = false;           ///< leave it alone; else the program is told that there is none
  bool is_server = false;          ///< in a process group of its own, without standard input
  bool ignores_interrupt = false;  ///< as we were started: SIGINT stays ignored
  long trace_options = 0;          ///< of ptrace(2)
};

/// Gives the process, which is traced from its first instruction on; or a sentence.
[[nodiscard]] std::expected<pid_t, std::string> launch(const std::vector<std::string>& command,
                                                       const LaunchOptions& options);

}  // namespace ieum::cli::trace
