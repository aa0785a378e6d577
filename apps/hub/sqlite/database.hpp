// Database: one writer thread that commits what waits together, and threads that read.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <ieum/mailbox.hpp>

#include "sqlite/connection.hpp"
#include "sqlite/run_file.hpp"

namespace ieum::hub {

/// How a commit ended.
struct Verdict {
  enum class Kind : std::uint8_t {
    durable,
    refused,  ///< nothing of it is stored, nor ever will be
    unknown,  ///< it may be there, after a crash if not before
  };
  Kind kind = Kind::durable;
  std::string reason;  ///< for people, unless durable

  /// Of what is not durable.
  [[nodiscard]] Error error() const;
};

/// Part of a commit. Both functions run on the writer's thread.
class Write {
 public:
  Write() = default;
  Write(const Write&) = delete;
  Write& operator=(const Write&) = delete;
  virtual ~Write() = default;

  /// Changes the database, within a transaction; throws `SqliteError`.
  virtual void apply(Connection& connection) = 0;
  /// Tells whoever waits. Destroyed without, if the database ends first.
  virtual void finished(const Verdict& verdict) noexcept = 0;
  /// What it holds while it waits, about.
  [[nodiscard]] virtual std::size_t bytes() const noexcept { return 256; }
};

/// Told by the writer, on its thread, before those who wait for the commit are.
class CommitListener {
 public:
  /// What was applied since the last call of either is durable; gives how many entries the log has
  /// had in all.
  virtual std::uint64_t durable() = 0;
  /// It is not there, or may not be.
  virtual void undone() = 0;

 protected:
  ~CommitListener() = default;
};

struct DatabaseOptions {
  std::string path;
  /// SQLite's file layer, null for its default. For tests.
  const char* vfs = nullptr;
  std::size_t reader_threads = 2;
};

/// The hub's database file: SQLite with a write-ahead log and `synchronous=FULL`, so that what is
/// committed survives a power cut. Whatever waits while a commit runs is the next commit.
/// Checkpoints happen within commits, where they cost least (docs/decisions/0014-hub-storage.md).
class Database {
 public:
  static constexpr std::size_t writes_max = 65'536;  // that wait
  static constexpr std::size_t write_bytes_max = std::size_t{64} * 1024 * 1024;
  static constexpr std::size_t batch_max = 1024;  // writes of one commit
  static constexpr std::size_t reads_max = 4096;  // that wait

  /// Opens the database, made or upgraded if need be; the reason, as a sentence, if it cannot be.
  [[nodiscard]] static std::expected<std::unique_ptr<Database>, std::string> open(
      const DatabaseOptions& options);

  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  /// Commits what waits, then closes.
  ~Database();

  [[nodiscard]] std::uint64_t epoch() const noexcept { return epoch_; }
  /// What whoever runs the hub should know of how it was found, a sentence each.
  [[nodiscard]] const std::vector<std::string>& notices() const noexcept { return notices_; }
  /// For what is read before `start`: the writer's.
  [[nodiscard]] Connection& connection() noexcept { return *connection_; }
  /// Begins to write and read. Once; `listener` must outlive `stop`.
  void start(CommitListener& listener);
  /// Commits what waits, and ends. Idempotent.
  void stop();

  /// `Write`s are committed in the order of these calls. Any thread. Error:
  /// `resource_unavailable_try_again`, too much waits.
  [[nodiscard]] Result<> enqueue(std::unique_ptr<Write> write);

  /// Runs `work` within the next commit and gives what it returns once that is durable. `work` must
  /// own what it uses. A stop leaves it to be done. Errors: those of `enqueue` and `Verdict`.
  template <class T>
  [[nodiscard]] Task<T> write(std::move_only_function<T(Connection&)> work);
  /// Runs `work` on a reader's thread, within one transaction: it sees the database as it is at one
  /// moment, after all that is durable by now. `work` must own what it uses.
  template <class T>
  [[nodiscard]] Task<T> read(std::move_only_function<T(Connection&)> work);

 private:
  using Read = std::move_only_function<void(Connection&)>;

  Database(DatabaseOptions options, RunFile run_file) noexcept
      : options_(std::move(options)), run_file_(std::move(run_file)) {}
  std::expected<void, std::string> prepare(bool existed);
  std::expected<void, std::string> settle_epoch();
  /// Counts the run on, in the database, then in the file. Throws `SqliteError`.
  void count_run();
  void write_loop();
  void read_loop(Connection& connection);
  [[nodiscard]] Verdict commit(const std::vector<std::unique_ptr<Write>>& batch);
  void note_entries(std::uint64_t entries);
  [[nodiscard]] Result<> enqueue_read(Read read);

  const DatabaseOptions options_;
  RunFile run_file_;
  RunFile::Figures figures_;
  std::uint64_t epoch_ = 0;
  std::vector<std::string> notices_;
  std::unique_ptr<Connection> connection_;  // the writer's
  std::vector<std::unique_ptr<Connection>> readers_;
  CommitListener* listener_ = nullptr;
  std::chrono::steady_clock::time_point noted_{};

  std::mutex mutex_;  // of what follows
  std::condition_variable write_wanted_;
  std::condition_variable read_wanted_;
  std::deque<std::unique_ptr<Write>> writes_;
  std::size_t write_bytes_ = 0;
  std::deque<Read> reads_;
  bool stopping_ = false;

  std::vector<std::thread> threads_;
};

// ---- Templates ----------------------------------------------------------------------------------

namespace detail {

[[nodiscard]] Error error_of(const SqliteError& error);

template <class T>
class WriteOf final : public Write {
 public:
  WriteOf(std::move_only_function<T(Connection&)> work, MailboxSender<Result<T>> to)
      : work_(std::move(work)), to_(std::move(to)) {}
  void apply(Connection& connection) override { value_.emplace(work_(connection)); }
  void finished(const Verdict& verdict) noexcept override {
    if (verdict.kind == Verdict::Kind::durable) {
      static_cast<void>(to_.try_send(Result<T>(*std::move(value_))));
    } else {
      static_cast<void>(to_.try_send(Result<T>(fail(verdict.error()))));
    }
  }

 private:
  std::move_only_function<T(Connection&)> work_;
  MailboxSender<Result<T>> to_;
  std::optional<T> value_;
};

}  // namespace detail

template <class T>
Task<T> Database::write(std::move_only_function<T(Connection&)> work) {
  MailboxEnds<Result<T>> ends = Mailbox<Result<T>>::create(1);
  auto job = std::make_unique<detail::WriteOf<T>>(std::move(work), std::move(ends.sender));
  Result<> enqueued = enqueue(std::move(job));
  if (!enqueued) co_return fail(enqueued.error());
  Result<T> done = co_await ends.mailbox.receive();
  co_return std::move(done);
}

template <class T>
Task<T> Database::read(std::move_only_function<T(Connection&)> work) {
  MailboxEnds<Result<T>> ends = Mailbox<Result<T>>::create(1);
  auto job = [run = std::move(work), to = std::move(ends.sender)](Connection& connection) mutable {
    try {
      connection.execute("BEGIN");
      T value = run(connection);
      connection.execute("COMMIT");
      static_cast<void>(to.try_send(Result<T>(std::move(value))));
    } catch (const SqliteError& error) {
      connection.roll_back();
      static_cast<void>(to.try_send(Result<T>(fail(detail::error_of(error)))));
    }
  };
  Result<> enqueued = enqueue_read(std::move(job));
  if (!enqueued) co_return fail(enqueued.error());
  Result<T> done = co_await ends.mailbox.receive();
  co_return std::move(done);
}

}  // namespace ieum::hub
