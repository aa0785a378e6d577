#include "inspect/growth.hpp"

#include <gtest/gtest.h>

namespace ieum::cli {
namespace {

using namespace std::chrono_literals;

TEST(Growth, IsThatOfTheLastMinute) {
  Growth growth;
  const TimePoint start{};
  growth.add(start, {{"a", 100}, {"b", 5}});
  EXPECT_EQ(growth.of("a"), "");  // nothing is known yet
  growth.add(start + 1s, {{"a", 101}, {"b", 5}});
  EXPECT_EQ(growth.of("a"), "");  // a second tells little
  growth.add(start + 30s, {{"a", 106}, {"b", 5}});
  EXPECT_EQ(growth.of("a"), " +12 per minute");
  EXPECT_EQ(growth.of("b"), "");
  EXPECT_EQ(growth.of("c"), "");
  growth.add(start + 60s, {{"a", 106}});
  growth.add(start + 90s, {{"a", 96}});
  EXPECT_EQ(growth.of("a"), " -10 per minute");
  EXPECT_EQ(growth.of("b"), " -5 per minute");
}

TEST(Growth, KeepsLittle) {
  Growth growth;
  Growth::Numbers many;
  for (std::size_t i = 0; i < 2 * Growth::names_max; ++i) many[std::to_string(i)] = i;
  for (int i = 0; i < 2000; ++i) growth.add(TimePoint{} + i * 1ms, many);
  EXPECT_EQ(growth.of("0"), "");
}

}  // namespace
}  // namespace ieum::cli
