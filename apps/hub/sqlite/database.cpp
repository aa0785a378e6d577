#include "sqlite/database.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sqlite/schema.hpp"

namespace ieum::hub {

namespace {

/// How often at most the run file is told how many entries there are.
constexpr std::chrono::milliseconds note_interval{250};

std::expected<void, std::string> make_private(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return std::unexpected(path + ": " + std::strerror(errno));
  // What SQLite puts beside it gets the same mode. Another owner's stays as it is.
  static_cast<void>(::fchmod(descriptor, 0600));
  ::close(descriptor);
  return {};
}

/// A commit that was refused wrote no whole transaction: the frame that makes it one is the last.
/// Of other failures, of fsync above all, nobody knows.
bool nothing_written(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_BUSY:
    case SQLITE_READONLY:
    case SQLITE_NOMEM: return true;
    default: return code == SQLITE_IOERR_WRITE;
  }
}

}  // namespace

Error Verdict::error() const {
  const bool is_full = reason == "the disk is full";
  return Error(is_full ? std::errc::no_space_on_device : std::errc::io_error, "store")
      .with_detail(kind == Kind::refused ? reason : reason + "; it may be stored or not");
}

Error detail::error_of(const SqliteError& error) {
  return Error((error.code & 0xff) == SQLITE_BUSY ? std::errc::resource_unavailable_try_again
                                                  : std::errc::io_error,
               "read the database")
      .with_detail(error.sentence());
}

// ---- Opening ------------------------------------------------------------------------------------

std::expected<std::unique_ptr<Database>, std::string> Database::open(
    const DatabaseOptions& options) {
  std::expected<RunFile, std::string> run_file = RunFile::open(options.path);
  if (!run_file) return std::unexpected(run_file.error());
  const bool existed = ::access(options.path.c_str(), F_OK) == 0;
  if (!existed && run_file->read()) {
    return std::unexpected(options.path + " is gone, but " + RunFile::path_of(options.path) +
                           " is there: restore a backup, or remove that file to begin anew");
  }
  std::unique_ptr<Database> database(new Database(options, *std::move(run_file)));
  try {
    if (std::expected<void, std::string> made = make_private(options.path); !made) {
      return std::unexpected(made.error());
    }
    if (std::expected<void, std::string> ready = database->prepare(existed); !ready) {
      return std::unexpected(options.path + ": " + ready.error());
    }
  } catch (const SqliteError& error) {
    return std::unexpected(options.path + ": " + error.sentence());
  }
  return database;
}

std::expected<void, std::string> Database::prepare(bool existed) {
  connection_ =
      std::make_unique<Connection>(options_.path, Connection::Access::write, options_.vfs);
  // Before anything is written, so that a file that is not ours stays as it is.
  if (existed && connection_->integer("SELECT count(*) FROM sqlite_schema") != 0) {
    if (std::expected<void, std::string> known = recognize(*connection_); !known) return known;
  }
  if (connection_->text("PRAGMA journal_mode = WAL") != "wal") {
    return std::unexpected("its file system does not support a write-ahead log");
  }
  connection_->execute(
      "PRAGMA synchronous = FULL;"
      "PRAGMA wal_autocheckpoint = 1000;"
      "PRAGMA journal_size_limit = 67108864;"
      "PRAGMA cache_size = -16384;"
      "PRAGMA secure_delete = FAST;");
  if (std::expected<void, std::string> upgraded = upgrade(*connection_); !upgraded) return upgraded;
  if (std::expected<void, std::string> settled = settle_epoch(); !settled) return settled;
  for (std::size_t i = 0; i < std::max<std::size_t>(options_.reader_threads, 1); ++i) {
    readers_.push_back(
        std::make_unique<Connection>(options_.path, Connection::Access::read, options_.vfs));
    readers_.back()->execute("PRAGMA query_only = ON");
  }
  return {};
}

std::expected<void, std::string> Database::settle_epoch() {
  RunFile::Figures here;
  here.run = meta(*connection_, "run");
  here.entries = count_entries(*connection_);
  epoch_ = meta(*connection_, "epoch");
  const std::optional<RunFile::Figures> file = run_file_.read();
  // A crash between the two writes of `count_run` leaves the file one behind.
  const bool same =
      file && (here.run == file->run || here.run == file->run + 1) && here.entries >= file->entries;
  const bool is_new = epoch_ == 0;
  if (is_new || !same) epoch_ = new_epoch();
  if (!is_new && !same) {
    notices_.push_back(
        options_.path +
        (file
             ? " is not the database that this hub last wrote, but a copy that was put in its place"
             : " has no " + RunFile::path_of(options_.path) + " beside it: it was copied here") +
        "; message ids are given out anew, and clients are told that there may be a gap");
  }
  figures_.run = std::max(here.run, file ? file->run : 0);
  figures_.entries = here.entries;
  set_meta(*connection_, "epoch", epoch_);
  count_run();
  return {};
}

void Database::count_run() {
  ++figures_.run;
  set_meta(*connection_, "run", figures_.run);
  if (!run_file_.write(figures_, true)) {
    throw SqliteError{SQLITE_IOERR, RunFile::path_of(options_.path) + ": " + std::strerror(errno)};
  }
}

void Database::start(CommitListener& listener) {
  listener_ = &listener;
  threads_.emplace_back([this] { write_loop(); });
  for (const std::unique_ptr<Connection>& reader : readers_) {
    threads_.emplace_back([this, connection = reader.get()] { read_loop(*connection); });
  }
}

void Database::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  write_wanted_.notify_all();
  read_wanted_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  readers_.clear();
  if (connection_ == nullptr) return;
  try {
    if (epoch_ != 0 && listener_ != nullptr) count_run();
  } catch (const SqliteError&) {
    // As if it had crashed here.
  }
  connection_.reset();
}

Database::~Database() { stop(); }

// ---- Writing ------------------------------------------------------------------------------------

Result<> Database::enqueue(std::unique_ptr<Write> write) {
  const std::size_t bytes = write->bytes();
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return fail(Errc::closed, "store");
    if (writes_.size() >= writes_max || write_bytes_ + bytes > write_bytes_max) {
      return fail(Error(std::errc::resource_unavailable_try_again, "store")
                      .with_detail("too much waits to be stored"));
    }
    write_bytes_ += bytes;
    writes_.push_back(std::move(write));
    if (writes_.size() > 1) return {};  // the writer has been told
  }
  write_wanted_.notify_one();
  return {};
}

void Database::write_loop() {
  // A file that may not grow (setrlimit(2)) is an answer to the write, and ends nothing.
  sigset_t file_size;
  ::sigemptyset(&file_size);
  ::sigaddset(&file_size, SIGXFSZ);
  ::pthread_sigmask(SIG_BLOCK, &file_size, nullptr);
  std::vector<std::unique_ptr<Write>> batch;
  for (;;) {
    batch.clear();
    {
      std::unique_lock lock(mutex_);
      write_wanted_.wait(lock, [&] { return stopping_ || !writes_.empty(); });
      if (writes_.empty()) return;
      while (!writes_.empty() && batch.size() < batch_max) {
        write_bytes_ -= writes_.front()->bytes();
        batch.push_back(std::move(writes_.front()));
        writes_.pop_front();
      }
    }
    const Verdict verdict = commit(batch);
    if (verdict.kind == Verdict::Kind::durable) {
      note_entries(listener_->durable());
    } else {
      listener_->undone();
    }
    for (const std::unique_ptr<Write>& write : batch) write->finished(verdict);
  }
}

Verdict Database::commit(const std::vector<std::unique_ptr<Write>>& batch) {
  bool is_applied = false;
  try {
    connection_->execute("BEGIN IMMEDIATE");
    for (const std::unique_ptr<Write>& write : batch) write->apply(*connection_);
    is_applied = true;
    connection_->execute("COMMIT");
    return {};
  } catch (const SqliteError& error) {
    connection_->roll_back();
    const bool refused = !is_applied || nothing_written(error.code);
    return {refused ? Verdict::Kind::refused : Verdict::Kind::unknown, error.sentence()};
  }
}

void Database::note_entries(std::uint64_t entries) {
  const auto now = std::chrono::steady_clock::now();
  if (entries == figures_.entries) return;
  figures_.entries = entries;
  if (now - noted_ < note_interval) return;
  noted_ = now;
  // Only ever after the commit, so that it is never ahead of the database.
  static_cast<void>(run_file_.write(figures_, false));
}

// ---- Reading ------------------------------------------------------------------------------------

Result<> Database::enqueue_read(Read read) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return fail(Errc::closed, "read the database");
    if (reads_.size() >= reads_max) {
      return fail(Error(std::errc::resource_unavailable_try_again, "read the database")
                      .with_detail("too many wait to read"));
    }
    reads_.push_back(std::move(read));
  }
  read_wanted_.notify_one();
  return {};
}

void Database::read_loop(Connection& connection) {
  for (;;) {
    Read read;
    {
      std::unique_lock lock(mutex_);
      read_wanted_.wait(lock, [&] { return stopping_ || !reads_.empty(); });
      if (reads_.empty()) return;
      read = std::move(reads_.front());
      reads_.pop_front();
    }
    read(connection);
  }
}

}  // namespace ieum::hub
