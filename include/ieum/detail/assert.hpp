// Assertions: programmer errors only, never what a peer sent; checked in release builds too.
#pragma once

#pragma GCC visibility push(default)
namespace ieum::detail {

/// Prints `what` with the place where it was found to standard error, then aborts.
[[noreturn]] void assertion_failed(const char* what, const char* file, int line) noexcept;

}  // namespace ieum::detail
#pragma GCC visibility pop

#define IEUM_ASSERT(condition, what)                   \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::ieum::detail::assertion_failed(what, __FILE__, __LINE__))
