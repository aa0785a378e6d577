#include "sqlite/schema.hpp"

#include <sqlite3.h>

#include <array>
#include <cstddef>

#include <ieum/random_bytes.hpp>

namespace ieum::hub {

namespace {

// Texts are blobs: any bytes. Times are milliseconds since 1970.
constexpr const char* version_1 = R"(
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('epoch', 0), ('run', 0);

-- A room that was removed stays, without a key, so that its number is not used again; entries up to
-- `trimmed` are gone.
CREATE TABLE rooms (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key BLOB UNIQUE,
  trimmed INTEGER NOT NULL DEFAULT 0,
  state BLOB NOT NULL DEFAULT x'',
  state_position INTEGER NOT NULL DEFAULT 0);

-- Clustered: the entries of a room that are read together lie together.
CREATE TABLE entries (
  room INTEGER NOT NULL,
  position INTEGER NOT NULL,
  time INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  about INTEGER NOT NULL,
  redacted INTEGER NOT NULL DEFAULT 0,
  sender BLOB NOT NULL,
  source BLOB NOT NULL,
  body BLOB NOT NULL,
  tags BLOB NOT NULL,
  PRIMARY KEY (room, position)) WITHOUT ROWID;

-- Which direct conversations an identity has.
CREATE TABLE direct (identity BLOB NOT NULL, room INTEGER NOT NULL, PRIMARY KEY (identity, room))
  WITHOUT ROWID;

-- In the order of their numbers as they came: the oldest are forgotten first.
CREATE TABLE once (
  id INTEGER PRIMARY KEY,
  sender BLOB NOT NULL,
  once BLOB NOT NULL,
  room INTEGER NOT NULL,
  position INTEGER NOT NULL,
  time INTEGER NOT NULL,
  UNIQUE (sender, once));

CREATE TABLE accounts (
  name BLOB PRIMARY KEY,
  display_name BLOB NOT NULL,
  hash BLOB NOT NULL,
  created INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE nicks (nick BLOB PRIMARY KEY, account BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX nicks_of_account ON nicks (account);

CREATE TABLE sessions (
  id BLOB PRIMARY KEY,
  identity BLOB NOT NULL,
  expires INTEGER NOT NULL,
  ended INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX sessions_of_identity ON sessions (identity);
CREATE TABLE secrets (
  hash BLOB PRIMARY KEY,
  session BLOB NOT NULL,
  used INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX secrets_of_session ON secrets (session);

CREATE TABLE markers (
  identity BLOB NOT NULL,
  target BLOB NOT NULL,
  time INTEGER NOT NULL,
  PRIMARY KEY (identity, target)) WITHOUT ROWID;

CREATE TABLE tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hash BLOB NOT NULL UNIQUE,
  account BLOB NOT NULL,
  label BLOB NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER);
CREATE INDEX tokens_of_account ON tokens (account);
)";

constexpr std::array<const char*, 1> steps{version_1};

std::string too_new(std::int64_t found, std::size_t known) {
  return "it is of a newer ieum-hub (version " + std::to_string(found) + ", this one knows " +
         std::to_string(known) + ")";
}

}  // namespace

std::span<const char* const> schema_steps() noexcept { return steps; }

std::int64_t schema_version() noexcept { return static_cast<std::int64_t>(steps.size()); }

std::expected<void, std::string> recognize(Connection& connection) {
  if (connection.integer("PRAGMA application_id") != application_id) {
    return std::unexpected("it is no database of ieum-hub");
  }
  const std::int64_t version = connection.integer("PRAGMA user_version").value_or(0);
  if (version > schema_version()) return std::unexpected(too_new(version, steps.size()));
  return {};
}

std::expected<void, std::string> upgrade(Connection& connection,
                                         std::span<const char* const> to_apply) {
  const std::int64_t id = connection.integer("PRAGMA application_id").value_or(0);
  std::int64_t version = connection.integer("PRAGMA user_version").value_or(0);
  const bool is_empty = connection.integer("SELECT count(*) FROM sqlite_schema") == 0;
  if (id != application_id && !(is_empty && id == 0 && version == 0)) {
    return std::unexpected("it is no database of ieum-hub");
  }
  const auto newest = static_cast<std::int64_t>(to_apply.size());
  if (version > newest) return std::unexpected(too_new(version, to_apply.size()));
  if (version == newest) return {};
  connection.execute("BEGIN IMMEDIATE");
  for (; version < newest; ++version)
    connection.execute(to_apply[static_cast<std::size_t>(version)]);
  connection.execute(("PRAGMA application_id = " + std::to_string(application_id)).c_str());
  connection.execute(("PRAGMA user_version = " + std::to_string(newest)).c_str());
  connection.execute("COMMIT");
  return {};
}

std::uint64_t meta(Connection& connection, std::string_view name) {
  const Use row = connection.use("SELECT value FROM meta WHERE name = CAST(?1 AS TEXT)");
  return row->bind(1, name).step() ? row->unsigned_integer(0) : 0;
}

void set_meta(Connection& connection, std::string_view name, std::uint64_t value) {
  const Use set = connection.use("UPDATE meta SET value = ?2 WHERE name = CAST(?1 AS TEXT)");
  set->bind(1, name).bind(2, value).step();
}

std::uint64_t count_entries(Connection& connection) {
  // Positions have no holes: those of all rooms' newest entries add up to all entries.
  const std::optional<std::int64_t> count = connection.integer(
      "SELECT total(max(trimmed, coalesce((SELECT max(position) FROM entries WHERE room = "
      "rooms.id), "
      "0))) FROM rooms");
  return static_cast<std::uint64_t>(count.value_or(0));
}

std::uint64_t new_epoch() {
  std::uint64_t epoch = 0;
  while (epoch == 0) {
    const Result<> drawn = random_bytes(std::as_writable_bytes(std::span(&epoch, 1)));
    if (!drawn) throw SqliteError{SQLITE_ERROR, drawn.error().to_string()};
  }
  return epoch;
}

}  // namespace ieum::hub
