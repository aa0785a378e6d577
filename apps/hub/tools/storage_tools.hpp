// What `ieum-hub backup`, `restore` and `check` do with a database file.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace ieum::hub {

/// Each gives a sentence for people: what was done, or why it was not. They block.

/// Writes what is durable now of the hub's database to `file`, which must not be there, of mode
/// 0600. The hub may run meanwhile, and goes on.
[[nodiscard]] std::expected<std::string, std::string> back_up(const std::string& database,
                                                              const std::string& file);
/// Puts the backup `file` in the place of `database`, which is kept beside it as PATH.replaced, and
/// gives it a new epoch. No hub may run on it.
[[nodiscard]] std::expected<std::string, std::string> restore(const std::string& database,
                                                              const std::string& file);
/// Looks for damage, of SQLite's structures and of what the hub keeps in them. The hub may run.
[[nodiscard]] std::expected<std::string, std::string> check(const std::string& database);

/// A command of `ieum-hub` on the database file that its configuration names.
struct StorageCommand {
  std::string_view name;
  std::string_view arguments;  ///< "FILE", or empty
  std::string_view summary;
  /// Says on standard output what was done, or on standard error why not. Gives the exit status: 0,
  /// 1, or 2 for other arguments than those.
  int (*run)(const std::string& database, std::span<const std::string> arguments);
};
[[nodiscard]] std::span<const StorageCommand> storage_commands() noexcept;

}  // namespace ieum::hub
