// Power cuts: what was acknowledged had been synced, whatever became of the rest.
#include <gmock/gmock.h>

#include <filesystem>

#include "hub/storage/engines.hpp"
#include "hub/storage/failing_vfs.hpp"
#include "sqlite/run_file.hpp"
#include "tools/storage_tools.hpp"

namespace ieum::hub::test {
namespace {

constexpr int senders = 10;
constexpr int cuts = 10;

class PowerCutTest : public testing::Test {
 protected:
  PowerCutTest() {
    FailingVfs::install();
    FailingVfs::record();
  }
  ~PowerCutTest() override { FailingVfs::install(); }

  [[nodiscard]] std::string database() const { return directory_.path("hub.db"); }
  [[nodiscard]] std::string after_cut(int cut) const {
    return directory_.path("cut" + std::to_string(cut));
  }

  /// Sends until power was cut often enough, each time at an acknowledgement.
  Task<> send(RoomLog& log, RoomId room, int sender) {
    for (int i = 0; made_ < cuts; ++i) {
      Entry entry = said("g:" + std::to_string(sender), std::to_string(i));
      Appended appended = co_await log.append(room, std::to_string(i), std::move(entry));
      EXPECT_EQ(appended.outcome, Outcome::stored) << appended.reason;
      acknowledged_ = std::max(acknowledged_, appended.id.position);
      ++count_;
      if (made_ == cuts || random_() % 23 != 0) continue;
      FailingVfs::cut_power(database(), after_cut(made_), random_);
      std::filesystem::copy_file(RunFile::path_of(database()), RunFile::path_of(after_cut(made_)));
      // In their order; but a sender whose append is done before it waits goes on before others.
      EXPECT_GE(acknowledged_, static_cast<Position>(count_));
      by_then_.push_back(acknowledged_);
      ++made_;
    }
  }

  Task<> send_all(RoomLog& log) {
    const RoomInfo room = co_await log.open(channel_key("#sea"));
    auto body = [&](Group& group) -> Task<> {
      for (int i = 0; i < senders; ++i) group.start(send(log, room.id, i));
      co_return;
    };
    co_await with_group(body);
  }

  TemporaryDirectory directory_;
  std::mt19937_64 random_{seed()};
  int made_ = 0;
  int count_ = 0;
  Position acknowledged_ = 0;
  std::vector<Position> by_then_;  // acknowledged at each cut
};

TEST_F(PowerCutTest, LosesNothingThatWasAcknowledged) {
  {
    const std::unique_ptr<Storage> storage =
        open_or_fail(options_for(database(), FailingVfs::name));
    expect_success(send_all(storage->log()));
    EXPECT_EQ(acknowledged_, static_cast<Position>(count_)) << "positions have no holes";
  }
  ASSERT_EQ(by_then_.size(), std::size_t(cuts));
  for (int i = 0; i < cuts; ++i) {
    const auto sound = check(after_cut(i));
    EXPECT_TRUE(sound) << sound.error();
    const std::unique_ptr<Storage> storage = open_or_fail(options_for(after_cut(i)));
    ASSERT_NE(storage, nullptr);
    EXPECT_THAT(storage->notices(), testing::IsEmpty()) << "it is no copy";
    const Result<std::optional<RoomInfo>> info =
        run_alone(storage->log().find(channel_key("#sea")));
    ASSERT_TRUE(info && info->has_value());
    EXPECT_GE((*info)->last, by_then_[static_cast<std::size_t>(i)]);
  }
}

}  // namespace
}  // namespace ieum::hub::test
