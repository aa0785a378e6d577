#include "sqlite/connection.hpp"

#include <sqlite3.h>

#include <limits>

namespace ieum::hub {

namespace {

constexpr int busy_wait_milliseconds = 5000;

[[noreturn]] void raise(sqlite3* database, int code) {
  const int extended = database != nullptr ? sqlite3_extended_errcode(database) : code;
  throw SqliteError{extended != SQLITE_OK ? extended : code,
                    database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code)};
}

}  // namespace

std::string SqliteError::sentence() const {
  switch (code & 0xff) {
    case SQLITE_FULL: return "the disk is full";
    case SQLITE_IOERR: return "the disk reports an error (" + message + ")";
    case SQLITE_READONLY:
    case SQLITE_PERM: return "the database may not be written";
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return "another program holds the database";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return "the database is damaged (" + message + ")";
    case SQLITE_NOMEM: return "there is not enough memory";
    default: return "the database cannot be used (" + message + ")";
  }
}

// ---- Statement ----------------------------------------------------------------------------------

Statement::Statement(sqlite3* database, const char* sql) : database_(database) {
  check(sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr));
}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::check(int code) const {
  if (code != SQLITE_OK) raise(database_, code);
}

Statement& Statement::bind(int index, std::int64_t value) {
  check(sqlite3_bind_int64(statement_, index, value));
  return *this;
}

Statement& Statement::bind(int index, std::string_view value) {
  // An empty view may have no address, which would bind NULL.
  const char* data = value.empty() ? "" : value.data();
  check(sqlite3_bind_blob64(statement_, index, data, value.size(), SQLITE_STATIC));
  return *this;
}

Statement& Statement::bind_null(int index) {
  check(sqlite3_bind_null(statement_, index));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  raise(database_, code);
}

void Statement::reset() noexcept {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

std::int64_t Statement::integer(int column) const noexcept {
  return sqlite3_column_int64(statement_, column);
}

std::string Statement::text(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return data != nullptr ? std::string(data, size) : std::string();
}

bool Statement::is_null(int column) const noexcept {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

// ---- Connection ---------------------------------------------------------------------------------

void Connection::Closer::operator()(sqlite3* database) const noexcept {
  sqlite3_close_v2(database);
}

Connection::Connection(const std::string& path, Access access, const char* vfs) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  switch (access) {
    case Access::read: flags |= SQLITE_OPEN_READONLY; break;
    case Access::write: flags |= SQLITE_OPEN_READWRITE; break;
    case Access::create: flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE; break;
  }
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &opened, flags, vfs);
  database_.reset(opened);
  if (code != SQLITE_OK) raise(opened, code);
  sqlite3_busy_timeout(opened, busy_wait_milliseconds);
}

Connection::~Connection() = default;

Use Connection::use(const char* sql) {
  std::unique_ptr<Statement>& statement = statements_[sql];
  if (statement == nullptr) statement = std::make_unique<Statement>(database_.get(), sql);
  return Use(*statement);
}

void Connection::execute(const char* sql) {
  const int code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) raise(database_.get(), code);
}

std::optional<std::int64_t> Connection::integer(const char* sql) {
  Statement statement(database_.get(), sql);
  if (!statement.step()) return {};
  return statement.integer(0);
}

std::string Connection::text(const char* sql) {
  Statement statement(database_.get(), sql);
  return statement.step() ? statement.text(0) : std::string();
}

std::int64_t Connection::changes() const noexcept { return sqlite3_changes64(database_.get()); }

std::int64_t Connection::last_row() const noexcept {
  return sqlite3_last_insert_rowid(database_.get());
}

bool Connection::in_transaction() const noexcept {
  return sqlite3_get_autocommit(database_.get()) == 0;
}

void Connection::roll_back() noexcept {
  if (in_transaction()) sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace ieum::hub
