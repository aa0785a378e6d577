// Histogram: how often each time was measured, in buckets whose width grows with the time, so that
// a microsecond and a minute are told with the same relative error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <ieum/operation.hpp>

namespace ieum::cli {

/// Adding takes no memory after the first time of its size, and does not depend on how many there
/// are. Times below zero count as zero, those above `value_max` as `value_max`.
class Histogram {
 public:
  static constexpr unsigned step_bits = 8;  ///< buckets of each power of two: 256
  /// A percentile is told as at most so much more than it was, relatively, and never as less. Below
  /// 512 ns it is exact.
  static constexpr double error_max = 1.0 / (1U << step_bits);
  static constexpr Duration value_max = std::chrono::hours(24);

  void add(Duration value) noexcept;
  void add(const Histogram& other);

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  // These are exact; zero if there is nothing.
  [[nodiscard]] Duration min() const noexcept { return count_ > 0 ? min_ : Duration::zero(); }
  [[nodiscard]] Duration max() const noexcept { return max_; }
  [[nodiscard]] Duration mean() const noexcept;
  /// The smallest time that `percent` of all are not above (nearest rank), 0 to 100.
  [[nodiscard]] Duration percentile(double percent) const noexcept;
  /// There are enough times for this percentile to be another one than the largest.
  [[nodiscard]] bool tells(double percent) const noexcept;
  /// How many are at most `limit`, give or take the width of a bucket.
  [[nodiscard]] std::uint64_t count_up_to(Duration limit) const noexcept;

 private:
  static std::size_t bucket_of(std::uint64_t value) noexcept;
  static std::uint64_t last_of(std::size_t bucket) noexcept;
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  double sum_ = 0;
  Duration min_ = Duration::max();
  Duration max_{};
};

}  // namespace ieum::cli
