// Attaching to programs that run already, and why that is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ieum::cli::trace {

/// What decides who may trace whom (ptrace(2), "Ptrace access mode checking").
struct TraceRights {
  int pid = 0;
  std::string title{};         ///< of the program
  std::uint32_t own_user = 0;  ///< ours
  /// The program's real, effective and saved user; absent: there is no such process.
  std::optional<std::uint32_t> user{};
  bool changed_user = false;  ///< they differ, as after a setuid program was started
  int tracer = 0;             ///< who traces it already, or 0
  int scope = 0;              ///< /proc/sys/kernel/yama/ptrace_scope
};

/// Reads them below `proc`, which is "/proc" but in tests.
[[nodiscard]] TraceRights read_rights(int pid, const std::string& proc = "/proc");
/// One sentence that names the missing right. `error` is errno of ptrace(2).
[[nodiscard]] std::string explain_refusal(const TraceRights& rights, int error);

/// Attaches to all threads of a process, which are stopped soon; or a sentence.
[[nodiscard]] std::optional<std::string> attach(int pid, long trace_options,
                                                std::vector<int>& threads);

}  // namespace ieum::cli::trace
