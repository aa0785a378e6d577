#include "tools/storage_tools.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>

#include "sqlite/connection.hpp"
#include "sqlite/run_file.hpp"
#include "sqlite/schema.hpp"

namespace ieum::hub {

namespace {

using Sentence = std::expected<std::string, std::string>;

std::unexpected<std::string> system_error(const std::string& path) {
  return std::unexpected(path + ": " + std::strerror(errno));
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

/// Makes what was written to `path`, a file or a folder, survive a power cut.
bool sync_path(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool synced = ::fsync(descriptor) == 0;
  ::close(descriptor);
  return synced;
}
bool sync_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  return sync_path(folder.empty() ? "." : folder.string());
}

std::string counted(std::int64_t count, const char* one, const char* many) {
  return std::to_string(count) + (count == 1 ? one : many);
}

/// "3 rooms, 120 entries, 2 accounts"
std::string contents(Connection& connection) {
  const auto count = [&](const char* sql) { return connection.integer(sql).value_or(0); };
  return counted(count("SELECT count(*) FROM rooms WHERE key NOTNULL"), " room, ", " rooms, ") +
         counted(count("SELECT count(*) FROM entries"), " entry, ", " entries, ") +
         counted(count("SELECT count(*) FROM accounts"), " account", " accounts");
}

/// Opened, and a database of ours.
std::expected<std::unique_ptr<Connection>, std::string> open_ours(const std::string& path) {
  if (!exists(path)) return system_error(path);
  auto connection = std::make_unique<Connection>(path, Connection::Access::write);
  if (std::expected<void, std::string> known = recognize(*connection); !known) {
    return std::unexpected(path + ": " + known.error());
  }
  return connection;
}

/// A new file of mode 0600 with all that `source` holds now; whatever is there already goes.
std::expected<void, std::string> copy_into(Connection& source, const std::string& path) {
  ::unlink(path.c_str());
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return system_error(path);
  ::close(descriptor);
  // One read transaction: everything as it is at one moment. Writers do not wait for it.
  const Use vacuum = source.use("VACUUM INTO CAST(?1 AS TEXT)");
  vacuum->bind(1, path).step();
  if (!sync_path(path)) return system_error(path);
  return {};
}

std::expected<void, std::string> move_file(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return system_error(to);
  return {};
}

template <class F>
Sentence guarded(const std::string& path, F&& function) {
  try {
    return function();
  } catch (const SqliteError& error) {
    return std::unexpected(path + ": " + error.sentence());
  }
}

Sentence back_up_now(const std::string& database, const std::string& file) {
  if (exists(file)) return std::unexpected(file + " is there already: it is not overwritten");
  auto source = open_ours(database);
  if (!source) return std::unexpected(source.error());
  const std::string partial = file + ".partial";
  if (auto copied = copy_into(**source, partial); !copied) return std::unexpected(copied.error());
  std::string found;
  {
    Connection copy(partial, Connection::Access::write);
    found = contents(copy);
  }
  if (auto moved = move_file(partial, file); !moved) return std::unexpected(moved.error());
  sync_folder_of(file);
  return database + " is backed up to " + file + ": " + found;
}

/// A name that no file has: PATH.replaced, PATH.replaced.2 …
std::string free_name(const std::string& path) {
  std::string name = path + ".replaced";
  for (int i = 2; exists(name); ++i) name = path + ".replaced." + std::to_string(i);
  return name;
}

/// What the restored database begins with: an epoch that no client knows.
RunFile::Figures begin_anew(const std::string& path, std::optional<RunFile::Figures> last) {
  Connection connection(path, Connection::Access::write);
  RunFile::Figures figures;
  figures.run = last ? last->run + 1 : 1;
  if (auto upgraded = upgrade(connection); !upgraded) throw SqliteError{0, upgraded.error()};
  set_meta(connection, "epoch", new_epoch());
  set_meta(connection, "run", figures.run);
  figures.entries = count_entries(connection);
  return figures;
}

Sentence restore_now(const std::string& database, const std::string& file) {
  std::expected<RunFile, std::string> run_file = RunFile::open(database);
  if (!run_file) return std::unexpected(run_file.error());
  const std::string next = database + ".restoring";
  {
    auto source = open_ours(file);
    if (!source) return std::unexpected(source.error());
    const std::string damage = (*source)->text("PRAGMA integrity_check(1)");
    if (damage != "ok") return std::unexpected(file + " is damaged: " + damage);
    if (auto copied = copy_into(**source, next); !copied) return std::unexpected(copied.error());
  }
  const RunFile::Figures figures = begin_anew(next, run_file->read());
  if (!sync_path(next)) return system_error(next);

  // From here on a crash leaves no database in place, which the hub says at its start.
  std::string kept;
  if (exists(database)) {
    const std::string aside = free_name(database);
    if (exists(database + "-wal")) {  // it is part of the database
      if (auto moved = move_file(database + "-wal", aside + "-wal"); !moved) {
        return std::unexpected(moved.error());
      }
    }
    ::unlink((database + "-shm").c_str());
    if (auto moved = move_file(database, aside); !moved) return std::unexpected(moved.error());
    kept = "; what was there is now " + aside;
  }
  if (auto moved = move_file(next, database); !moved) return std::unexpected(moved.error());
  if (!run_file->write(figures, true)) return system_error(RunFile::path_of(database));
  sync_folder_of(database);
  Connection restored(database, Connection::Access::write);
  return database + " is restored from " + file + ": " + contents(restored) + kept +
         "; clients will be told that there may be a gap";
}

struct Rule {
  const char* broken;  // "N …"
  const char* count;
};
constexpr std::array<Rule, 6> rules{{
    {" rooms miss entries",
     "SELECT count(*) FROM (SELECT room, count(*) AS n, min(position) AS low, max(position) AS "
     "high "
     "FROM entries GROUP BY room) JOIN rooms ON rooms.id = room "
     "WHERE n <> high - low + 1 OR low <> trimmed + 1"},
    {" entries are of no room",
     "SELECT count(*) FROM entries WHERE room NOT IN (SELECT id FROM rooms)"},
    {" once-ids are of entries that never were",
     "SELECT count(*) FROM once WHERE position > coalesce((SELECT max(position) FROM entries "
     "WHERE entries.room = once.room), (SELECT trimmed FROM rooms WHERE id = once.room), 0)"},
    {" conversations are of no room",
     "SELECT count(*) FROM direct WHERE room NOT IN (SELECT id FROM rooms)"},
    {" nicks are of no account",
     "SELECT count(*) FROM nicks WHERE account NOT IN (SELECT name FROM accounts)"},
    {" secrets are of no session",
     "SELECT count(*) FROM secrets WHERE session NOT IN (SELECT id FROM sessions)"},
}};

Sentence check_now(const std::string& database) {
  auto opened = open_ours(database);
  if (!opened) return std::unexpected(opened.error());
  Connection& connection = **opened;
  connection.execute("BEGIN");  // what a running hub does meanwhile is not seen
  std::string damage = connection.text("PRAGMA integrity_check(1)");
  if (damage == "ok") {
    damage.clear();
    for (const Rule& rule : rules) {
      const std::int64_t count = connection.integer(rule.count).value_or(0);
      if (count == 0) continue;
      if (!damage.empty()) damage += ", ";
      damage += std::to_string(count) + rule.broken;
    }
  }
  const std::string found = damage.empty() ? contents(connection) : std::string();
  connection.execute("COMMIT");
  if (!damage.empty()) return std::unexpected(database + " is damaged: " + damage);
  return database + " is sound: " + found;
}

int say(const Sentence& sentence) {
  if (sentence) {
    std::printf("%s\n", sentence->c_str());
    return 0;
  }
  std::fprintf(stderr, "ieum-hub: %s\n", sentence.error().c_str());
  return 1;
}

int expects(const char* usage) {
  std::fprintf(stderr, "usage: ieum-hub %s\n", usage);
  return 2;
}

constexpr std::array<StorageCommand, 3> commands{{
    {"backup", "FILE", "write all that is stored to FILE; the hub may run meanwhile",
     [](const std::string& database, std::span<const std::string> arguments) {
       if (arguments.size() != 1) return expects("backup FILE");
       return say(back_up(database, arguments[0]));
     }},
    {"restore", "FILE", "put the backup FILE in the place of what is stored",
     [](const std::string& database, std::span<const std::string> arguments) {
       if (arguments.size() != 1) return expects("restore FILE");
       return say(restore(database, arguments[0]));
     }},
    {"check", "", "look for damage in what is stored",
     [](const std::string& database, std::span<const std::string> arguments) {
       if (!arguments.empty()) return expects("check");
       return say(check(database));
     }},
}};

}  // namespace

std::expected<std::string, std::string> back_up(const std::string& database,
                                                const std::string& file) {
  const Sentence sentence = guarded(database, [&] { return back_up_now(database, file); });
  if (!sentence) ::unlink((file + ".partial").c_str());
  return sentence;
}

std::expected<std::string, std::string> restore(const std::string& database,
                                                const std::string& file) {
  const Sentence sentence = guarded(file, [&] { return restore_now(database, file); });
  if (!sentence) ::unlink((database + ".restoring").c_str());
  return sentence;
}

std::expected<std::string, std::string> check(const std::string& database) {
  return guarded(database, [&] { return check_now(database); });
}

std::span<const StorageCommand> storage_commands() noexcept { return commands; }

}  // namespace ieum::hub
