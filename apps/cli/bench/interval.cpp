#include "bench/interval.hpp"

#include <array>
#include <cmath>
#include <cstddef>

namespace ieum::cli {

namespace {

/// Of the two-sided 95 %, for 1 to 19 degrees of freedom; beyond, what the next ones are less than.
constexpr std::array student{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                             2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093};

}  // namespace

Interval interval_of(std::span<const double> values) noexcept {
  if (values.empty()) return {};
  const auto count = static_cast<double>(values.size());
  double sum = 0;
  for (const double value : values) sum += value;
  const double mean = sum / count;
  if (values.size() < 2) return {.mean = mean};
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double deviation = std::sqrt(squares / (count - 1));
  const std::size_t freedom = values.size() - 1;
  const double t = freedom <= student.size() ? student[freedom - 1] : student.back();
  return {.mean = mean, .half_width = t * deviation / std::sqrt(count)};
}

}  // namespace ieum::cli
