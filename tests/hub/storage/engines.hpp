// The engines that the contract suites of the hub's storage run on, and what these share.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage.hpp"
#include "support/files.hpp"
#include "support/support.hpp"

namespace ieum::hub::test {

using namespace ieum::test;

enum class Engine : std::uint8_t { memory, sqlite };

inline StorageOptions options_for(std::string path, const char* vfs = nullptr) {
  StorageOptions options;
  options.path = std::move(path);
  options.hash_cost = PasswordHasher::Cost::least;
  options.vfs = vfs;
  return options;
}

/// Null after a failure, which fails the test.
inline std::unique_ptr<Storage> open_or_fail(const StorageOptions& options) {
  std::expected<std::unique_ptr<Storage>, std::string> storage = open_storage(options);
  if (!storage) {
    ADD_FAILURE() << storage.error();
    return nullptr;
  }
  return *std::move(storage);
}

/// A storage of the engine under test, empty at the beginning of each test.
class StorageTest : public testing::TestWithParam<Engine> {
 protected:
  StorageTest() {
    if (GetParam() == Engine::memory) {
      storage_ = make_memory_storage();
    } else {
      storage_ = open_or_fail(options_for(directory_.path("hub.db")));
    }
  }
  RoomLog& log() { return storage_->log(); }
  AccountStore& accounts() { return storage_->accounts(); }

  TemporaryDirectory directory_;
  std::unique_ptr<Storage> storage_;
};

inline const auto every_engine = testing::Values(Engine::memory, Engine::sqlite);
inline std::string engine_name(const testing::TestParamInfo<Engine>& engine) {
  return engine.param == Engine::memory ? "memory" : "sqlite";
}

/// A moment `ms` after one that all tests begin at.
inline Time at(std::int64_t ms) { return Time(std::chrono::milliseconds(1'800'000'000'000 + ms)); }

inline Entry said(std::string sender, std::string body, Time time = at(0)) {
  Entry entry;
  entry.source = sender + "!u@host";
  entry.sender = std::move(sender);
  entry.body = std::move(body);
  entry.time = time;
  return entry;
}

/// Appends, which is expected to be stored, and gives the position.
inline Task<Position> put(RoomLog& log, RoomId room, Entry entry) {
  Appended appended = co_await log.append(room, "", std::move(entry));
  EXPECT_EQ(appended.outcome, Outcome::stored) << appended.reason;
  co_return Position{appended.id.position};
}
/// So many of one sender, "1" and so on, a second between them.
inline Task<> put_some(RoomLog& log, RoomId room, int count) {
  for (int i = 1; i <= count; ++i) {
    Entry entry = said("a:ann", std::to_string(i), at(std::int64_t{1000} * i));
    co_await put(log, room, std::move(entry));
  }
}

inline std::string bodies(const Page& page) {
  std::string text;
  for (const StoredEntry& stored : page.entries) {
    if (!text.empty()) text += ' ';
    text += stored.entry.body;
  }
  return text;
}

}  // namespace ieum::hub::test
