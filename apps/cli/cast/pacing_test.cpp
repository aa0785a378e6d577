#include "cast/pacing.hpp"

#include <gtest/gtest.h>

namespace ieum::cli {
namespace {

using namespace std::chrono_literals;

TEST(Pacing, rates_are_decimal_bits) {
  EXPECT_EQ(parse_rate("50M"), 50'000'000U);
  EXPECT_EQ(parse_rate("1.5G"), 1'500'000'000U);
  EXPECT_EQ(parse_rate("300k"), 300'000U);
  EXPECT_EQ(parse_rate("64000"), 64'000U);
  for (const char* wrong : {"", "M", "0", "-1M", "1e9", "5T", "999", "2000G", "1.2.3M", "5 M"}) {
    EXPECT_FALSE(parse_rate(wrong)) << wrong;
  }
}

/// Sends packets of `bytes` for a second, as its waits have it; gives how many bytes went.
std::size_t send_for_a_second(Pacing& pacing, std::size_t bytes, Duration late) {
  Pacing::Time now{1h};
  const Pacing::Time end = now + 1s;
  std::size_t sent = 0;
  while (now < end) {
    const Duration wait = pacing.wait(now);
    if (wait > 0ns) {
      now += wait + late;
      continue;
    }
    pacing.spend(now, bytes);
    sent += bytes;
  }
  return sent;
}

TEST(Pacing, so_many_go_in_a_second) {
  for (const std::uint64_t rate : {1'000'003ULL, 50'000'000ULL, 1'000'000'007ULL}) {
    for (const Duration late : {Duration(0), Duration(60us), Duration(900us)}) {
      Pacing pacing(rate);
      const auto sent = static_cast<double>(send_for_a_second(pacing, 1328, late)) * 8;
      EXPECT_NEAR(sent / static_cast<double>(rate), 1, 0.025) << rate << " " << late.count();
    }
  }
}

TEST(Pacing, no_rush_after_a_pause) {
  Pacing pacing(8'000'000);  // 1000 bytes a millisecond
  const Pacing::Time begin{1h};
  pacing.spend(begin, 1000);
  const Pacing::Time later = begin + 10s;
  std::size_t at_once = 0;
  while (pacing.wait(later) == 0ns) {
    pacing.spend(later, 1000);
    ++at_once;
  }
  EXPECT_EQ(at_once, 9U);  // eight milliseconds' worth, and the one that empties the bucket
}

TEST(Pacing, stamps_are_even) {
  Pacing pacing(8'000'000);
  const Pacing::Time begin{1h};
  Pacing::Time last = pacing.spend(begin, 500);
  for (int i = 0; i < 4; ++i) {
    const Pacing::Time stamp = pacing.spend(begin, 500);
    EXPECT_EQ(stamp - last, 500us);
    last = stamp;
  }
}

TEST(Pacing, without_a_rate_nothing_waits) {
  Pacing pacing(0);
  const Pacing::Time now{1h};
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(pacing.spend(now, 60'000), now);
  EXPECT_EQ(pacing.wait(now), 0ns);
  EXPECT_EQ(pacing.burst_count(1316, 45), 45U);
  EXPECT_EQ(Pacing(1'000'000).burst_count(1316, 45), 1U);
  EXPECT_EQ(Pacing(50'000'000).burst_count(1316, 45), 4U);
}

}  // namespace
}  // namespace ieum::cli
