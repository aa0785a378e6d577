// finally: clean-up that must await, on every way out.
#pragma once

#include <chrono>
#include <optional>

#include <ieum/task.hpp>
#include <ieum/timeout.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// Runs `body`, then `cleanup()` whichever way the body ended: with a value, a failure, an
/// exception or a stop. The clean-up is shielded: after a stop it has `grace` to end. The body's
/// failure or exception goes on; if it succeeded, the clean-up's failure does. An exception of the
/// clean-up's own outranks all.
///
/// `cleanup` is kept until it has ended: it may be a lambda with captures that returns a `Task<>`.
template <class T, class Cleanup>
[[nodiscard]] Task<T> finally(Task<T> body, Cleanup cleanup,
                              AnyDuration grace = std::chrono::seconds(5)) {
  std::exception_ptr exception;
  std::optional<Result<T>> result;
#if defined(__cpp_exceptions)
  try {
#endif
    result.emplace(co_await attempt(std::move(body)));
#if defined(__cpp_exceptions)
  } catch (...) {
    exception = std::current_exception();
  }
#endif
  Task<> cleaning = cleanup();
  Result<> cleaned = co_await attempt(shield(std::move(cleaning), grace));
  if (exception != nullptr) std::rethrow_exception(exception);
  if (!*result) co_await fail(result->error());
  if (!cleaned) co_await fail(cleaned.error());
  if constexpr (!std::is_void_v<T>) co_return std::move(**result);
}

}  // namespace ieum
#pragma GCC visibility pop
