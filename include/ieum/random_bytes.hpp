// random_bytes: numbers that nobody can guess, for keys, masks and identifiers.
#pragma once

#include <cstddef>
#include <span>

#include <ieum/result.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// Fills `into`, of any size, with bytes that nobody can guess (getrandom(2)). In a task of a
/// simulated host they come from the network's seed instead, so that a run can be repeated; they
/// are no secret there. Any thread; does not wait, but in the first seconds of a machine. Error:
/// `function_not_supported` and the like, where a filter forbids the system call.
[[nodiscard]] Result<> random_bytes(std::span<std::byte> into) noexcept;

}  // namespace ieum
#pragma GCC visibility pop
