#include "text/numbers.hpp"

#include <gtest/gtest.h>

namespace ieum::cli {
namespace {

TEST(Numbers, latencies_have_three_digits) {
  using namespace std::chrono_literals;
  EXPECT_EQ(format_latency(0ns), "0 ns");
  EXPECT_EQ(format_latency(85ns), "85 ns");
  EXPECT_EQ(format_latency(12'345ns), "12.3 µs");
  EXPECT_EQ(format_latency(999'499ns), "999 µs");
  EXPECT_EQ(format_latency(999'501ns), "1 ms");
  EXPECT_EQ(format_latency(1'236us), "1.24 ms");
  EXPECT_EQ(format_latency(2'049ms), "2.05 s");
  EXPECT_EQ(format_latency(7'200s), "7200 s");
}

TEST(Numbers, large_numbers_are_grouped) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'000), "1,000");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
}

}  // namespace
}  // namespace ieum::cli
