// The clock that certificates and sessions are judged by, which tests can put forward.
#pragma once

#include <atomic>
#include <chrono>

namespace ieum::tls {

/// For tests: how far it is ahead of the system's.
inline std::atomic<std::chrono::seconds> wall_clock_ahead{std::chrono::seconds(0)};

inline std::chrono::system_clock::time_point wall_clock_now() noexcept {
  return std::chrono::system_clock::now() + wall_clock_ahead.load(std::memory_order_relaxed);
}

}  // namespace ieum::tls
