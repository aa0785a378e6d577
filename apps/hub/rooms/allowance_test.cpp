#include "rooms/allowance.hpp"

#include <gtest/gtest.h>

namespace ieum::hub {
namespace {

using namespace std::chrono_literals;

Config slow() {
  Config config;
  config.burst_lines = 3;
  config.lines_per_second = 2;
  return config;
}

TEST(Allowances, AreABurstAndThenARate) {
  const Config config = slow();
  Allowances allowances;
  const TimePoint begin = TimePoint() + 1h;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(allowances.take("ann", config, begin).count(), 0);
  EXPECT_DOUBLE_EQ(allowances.take("ann", config, begin).count(), 0.5);
  EXPECT_EQ(allowances.take("bob", config, begin).count(), 0) << "his own";
  EXPECT_DOUBLE_EQ(allowances.take("ann", config, begin + 250ms).count(), 0.25);
  EXPECT_EQ(allowances.take("ann", config, begin + 500ms).count(), 0);
  EXPECT_GT(allowances.take("ann", config, begin + 500ms).count(), 0);
}

TEST(Allowances, AreForgottenOnceTheyAreFull) {
  const Config config = slow();
  Allowances allowances;
  const TimePoint begin = TimePoint() + 1h;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(allowances.take("ann", config, begin).count(), 0);
  allowances.forget(config, begin + 1s);
  EXPECT_EQ(allowances.take("ann", config, begin + 1s).count(), 0);
  EXPECT_EQ(allowances.take("ann", config, begin + 1s).count(), 0);
  EXPECT_GT(allowances.take("ann", config, begin + 1s).count(), 0) << "it was kept";
}

TEST(Allowances, HaveNoEndWithoutARate) {
  Config config = slow();
  config.lines_per_second = 0;
  Allowances allowances;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(allowances.take("ann", config, TimePoint()).count(), 0);
}

}  // namespace
}  // namespace ieum::hub
