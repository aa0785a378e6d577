#include "trace/attach.hpp"

#include <sys/ptrace.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "inspect/holder_text.hpp"
#include "trace/remote.hpp"

namespace ieum::cli::trace {

TraceRights read_rights(int pid, const std::string& proc) {
  TraceRights rights{.pid = pid, .own_user = ::geteuid()};
  std::ifstream(proc + "/sys/kernel/yama/ptrace_scope") >> rights.scope;
  std::ifstream status(fmt::format("{}/{}/status", proc, pid));
  for (std::string line; std::getline(status, line);) {
    std::istringstream words(line);
    std::string key;
    words >> key;
    if (key == "Name:") words >> rights.title;
    if (key == "TracerPid:") words >> rights.tracer;
    if (key == "Uid:") {
      std::uint32_t real = 0;
      std::uint32_t effective = 0;
      std::uint32_t saved = 0;
      words >> real >> effective >> saved;
      rights.user = effective;
      rights.changed_user = real != effective || effective != saved;
    }
  }
  return rights;
}

std::string explain_refusal(const TraceRights& rights, int error) {
  if (!rights.user || error == ESRCH) return fmt::format("there is no process {}", rights.pid);
  const std::string who = fmt::format("{} (pid {})", rights.title, rights.pid);
  if (rights.tracer != 0) {
    return fmt::format("{} is traced already, by pid {}: a program has one tracer at a time", who,
                       rights.tracer);
  }
  if (rights.own_user != 0 && rights.changed_user) {
    return fmt::format(
        "{} is a setuid program, with the rights of another user: tracing it takes root's right "
        "CAP_SYS_PTRACE",
        who);
  }
  if (rights.own_user != 0 && *rights.user != rights.own_user) {
    return fmt::format(
        "{} belongs to {}: tracing another user's program takes root's right "
        "CAP_SYS_PTRACE",
        who, user_name(*rights.user));
  }
  constexpr int children_only = 1;
  constexpr int root_only = 2;
  if (rights.scope == children_only) {
    return fmt::format(
        "/proc/sys/kernel/yama/ptrace_scope is 1, which lets you trace only what you start: start "
        "it as 'ieum trace -- COMMAND'; tracing {} takes root's right CAP_SYS_PTRACE",
        who);
  }
  if (rights.scope == root_only) {
    return "/proc/sys/kernel/yama/ptrace_scope is 2: tracing takes root's right CAP_SYS_PTRACE";
  }
  if (rights.scope > root_only) {
    return "/proc/sys/kernel/yama/ptrace_scope is 3: nobody may trace until the system is started "
           "anew";
  }
  return fmt::format("{} cannot be traced: {}; the right for it is CAP_SYS_PTRACE", who,
                     std::strerror(error));
}

std::optional<std::string> attach(int pid, long trace_options, std::vector<int>& threads) {
  bool is_first = true;
  // Threads may be started meanwhile, until all of them are attached to.
  for (bool found_new = true; found_new;) {
    found_new = false;
    std::vector<int> all = threads_of(pid);
    if (all.empty()) all.push_back(pid);
    for (const int tid : all) {
      if (std::ranges::find(threads, tid) != threads.end()) continue;
      if (::ptrace(PTRACE_SEIZE, tid, nullptr, trace_options) != 0) {
        const int error = errno;
        if (!is_first && error == ESRCH) continue;
        return explain_refusal(read_rights(pid), error);
      }
      is_first = false;
      found_new = true;
      threads.push_back(tid);
      ::ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr);
    }
  }
  return {};
}

}  // namespace ieum::cli::trace
