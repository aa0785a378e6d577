#include "bench/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace ieum::cli {

// Bucket b of 0 to 255 holds the value b. From then on each power of two has 256 buckets, the k-th
// of which (k from 1) are 2^(k-1) wide.
std::size_t Histogram::bucket_of(std::uint64_t value) noexcept {
  const auto width = static_cast<unsigned>(std::bit_width(value));
  if (width <= step_bits) return value;
  const unsigned shift = width - step_bits - 1;
  return (std::size_t{shift} << step_bits) + static_cast<std::size_t>(value >> shift);
}

std::uint64_t Histogram::last_of(std::size_t bucket) noexcept {
  constexpr std::size_t steps = std::size_t{1} << step_bits;
  if (bucket < 2 * steps) return bucket;
  const std::size_t shift = (bucket >> step_bits) - 1;
  const std::uint64_t first = std::uint64_t{bucket - (shift << step_bits)} << shift;
  return first + (std::uint64_t{1} << shift) - 1;
}

void Histogram::add(Duration value) noexcept {
  value = std::clamp(value, Duration::zero(), value_max);
  const std::size_t bucket = bucket_of(static_cast<std::uint64_t>(value.count()));
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  ++count_;
  sum_ += static_cast<double>(value.count());
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
}

void Histogram::add(const Histogram& other) {
  if (other.buckets_.size() > buckets_.size()) buckets_.resize(other.buckets_.size());
  for (std::size_t i = 0; i < other.buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

Duration Histogram::mean() const noexcept {
  if (count_ == 0) return {};
  return Duration(std::llround(sum_ / static_cast<double>(count_)));
}

Duration Histogram::percentile(double percent) const noexcept {
  if (count_ == 0) return {};
  // A product that is a whole number but for rounding is that number.
  const double exact = percent / 100 * static_cast<double>(count_);
  const auto rank = std::clamp<std::uint64_t>(
      static_cast<std::uint64_t>(std::ceil(exact - 1e-9 * static_cast<double>(count_))), 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(Duration(static_cast<std::int64_t>(last_of(i))), max_);
  }
  return max_;
}

bool Histogram::tells(double percent) const noexcept {
  return static_cast<double>(count_) * (1 - percent / 100) >= 1 - 1e-6;
}

std::uint64_t Histogram::count_up_to(Duration limit) const noexcept {
  if (limit < Duration::zero()) return 0;
  const std::size_t end =
      std::min(bucket_of(static_cast<std::uint64_t>(std::min(limit, value_max).count())) + 1,
               buckets_.size());
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < end; ++i) seen += buckets_[i];
  return seen;
}

}  // namespace ieum::cli
