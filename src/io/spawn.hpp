// Spawning: a program as a child process, by posix_spawn(3), with its end as a descriptor.
#pragma once

#include <array>
#include <span>
#include <string>

#include <ieum/descriptor.hpp>
#include <ieum/process.hpp>
#include <ieum/result.hpp>

namespace ieum::detail {

/// What a child gets as 0, 1 and 2: a descriptor of ours (3 or above), or one of these.
inline constexpr int child_inherits = -1;
inline constexpr int child_has_null = -2;

struct Spawned {
  int pid = -1;
  Descriptor pidfd;  // non-blocking
};

/// Blocks until the program is loaded. After an error nothing runs.
Result<Spawned> spawn(std::span<const std::string> command, const ProcessOptions& options,
                      const std::array<int, 3>& standard);

/// The error of a start, which names the program.
Error start_error(int number, std::span<const std::string> command);

}  // namespace ieum::detail
