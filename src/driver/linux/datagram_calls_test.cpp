// ReadinessPredictor: when a receive is worth trying before it waits.
#include "driver/linux/datagram_calls.hpp"

#include "support/support.hpp"

namespace ieum::detail {
namespace {

TEST(ReadinessPredictor, WaitsAfterOneThatCameAloneButForEveryEighth) {
  ReadinessPredictor predictor;
  EXPECT_TRUE(predictor.worth_trying());
  predictor.found_none();
  int tried = 0;
  for (int i = 0; i < 64; ++i) {
    EXPECT_FALSE(predictor.worth_trying());
    predictor.received(true, false);
    if (!predictor.worth_trying()) continue;
    ++tried;
    predictor.found_none();
  }
  EXPECT_EQ(tried, 8);
}

TEST(ReadinessPredictor, TriesOnWhileSeveralComeAtOnceAndOnceInVain) {
  ReadinessPredictor predictor;
  for (int batch = 0; batch < 3; ++batch) {
    predictor.received(batch > 0, false);
    predictor.received(false, false);
    EXPECT_TRUE(predictor.worth_trying());
    predictor.found_none();
    EXPECT_FALSE(predictor.worth_trying()) << "it was tried in vain a moment ago";
  }
  predictor.received(false, true);
  EXPECT_FALSE(predictor.worth_trying()) << "none is left";
}

}  // namespace
}  // namespace ieum::detail
