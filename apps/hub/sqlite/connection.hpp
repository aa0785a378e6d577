// Connection and Statement: SQLite's C interface with owners, and its errors as exceptions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

struct sqlite3;
struct sqlite3_stmt;

namespace ieum::hub {

/// What SQLite answered instead of doing what was asked. Thrown and caught on the database's own
/// threads, never through a coroutine.
struct SqliteError {
  int code = 0;  ///< the extended one
  std::string message;

  /// Why, for people: "the disk is full".
  [[nodiscard]] std::string sentence() const;
};

/// A prepared statement. Every function throws `SqliteError`.
class Statement {
 public:
  Statement(sqlite3* database, const char* sql);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  /// The parameter `index`, from 1. Texts are kept as blobs: any bytes.
  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::uint64_t value) {
    return bind(index, static_cast<std::int64_t>(value));
  }
  Statement& bind(int index, int value) { return bind(index, static_cast<std::int64_t>(value)); }
  /// `value` must stay until `reset`.
  Statement& bind(int index, std::string_view value);
  Statement& bind_null(int index);

  /// True: there is a row.
  bool step();
  void reset() noexcept;

  [[nodiscard]] std::int64_t integer(int column) const noexcept;
  [[nodiscard]] std::uint64_t unsigned_integer(int column) const noexcept {
    return static_cast<std::uint64_t>(integer(column));
  }
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] bool is_null(int column) const noexcept;

 private:
  void check(int code) const;

  sqlite3* database_;
  sqlite3_stmt* statement_ = nullptr;
};

/// A statement in use: back to its beginning at the end of the scope.
class Use {
 public:
  explicit Use(Statement& statement) noexcept : statement_(&statement) {}
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() { statement_->reset(); }
  Statement* operator->() const noexcept { return statement_; }

 private:
  Statement* statement_;
};

/// One connection, for one thread at a time.
class Connection {
 public:
  enum class Access : std::uint8_t { read, write, create };

  /// `vfs`: the name of SQLite's file layer, null for its default. Throws `SqliteError`.
  Connection(const std::string& path, Access access, const char* vfs = nullptr);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// `sql` must live for ever (a literal): its statement is prepared once and kept.
  [[nodiscard]] Use use(const char* sql);
  /// Several statements, without parameters or results.
  void execute(const char* sql);
  /// The first column of the first row; nothing if there is no row.
  [[nodiscard]] std::optional<std::int64_t> integer(const char* sql);
  [[nodiscard]] std::string text(const char* sql);
  /// Rows that the last statement changed.
  [[nodiscard]] std::int64_t changes() const noexcept;
  [[nodiscard]] std::int64_t last_row() const noexcept;
  [[nodiscard]] bool in_transaction() const noexcept;
  /// Ends a transaction, if there is one, without effect; never throws.
  void roll_back() noexcept;

 private:
  struct Closer {
    void operator()(sqlite3* database) const noexcept;
  };
  std::unique_ptr<sqlite3, Closer> database_;
  std::unordered_map<const char*, std::unique_ptr<Statement>> statements_;
};

}  // namespace ieum::hub
