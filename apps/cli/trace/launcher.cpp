#include "trace/launcher.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>

#include <ieum/descriptor.hpp>

#include "text/suggest.hpp"
#include "trace/calls.hpp"

namespace ieum::cli::trace {

namespace {

#if defined(__x86_64__)
constexpr unsigned own_architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr unsigned own_architecture = AUDIT_ARCH_AARCH64;
#elif defined(__riscv)
constexpr unsigned own_architecture = AUDIT_ARCH_RISCV64;
#else
#error "the number that seccomp has for this architecture is missing"
#endif

std::vector<sock_filter> make_filter(bool io_uring) {
  std::vector<sock_filter> filter;
  const auto statement = [&](unsigned code, unsigned value) {
    filter.push_back({static_cast<std::uint16_t>(code), 0, 0, value});
  };
  const auto unless_equal_skip = [&](unsigned value, std::uint8_t count) {
    filter.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, count, value});
  };
  // Calls of another architecture (32-bit programs) have other numbers: they are not seen.
  statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch));
  filter.push_back({BPF_JMP | BPF_JEQ | BPF_K, 1, 0, own_architecture});
  statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  for (const Call& call : traced_calls()) {
    unless_equal_skip(static_cast<unsigned>(call.number), 1);
    const bool is_denied = call.kind == CallKind::ring && !io_uring;
    statement(BPF_RET | BPF_K, is_denied ? SECCOMP_RET_ERRNO | static_cast<unsigned>(ENOSYS)
                                         : static_cast<unsigned>(SECCOMP_RET_TRACE));
  }
  statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  return filter;
}

[[noreturn]] void become(char* const* arguments, const sock_fprog& filter, const std::string& name,
                         const LaunchOptions& options, int go_ahead) {
  if (options.is_server) {
    ::setpgid(0, 0);
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  }
  std::signal(SIGPIPE, SIG_DFL);
  if (!options.ignores_interrupt) std::signal(SIGINT, SIG_DFL);
  char letter = 0;
  while (::read(go_ahead, &letter, 1) < 0 && errno == EINTR) {
  }
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) {
    ::dprintf(STDERR_FILENO, "ieum: the system takes no seccomp filter: %s\n",
              std::strerror(errno));
    ::_exit(126);
  }
  ::execvp(arguments[0], arguments);
  const int error = errno;
  ::dprintf(STDERR_FILENO, "ieum: cannot run %s: %s\n", name.c_str(), std::strerror(error));
  ::_exit(error == ENOENT ? 127 : 126);
}

}  // namespace

std::expected<pid_t, std::string> launch(const std::vector<std::string>& command,
                                         const LaunchOptions& options) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::vector<sock_filter> filter = make_filter(options.io_uring);
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::unexpected(std::strerror(errno));
  const Descriptor go_ahead_in(ends[0]);
  Descriptor go_ahead_out(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return std::unexpected(fmt::format("cannot fork: {}", std::strerror(errno)));
  if (pid == 0) {
    become(arguments.data(), program, in_quotes(command.front()), options, go_ahead_in.number());
  }
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, options.trace_options) != 0) {
    const int error = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return std::unexpected(fmt::format(
        "the system lets nobody trace here, not even their own children: {}; in a container, the "
        "right is CAP_SYS_PTRACE",
        std::strerror(error)));
  }
  const char letter = 'g';
  if (::write(go_ahead_out.number(), &letter, 1) != 1) ::kill(pid, SIGKILL);
  return pid;
}

}  // namespace ieum::cli::trace
