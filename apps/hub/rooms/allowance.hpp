// Allowance: how often something may be done: so many times at once, then at a rate.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include <ieum/time.hpp>

#include "config/config.hpp"

namespace ieum::hub {

/// Of the configuration's `burst_lines` and `lines_per_second`.
class Allowance {
 public:
  using Wait = std::chrono::duration<double>;

  Allowance(const Config& config, TimePoint now) noexcept
      : left_(static_cast<double>(config.burst_lines)), at_(now) {}

  /// How long until it may be done; zero: now.
  [[nodiscard]] Wait until_next(const Config& config, TimePoint now) noexcept;
  void take() noexcept { left_ -= 1; }
  [[nodiscard]] bool is_full(const Config& config, TimePoint now) const noexcept;

 private:
  [[nodiscard]] double left(const Config& config, TimePoint now) const noexcept;
  double left_;
  TimePoint at_;
};

/// Those of everybody who has no connection of their own to count by. Any thread.
class Allowances {
 public:
  /// Takes one of `who`'s; or how long until there is one.
  [[nodiscard]] Allowance::Wait take(std::string_view who, const Config& config, TimePoint now);
  /// Those that are full need not be remembered.
  void forget(const Config& config, TimePoint now);

 private:
  std::mutex mutex_;
  std::map<std::string, Allowance, std::less<>> by_name_;
};

}  // namespace ieum::hub
