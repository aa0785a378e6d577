// Runtime: a single-threaded event loop that runs tasks; run: a task, or one operation, to its end.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include <ieum/driver_kind.hpp>
#include <ieum/task.hpp>

#pragma GCC visibility push(default)
namespace ieum {

struct RuntimeOptions {
  DriverKind driver = DriverKind::automatic;
  /// Threads that `offload` may start, at least 1.
  std::size_t offload_threads_max = 4;
  /// io_uring: operations that one system call can hand over; more go in several. Zero: the
  /// environment variable IEUM_RING_ENTRIES, else 1024.
  unsigned ring_entries = 0;
  /// Buffers of 4 KiB that `receive` may have leased at a time, and a sixteenth of that in buffers
  /// of 64 KiB; more receives wait. One whose bytes a pending write is sending does not count, so
  /// that peers who do not read stop nobody else. They are made as they are wanted, and their
  /// memory goes back to the system a while after it was last used. On io_uring what is no socket
  /// has as many of its own. At most 65,536, with those that do not count. Zero: the environment
  /// variable IEUM_RECEIVE_BUFFERS, else 65,536.
  unsigned receive_buffers_max = 0;
};

template <class T>
class Running;

/// A single-threaded event loop over one driver, with the tasks that run on it. One per core and
/// thread; several may share a thread, a turn at a time. It must outlive every socket made on it.
/// All members but `post` belong to the thread that calls `start` or `turn` first, for good; others
/// fail an assertion. It may be made on another thread before, and destroyed on another after that
/// thread has been joined.
///
/// A child of fork(2) inherits none of it: the first use there says so and aborts. Fork before the
/// first use (a socket outside of tasks is one: it makes the thread's default runtime), or let the
/// child `detach` the sockets that it is to have and `attach` them to a runtime of its own, as
/// `run` makes one. `exit` ends a child well, wherever it was forked.
class Runtime {
 public:
  /// Errors: `too_many_files_open`; `invalid_argument` (IEUM_DRIVER names no driver of this build);
  /// what the kernel says of the driver that was asked for.
  [[nodiscard]] static Result<std::unique_ptr<Runtime>> create(const RuntimeOptions& options = {});
  /// This thread's default runtime, made at the first call and ended with the thread. Sockets made
  /// on it must not outlive the thread: none in a global or static variable.
  [[nodiscard]] static Result<Runtime*> of_this_thread();

  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  /// Joins the pool and closes the driver. Every `Running` must have ended before, which their
  /// destructors see to.
  ~Runtime();

  /// Starts `op`; it runs as `turn` is called. The answer must stay where it is until it is done.
  template <detail::Awaitable A>
  [[nodiscard]] Running<typename A::value_type> start(A op);

  /// One round of the loop: runs what is ready, then waits for the kernel, at most `wait_max`.
  /// Never call it from within a task of this runtime.
  void turn(AnyDuration wait_max = Duration::max());

  /// Runs `work` on the loop's thread in one of its next turns. Any thread may call it, as long as
  /// the runtime exists. `work` must not throw. What was posted by one thread runs in order.
  void post(std::move_only_function<void()> work);

  /// Asks every task of this runtime to stop, for good: what is started later is stopped as well.
  void stop() noexcept;

  /// Who awaits whom: a line for each pending operation and each await round it.
  [[nodiscard]] std::string dump_tasks() const;

  /// The loop's time: read once a turn. `ieum::now()` reads the clock.
  [[nodiscard]] TimePoint now() const noexcept;
  /// The name of the driver that runs: "io_uring", "epoll" or "sim".
  [[nodiscard]] const char* driver_name() const noexcept;
  /// Why it is that one: "io_uring cannot be had, so epoll: io_uring_setup: Operation not
  /// permitted".
  [[nodiscard]] const std::string& driver_reason() const noexcept { return driver_reason_; }
  /// Operations that have not completed; 0 once all tasks have ended.
  [[nodiscard]] std::size_t pending_operations() const noexcept;

  /// For the library's own parts and its tests; see src/base/driver.hpp.
  explicit Runtime(std::unique_ptr<detail::Driver> driver, const RuntimeOptions& options = {});
  [[nodiscard]] detail::Loop& loop() noexcept { return *loop_; }

 private:
  std::unique_ptr<detail::Loop> loop_;
  std::string driver_reason_;
};

namespace detail {

/// What `Runtime::start` made: the outermost waiter.
class Root : public Waiter {
 public:
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;

  [[nodiscard]] bool done() const noexcept { return done_; }
  /// Asks it to stop; it ends in a later turn.
  void stop() noexcept {
    runtime_.loop().assert_own_thread();
    scope_.stop();
  }

  Frame* ended(Frame* child) noexcept override;
  Frame* failed(Error& error) noexcept override;
  [[nodiscard]] const Frame* awaiting_frame() const noexcept override { return nullptr; }

 protected:
  explicit Root(Runtime& runtime) noexcept;
  ~Root() = default;
  void begin(const Start& start) noexcept;
  /// Stops, and turns the loop until done. In a child of fork(2) it goes on in the parent.
  void join() noexcept;
  [[nodiscard]] bool is_left_behind() const noexcept;

  Runtime& runtime_;
  Scope scope_;
  bool done_ = false;
  std::optional<Error> error_;
};

}  // namespace detail

/// A task, or an operation, that `Runtime::start` has started. Its destructor asks it to stop and
/// turns the runtime until it has ended; in a child of fork(2) it does nothing, the parent goes on.
template <class T>
class Running final : public detail::Root {
 public:
  template <class A>
  Running(Runtime& runtime, A&& op)
      : Root(runtime), held_(std::make_unique<Held<A>>(std::move(op))) {
    begin(held_->start(*this, scope_));
  }
  ~Running() {
    join();
    if (!done_) static_cast<void>(held_.release());  // the parent's
  }

  /// The result, once `done()`; a user's exception is rethrown. Call it once.
  Result<T> take() {
    IEUM_ASSERT(done_, "take() of something that still runs");
    if (error_) return fail(*error_);
    if constexpr (std::is_void_v<T>) {
      held_->take();
      return {};
    } else {
      return held_->take();
    }
  }

 private:
  struct HeldBase {
    virtual ~HeldBase() = default;
    virtual detail::Start start(detail::Waiter& waiter, detail::Scope& scope) = 0;
    virtual T take() = 0;
  };
  template <class A>
  struct Held final : HeldBase {
    explicit Held(A&& op) : state(std::move(op)) {}
    detail::Start start(detail::Waiter& waiter, detail::Scope& scope) override {
      detail::Start start = state.start(waiter, scope);
      if (start.kind == detail::Start::Kind::failed) {
        Error error = state.take_error();
        waiter.failed(error);
      } else if (start.kind == detail::Start::Kind::done) {
        waiter.ended(nullptr);
      }
      return start;
    }
    T take() override { return state.take(); }
    typename A::State state;
  };

  std::unique_ptr<HeldBase> held_;
};

template <detail::Awaitable A>
Running<typename A::value_type> Runtime::start(A op) {
  return Running<typename A::value_type>(*this, std::move(op));
}

namespace detail {
/// Fails an assertion when called from within a task.
Result<Runtime*> runtime_for_run();
}  // namespace detail

/// Runs `op`, a task or a single operation, on `runtime` until it has ended: the blocking way. Not
/// callable from within a task. A stop asked for through `stop` reaches it from any thread.
template <detail::Awaitable A>
[[nodiscard]] Result<typename A::value_type> run(Runtime& runtime, A op,
                                                 const std::stop_token& stop = {}) {
  Running<typename A::value_type> running(runtime, std::move(op));
  // Kept by shared ownership: the posted stop may run after this function has returned.
  auto alive = std::make_shared<detail::Root*>(&running);
  auto ask = [&runtime, alive] {
    runtime.post([alive] {
      if (*alive != nullptr) (*alive)->stop();
    });
  };
  std::stop_callback<decltype(ask)> callback(stop, ask);
  while (!running.done()) runtime.turn();
  *alive = nullptr;
  return running.take();
}

/// The same on this thread's default runtime, which is reused: `run(socket.read_some(buffer))`.
template <detail::Awaitable A>
[[nodiscard]] Result<typename A::value_type> run(A op, const std::stop_token& stop = {}) {
  Result<Runtime*> runtime = detail::runtime_for_run();
  if (!runtime) return fail(runtime.error());
  return run(**runtime, std::move(op), stop);
}

/// For `main`: runs `program`, prints an error to standard error as one sentence, with its trace if
/// IEUM_TRACE is set, and gives the exit status: 0 or 1. An exception passes through.
int run_main(Task<> program);

}  // namespace ieum
#pragma GCC visibility pop
