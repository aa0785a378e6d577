// RateLimiter: when the next bytes may go, so that so many a second go, evenly. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <ieum/operation.hpp>

namespace ieum::cli {

/// `50M`, `1.5G`, `300k`: bits a second, decimal, from 1k to 1000G.
[[nodiscard]] std::optional<std::uint64_t> parse_rate(std::string_view text);
inline constexpr std::string_view rate_forms =
    "bits a second from 1k to 1000G, as 300k, 50M or 1.5G";

/// A token bucket: holds what `burst` lets through, at the rate; what was not used beyond that is
/// gone, so that a sender that was held up does not rush.
class RateLimiter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// What may go at once after a pause, in time: less than a receiver's queue holds, more than a
  /// timer is late, on a busy machine too.
  static constexpr Duration burst = std::chrono::milliseconds(8);
  /// What goes at once otherwise.
  static constexpr Duration stride = std::chrono::milliseconds(1);

  /// 0 bits a second: no limit.
  explicit RateLimiter(std::uint64_t bits_per_second) noexcept : rate_(bits_per_second) {}

  /// How long at `now` before something may go; zero: now.
  [[nodiscard]] Duration wait(Time now) const noexcept;
  /// Something goes at `now`; gives when it would have gone, evenly paced: the time to stamp it
  /// with.
  Time spend(Time now, std::size_t bytes) noexcept;
  /// How many of `bytes` each go in one stride, at least 1.
  [[nodiscard]] std::size_t burst_count(std::size_t bytes, std::size_t max) const noexcept;

 private:
  std::uint64_t rate_;
  std::optional<Time> next_;     // when the bucket has room again
  std::uint64_t remainder_ = 0;  // bits × 10⁹ that did not fill a nanosecond
};

}  // namespace ieum::cli
