// run_on_cores: one runtime, in a thread of its own, for each core of the machine.
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>

#include <ieum/runtime.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// The CPUs that this thread may run on (sched_getaffinity(2)), at least 1. A container's CPU quota
/// (cgroups(7)) is not looked at: set `CoresOptions::count` there.
[[nodiscard]] std::size_t available_cpus();

struct CoresOptions {
  /// Runtimes, each with its thread; 0: as many as `available_cpus()`. At most `Core::count_max`.
  std::size_t count = 0;
  /// Each thread stays on one of the CPUs that the calling thread may use (sched_setaffinity(2)),
  /// in their order, from the start again if there are fewer.
  bool pin_to_cpus = false;
  RuntimeOptions runtime{};
};

/// What a body of `run_on_cores` knows of where it runs. Lives as long as the body's task.
class Core {
 public:
  static constexpr std::size_t count_max = 1024;

  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  /// 0 to `count() - 1`.
  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] Runtime& runtime() const noexcept { return runtime_; }
  /// Asks the bodies of all cores, this one's too, to stop; one that ends with `operation_canceled`
  /// because of it has not failed. Any thread.
  void stop_all() const noexcept;

 private:
  friend class CoresRun;
  Core(std::size_t index, std::size_t count, Runtime& runtime, class CoresRun& run) noexcept
      : index_(index), count_(count), runtime_(runtime), run_(run) {}

  std::size_t index_;
  std::size_t count_;
  Runtime& runtime_;
  class CoresRun& run_;
};

/// Runs `body(core)`, a task, on a runtime of its own in each of several threads, and joins them
/// all: a group whose children are cores. The runtimes share nothing: they talk through `Mailbox`,
/// and hand sockets over with `StreamSocket::detach`. Blocks; not callable from within a task.
///
/// The first body that fails stops the others, and its error is the result; an exception is
/// rethrown after the join. A body that succeeds leaves the others alone. A stop asked for through
/// `stop` reaches all: the result is then theirs, `operation_canceled` unless they end otherwise.
/// Errors besides the bodies': those of `Runtime::create`, `resource_unavailable_try_again` (no
/// thread to be had), `invalid_argument` (too many cores, a CPU that may not be used).
///
/// `body` is one object that all threads call, at the same time. Signals (`Signals`) may be caught
/// on any of the cores, whichever thread the system hands them to; the threads keep the calling
/// thread's signal mask.
[[nodiscard]] Result<> run_on_cores(const std::function<Task<>(Core&)>& body,
                                    const CoresOptions& options = {},
                                    const std::stop_token& stop = {});

namespace detail {
/// How many cores `options` mean.
Result<std::size_t> count_of_cores(const CoresOptions& options);
}  // namespace detail

}  // namespace ieum
#pragma GCC visibility pop
