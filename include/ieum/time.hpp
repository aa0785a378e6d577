// Time as a runtime counts it, and durations of any unit.
#pragma once

#include <chrono>
#include <cstdint>
#include <ratio>
#include <utility>

#pragma GCC visibility push(default)
namespace ieum {

/// Time as the runtime counts it: monotonic (CLOCK_MONOTONIC), or virtual under the simulator.
using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::nanoseconds;

/// A Duration that takes any duration of <chrono>, without overflow: what is longer than a Duration
/// can be, 292 years, is the longest, so that `std::chrono::hours::max()` means for ever. Not a
/// number is no time.
class AnyDuration : public Duration {
 public:
  constexpr AnyDuration() noexcept : Duration(0) {}
  template <class Rep, class Period>
  constexpr AnyDuration(const std::chrono::duration<Rep, Period>& time) noexcept
      : Duration(saturated(time)) {}

 private:
  template <class Rep, class Period>
  static constexpr Duration saturated(const std::chrono::duration<Rep, Period>& time) noexcept {
    if constexpr (std::chrono::treat_as_floating_point_v<Rep>) {
      const long double nanoseconds = std::chrono::duration<long double, std::nano>(time).count();
      if (nanoseconds >= static_cast<long double>(Duration::max().count())) return Duration::max();
      if (nanoseconds <= static_cast<long double>(Duration::min().count())) return Duration::min();
      return nanoseconds == nanoseconds ? Duration(static_cast<std::int64_t>(nanoseconds))
                                        : Duration::zero();
    } else {
      if constexpr (std::ratio_less_equal_v<std::nano, Period>) {
        using Same = std::chrono::duration<std::int64_t, Period>;
        constexpr std::int64_t most = std::chrono::duration_cast<Same>(Duration::max()).count();
        if (std::cmp_greater(time.count(), most)) return Duration::max();
        if (std::cmp_less(time.count(), -most)) return Duration::min();
      }
      return std::chrono::duration_cast<Duration>(time);
    }
  }
};

}  // namespace ieum
#pragma GCC visibility pop
