// Interval: where the mean of a measurement lies, with 95 % confidence.
#pragma once

#include <span>

namespace ieum::cli {

struct Interval {
  double mean = 0;
  double half_width = 0;  ///< zero if there are fewer than two values

  /// In relation to the mean.
  [[nodiscard]] double relative() const noexcept { return mean > 0 ? half_width / mean : 0; }
};

/// Of values that were measured one after the other, each over the same time, by Student's t. They
/// are taken for independent of each other: a slow drift makes the interval narrower than it
/// should be.
[[nodiscard]] Interval interval_of(std::span<const double> values) noexcept;

}  // namespace ieum::cli
