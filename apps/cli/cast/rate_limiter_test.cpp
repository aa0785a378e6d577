#include "cast/rate_limiter.hpp"

#include <gtest/gtest.h>

namespace ieum::cli {
namespace {

using namespace std::chrono_literals;

TEST(RateLimiter, rates_are_decimal_bits) {
  EXPECT_EQ(parse_rate("50M"), 50'000'000U);
  EXPECT_EQ(parse_rate("1.5G"), 1'500'000'000U);
  EXPECT_EQ(parse_rate("300k"), 300'000U);
  EXPECT_EQ(parse_rate("64000"), 64'000U);
  for (const char* wrong : {"", "M", "0", "-1M", "1e9", "5T", "999", "2000G", "1.2.3M", "5 M"}) {
    EXPECT_FALSE(parse_rate(wrong)) << wrong;
  }
}

/// Sends packets of `bytes` for a second, as its waits have it; gives how many bytes went.
std::size_t send_for_a_second(RateLimiter& limiter, std::size_t bytes, Duration late) {
  RateLimiter::Time now{1h};
  const RateLimiter::Time end = now + 1s;
  std::size_t sent = 0;
  while (now < end) {
    const Duration wait = limiter.wait(now);
    if (wait > 0ns) {
      now += wait + late;
      continue;
    }
    limiter.spend(now, bytes);
    sent += bytes;
  }
  return sent;
}

TEST(RateLimiter, so_many_go_in_a_second) {
  for (const std::uint64_t rate : {1'000'003ULL, 50'000'000ULL, 1'000'000'007ULL}) {
    for (const Duration late : {Duration(0), Duration(60us), Duration(900us)}) {
      RateLimiter limiter(rate);
      const auto sent = static_cast<double>(send_for_a_second(limiter, 1328, late)) * 8;
      EXPECT_NEAR(sent / static_cast<double>(rate), 1, 0.025) << rate << " " << late.count();
    }
  }
}

TEST(RateLimiter, no_rush_after_a_pause) {
  RateLimiter limiter(8'000'000);  // 1000 bytes a millisecond
  const RateLimiter::Time begin{1h};
  limiter.spend(begin, 1000);
  const RateLimiter::Time later = begin + 10s;
  std::size_t at_once = 0;
  while (limiter.wait(later) == 0ns) {
    limiter.spend(later, 1000);
    ++at_once;
  }
  EXPECT_EQ(at_once, 9U);  // eight milliseconds' worth, and the one that empties the bucket
}

TEST(RateLimiter, stamps_are_even) {
  RateLimiter limiter(8'000'000);
  const RateLimiter::Time begin{1h};
  RateLimiter::Time last = limiter.spend(begin, 500);
  for (int i = 0; i < 4; ++i) {
    const RateLimiter::Time stamp = limiter.spend(begin, 500);
    EXPECT_EQ(stamp - last, 500us);
    last = stamp;
  }
}

TEST(RateLimiter, without_a_rate_nothing_waits) {
  RateLimiter limiter(0);
  const RateLimiter::Time now{1h};
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(limiter.spend(now, 60'000), now);
  EXPECT_EQ(limiter.wait(now), 0ns);
  EXPECT_EQ(limiter.burst_count(1316, 45), 45U);
  EXPECT_EQ(RateLimiter(1'000'000).burst_count(1316, 45), 1U);
  EXPECT_EQ(RateLimiter(50'000'000).burst_count(1316, 45), 4U);
}

}  // namespace
}  // namespace ieum::cli
