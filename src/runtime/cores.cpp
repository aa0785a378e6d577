// run_on_cores: threads, the first failure, the join.
#include <ieum/cores.hpp>

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace ieum {

namespace {

constexpr std::size_t cpus_max = std::size_t{1} << 16U;  // more than Linux knows

/// The numbers of the CPUs that this thread may run on.
std::vector<std::size_t> cpus_of_this_thread() {
  std::vector<std::size_t> cpus;
  // The kernel refuses a set that is smaller than its own.
  for (std::size_t room = CPU_SETSIZE; room <= cpus_max; room *= 2) {
    std::vector<cpu_set_t> set(room / CPU_SETSIZE);
    const std::size_t bytes = set.size() * sizeof(cpu_set_t);
    if (::sched_getaffinity(0, bytes, set.data()) < 0) continue;
    for (std::size_t cpu = 0; cpu < room; ++cpu) {
      if (CPU_ISSET_S(cpu, bytes, set.data())) cpus.push_back(cpu);
    }
    break;
  }
  return cpus;
}

/// 0 or an errno.
int stay_on(std::size_t cpu) {
  std::vector<cpu_set_t> set(cpu / CPU_SETSIZE + 1);
  const std::size_t bytes = set.size() * sizeof(cpu_set_t);
  CPU_ZERO_S(bytes, set.data());
  CPU_SET_S(cpu, bytes, set.data());
  return ::pthread_setaffinity_np(::pthread_self(), bytes, set.data());
}

}  // namespace

/// One call of run_on_cores.
class CoresRun {
 public:
  CoresRun(const std::function<Task<>(Core&)>& body, const CoresOptions& options)
      : body_(body), options_(options), cpus_(cpus_of_this_thread()) {}

  Result<> run(const std::stop_token& stop) {
    const auto pass_on = [this] { stop_.request_stop(); };
    const std::stop_callback<decltype(pass_on)> callback(stop, pass_on);
    std::vector<std::thread> threads;
    threads.reserve(options_.count);
    for (std::size_t i = 0; i < options_.count; ++i) {
#if defined(__cpp_exceptions)
      try {
#endif
        threads.emplace_back([this, i] { serve(i); });
#if defined(__cpp_exceptions)
      } catch (const std::system_error& error) {
        failed(Error(error.code(), "start thread of core"));
        break;
      }
#endif
    }
    for (std::thread& thread : threads) thread.join();
    return result();
  }

  void stop_all() noexcept {
    {
      const std::lock_guard lock(mutex_);
      stopped_here_ = true;
    }
    stop_.request_stop();
  }

 private:
  void serve(std::size_t index) {
    ::pthread_setname_np(::pthread_self(), ("core " + std::to_string(index)).c_str());
    if (options_.pin_to_cpus && !cpus_.empty()) {
      const int error_number = stay_on(cpus_[index % cpus_.size()]);
      if (error_number != 0) return failed(Error::from_errno(error_number, "pin core to CPU"));
    }
    Result<std::unique_ptr<Runtime>> runtime = Runtime::create(options_.runtime);
    if (!runtime) return failed(runtime.error());
    const std::unique_ptr<Runtime> own = *std::move(runtime);
    Core core(index, options_.count, *own, *this);
#if defined(__cpp_exceptions)
    try {
#endif
      const Result<> ended = ieum::run(*own, body_(core), stop_.get_token());
      if (!ended) failed(ended.error());
#if defined(__cpp_exceptions)
    } catch (...) {
      threw(std::current_exception());
    }
#endif
  }

  void failed(const Error& error) noexcept {
    {
      const std::lock_guard lock(mutex_);
      const bool consequence = stopped_here_ && error == std::errc::operation_canceled;
      if (!consequence && !error_) error_ = error;
      stopped_here_ = true;
    }
    stop_.request_stop();
  }

  void threw(std::exception_ptr exception) noexcept {
    {
      const std::lock_guard lock(mutex_);
      if (exception_ == nullptr) exception_ = std::move(exception);
      stopped_here_ = true;
    }
    stop_.request_stop();
  }

  Result<> result() {
    if (exception_ != nullptr) std::rethrow_exception(std::move(exception_));
    if (error_) return fail(*error_);
    return {};
  }

  const std::function<Task<>(Core&)>& body_;
  CoresOptions options_;
  const std::vector<std::size_t> cpus_;
  std::stop_source stop_;
  std::mutex mutex_;
  bool stopped_here_ = false;
  std::optional<Error> error_;
  std::exception_ptr exception_;
};

void Core::stop_all() const noexcept { run_.stop_all(); }

std::size_t available_cpus() { return std::max<std::size_t>(cpus_of_this_thread().size(), 1); }

Result<std::size_t> detail::count_of_cores(const CoresOptions& options) {
  if (options.count == 0) return std::min(available_cpus(), Core::count_max);
  if (options.count <= Core::count_max) return options.count;
  return fail(
      Error(std::errc::invalid_argument, "run on cores")
          .with_detail("count is beyond Core::count_max, " + std::to_string(Core::count_max)));
}

Result<> run_on_cores(const std::function<Task<>(Core&)>& body, const CoresOptions& options,
                      const std::stop_token& stop) {
  IEUM_ASSERT(detail::Loop::current() == nullptr,
              "run_on_cores() within a task would block its loop: call it outside");
  const Result<std::size_t> count = detail::count_of_cores(options);
  if (!count) return fail(count.error());
  CoresOptions counted = options;
  counted.count = *count;
  CoresRun run(body, counted);
  return run.run(stop);
}

}  // namespace ieum
