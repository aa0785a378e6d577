// Storage: the log and the accounts of one hub, on disk or in memory.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "accounts/account_store.hpp"
#include "accounts/password_hasher.hpp"
#include "log/room_log.hpp"

namespace ieum::hub {

/// What all cores of a hub share. It must outlive the runtimes that use it; what they still follow
/// (`Tail`) may go later.
class Storage {
 public:
  Storage() = default;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  virtual ~Storage() = default;

  [[nodiscard]] virtual RoomLog& log() noexcept = 0;
  [[nodiscard]] virtual AccountStore& accounts() noexcept = 0;
  /// What whoever runs the hub should know of how the data was found, a sentence each.
  [[nodiscard]] virtual std::vector<std::string> notices() const = 0;
};

struct StorageOptions {
  /// The database file. Beside it will be PATH-wal, PATH-shm and PATH.run, all of mode 0600.
  std::string path;
  std::size_t reader_threads = 2;
  /// Passwords hashed at a time, each in a thread and, at the usual cost, 64 MiB.
  std::size_t hash_threads = 2;
  PasswordHasher::Cost hash_cost = PasswordHasher::Cost::interactive;
  /// SQLite's file layer, null for its default. For tests.
  const char* vfs = nullptr;
};

/// Opens the database, made or upgraded if need be; the reason, as a sentence, if it cannot be. Its
/// destructor commits what waits.
[[nodiscard]] std::expected<std::unique_ptr<Storage>, std::string> open_storage(
    const StorageOptions& options);

/// Forgets all with the object; for tests and the simulator.
[[nodiscard]] std::unique_ptr<Storage> make_memory_storage();

}  // namespace ieum::hub
