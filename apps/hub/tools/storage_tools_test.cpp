#include "tools/storage_tools.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "hub/storage/engines.hpp"
#include "sqlite/connection.hpp"
#include "sqlite/run_file.hpp"

namespace ieum::hub {
namespace {

using namespace hub::test;
using testing::HasSubstr;

class StorageToolsTest : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const char* name) const { return directory_.path(name); }
  static Task<> fill_log(RoomLog& log, int count) {
    const RoomInfo room = co_await log.open(channel_key("#sea"));
    co_await put_some(log, room.id, count);
  }
  /// Gives the epoch.
  std::uint64_t fill(int count) const {
    const std::unique_ptr<Storage> storage = open_or_fail(options_for(path("hub.db")));
    expect_success(fill_log(storage->log(), count));
    return storage->log().epoch();
  }
  struct Seen {
    std::uint64_t epoch = 0;
    std::vector<std::string> notices;
  };
  [[nodiscard]] Seen open_again() const {
    const std::unique_ptr<Storage> storage = open_or_fail(options_for(path("hub.db")));
    return {storage->log().epoch(), storage->notices()};
  }

  TemporaryDirectory directory_;
};

TEST_F(StorageToolsTest, RestoreGoesBackWithANewEpoch) {
  const std::uint64_t epoch = fill(3);
  const auto saved = back_up(path("hub.db"), path("saved"));
  ASSERT_TRUE(saved) << saved.error();
  EXPECT_EQ(*saved, path("hub.db") + " is backed up to " + path("saved") +
                        ": 1 room, 3 entries, 0 accounts");
  struct stat status{};
  ASSERT_EQ(::stat(path("saved").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  fill(4);
  const auto restored = restore(path("hub.db"), path("saved"));
  ASSERT_TRUE(restored) << restored.error();
  EXPECT_THAT(*restored, HasSubstr("1 room, 3 entries, 0 accounts; what was there is now " +
                                   path("hub.db.replaced")));
  const Seen seen = open_again();
  EXPECT_NE(seen.epoch, epoch);
  EXPECT_NE(seen.epoch, 0U);
  EXPECT_THAT(seen.notices, testing::IsEmpty()) << "this was no copying by hand";
  EXPECT_EQ(open_again().epoch, seen.epoch);
  EXPECT_THAT(check(path("hub.db")).value(), HasSubstr("3 entries"));
  EXPECT_THAT(check(path("hub.db.replaced")).value(), HasSubstr("7 entries"));
  const auto twice = restore(path("hub.db"), path("saved"));
  EXPECT_THAT(twice.value(), HasSubstr(path("hub.db.replaced.2")));
  EXPECT_NE(open_again().epoch, seen.epoch);
}

TEST_F(StorageToolsTest, RestoreAfterTheDatabaseWasLost) {
  fill(3);
  ASSERT_TRUE(back_up(path("hub.db"), path("saved")));
  std::filesystem::remove(path("hub.db"));
  EXPECT_FALSE(open_storage(options_for(path("hub.db"))));
  const auto restored = restore(path("hub.db"), path("saved"));
  ASSERT_TRUE(restored) << restored.error();
  EXPECT_THAT(open_again().notices, testing::IsEmpty());
}

TEST_F(StorageToolsTest, NothingIsOverwritten) {
  fill(1);
  const TemporaryFile mine("precious");
  const auto refused = back_up(path("hub.db"), mine.path());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), mine.path() + " is there already: it is not overwritten");
  const auto no_backup = restore(path("hub.db"), mine.path());
  ASSERT_FALSE(no_backup);
  EXPECT_THAT(no_backup.error(), HasSubstr("damaged"));
  const auto nothing = restore(path("hub.db"), path("none"));
  ASSERT_FALSE(nothing);
  EXPECT_THAT(nothing.error(), HasSubstr("No such file"));
  EXPECT_THAT(check(path("hub.db")).value(), HasSubstr("1 entry"));
  EXPECT_FALSE(std::filesystem::exists(path("hub.db.restoring")));
  EXPECT_FALSE(back_up(path("none"), path("saved")));
  EXPECT_FALSE(std::filesystem::exists(path("none"))) << "looking makes no database";
}

TEST_F(StorageToolsTest, CheckFindsWhatIsWrong) {
  fill(5);
  {
    Connection connection(path("hub.db"), Connection::Access::write);
    connection.execute(
        "DELETE FROM entries WHERE position = 3;"
        "INSERT INTO nicks VALUES (x'61', x'62');");
  }
  const auto damaged = check(path("hub.db"));
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error(),
            path("hub.db") + " is damaged: 1 rooms miss entries, 1 nicks are of no account");
}

TEST_F(StorageToolsTest, CommandsSayHowTheyAreUsed) {
  fill(1);
  const std::vector<std::string> none;
  const std::vector<std::string> file{path("saved")};
  for (const StorageCommand& command : storage_commands()) {
    const bool takes_file = !command.arguments.empty();
    EXPECT_EQ(command.run(path("hub.db"), takes_file ? none : file), 2) << command.name;
    EXPECT_EQ(command.run(path("hub.db"), takes_file ? file : none), 0) << command.name;
    if (takes_file && command.name == "backup") {
      EXPECT_EQ(command.run(path("hub.db"), file), 1) << "it is there already";
    }
  }
}

}  // namespace
}  // namespace ieum::hub
