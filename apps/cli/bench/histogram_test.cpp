#include "bench/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace ieum::cli {
namespace {

constexpr double percents[] = {0, 1, 25, 50, 90, 99, 99.9, 99.99, 100};

/// The percentiles of `values` as sorting gives them: the histogram's are these or at most
/// `error_max` more.
void expect_as_sorted(std::vector<std::int64_t> values) {
  Histogram histogram;
  double sum = 0;
  for (const std::int64_t value : values) {
    histogram.add(Duration(value));
    sum += static_cast<double>(value);
  }
  std::ranges::sort(values);
  EXPECT_EQ(histogram.count(), values.size());
  EXPECT_EQ(histogram.min().count(), values.front());
  EXPECT_EQ(histogram.max().count(), values.back());
  EXPECT_NEAR(static_cast<double>(histogram.mean().count()),
              sum / static_cast<double>(values.size()), 1);
  for (const double percent : percents) {
    const double exact = percent / 100 * static_cast<double>(values.size());
    const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(exact - 1e-6)));
    const auto wanted = static_cast<double>(values[rank - 1]);
    const auto told = static_cast<double>(histogram.percentile(percent).count());
    EXPECT_GE(told, wanted) << percent;
    EXPECT_LE(told, wanted * (1 + Histogram::error_max)) << percent;
  }
}

TEST(Histogram, tells_percentiles_as_sorting_does) {
  std::mt19937_64 random(7);
  for (const double scale : {1.0, 300.0, 2e4, 5e6, 3e9}) {
    std::lognormal_distribution<double> latency(std::log(scale), 1.5);
    std::vector<std::int64_t> values(20'000);
    for (std::int64_t& value : values) {
      value = std::min<std::int64_t>(std::llround(latency(random)), Histogram::value_max.count());
    }
    expect_as_sorted(values);
  }
  expect_as_sorted({42});
  expect_as_sorted({0, 0, 0, 1'000'000'000});
}

TEST(Histogram, is_within_its_error_at_every_edge_of_its_buckets) {
  for (unsigned bit = 0; bit < 46; ++bit) {
    for (const std::int64_t near : {-1, 0, 1}) {
      const std::int64_t value = (std::int64_t{1} << bit) + near;
      if (value < 0) continue;
      expect_as_sorted({value, value, Duration(std::chrono::hours(24)).count()});
    }
  }
}

TEST(Histogram, of_nothing_and_of_what_it_cannot_hold) {
  Histogram histogram;
  EXPECT_EQ(histogram.percentile(50), Duration::zero());
  EXPECT_EQ(histogram.mean(), Duration::zero());
  EXPECT_EQ(histogram.min(), Duration::zero());
  histogram.add(Duration(-5));
  histogram.add(Duration::max());
  EXPECT_EQ(histogram.min(), Duration::zero());
  EXPECT_EQ(histogram.max(), Histogram::value_max);
}

TEST(Histogram, adds_up_to_what_one_alone_would_hold) {
  std::mt19937_64 random(3);
  Histogram parts[3];
  Histogram whole;
  for (int i = 0; i < 3000; ++i) {
    const Duration value(static_cast<std::int64_t>(random() >> (20 + i % 40)));
    parts[i % 3].add(value);
    whole.add(value);
  }
  Histogram sum;
  for (const Histogram& part : parts) sum.add(part);
  for (const double percent : percents) {
    EXPECT_EQ(sum.percentile(percent), whole.percentile(percent));
  }
  EXPECT_EQ(sum.count(), whole.count());
  EXPECT_NEAR(static_cast<double>(sum.mean().count()), static_cast<double>(whole.mean().count()),
              1);
  EXPECT_EQ(sum.min(), whole.min());
}

TEST(Histogram, knows_which_percentiles_it_has_enough_times_for) {
  Histogram histogram;
  for (int i = 0; i < 1000; ++i) histogram.add(std::chrono::microseconds(i));
  EXPECT_TRUE(histogram.tells(99.9));
  EXPECT_FALSE(histogram.tells(99.99));
  EXPECT_EQ(histogram.count_up_to(std::chrono::milliseconds(2)), 1000U);
  EXPECT_NEAR(static_cast<double>(histogram.count_up_to(std::chrono::microseconds(500))), 500, 3);
  EXPECT_EQ(histogram.count_up_to(Duration(-1)), 0U);
}

}  // namespace
}  // namespace ieum::cli
