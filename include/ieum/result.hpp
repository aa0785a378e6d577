// Result<T>: a value or an Error; what functions that do not wait return, and what a task ends
// with.
#pragma once

#include <expected>
#include <utility>

#include <ieum/error.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// A raised error: `return fail(error)` from a function that returns a `Result`, `co_return
/// fail(error)` from a `Task<T>`, `co_await fail(error)` anywhere in a task.
using Failure = std::unexpected<Error>;

[[nodiscard]] inline Failure fail(const Error& error) { return Failure(error); }

template <class Code>
[[nodiscard]] Failure fail(Code code, const char* operation, const Address& address = {}) {
  return Failure(Error(code, operation, address));
}

}  // namespace ieum
#pragma GCC visibility pop
