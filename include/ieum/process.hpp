// Process: a child process, with streams for its standard input and output.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ieum/stream.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// How a process ended (waitid(2)).
struct ExitStatus {
  int code = 0;    ///< what it exited with; 0 if a signal ended it
  int signal = 0;  ///< the signal that ended it, or 0

  [[nodiscard]] bool succeeded() const noexcept { return code == 0 && signal == 0; }
  /// "exited with 1", "killed by SIGTERM".
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

struct ProcessOptions {
  /// What a standard descriptor of the child is: the same as ours, /dev/null, or a pipe whose other
  /// end is a stream here.
  enum class Standard : std::uint8_t { inherit, null, stream };
  /// The process group that it belongs to (setpgid(2)): ours; one of its own, so that signals reach
  /// it with all that it has started; the same in a session without a terminal (setsid(2)).
  enum class Group : std::uint8_t { ours, own, session };

  Standard input = Standard::inherit;
  Standard output = Standard::inherit;
  Standard error = Standard::inherit;
  Group group = Group::ours;
  /// Its working directory; empty: ours.
  std::string_view directory{};
  /// Its environment, as NAME=VALUE; null: ours.
  const std::vector<std::string>* environment = nullptr;
};

/// A child process, owned: it is ended and reaped at the latest with this object, which kills it
/// (SIGKILL) and waits for its end if it still runs. Belongs to the runtime that it was made on.
/// Must not be moved while an operation on it or on its streams is pending. The copy in a child of
/// fork(2) ends nothing; of runtimes after a fork see `Runtime`.
///
///     const std::vector<std::string> command{"sort", "-u"};
///     Process sort = co_await Process::start(command, {.input =
///     ProcessOptions::Standard::stream}); co_await sort.input().write_all("b\na\n"); co_await
///     sort.input().shutdown_write(); const ExitStatus status = co_await sort.wait();
///
/// If we end without destroying it (SIGKILL), it lives on. A child that has gained rights that we
/// lack (set-user-ID) cannot be killed: it is left to end by itself.
class Process {
 public:
  /// Starts the program `command[0]`, looked up in our PATH unless it contains a slash (then
  /// relative to the child's directory), with the arguments `command` (posix_spawnp(3)). Blocks
  /// until the system has loaded it.
  ///
  /// The child has the descriptors 0, 1 and 2 and no other, whatever the program or a library has
  /// left without close-on-exec; its signals are not blocked and have their default actions,
  /// SIGPIPE too.
  ///
  /// Errors, which name the program: `no_such_file_or_directory`, `permission_denied`,
  /// `executable_format_error`, `argument_list_too_long`, `invalid_argument` (no program, a zero
  /// byte in an argument, an environment entry without =), `too_many_files_open`,
  /// `resource_unavailable_try_again` (processes), `no_child_process` (SIGCHLD is ignored in this
  /// program: the end of a child could not be known). Nothing has been started then.
  [[nodiscard]] static Result<Process> start(std::span<const std::string> command,
                                             const ProcessOptions& options = {});

  Process(Process&& other) noexcept
      : loop_(other.loop_),
        handle_(std::exchange(other.handle_, -1)),
        pid_(other.pid_),
        has_group_(other.has_group_),
        status_(other.status_),
        streams_(std::move(other.streams_)) {}
  Process& operator=(Process&&) = delete;
  ~Process();

  /// The streams of those that `ProcessOptions` made streams; asking for another asserts. We write
  /// to `input`, whose `shutdown_write` or `close` is the end that the child reads; we read from
  /// the others until all that hold them, the child's own children too, have closed them. A child
  /// that writes to both must be read from both, in two tasks: a pipe holds 64 KiB.
  [[nodiscard]] Stream& input() noexcept { return stream(0); }
  [[nodiscard]] Stream& output() noexcept { return stream(1); }
  [[nodiscard]] Stream& error() noexcept { return stream(2); }

  /// Waits for its end and reaps it; once it has ended, gives the status again. A stop of the
  /// waiting changes nothing: it runs on, is still owned, and may be waited for again. One wait or
  /// stop at a time. Error: `no_child_process` (something else in this program reaped it).
  [[nodiscard]] Task<ExitStatus> wait();

  /// Asks it to end (SIGTERM), gives it `grace`, then kills it (SIGKILL), and reaps it. With a
  /// group of its own, the whole group is asked, and what is left of it at the child's end is
  /// killed.
  [[nodiscard]] Task<ExitStatus> stop(AnyDuration grace);

  /// Sends a signal (signal(7)) to it, or to its group if it has one of its own. Errors:
  /// `no_such_process` (it has ended and was waited for), `invalid_argument`,
  /// `operation_not_permitted`.
  Result<> kill(int signal) noexcept;

  /// Its number, which is its group's too if it has one of its own; another's once it was reaped.
  [[nodiscard]] int pid() const noexcept { return pid_; }

 private:
  using Streams = std::array<std::unique_ptr<Stream>, 3>;
  Process(detail::Loop& loop, int handle, int pid, bool has_group, Streams streams) noexcept
      : loop_(&loop),
        handle_(handle),
        pid_(pid),
        has_group_(has_group),
        streams_(std::move(streams)) {}
  [[nodiscard]] Stream& stream(std::size_t which) noexcept {
    IEUM_ASSERT(streams_[which] != nullptr, "a process has a stream only where its options say so");
    return *streams_[which];
  }
  Task<> wait_until_ended();
  Task<ExitStatus> reap();
  void kill_the_rest() const noexcept;

  detail::Loop* loop_;
  int handle_;  // a pidfd
  int pid_;
  bool has_group_;
  std::optional<ExitStatus> status_;  // once it was reaped
  Streams streams_;
};

}  // namespace ieum
#pragma GCC visibility pop
