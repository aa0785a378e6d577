#include "storage.hpp"

#include <optional>
#include <utility>

#include "accounts/memory_account_store.hpp"
#include "accounts/sqlite_account_store.hpp"
#include "log/memory_room_log.hpp"
#include "log/sqlite_room_log.hpp"
#include "sqlite/database.hpp"

namespace ieum::hub {

namespace {

class MemoryStorage final : public Storage {
 public:
  RoomLog& log() noexcept override { return log_; }
  AccountStore& accounts() noexcept override { return accounts_; }
  [[nodiscard]] std::vector<std::string> notices() const override { return {}; }

 private:
  MemoryRoomLog log_;
  MemoryAccountStore accounts_;
};

class SqliteStorage final : public Storage {
 public:
  SqliteStorage(std::unique_ptr<Database> database, const StorageOptions& options)
      : database_(std::move(database)),
        log_(*database_),
        accounts_(*database_, options.hash_cost, options.hash_threads) {
    database_->start(log_);
  }
  SqliteStorage(const SqliteStorage&) = delete;
  SqliteStorage& operator=(const SqliteStorage&) = delete;
  ~SqliteStorage() override {
    log_.hurry();
    database_->stop();
    log_.end();
  }

  RoomLog& log() noexcept override { return log_; }
  AccountStore& accounts() noexcept override { return accounts_; }
  [[nodiscard]] std::vector<std::string> notices() const override { return database_->notices(); }

 private:
  std::unique_ptr<Database> database_;
  SqliteRoomLog log_;
  SqliteAccountStore accounts_;
};

}  // namespace

std::expected<std::unique_ptr<Storage>, std::string> open_storage(const StorageOptions& options) {
  DatabaseOptions database_options;
  database_options.path = options.path;
  database_options.vfs = options.vfs;
  database_options.reader_threads = options.reader_threads;
  std::expected<std::unique_ptr<Database>, std::string> database = Database::open(database_options);
  if (!database) return std::unexpected(database.error());
  try {
    return std::make_unique<SqliteStorage>(*std::move(database), options);
  } catch (const SqliteError& error) {
    return std::unexpected(options.path + ": " + error.sentence());
  }
}

std::unique_ptr<Storage> make_memory_storage() { return std::make_unique<MemoryStorage>(); }

}  // namespace ieum::hub
