// Why a traced program waits, and has done so for a while: one sentence, in the words of `ieum
// inspect`; one for both where two wait for each other.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <ieum/operation.hpp>

#include "trace/event.hpp"

namespace ieum::cli::trace {

/// A thread that is in a call on a socket, or in poll(2) and the like, where `socket` is 0.
struct Waiter {
  int pid = 0;
  int tid = 0;
  std::string call{};
  int fd = -1;
  std::uint64_t socket = 0;
  Time since{};
  bool is_due = false;  ///< it is to be told; the others may be the reason
};

/// A sentence for each waiter that is due, as events without a time. Takes a snapshot of all
/// sockets of the machine: some milliseconds.
[[nodiscard]] std::vector<Event> explain_waiting(std::span<const Waiter> waiters, Time now);

/// "poll" if a thread is in a call that waits for descriptors; else empty.
[[nodiscard]] std::string waits_for_descriptors(int tid);

}  // namespace ieum::cli::trace
