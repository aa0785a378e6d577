// Runtime: the loop's public face; the thread's default one; run_main.
#include <ieum/runtime.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/driver.hpp"
#include "runtime/posted.hpp"

namespace ieum {

Result<std::unique_ptr<Runtime>> Runtime::create(const RuntimeOptions& options) {
  if (options.offload_threads_max == 0) {
    return fail(Error(std::errc::invalid_argument, "create runtime")
                    .with_detail("offload_threads_max is 0; it must be at least 1"));
  }
  detail::DriverChoice choice;
  std::unique_ptr<detail::Driver> driver =
      detail::make_driver({.kind = options.driver,
                           .ring_entries = options.ring_entries,
                           .receive_buffers_max = options.receive_buffers_max},
                          choice);
  if (!driver) {
    Error error = Error::from_errno(choice.error_number, "create runtime");
    return fail(error.set_detail(choice.reason));
  }
  auto runtime = std::make_unique<Runtime>(std::move(driver), options);
  runtime->driver_reason_ = std::move(choice.reason);
  return runtime;
}

Runtime::Runtime(std::unique_ptr<detail::Driver> driver, const RuntimeOptions& options)
    : loop_(std::make_unique<detail::Loop>(std::move(driver), options.offload_threads_max)) {}

Runtime::~Runtime() {
  // Its tasks, its threads and what it has in the kernel are the parent's: nothing is ended here.
  if (loop_->is_left_behind()) static_cast<void>(loop_.release());
}

Result<Runtime*> Runtime::of_this_thread() {
  thread_local std::unique_ptr<Runtime> runtime;
  if (!runtime || runtime->loop().is_left_behind()) {
    Result<std::unique_ptr<Runtime>> made = create();
    if (!made) return fail(made.error());
    runtime = *std::move(made);
  }
  return runtime.get();
}

void Runtime::turn(AnyDuration wait_max) { loop_->turn(wait_max); }

void Runtime::post(std::move_only_function<void()> work) {
  loop_->post(std::make_unique<detail::Posted>(std::move(work)));
}

void Runtime::stop() noexcept {
  loop_->assert_own_thread();
  loop_->root().stop();
}

std::string Runtime::dump_tasks() const { return loop_->dump(); }

TimePoint Runtime::now() const noexcept { return loop_->now(); }

const char* Runtime::driver_name() const noexcept { return loop_->driver().name(); }

std::size_t Runtime::pending_operations() const noexcept { return loop_->pending(); }

namespace detail {

Root::Root(Runtime& runtime) noexcept : runtime_(runtime) {
  runtime.loop().assert_own_thread();
  Scope& root = runtime.loop().root();
  scope_.open(root);
  root.add(scope_);
}

void Root::begin(const Start& start) noexcept {
  if (start.next != nullptr) runtime_.loop().enqueue_resume(*start.next);
}

Frame* Root::ended(Frame* /*child*/) noexcept {
  done_ = true;
  return nullptr;
}

Frame* Root::failed(Error& error) noexcept {
  error_ = error;
  done_ = true;
  return nullptr;
}

bool Root::is_left_behind() const noexcept { return runtime_.loop().is_left_behind(); }

void Root::join() noexcept {
  if (done_ || is_left_behind()) return;
  stop();
  while (!done_) runtime_.turn();
}

Result<Runtime*> runtime_for_run() {
  IEUM_ASSERT(Loop::current() == nullptr,
              "run() within a task would block its loop: co_await instead");
  return Runtime::of_this_thread();
}

}  // namespace detail

int run_main(Task<> program) {
  Result<> result = run(std::move(program));
  if (result) return EXIT_SUCCESS;
  const bool with_trace = std::getenv("IEUM_TRACE") != nullptr;
  const Error& error = result.error();
  std::fprintf(stderr, "%s\n",
               (with_trace ? error.to_string_with_trace() : error.to_string()).c_str());
  return EXIT_FAILURE;
}

}  // namespace ieum
