// The database file: how it is found again, who may read it, what happens when the disk fails.
#include "sqlite/database.hpp"

#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <thread>

#include "hub/storage/engines.hpp"
#include "hub/storage/failing_vfs.hpp"
#include "sqlite/schema.hpp"

namespace ieum::hub {
namespace {

using namespace hub::test;

class DatabaseTest : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const char* name = "hub.db") const {
    return directory_.path(name);
  }
  /// The epoch and the notices of a storage that is opened, gets `count` entries, and closed.
  struct Seen {
    std::uint64_t epoch = 0;
    std::vector<std::string> notices;
    Position last = 0;
  };
  Seen run_once(int count = 1) const {
    Seen seen;
    const std::unique_ptr<Storage> storage = open_or_fail(options_for(path()));
    if (storage == nullptr) return seen;
    seen.epoch = storage->log().epoch();
    seen.notices = storage->notices();
    expect_success(append_some(storage->log(), count, seen.last));
    return seen;
  }
  static Task<> append_some(RoomLog& log, int count, Position& last) {
    const RoomInfo room = co_await log.open(channel_key("#sea"));
    co_await put_some(log, room.id, count);
    const std::optional<RoomInfo> info = co_await log.info(room.id);
    last = info->last;
  }
  /// As somebody who knows nothing of the file beside it.
  void copy(const char* from, const char* to) const {
    std::filesystem::copy_file(path(from), path(to),
                               std::filesystem::copy_options::overwrite_existing);
  }

  TemporaryDirectory directory_;
};

// ---- Opening ------------------------------------------------------------------------------------

TEST_F(DatabaseTest, KeepsItsEpochAndItsEntries) {
  const Seen first = run_once(3);
  const Seen second = run_once(2);
  EXPECT_NE(first.epoch, 0U);
  EXPECT_EQ(second.epoch, first.epoch);
  EXPECT_EQ(second.last, 5U);
  EXPECT_THAT(first.notices, testing::IsEmpty());
  EXPECT_THAT(second.notices, testing::IsEmpty());
}

TEST_F(DatabaseTest, IsReadableByItsOwnerOnly) {
  const mode_t before = ::umask(0);
  {
    const std::unique_ptr<Storage> storage = open_or_fail(options_for(path()));
    Position last = 0;
    expect_success(append_some(storage->log(), 1, last));
    int files = 0;
    for (const auto& file : std::filesystem::directory_iterator(path(""))) {
      struct stat status{};
      ASSERT_EQ(::stat(file.path().c_str(), &status), 0);
      EXPECT_EQ(status.st_mode & 0777U, 0600U) << file.path();
      ++files;
    }
    EXPECT_EQ(files, 4) << "the database, its log, its index, the run file";
  }
  ::umask(before);
}

TEST_F(DatabaseTest, OpensOnce) {
  const std::unique_ptr<Storage> storage = open_or_fail(options_for(path()));
  const auto second = open_storage(options_for(path()));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), path() + " is in use by another ieum-hub");
}

TEST_F(DatabaseTest, SaysWhyItCannotBeOpened) {
  const auto nowhere = open_storage(options_for(path("none/hub.db")));
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(nowhere.error(), testing::HasSubstr("No such file or directory"));
  {
    Connection other(path("other.db"), Connection::Access::create);
    other.execute("CREATE TABLE theirs (x)");
  }
  const auto foreign = open_storage(options_for(path("other.db")));
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error(), path("other.db") + ": it is no database of ieum-hub");
  {
    Connection other(path("other.db"), Connection::Access::read);
    EXPECT_EQ(other.text("PRAGMA journal_mode"), "delete") << "it was left as it is";
  }
  const TemporaryFile text("This is no database at all. This is no database at all. This is none.");
  const auto no_database = open_storage(options_for(text.path()));
  ASSERT_FALSE(no_database);
  EXPECT_THAT(no_database.error(), testing::HasSubstr("the database is damaged"));
  std::filesystem::remove(RunFile::path_of(text.path()));
}

// ---- Copied by hand -----------------------------------------------------------------------------

TEST_F(DatabaseTest, CopyThatWasPutBackGetsANewEpoch) {
  const Seen first = run_once();
  copy("hub.db", "copy");
  const Seen second = run_once();
  EXPECT_EQ(second.epoch, first.epoch);
  copy("copy", "hub.db");
  const Seen put_back = run_once();
  EXPECT_NE(put_back.epoch, first.epoch);
  ASSERT_EQ(put_back.notices.size(), 1U);
  EXPECT_THAT(put_back.notices[0], testing::HasSubstr("a copy that was put in its place"));
  const Seen after = run_once();
  EXPECT_EQ(after.epoch, put_back.epoch);
  EXPECT_THAT(after.notices, testing::IsEmpty());
}

TEST_F(DatabaseTest, CopyThatWasPutBackWithoutItsRunFileGetsANewEpoch) {
  const Seen first = run_once();
  std::filesystem::remove(RunFile::path_of(path()));
  const Seen alone = run_once();
  EXPECT_NE(alone.epoch, first.epoch);
  ASSERT_EQ(alone.notices.size(), 1U);
  EXPECT_THAT(alone.notices[0], testing::HasSubstr("it was copied here"));
}

TEST_F(DatabaseTest, CopyFromWithinTheRunIsToldByItsEntries) {
  run_once();
  const RunFile::Figures figures = RunFile::open(path())->read().value();
  // As if the hub had been killed after more entries, and a copy from its run been put back.
  RunFile::Figures more = figures;
  more.entries += 5;
  EXPECT_TRUE(RunFile::open(path())->write(more, true));
  const Seen put_back = run_once();
  ASSERT_EQ(put_back.notices.size(), 1U);
}

TEST_F(DatabaseTest, CrashBetweenTheTwoCountsIsNoCopy) {
  run_once();
  RunFile::Figures figures = RunFile::open(path())->read().value();
  --figures.run;  // the file is written after the database
  EXPECT_TRUE(RunFile::open(path())->write(figures, true));
  EXPECT_THAT(run_once().notices, testing::IsEmpty());
}

TEST_F(DatabaseTest, LostDatabaseIsNotBegunAnew) {
  run_once();
  std::filesystem::remove(path());
  const auto gone = open_storage(options_for(path()));
  ASSERT_FALSE(gone);
  EXPECT_THAT(gone.error(), testing::HasSubstr("is gone, but"));
  EXPECT_FALSE(std::filesystem::exists(path()));
  std::filesystem::remove(RunFile::path_of(path()));
  EXPECT_THAT(run_once().notices, testing::IsEmpty());
}

// ---- Versions -----------------------------------------------------------------------------------

TEST_F(DatabaseTest, OlderVersionIsUpgradedInOneStep) {
  constexpr std::array<const char*, 1> one{"CREATE TABLE meta (x)"};
  constexpr std::array<const char*, 3> three{
      "CREATE TABLE meta (x)", "ALTER TABLE meta ADD COLUMN y", "ALTER TABLE meta ADD COLUMN z"};
  constexpr std::array<const char*, 3> failing{"CREATE TABLE meta (x)",
                                               "ALTER TABLE meta ADD COLUMN y", "nonsense"};
  Connection connection(path(), Connection::Access::create);
  EXPECT_TRUE(upgrade(connection, one));
  EXPECT_EQ(connection.integer("PRAGMA user_version"), 1);
  EXPECT_THROW(static_cast<void>(upgrade(connection, failing)), SqliteError);
  connection.roll_back();
  EXPECT_EQ(connection.integer("PRAGMA user_version"), 1) << "all steps or none";
  EXPECT_TRUE(upgrade(connection, three));
  EXPECT_EQ(connection.integer("PRAGMA user_version"), 3);
  EXPECT_EQ(connection.integer("SELECT count(z) FROM meta"), 0);
  const std::expected<void, std::string> older = upgrade(connection, one);
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error(), "it is of a newer ieum-hub (version 3, this one knows 1)");
}

TEST_F(DatabaseTest, NewerVersionIsLeftAlone) {
  run_once();
  {
    Connection connection(path(), Connection::Access::write);
    connection.execute("PRAGMA user_version = 99");
  }
  const auto newer = open_storage(options_for(path()));
  ASSERT_FALSE(newer);
  EXPECT_THAT(newer.error(), testing::HasSubstr("of a newer ieum-hub (version 99"));
}

// ---- Failing disks ------------------------------------------------------------------------------

class FailingDiskTest : public DatabaseTest {
 protected:
  FailingDiskTest() {
    FailingVfs::install();
    storage_ = open_or_fail(options_for(path(), FailingVfs::name));
    Result<RoomInfo> room = run_alone(storage_->log().open(channel_key("#sea")));
    room_ = room->id;
  }
  ~FailingDiskTest() override { FailingVfs::install(); }

  Appended append(const std::string& once, std::size_t bytes = 10) {
    Entry entry = said("a:ann", std::string(bytes, 'x'));
    Result<Appended> appended = run_alone(storage_->log().append(room_, once, std::move(entry)));
    EXPECT_TRUE(appended);
    return appended.value_or(Appended{});
  }
  /// So many senders at the same time; gives how many were stored. The others were refused.
  int append_many(int count, std::size_t bytes) {
    int stored = 0;
    auto send = [&](int i) -> Task<> {
      Entry entry = said("a:ann", std::string(bytes, 'x'));
      Appended appended =
          co_await storage_->log().append(room_, std::to_string(i), std::move(entry));
      if (appended.outcome == Outcome::stored) {
        ++stored;
      } else {
        ++refused_;
        EXPECT_EQ(appended.outcome, Outcome::refused);
      }
    };
    auto all = [&]() -> Task<> {
      auto body = [&](Group& group) -> Task<> {
        for (int i = 0; i < count; ++i) group.start(send(i));
        co_return;
      };
      co_await with_group(body);
    };
    expect_success(all());
    return stored;
  }
  Position last() {
    const Result<std::optional<RoomInfo>> info = run_alone(storage_->log().info(room_));
    return info.value()->last;
  }
  void expect_goes_on(Position stored) {
    EXPECT_EQ(last(), stored);
    const Appended next = append("");
    EXPECT_EQ(next.outcome, Outcome::stored) << next.reason;
    EXPECT_EQ(next.id.position, stored + 1) << "without a hole";
  }

  std::unique_ptr<Storage> storage_;
  RoomId room_ = RoomId::none;
  std::atomic<int> refused_ = 0;
};

TEST_F(FailingDiskTest, FullDiskRefuses) {
  EXPECT_EQ(append("1").outcome, Outcome::stored);
  Tail tail = storage_->log().follow();
  FailingVfs::write_error = SQLITE_FULL;
  for (int i = 0; i < 3; ++i) {
    const Appended refused = append("2");
    EXPECT_EQ(refused.outcome, Outcome::refused);
    EXPECT_EQ(refused.reason, "the disk is full");
  }
  EXPECT_EQ(tail.take(), nullptr) << "nobody was told of what is not stored";
  const Result<RoomInfo> room = run_alone(storage_->log().open(channel_key("#air")));
  ASSERT_FALSE(room);
  EXPECT_EQ(room.error(), std::errc::no_space_on_device);
  FailingVfs::write_error = 0;
  EXPECT_EQ(append("2").outcome, Outcome::stored) << "its id was not taken";
  EXPECT_EQ(append("2").outcome, Outcome::duplicate);
  expect_goes_on(2);
}

TEST_F(FailingDiskTest, RefusedWriteRefuses) {
  EXPECT_EQ(append("1").outcome, Outcome::stored);
  FailingVfs::write_error = SQLITE_IOERR_WRITE;
  const Appended refused = append("2");
  EXPECT_EQ(refused.outcome, Outcome::refused);
  EXPECT_THAT(refused.reason, testing::HasSubstr("the disk reports an error"));
  FailingVfs::write_error = 0;
  expect_goes_on(1);
}

TEST_F(FailingDiskTest, WriteThatFailsInTheMiddleRefuses) {
  EXPECT_EQ(append("1").outcome, Outcome::stored);
  for (const long bytes : {1L, 30L, 4000L, 5000L, 12'000L, 40'000L}) {
    FailingVfs::bytes_left = bytes;
    FailingVfs::write_error = SQLITE_FULL;
    const Appended refused = append("2", 60'000);
    EXPECT_EQ(refused.outcome, Outcome::refused) << bytes;
    FailingVfs::write_error = 0;
  }
  expect_goes_on(1);
  // And a crash right now finds no more than was acknowledged.
  copy("hub.db", "crashed.db");
  copy("hub.db-wal", "crashed.db-wal");
  copy("hub.db.run", "crashed.db.run");
  const std::unique_ptr<Storage> crashed = open_or_fail(options_for(path("crashed.db")));
  const Result<std::optional<RoomInfo>> info = run_alone(crashed->log().info(room_));
  EXPECT_EQ(info.value()->last, 2U);
}

TEST_F(FailingDiskTest, FailedSyncIsUnknown) {
  EXPECT_EQ(append("1").outcome, Outcome::stored);
  Tail tail = storage_->log().follow();
  FailingVfs::sync_error = SQLITE_IOERR_FSYNC;
  const Appended unknown = append("2");
  EXPECT_EQ(unknown.outcome, Outcome::unknown);
  EXPECT_THAT(unknown.reason, testing::HasSubstr("the disk reports an error"));
  EXPECT_EQ(tail.take(), nullptr);
  FailingVfs::sync_error = 0;
  const Appended again = append("2");
  EXPECT_TRUE(again.outcome == Outcome::stored || again.outcome == Outcome::duplicate);
  EXPECT_EQ(again.id.position, 2U) << "it is there once, whichever it was";
  expect_goes_on(2);
}

TEST_F(FailingDiskTest, SurvivesAFullDiskWithManyWaiting) {
  FailingVfs::write_error = SQLITE_FULL;
  EXPECT_EQ(append_many(500, 10), 0);
  FailingVfs::write_error = 0;
  EXPECT_EQ(append_many(500, 10), 500);
  expect_goes_on(500);
}

// ---- What a commit is ---------------------------------------------------------------------------

TEST_F(FailingDiskTest, EachAcknowledgementFollowsASync) {
  for (int i = 0; i < 5; ++i) {
    const int before = FailingVfs::syncs;
    EXPECT_EQ(append("").outcome, Outcome::stored);
    EXPECT_GT(FailingVfs::syncs, before);
  }
}

TEST_F(FailingDiskTest, WhatWaitsIsOneCommit) {
  const int before = FailingVfs::syncs;
  EXPECT_EQ(append_many(500, 10), 500);
  // The first alone, the others while it is committed: some more where a core was busy elsewhere.
  EXPECT_LT(FailingVfs::syncs - before, 100);
}

TEST_F(FailingDiskTest, WhatWaitsIsBounded) {
  FailingVfs::held = true;
  // Keeps the writer busy.
  expect_failure(std::errc::timed_out,
                 with_timeout(std::chrono::milliseconds(100),
                              storage_->log().append(room_, "first", said("a:ann", "x"))));
  std::thread releases([&] {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (refused_ == 0 && std::chrono::steady_clock::now() < limit) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    FailingVfs::held = false;
    FailingVfs::held.notify_all();
  });
  constexpr std::size_t bytes = std::size_t{256} * 1024;
  const int stored = append_many(300, bytes);
  releases.join();
  EXPECT_GE(refused_, 1);
  EXPECT_GE(static_cast<std::size_t>(stored), Database::write_bytes_max / bytes - 1);
  expect_goes_on(static_cast<Position>(stored) + 1);
}

TEST_F(FailingDiskTest, WhoStopsWaitingHasSentNonetheless) {
  FailingVfs::held = true;
  Entry entry = said("a:ann", "x");
  expect_failure(std::errc::timed_out,
                 with_timeout(std::chrono::milliseconds(100),
                              storage_->log().append(room_, "1", std::move(entry))));
  FailingVfs::held = false;
  FailingVfs::held.notify_all();
  const Appended again = append("1");
  EXPECT_EQ(again.outcome, Outcome::duplicate);
  EXPECT_EQ(again.id.position, 1U);
}

TEST_F(FailingDiskTest, RealLimitOfTheSystemIsAFullDisk) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  rlimit small = limit;
  small.rlim_cur = 400'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  Position stored = 0;
  Appended refused;
  for (int i = 0; i < 1000; ++i) {
    refused = append("", 4000);
    if (refused.outcome != Outcome::stored) break;
    ++stored;
  }
  ::setrlimit(RLIMIT_FSIZE, &limit);
  EXPECT_EQ(refused.outcome, Outcome::refused) << refused.reason;
  EXPECT_GT(stored, 5U);
  expect_goes_on(stored);
}

}  // namespace
}  // namespace ieum::hub
