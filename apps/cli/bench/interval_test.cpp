#include "bench/interval.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace ieum::cli {
namespace {

TEST(Interval, is_that_of_students_t) {
  // By hand: mean 5, deviation 2.2360..., 5 values: 2.776 * 2.2360 / sqrt(5) = 2.776
  const Interval interval = interval_of(std::array{2.0, 4.0, 5.0, 6.0, 8.0});
  EXPECT_DOUBLE_EQ(interval.mean, 5);
  EXPECT_NEAR(interval.half_width, 2.776, 0.001);
  EXPECT_NEAR(interval.relative(), 0.5552, 0.001);
}

TEST(Interval, of_one_value_or_none_has_no_width) {
  EXPECT_EQ(interval_of({}).mean, 0);
  EXPECT_EQ(interval_of({}).relative(), 0);
  EXPECT_EQ(interval_of(std::array{3.0}).mean, 3);
  EXPECT_EQ(interval_of(std::array{3.0}).half_width, 0);
}

TEST(Interval, holds_the_true_mean_as_often_as_it_says) {
  std::mt19937_64 random(11);
  std::normal_distribution<double> noise(100, 15);
  int holds = 0;
  constexpr int trials = 2000;
  for (int trial = 0; trial < trials; ++trial) {
    std::array<double, 10> values{};
    for (double& value : values) value = noise(random);
    const Interval interval = interval_of(values);
    if (interval.mean - interval.half_width <= 100 && 100 <= interval.mean + interval.half_width) {
      ++holds;
    }
  }
  EXPECT_NEAR(static_cast<double>(holds) / trials, 0.95, 0.02);
}

}  // namespace
}  // namespace ieum::cli
