#include "cast/rate_limiter.hpp"

#include <algorithm>
#include <charconv>

namespace ieum::cli {

std::optional<std::uint64_t> parse_rate(std::string_view text) {
  constexpr double rate_max = 1e12;
  double unit = 1;
  if (!text.empty()) {
    switch (text.back()) {
      case 'k':
      case 'K': unit = 1e3; break;
      case 'M': unit = 1e6; break;
      case 'G': unit = 1e9; break;
      default: break;
    }
    if (unit > 1) text.remove_suffix(1);
  }
  if (text.empty() || text.find_first_not_of("0123456789.") != std::string_view::npos) return {};
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || rest != text.data() + text.size()) return {};
  number *= unit;
  if (!(number >= 1e3) || number > rate_max) return {};
  return static_cast<std::uint64_t>(number);
}

Duration RateLimiter::wait(Time now) const noexcept {
  if (rate_ == 0 || !next_) return {};
  return std::max(Duration::zero(), Duration(*next_ - now));
}

RateLimiter::Time RateLimiter::spend(Time now, std::size_t bytes) noexcept {
  if (rate_ == 0) return now;
  if (!next_ || *next_ < now - burst) {
    next_ = next_ ? now - burst : now;
    remainder_ = 0;
  }
  const Time due = *next_;
  constexpr std::uint64_t nanoseconds = 1'000'000'000;
  // At most 2²⁰ bytes: 8 · 2²⁰ · 10⁹ fits.
  const std::uint64_t needed = std::uint64_t{bytes} * 8 * nanoseconds + remainder_;
  *next_ += std::chrono::nanoseconds(needed / rate_);
  remainder_ = needed % rate_;
  return due;
}

std::size_t RateLimiter::burst_count(std::size_t bytes, std::size_t max) const noexcept {
  if (rate_ == 0) return max;
  const double seconds = std::chrono::duration<double>(stride).count();
  const double count = static_cast<double>(rate_) / 8 * seconds / static_cast<double>(bytes);
  return std::clamp(static_cast<std::size_t>(count), std::size_t{1}, max);
}

}  // namespace ieum::cli
