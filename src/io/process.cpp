// Process: starting, waiting, ending.
#include <ieum/process.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include <ieum/timeout.hpp>

#include "base/driver.hpp"
#include "io/pipe_stream.hpp"
#include "io/spawn.hpp"
#include "runtime/this_loop.hpp"

namespace ieum {

namespace {

using Standard = ProcessOptions::Standard;
using Direction = detail::PipeStream::Direction;

/// The ends of a pipe: ours does not block, the child's does, as programs expect.
struct Ends {
  Descriptor ours;
  Descriptor childs;
};

/// 0, or an errno.
int open_pipe(Ends& ends, Direction direction) noexcept {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) < 0) return errno;
  const bool we_read = direction == Direction::input;
  ends.ours = Descriptor(pipe[we_read ? 0 : 1]);
  ends.childs = Descriptor(pipe[we_read ? 1 : 0]);
  // Within 0 to 2, if the program has closed one of them, it would be overwritten in the child.
  if (ends.childs.number() < 3) {
    ends.childs = Descriptor(::fcntl(ends.childs.number(), F_DUPFD_CLOEXEC, 3));
    if (!ends.childs.is_open()) return errno;
  }
  // Ends of a pipe are two open files: each has flags of its own.
  return ::fcntl(ends.ours.number(), F_SETFL, O_NONBLOCK) < 0 ? errno : 0;
}

/// Opens what the child gets as a standard descriptor; our end becomes `stream`. 0, or an errno.
int open_standard(Standard wanted, detail::Loop& loop, std::size_t which, Descriptor& childs,
                  int& for_child, std::unique_ptr<Stream>& stream) {
  for_child = wanted == Standard::null ? detail::child_has_null : detail::child_inherits;
  if (wanted != Standard::stream) return 0;
  constexpr std::array names{"write to child", "read from child", "read errors from child"};
  const Direction direction = which == 0 ? Direction::output : Direction::input;
  Ends ends;
  if (const int number = open_pipe(ends, direction); number != 0) return number;
  const int handle = loop.driver().adopt(ends.ours.number());
  if (handle < 0) return -handle;
  static_cast<void>(ends.ours.release());
  stream = std::make_unique<detail::PipeStream>(loop, handle, direction, names[which]);
  childs = std::move(ends.childs);
  for_child = childs.number();
  return 0;
}

int wait_for_end(int pidfd, siginfo_t& info) noexcept {
  info = {};
  int status = 0;
  do {
    status = ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG);
  } while (status < 0 && errno == EINTR);
  return status < 0 ? -errno : 0;
}

}  // namespace

std::string ExitStatus::to_string() const {
  if (signal == 0) return "exited with " + std::to_string(code);
  const char* name = ::sigabbrev_np(signal);
  return "killed by " +
         (name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(signal));
}

Result<Process> Process::start(std::span<const std::string> command,
                               const ProcessOptions& options) {
  const Result<detail::Loop*> this_loop = detail::this_loop();
  if (!this_loop) return fail(this_loop.error());
  detail::Loop& loop = **this_loop;
  const std::array wanted{options.input, options.output, options.error};
  std::array<Descriptor, 3> childs;  // closed here on every way out
  std::array<int, 3> standard{};
  Streams streams;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const int number = open_standard(wanted[i], loop, i, childs[i], standard[i], streams[i]);
    if (number != 0) return fail(detail::start_error(number, command));
  }
  Result<detail::Spawned> spawned = detail::spawn(command, options, standard);
  if (!spawned) return fail(spawned.error());
  const bool has_group = options.group != ProcessOptions::Group::ours;
  // From here on the child is owned: it ends with this object.
  Process process(loop, spawned->pidfd.release(), spawned->pid, has_group, std::move(streams));
  const int handle = loop.driver().adopt(process.handle_);
  if (handle < 0) return fail(detail::start_error(-handle, command));
  process.handle_ = handle;
  return process;
}

Process::~Process() {
  if (handle_ < 0) return;
  if (!status_ && !loop_->is_left_behind()) {
    static_cast<void>(kill(SIGKILL));
    // The child itself too: it may have left its group.
    const long killed = ::syscall(SYS_pidfd_send_signal, handle_, SIGKILL, nullptr, 0U);
    const bool may_live_on = killed < 0 && errno == EPERM;
    siginfo_t info;
    pollfd ended{.fd = handle_, .events = POLLIN, .revents = 0};
    while (wait_for_end(handle_, info) == 0 && info.si_pid == 0 && !may_live_on) {
      ::poll(&ended, 1, -1);
    }
  }
  loop_->driver().discard(handle_);
}

Result<> Process::kill(int signal) noexcept {
  const auto failed = [](int number) { return fail(Error::from_errno(number, "signal process")); };
  if (handle_ < 0 || status_) return failed(ESRCH);
  // Until it is reaped, its number is its group's and nobody else's.
  const long status = has_group_ ? ::kill(-pid_, signal)
                                 : ::syscall(SYS_pidfd_send_signal, handle_, signal, nullptr, 0U);
  if (status < 0) return failed(errno);
  return {};
}

/// Of its group, once it has ended itself.
void Process::kill_the_rest() const noexcept {
  if (has_group_) ::kill(-pid_, SIGKILL);
}

Task<> Process::wait_until_ended() {
  detail::HandleIo<void> ended({.kind = detail::Operation::Kind::wait_readable,
                                .handle = handle_,
                                .loop = loop_,
                                .name = "wait for process"});
  co_await std::move(ended);
}

Task<ExitStatus> Process::reap() {
  siginfo_t info;
  for (;;) {
    const int status = wait_for_end(handle_, info);
    if (status < 0) {
      const Error error = Error::from_errno(-status, "wait for process");
      co_await fail(error.with_detail("something else in this program has waited for it"));
    }
    if (info.si_pid != 0) break;
    co_await wait_until_ended();  // a debugger hears of it before us
  }
  const bool exited = info.si_code == CLD_EXITED;
  status_ = ExitStatus{.code = exited ? info.si_status : 0, .signal = exited ? 0 : info.si_status};
  co_return *status_;
}

Task<ExitStatus> Process::wait() {
  if (status_) co_return *status_;
  co_await wait_until_ended();
  const ExitStatus status = co_await reap();
  co_return status;
}

Task<ExitStatus> Process::stop(AnyDuration grace) {
  if (status_) co_return *status_;
  co_await kill(SIGTERM);
  Result<> ended = co_await attempt(with_timeout(grace, wait_until_ended()));
  if (!ended) {
    if (ended.error() != std::errc::timed_out) co_await fail(ended.error());
    co_await kill(SIGKILL);
    co_await wait_until_ended();
  }
  kill_the_rest();
  const ExitStatus status = co_await reap();
  co_return status;
}

}  // namespace ieum
