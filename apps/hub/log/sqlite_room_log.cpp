#include "log/sqlite_room_log.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <ieum/timeout.hpp>

#include "log/sqlite_reads.hpp"
#include "sqlite/schema.hpp"

namespace ieum::hub {

namespace {

constexpr std::size_t heads_max = 65'536;
/// Rows that one commit of `trim` takes: some milliseconds.
constexpr Position trim_step = 1000;

constexpr Position no_end = static_cast<Position>(std::numeric_limits<std::int64_t>::max());

std::int64_t to_integer(Time time) { return time.time_since_epoch().count(); }
Time to_time(std::int64_t value) { return Time(std::chrono::milliseconds(value)); }

}  // namespace

SqliteRoomLog::SqliteRoomLog(Database& database)
    : database_(database), entries_(count_entries(database.connection())) {}

// ---- Rooms --------------------------------------------------------------------------------------

Task<RoomInfo> SqliteRoomLog::open(std::string key) {
  const std::string sought = key;
  std::optional<RoomInfo> found = co_await find(sought);
  if (found) co_return *std::move(found);
  std::move_only_function<RoomInfo(Connection&)> work = [key](Connection& connection) {
    std::optional<RoomInfo> existing = find_room(connection, key);
    if (existing) return *std::move(existing);
    const Use insert = connection.use("INSERT INTO rooms (key) VALUES (?1)");
    insert->bind(1, key).step();
    RoomInfo info;
    info.id = RoomId{static_cast<std::uint64_t>(connection.last_row())};
    info.key = key;
    const std::optional<DirectPair> pair = direct_pair(key);
    if (!pair) return info;
    for (const std::string* identity : {&pair->first, &pair->second}) {
      const Use add = connection.use("INSERT OR IGNORE INTO direct VALUES (?1, ?2)");
      add->bind(1, *identity).bind(2, static_cast<std::uint64_t>(info.id)).step();
    }
    return info;
  };
  RoomInfo made = co_await database_.write(std::move(work));
  co_return made;
}

Task<std::optional<RoomInfo>> SqliteRoomLog::find(std::string key) {
  std::move_only_function<std::optional<RoomInfo>(Connection&)> work =
      [key = std::move(key)](Connection& connection) { return find_room(connection, key); };
  return database_.read(std::move(work));
}

Task<std::optional<RoomInfo>> SqliteRoomLog::info(RoomId room) {
  std::move_only_function<std::optional<RoomInfo>(Connection&)> work =
      [room](Connection& connection) { return read_room(connection, room); };
  return database_.read(std::move(work));
}

Task<std::vector<RoomInfo>> SqliteRoomLog::channels() {
  std::move_only_function<std::vector<RoomInfo>(Connection&)> work = [](Connection& connection) {
    return read_channels(connection);
  };
  return database_.read(std::move(work));
}

Task<bool> SqliteRoomLog::remove(RoomId room) {
  // `trim` takes the entries of a room without a key.
  std::move_only_function<bool(Connection&)> work = [this, room](Connection& connection) {
    heads_.erase(room);
    const auto id = static_cast<std::uint64_t>(room);
    const Use forget = connection.use("DELETE FROM direct WHERE room = ?1");
    const Use remove =
        connection.use("UPDATE rooms SET key = NULL, state = x'' WHERE id = ?1 AND key NOTNULL");
    // The index is by identity; only a direct conversation has rows there.
    const std::optional<RoomInfo> info = read_room(connection, room);
    if (info && direct_pair(info->key)) forget->bind(1, id).step();
    remove->bind(1, id).step();
    return connection.changes() > 0 && info.has_value();
  };
  return database_.write(std::move(work));
}

Task<> SqliteRoomLog::save_state(RoomId room, Position position, std::string state) {
  std::move_only_function<char(Connection&)> work =
      [room, position, state = std::move(state)](Connection& connection) {
        const Use save = connection.use(
            "UPDATE rooms SET state = ?2, state_position = ?3 "
            "WHERE id = ?1 AND state_position <= ?3 AND key NOTNULL");
        save->bind(1, static_cast<std::uint64_t>(room)).bind(2, state).bind(3, position).step();
        return 's';
      };
  co_await database_.write(std::move(work));
}

// ---- Appending ----------------------------------------------------------------------------------

class SqliteRoomLog::AppendWrite final : public Write {
 public:
  AppendWrite(SqliteRoomLog& log, RoomId room, std::string once, Entry entry,
              MailboxSender<Appended> to)
      : log_(log),
        room_(room),
        once_(std::move(once)),
        entry_(std::move(entry)),
        to_(std::move(to)) {}

  void apply(Connection& connection) override {
    appended_ = log_.apply(connection, room_, once_, entry_);
  }
  void finished(const Verdict& verdict) noexcept override {
    if (verdict.kind != Verdict::Kind::durable) {
      appended_ = Appended{};
      appended_.outcome =
          verdict.kind == Verdict::Kind::refused ? Outcome::refused : Outcome::unknown;
      appended_.reason = verdict.reason;
    }
    static_cast<void>(to_.try_send(std::move(appended_)));
  }
  [[nodiscard]] std::size_t bytes() const noexcept override {
    return sizeof(AppendWrite) + once_.size() + bytes_;
  }

 private:
  SqliteRoomLog& log_;
  const RoomId room_;
  const std::string once_;
  Entry entry_;
  MailboxSender<Appended> to_;
  Appended appended_;
  // Of the entry, which `apply` moves from.
  const std::size_t bytes_ =
      entry_.sender.size() + entry_.source.size() + entry_.body.size() + entry_.tags.size();
};

Task<Appended> SqliteRoomLog::append(RoomId room, std::string once, Entry entry) {
  MailboxEnds<Appended> ends = Mailbox<Appended>::create(1);
  auto write = std::make_unique<AppendWrite>(*this, room, std::move(once), std::move(entry),
                                             std::move(ends.sender));
  Result<> enqueued = database_.enqueue(std::move(write));
  Appended appended;
  if (!enqueued) {
    appended.outcome = Outcome::refused;
    appended.reason =
        enqueued.error() == Errc::closed ? "the hub ends" : "too much waits to be stored";
    co_return appended;
  }
  Result<Appended> answer = co_await attempt(with_timeout(append_limit, ends.mailbox.receive()));
  if (answer) co_return *std::move(answer);
  if (answer.error() == std::errc::operation_canceled) co_return fail(answer.error());
  appended.reason = "the disk does not answer";
  co_return appended;
}

SqliteRoomLog::Head* SqliteRoomLog::head_of(Connection& connection, RoomId room) {
  const auto at = heads_.find(room);
  if (at != heads_.end()) return &at->second;
  const std::optional<RoomInfo> info = read_room(connection, room);
  if (!info) return nullptr;
  Head head;
  head.last = info->last;
  const Use time = connection.use("SELECT time FROM entries WHERE room = ?1 AND position = ?2");
  if (time->bind(1, static_cast<std::uint64_t>(room)).bind(2, info->last).step()) {
    head.time = to_time(time->integer(0));
  }
  if (heads_.size() >= heads_max) heads_.clear();
  return &heads_.emplace(room, head).first->second;
}

Appended SqliteRoomLog::apply(Connection& connection, RoomId room, const std::string& once,
                              Entry& entry) {
  Appended appended;
  if (!once.empty()) {
    const Use first =
        connection.use("SELECT room, position, time FROM once WHERE sender = ?1 AND once = ?2");
    if (first->bind(1, entry.sender).bind(2, once).step() &&
        entry.time - to_time(first->integer(2)) < once_kept) {
      appended.outcome = Outcome::duplicate;
      appended.id = {database_.epoch(), RoomId{first->unsigned_integer(0)},
                     first->unsigned_integer(1)};
      return appended;
    }
  }
  appended.outcome = Outcome::absent;
  Head* const head = head_of(connection, room);
  if (head == nullptr) return appended;
  const auto id = static_cast<std::uint64_t>(room);
  if (entry.kind == Kind::redact) {
    const Use redact = connection.use(
        "UPDATE entries SET redacted = 1, body = x'', tags = x'' WHERE room = ?1 AND position = "
        "?2");
    redact->bind(1, id).bind(2, entry.about).step();
    if (connection.changes() == 0) return appended;
  }
  entry.time = std::max(entry.time, head->time);
  const Position position = head->last + 1;
  const Use insert = connection.use(
      "INSERT INTO entries (room, position, time, kind, about, sender, source, body, tags) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
  insert->bind(1, id).bind(2, position).bind(3, to_integer(entry.time));
  insert->bind(4, static_cast<int>(entry.kind)).bind(5, entry.about).bind(6, entry.sender);
  insert->bind(7, entry.source).bind(8, entry.body).bind(9, entry.tags).step();
  if (!once.empty()) {
    const Use keep = connection.use(
        "INSERT OR REPLACE INTO once (sender, once, room, position, time) "
        "VALUES (?1, ?2, ?3, ?4, ?5)");
    keep->bind(1, entry.sender).bind(2, once).bind(3, id).bind(4, position);
    keep->bind(5, to_integer(entry.time)).step();
  }
  head->last = position;
  head->time = entry.time;
  ++applied_;
  appended.outcome = Outcome::stored;
  appended.id = {database_.epoch(), room, position};
  StoredEntry stored;
  stored.room = room;
  stored.position = position;
  stored.entry = std::move(entry);
  batch_->entries.push_back(std::move(stored));
  return appended;
}

std::uint64_t SqliteRoomLog::durable() {
  entries_ += std::exchange(applied_, 0);
  if (!batch_->entries.empty()) {
    // The hub's cores take it before those who wait are told.
    tails_.publish(std::exchange(batch_, std::make_shared<Batch>()), true);
  }
  return entries_;
}

void SqliteRoomLog::undone() {
  applied_ = 0;
  batch_->entries.clear();
  heads_.clear();  // the positions are those of the database again
}

// ---- Trimming -----------------------------------------------------------------------------------

Task<std::uint64_t> SqliteRoomLog::trim(Retention retention, Time now) {
  std::move_only_function<std::vector<TrimTarget>(Connection&)> find_all =
      [retention, now](Connection& connection) {
        return find_trim_targets(connection, retention, now);
      };
  const std::vector<TrimTarget> targets = co_await database_.read(std::move(find_all));
  std::uint64_t gone = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const TrimTarget target = targets[i];
    for (;;) {
      const std::uint64_t went = co_await trim_room(target.room, target.up_to);
      if (went == 0) break;
      gone += went;
    }
  }
  for (;;) {
    const std::uint64_t forgotten = co_await forget_once(now - once_kept);
    if (forgotten == 0) break;
  }
  co_return gone;
}

Task<std::uint64_t> SqliteRoomLog::trim_room(RoomId room, Position up_to) {
  std::move_only_function<std::uint64_t(Connection&)> work = [room, up_to](Connection& connection) {
    const auto id = static_cast<std::uint64_t>(room);
    Position trimmed = 0;
    {
      const Use find = connection.use("SELECT trimmed FROM rooms WHERE id = ?1");
      if (find->bind(1, id).step()) trimmed = find->unsigned_integer(0);
    }
    const Position end = std::min(up_to, trimmed + trim_step);
    if (end <= trimmed) return std::uint64_t{0};
    const Use take = connection.use("DELETE FROM entries WHERE room = ?1 AND position <= ?2");
    take->bind(1, id).bind(2, end).step();
    const auto gone = static_cast<std::uint64_t>(connection.changes());
    const Use keep = connection.use("UPDATE rooms SET trimmed = ?2 WHERE id = ?1");
    keep->bind(1, id).bind(2, end).step();
    return gone;
  };
  return database_.write(std::move(work));
}

Task<std::uint64_t> SqliteRoomLog::forget_once(Time before) {
  std::move_only_function<std::uint64_t(Connection&)> work = [before](Connection& connection) {
    const Use forget = connection.use(
        "DELETE FROM once WHERE id IN (SELECT id FROM once ORDER BY id LIMIT ?1) AND time <= ?2");
    forget->bind(1, trim_step).bind(2, to_integer(before)).step();
    return static_cast<std::uint64_t>(connection.changes());
  };
  return database_.write(std::move(work));
}

// ---- Reading ------------------------------------------------------------------------------------

Task<Page> SqliteRoomLog::after(Window window, Position position) {
  return between(window, position, no_end);
}

Task<Page> SqliteRoomLog::before(Window window, Position position) {
  std::move_only_function<Page(Connection&)> work = [window, position](Connection& connection) {
    return read_page(connection, window, 0, position, true);
  };
  return database_.read(std::move(work));
}

Task<Page> SqliteRoomLog::around(Window window, Position position) {
  std::move_only_function<Page(Connection&)> work = [window, position](Connection& connection) {
    Window half = window;
    const std::size_t limit = std::min(window.limit, page_max);
    half.limit = limit / 2;
    Page page = read_page(connection, half, 0, position, true);
    half.limit = limit - page.entries.size();
    Page rest = read_page(connection, half, position == 0 ? 0 : position - 1, no_end, false);
    std::ranges::move(rest.entries, std::back_inserter(page.entries));
    return page;
  };
  return database_.read(std::move(work));
}

Task<Page> SqliteRoomLog::latest(Window window, Position position) {
  return between(window, no_end, position);
}

Task<Page> SqliteRoomLog::between(Window window, Position from, Position to) {
  std::move_only_function<Page(Connection&)> work = [window, from, to](Connection& connection) {
    return read_page(connection, window, std::min(from, to), std::max(from, to), from > to);
  };
  return database_.read(std::move(work));
}

Task<Position> SqliteRoomLog::position_at(RoomId room, Time time) {
  std::move_only_function<Position(Connection&)> work = [room, time](Connection& connection) {
    return find_position(connection, room, time);
  };
  return database_.read(std::move(work));
}

Task<std::vector<Target>> SqliteRoomLog::targets(std::vector<RoomId> rooms, std::string identity,
                                                 Time from, Time to, std::size_t limit) {
  std::move_only_function<std::vector<Target>(Connection&)> work =
      [rooms = std::move(rooms), identity = std::move(identity), from, to,
       limit](Connection& connection) {
        return find_targets(connection, rooms, identity, from, to, limit);
      };
  return database_.read(std::move(work));
}

}  // namespace ieum::hub
