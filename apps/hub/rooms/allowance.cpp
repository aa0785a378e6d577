// Allowance: how often something may be done.
#include "rooms/allowance.hpp"

#include <algorithm>

namespace ieum::hub {

double Allowance::left(const Config& config, TimePoint now) const noexcept {
  const auto rate = static_cast<double>(config.lines_per_second);
  const auto burst = static_cast<double>(config.burst_lines);
  const double earned = Wait(now - at_).count() * rate;
  return rate == 0 ? burst : std::min(left_ + earned, burst);
}

Allowance::Wait Allowance::until_next(const Config& config, TimePoint now) noexcept {
  left_ = left(config, now);
  at_ = now;
  const auto rate = static_cast<double>(config.lines_per_second);
  return left_ >= 1 || rate == 0 ? Wait(0) : Wait((1 - left_) / rate);
}

bool Allowance::is_full(const Config& config, TimePoint now) const noexcept {
  return left(config, now) >= static_cast<double>(config.burst_lines);
}

Allowance::Wait Allowances::take(std::string_view who, const Config& config, TimePoint now) {
  const std::lock_guard lock(mutex_);
  Allowance& allowance = by_name_.try_emplace(std::string(who), config, now).first->second;
  const Allowance::Wait wait = allowance.until_next(config, now);
  if (wait.count() == 0) allowance.take();
  return wait;
}

void Allowances::forget(const Config& config, TimePoint now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(by_name_, [&](const auto& named) { return named.second.is_full(config, now); });
}

}  // namespace ieum::hub
