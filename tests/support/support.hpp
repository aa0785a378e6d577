// What tests share: a runtime of their own, running a task to its expected end, the long form.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <ostream>
#include <random>
#include <span>
#include <string>
#include <utility>

#include <ieum/ieum.hpp>

namespace ieum {
// GoogleTest prints these in its messages.
inline void PrintTo(const Error& error, std::ostream* out) { *out << error.to_string_with_trace(); }
inline void PrintTo(const Address& address, std::ostream* out) { *out << address.to_string(); }
}  // namespace ieum

namespace ieum::test {

/// Slow, and memory that is freed is kept for a while.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
inline constexpr bool sanitized =
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool sanitized = false;
#endif

/// How long a test waits for what must come. No test needs it: sanitizers and busy machines are
/// slow, and what takes longer hangs.
inline constexpr std::chrono::seconds patience{120};

/// True under `./dev test --all`: gigabytes under sanitizers, thousands of connections.
inline bool long_form() { return std::getenv("IEUM_TEST_LONG") != nullptr; }

/// A runtime of the test's own, on the driver that IEUM_DRIVER names.
inline std::unique_ptr<Runtime> make_runtime(const RuntimeOptions& options = {}) {
  Result<std::unique_ptr<Runtime>> runtime = Runtime::create(options);
  if (!runtime) {
    ADD_FAILURE() << runtime.error().to_string();
    std::abort();
  }
  return *std::move(runtime);
}

/// Runs `op` on a new runtime; whatever it left behind is found when the runtime ends.
template <class A>
Result<typename A::value_type> run_alone(A op) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  return run(*runtime, std::move(op));
}

/// Runs `op`, which is expected to succeed, on a new runtime.
template <class A>
void expect_success(A op) {
  const Result<typename A::value_type> result = run_alone(std::move(op));
  if (!result) ADD_FAILURE() << result.error().to_string_with_trace();
}

/// Runs `op`, which is expected to fail with `code`, on a new runtime.
template <class Code, class A>
void expect_failure(Code code, A op) {
  const Result<typename A::value_type> result = run_alone(std::move(op));
  if (result) {
    ADD_FAILURE() << "it succeeded";
  } else {
    EXPECT_EQ(result.error(), code) << result.error().to_string_with_trace();
  }
}

/// Open descriptors of this process.
int open_descriptors();

/// Tests that cannot run on the simulated driver: a pattern of their names (`*` and `?`), and why.
struct NotSimulated {
  const char* tests;
  const char* reason;
};
/// With IEUM_DRIVER=sim these are left out, and said to be skipped. Before main.
bool leave_out_when_simulated(std::span<const NotSimulated> tests);

/// The seed of this run, from IEUM_TEST_SEED or chosen now; printed when a test fails.
std::uint64_t seed();

}  // namespace ieum::test

/// In a test's task, where ASSERT_ macros cannot return: fails the test and ends the task.
#define CO_ASSERT(condition)                                         \
  if (!(condition)) {                                                \
    ADD_FAILURE() << "CO_ASSERT(" #condition ")";                    \
    co_await ::ieum::fail(std::errc::state_not_recoverable, "test"); \
  }                                                                  \
  static_assert(true)
