// Killed hubs: every message that was acknowledged is there once, in order; and backups of one that
// works hard.
#include <gmock/gmock.h>

#include <charconv>
#include <csignal>
#include <map>
#include <sstream>
#include <thread>

#include "hub/storage/engines.hpp"
#include "support/child.hpp"
#include "tools/storage_tools.hpp"

namespace ieum::hub::test {
namespace {

constexpr int rooms = 3;
constexpr std::size_t senders = 16;

/// One message as it was acknowledged, or as it is stored.
struct Said {
  int number = 0;
  std::uint64_t room = 0;
  Position position = 0;
  friend bool operator==(const Said&, const Said&) = default;
};
using OfSender = std::vector<Said>;  // by number

class Load {
 public:
  explicit Load(std::string database) : database_(std::move(database)), acknowledged_(senders) {}

  [[nodiscard]] std::vector<std::string> command() const {
    std::vector<std::string> command{IEUM_HUB_APPENDER, database_, std::to_string(rooms)};
    for (const OfSender& said : acknowledged_) command.push_back(std::to_string(said.size()));
    return command;
  }
  /// Takes what one run has acknowledged.
  void take(const std::string& output) {
    std::istringstream lines(output.substr(0, output.rfind('\n') + 1));
    std::size_t sender = 0;
    Said said;
    while (lines >> sender >> said.number >> said.room >> said.position) {
      ASSERT_LT(sender, senders);
      ASSERT_EQ(std::size_t(said.number), acknowledged_[sender].size()) << "acknowledged in order";
      acknowledged_[sender].push_back(said);
    }
  }
  [[nodiscard]] const std::vector<OfSender>& acknowledged() const { return acknowledged_; }

 private:
  std::string database_;
  std::vector<OfSender> acknowledged_;
};

/// All that a log holds, by sender. Fails the test if a position is missing.
Task<> read_all(RoomLog& log, std::vector<OfSender>& stored) {
  const std::vector<RoomInfo> channels = co_await log.channels();
  std::map<std::string, std::vector<Said>> found;
  for (const RoomInfo& room : channels) {
    Window window;
    window.room = room.id;
    window.limit = RoomLog::page_max;
    for (Position position = 0;;) {
      const Page page = co_await log.after(window, position);
      for (const StoredEntry& entry : page.entries) {
        EXPECT_EQ(entry.position, ++position) << "a hole in the log";
        Said said;
        said.number = std::atoi(entry.entry.body.c_str());
        said.room = static_cast<std::uint64_t>(room.id);
        said.position = entry.position;
        found[entry.entry.sender].push_back(said);
      }
      if (page.entries.size() < window.limit) break;
    }
  }
  for (std::size_t i = 0; i < senders; ++i) {
    stored.push_back(found["g:" + std::to_string(i)]);
    std::ranges::sort(stored.back(), {}, &Said::number);
  }
}

std::vector<OfSender> stored_in(const std::string& database) {
  std::vector<OfSender> stored;
  const std::unique_ptr<Storage> storage = open_or_fail(options_for(database));
  if (storage != nullptr) expect_success(read_all(storage->log(), stored));
  return stored;
}

/// Each sender's messages are 0, 1, 2 …, each once, and each later one behind in its room.
void expect_whole(const std::vector<OfSender>& stored) {
  for (std::size_t sender = 0; sender < stored.size(); ++sender) {
    std::map<std::uint64_t, Position> last;
    for (std::size_t i = 0; i < stored[sender].size(); ++i) {
      const Said& said = stored[sender][i];
      ASSERT_EQ(std::size_t(said.number), i) << "of sender " << sender << ": lost or doubled";
      ASSERT_GT(said.position, last[said.room]) << "of sender " << sender << ": out of order";
      last[said.room] = said.position;
    }
  }
}

void expect_has(const std::vector<OfSender>& stored, const std::vector<OfSender>& acknowledged) {
  ASSERT_EQ(stored.size(), acknowledged.size());
  for (std::size_t sender = 0; sender < stored.size(); ++sender) {
    const OfSender& all = stored[sender];
    const OfSender& told = acknowledged[sender];
    ASSERT_GE(all.size(), told.size()) << "of sender " << sender << ": lost";
    EXPECT_LE(all.size(), told.size() + 1) << "one at most was on its way";
    for (std::size_t i = 0; i < told.size(); ++i) ASSERT_EQ(all[i], told[i]) << "moved";
  }
}

TEST(CrashTest, NothingAcknowledgedIsLostOrDoubled) {
  const TemporaryDirectory directory;
  const std::string database = directory.path("hub.db");
  Load load(database);
  std::mt19937_64 random(seed());
  const int rounds = long_form() ? 200 : 5;
  for (int round = 0; round < rounds; ++round) {
    Child child(load.command());
    std::string output = child.read_until("\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + random() % 150));
    child.signal(SIGKILL);
    output += child.read_all();
    EXPECT_EQ(child.wait(), -SIGKILL);
    EXPECT_EQ(child.error_output(), "") << "it says that something is wrong";
    load.take(output);
    if (round % 20 == 4 || round + 1 == rounds) {
      const std::vector<OfSender> stored = stored_in(database);
      expect_whole(stored);
      expect_has(stored, load.acknowledged());
    }
    if (testing::Test::HasFailure()) return;
  }
  const auto sound = check(database);
  EXPECT_TRUE(sound) << sound.error();
}

TEST(BackupTest, OfAWorkingHubIsWhole) {
  const TemporaryDirectory directory;
  const std::string database = directory.path("hub.db");
  Load load(database);
  Child child(load.command());
  std::string output = child.read_until("\n");
  std::vector<std::size_t> told_before;  // to the first sender, before each backup
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const std::string text(child.output_so_far());
    if (!text.empty()) output += child.read_until(text);
    Load so_far(database);
    so_far.take(output);
    told_before.push_back(so_far.acknowledged()[0].size());
    const auto done = back_up(database, directory.path("backup" + std::to_string(i)));
    ASSERT_TRUE(done) << done.error();
    EXPECT_THAT(*done, testing::HasSubstr(" is backed up to "));
  }
  EXPECT_TRUE(child.runs());
  const auto running = restore(database, directory.path("backup0"));
  ASSERT_FALSE(running);
  EXPECT_THAT(running.error(), testing::HasSubstr("is in use by another ieum-hub"));
  const auto live = check(database);
  EXPECT_TRUE(live) << live.error();
  child.signal(SIGKILL);
  output += child.read_all();
  child.wait();
  load.take(output);
  // What is put aside is whole, too, although it was never closed.
  const auto over_it = restore(database, directory.path("backup0"));
  ASSERT_TRUE(over_it) << over_it.error();
  const std::vector<OfSender> aside = stored_in(database + ".replaced");
  expect_whole(aside);
  expect_has(aside, load.acknowledged());
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string elsewhere = directory.path("restored" + std::to_string(i));
    const auto restored = restore(elsewhere, directory.path("backup" + std::to_string(i)));
    ASSERT_TRUE(restored) << restored.error();
    const auto sound = check(elsewhere);
    EXPECT_TRUE(sound) << sound.error();
    const std::vector<OfSender> stored = stored_in(elsewhere);
    expect_whole(stored);
    EXPECT_GE(stored[0].size(), told_before[i]) << "what was acknowledged before is in it";
  }
}

}  // namespace
}  // namespace ieum::hub::test
