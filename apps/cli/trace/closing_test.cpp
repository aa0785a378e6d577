#include "trace/closing.hpp"

#include <gtest/gtest.h>

namespace ieum::cli::trace {
namespace {

constexpr Span span(int begin, int end) { return {Time(begin), Time(end)}; }

TEST(Closing, NobodyHasFinished) {
  Closing closing;
  closing.saw_state(0, SocketState::established, Time(1));
  EXPECT_FALSE(closing.verdict());
}

TEST(Closing, CallsOneAfterTheOtherAreInOrder) {
  Closing closing;
  closing.ended(1, span(10, 20));
  closing.ended(0, span(21, 30));
  EXPECT_EQ(closing.verdict()->first, 1U);
  EXPECT_EQ(closing.verdict()->at, Time(10));
}

// The call that was entered last may have taken effect first: the states tell.
TEST(Closing, OfCallsAtTheSameTimeTheStatesDecide) {
  Closing closing;
  closing.ended(0, span(10, 50));
  closing.ended(1, span(20, 40));
  EXPECT_EQ(closing.verdict()->first, std::nullopt);
  EXPECT_EQ(closing.verdict()->within, Time(40));
  EXPECT_FALSE(closing.verdict()->have_crossed);
  closing.saw_state(0, SocketState::closed, Time(50));
  closing.saw_state(1, SocketState::time_wait, Time(50));
  EXPECT_EQ(closing.verdict()->first, 1U);
  EXPECT_EQ(closing.verdict()->at, Time(20));
}

TEST(Closing, FinsThatCrossedAreSaidToHave) {
  Closing closing;
  closing.ended(0, span(10, 50));
  closing.ended(1, span(20, 40));
  closing.saw_state(0, SocketState::closing, Time(30));
  closing.saw_state(1, SocketState::time_wait, Time(50));
  EXPECT_EQ(closing.verdict()->first, std::nullopt);
  EXPECT_TRUE(closing.verdict()->have_crossed);
}

TEST(Closing, AReceiveOfNothingBeforeTheCloseDecides) {
  Closing closing;
  closing.ended(0, span(10, 50));
  closing.saw_peer_end(1, Time(30));
  closing.ended(1, span(32, 40));
  EXPECT_EQ(closing.verdict()->first, 0U);
}

TEST(Closing, AReceiveOfNothingAfterOnesOwnShutdownDoesNot) {
  Closing closing;
  closing.ended(1, span(20, 40));
  closing.saw_peer_end(1, Time(30));
  closing.ended(0, span(10, 50));
  EXPECT_EQ(closing.verdict()->first, std::nullopt);
}

TEST(Closing, APeerThatIsNotTracedMayHaveBeenFirst) {
  Closing closing;
  closing.saw_state(0, SocketState::close_wait, Time(30));
  EXPECT_EQ(closing.verdict()->first, 1U);
  closing.ended(0, span(40, 50));
  closing.saw_state(0, SocketState::last_ack, Time(50));
  EXPECT_EQ(closing.verdict()->first, 1U);
  EXPECT_EQ(closing.verdict()->at, Time(30));
}

}  // namespace
}  // namespace ieum::cli::trace
