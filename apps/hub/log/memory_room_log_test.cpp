// The engine in memory as simulated hosts use it: it outlives them, takes time, and fails on
// demand.
#include "log/memory_room_log.hpp"

#include <gtest/gtest.h>

#include "hub/storage/engines.hpp"

#include <ieum/sim_network.hpp>

namespace ieum::hub {
namespace {

using namespace hub::test;

Task<> append_for_ever(RoomLog& log, int& acknowledged) {
  const RoomInfo room = co_await log.open(channel_key("#sea"));
  for (;;) {
    Entry entry = said("a:ann", std::to_string(acknowledged));
    Appended appended =
        co_await log.append(room.id, std::to_string(acknowledged), std::move(entry));
    EXPECT_TRUE(appended.outcome == Outcome::stored || appended.outcome == Outcome::duplicate);
    EXPECT_EQ(appended.id.position, std::uint64_t(acknowledged) + 1);
    ++acknowledged;
  }
}

TEST(MemoryRoomLogTest, OutlivesTheHostThatCrashes) {
  MemoryRoomLog::Options options;
  options.commit_time = std::chrono::milliseconds(10);
  MemoryRoomLog log(options);
  int acknowledged = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SimNetwork net{seed};
    SimHost& host = net.add_host("hub");
    host.start(append_for_ever(log, acknowledged));
    net.at(std::chrono::milliseconds(105 * seed), [&] { host.crash(); });
    EXPECT_TRUE(net.run());
  }
  EXPECT_GT(acknowledged, 50);  // 105, 210 and 315 ms, 10 each
  const Result<std::optional<RoomInfo>> info = run_alone(log.find(channel_key("#sea")));
  ASSERT_TRUE(info && info->has_value());
  EXPECT_EQ((*info)->last, std::uint64_t(acknowledged));
}

Task<> failures_are_told(MemoryRoomLog& log) {
  const RoomInfo room = co_await log.open(channel_key("#sea"));
  log.fail_next(2, Outcome::refused);
  for (int i = 0; i < 2; ++i) {
    Appended refused = co_await log.append(room.id, "1", said("a:ann", "x"));
    EXPECT_EQ(refused.outcome, Outcome::refused);
    EXPECT_EQ(refused.reason, "the disk is full");
  }
  log.fail_next(2, Outcome::unknown);
  Appended first = co_await log.append(room.id, "1", said("a:ann", "x"));
  EXPECT_EQ(first.outcome, Outcome::unknown);
  Appended second = co_await log.append(room.id, "2", said("a:ann", "y"));
  EXPECT_EQ(second.outcome, Outcome::unknown);
  Appended is_there = co_await log.append(room.id, "1", said("a:ann", "x"));
  EXPECT_EQ(is_there.outcome, Outcome::duplicate);
  Appended was_not = co_await log.append(room.id, "2", said("a:ann", "y"));
  EXPECT_EQ(was_not.outcome, Outcome::stored);
  EXPECT_EQ(was_not.id.position, 2U);
}
TEST(MemoryRoomLogTest, FailuresAreTold) {
  MemoryRoomLog log;
  expect_success(failures_are_told(log));
}

}  // namespace
}  // namespace ieum::hub
