// Meter: what a process has used: CPU time, system calls, entries of its io_uring.
#pragma once

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace bench {

inline std::int64_t nanoseconds(clockid_t clock) {
  timespec time{};
  if (::clock_gettime(clock, &time) < 0) return -1;
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

/// The CPU time of a process, user and system, with all its threads, those that the kernel works
/// for it in (io-wq) included. See clock_getcpuclockid(3).
class CpuMeter {
 public:
  explicit CpuMeter(pid_t process) {
    const int status = ::clock_getcpuclockid(process, &clock_);
    if (status != 0) {
      std::fprintf(stderr, "the clock of process %d: %s\n", process, std::strerror(status));
      std::exit(1);
    }
  }
  [[nodiscard]] std::int64_t read() const { return nanoseconds(clock_); }

 private:
  clockid_t clock_{};
};

/// Counts how often a process passes one of the kernel's tracepoints, see perf_event_open(2). That
/// needs root, or a low /proc/sys/kernel/perf_event_paranoid.
class TracepointMeter {
 public:
  /// Counts `tracepoint`, as raw_syscalls/sys_enter, from now on.
  TracepointMeter(pid_t process, const char* tracepoint) {
    const std::string id_file = std::string("/sys/kernel/tracing/events/") + tracepoint + "/id";
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = PERF_TYPE_TRACEPOINT;
    attributes.inherit = 1;
    if (!(std::ifstream(id_file) >> attributes.config)) {
      problem_ = id_file + " cannot be read";
      return;
    }
    const std::string tasks = "/proc/" + std::to_string(process) + "/task";
    for (const auto& entry : std::filesystem::directory_iterator(tasks)) {
      const int thread = std::atoi(entry.path().filename().c_str());
      const auto fd =
          static_cast<int>(::syscall(SYS_perf_event_open, &attributes, thread, -1, -1, 0));
      if (fd < 0) {
        problem_ = std::string("perf_event_open: ") + std::strerror(errno);
        return;
      }
      counters_.push_back(fd);
    }
  }
  TracepointMeter(const TracepointMeter&) = delete;
  TracepointMeter& operator=(const TracepointMeter&) = delete;
  ~TracepointMeter() {
    for (const int fd : counters_) ::close(fd);
  }

  /// Empty, or why it cannot count.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] std::int64_t read() const {
    std::int64_t total = 0;
    for (const int fd : counters_) {
      std::int64_t count = 0;
      if (::read(fd, &count, sizeof count) == sizeof count) total += count;
    }
    return total;
  }

 private:
  std::vector<int> counters_;
  std::string problem_;
};

}  // namespace bench
