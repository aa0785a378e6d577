// ResolverOptions: what the options of resolv.conf may say.
#include "net/names/resolv_conf.hpp"

#include "support/support.hpp"

namespace ieum::detail {
namespace {

using std::chrono::seconds;

TEST(ResolverOptions, TakesWhatItKnowsAndTheLastOfEach) {
  ResolverOptions options;
  options.take(" rotate timeout:2 attempts:3\tndots:1 timeout:4\n");
  EXPECT_EQ(options.timeout, seconds(4));
  EXPECT_EQ(options.attempts, 3);
}

TEST(ResolverOptions, KeepsToTheSystemsLimits) {
  ResolverOptions options;
  options.take("timeout:31 attempts:6");
  EXPECT_EQ(options.timeout, seconds(30));
  EXPECT_EQ(options.attempts, 5);
  options.take("timeout:99999999999999999999 attempts:99999999999999999999");
  EXPECT_EQ(options.timeout, seconds(30));
  EXPECT_EQ(options.attempts, 5);
}

TEST(ResolverOptions, IgnoresWhatIsNoNumber) {
  ResolverOptions options;
  options.take("timeout: timeout:0 timeout:-1 timeout:x timeout:1s attempts:0 attempts");
  EXPECT_EQ(options.timeout, std::nullopt);
  EXPECT_EQ(options.attempts, std::nullopt);
}

}  // namespace
}  // namespace ieum::detail
