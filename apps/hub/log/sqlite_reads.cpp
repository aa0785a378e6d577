#include "log/sqlite_reads.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace ieum::hub {

namespace {

constexpr Position position_max = static_cast<Position>(std::numeric_limits<std::int64_t>::max());

Time to_time(std::int64_t value) { return Time(std::chrono::milliseconds(value)); }

/// Of a row that begins with id, key, trimmed, state, state_position, max(position).
RoomInfo info_of(const Statement& row) {
  RoomInfo info;
  info.id = RoomId{row.unsigned_integer(0)};
  info.key = row.text(1);
  info.first = row.unsigned_integer(2) + 1;
  info.state = row.text(3);
  info.state_position = row.unsigned_integer(4);
  info.last = std::max(row.unsigned_integer(2), row.unsigned_integer(5));
  return info;
}

#define IEUM_HUB_ROOM_COLUMNS                        \
  "SELECT id, key, trimmed, state, state_position, " \
  "(SELECT max(position) FROM entries WHERE room = rooms.id) FROM rooms "

/// The first position from `first` to `last` whose entry is not earlier than `time`, or last + 1:
/// times never fall, so halving finds it.
Position first_not_earlier(Connection& connection, RoomId room, Position first, Position last,
                           Time time) {
  Position low = first;
  Position high = last + 1;
  while (low < high) {
    const Position middle = low + (high - low) / 2;
    const Use row = connection.use("SELECT time FROM entries WHERE room = ?1 AND position = ?2");
    const bool is_there = row->bind(1, static_cast<std::uint64_t>(room)).bind(2, middle).step();
    if (is_there && to_time(row->integer(0)) >= time) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

std::optional<Time> last_said(Connection& connection, RoomId room) {
  const Use row = connection.use(
      "SELECT time FROM entries WHERE room = ?1 AND kind IN (1, 2, 3) ORDER BY position DESC "
      "LIMIT 1");
  if (!row->bind(1, static_cast<std::uint64_t>(room)).step()) return {};
  return to_time(row->integer(0));
}

}  // namespace

std::optional<RoomInfo> read_room(Connection& connection, RoomId room) {
  const Use row = connection.use(IEUM_HUB_ROOM_COLUMNS "WHERE id = ?1 AND key NOTNULL");
  if (!row->bind(1, static_cast<std::uint64_t>(room)).step()) return {};
  return info_of(*row.operator->());
}

std::optional<RoomInfo> find_room(Connection& connection, const std::string& key) {
  const Use row = connection.use(IEUM_HUB_ROOM_COLUMNS "WHERE key = ?1");
  if (!row->bind(1, key).step()) return {};
  return info_of(*row.operator->());
}

std::vector<RoomInfo> read_channels(Connection& connection) {
  std::vector<RoomInfo> infos;
  const Use row = connection.use(IEUM_HUB_ROOM_COLUMNS "WHERE key NOTNULL ORDER BY id");
  while (row->step()) {
    RoomInfo info = info_of(*row.operator->());
    if (channel_name(info.key)) infos.push_back(std::move(info));
  }
  return infos;
}

Page read_page(Connection& connection, const Window& window, Position low, Position high,
               bool from_end) {
  Page page;
  const std::optional<RoomInfo> info = read_room(connection, window.room);
  if (!info) return page;
  page.first = info->first;
  page.last = info->last;
  constexpr const char* forward =
      "SELECT position, time, kind, about, redacted, sender, source, body, tags FROM entries "
      "WHERE room = ?1 AND position > ?2 AND position < ?3 AND (?4 >> kind) & 1 "
      "AND (redacted = 0 OR ?5) ORDER BY position LIMIT ?6";
  constexpr const char* backward =
      "SELECT position, time, kind, about, redacted, sender, source, body, tags FROM entries "
      "WHERE room = ?1 AND position > ?2 AND position < ?3 AND (?4 >> kind) & 1 "
      "AND (redacted = 0 OR ?5) ORDER BY position DESC LIMIT ?6";
  const Use row = connection.use(from_end ? backward : forward);
  row->bind(1, static_cast<std::uint64_t>(window.room));
  row->bind(2, std::min(low, position_max)).bind(3, std::min(high, position_max));
  row->bind(4, window.kinds.bits()).bind(5, window.with_redacted ? 1 : 0);
  row->bind(6, std::uint64_t{std::min(window.limit, RoomLog::page_max)});
  while (row->step()) {
    StoredEntry stored;
    stored.room = window.room;
    stored.position = row->unsigned_integer(0);
    stored.entry.time = to_time(row->integer(1));
    stored.entry.kind = static_cast<Kind>(row->integer(2));
    stored.entry.about = row->unsigned_integer(3);
    stored.redacted = row->integer(4) != 0;
    stored.entry.sender = row->text(5);
    stored.entry.source = row->text(6);
    stored.entry.body = row->text(7);
    stored.entry.tags = row->text(8);
    page.entries.push_back(std::move(stored));
  }
  if (from_end) std::ranges::reverse(page.entries);
  return page;
}

Position find_position(Connection& connection, RoomId room, Time time) {
  const std::optional<RoomInfo> info = read_room(connection, room);
  if (!info) return 1;
  return first_not_earlier(connection, room, info->first, info->last, time);
}

std::vector<Target> find_targets(Connection& connection, const std::vector<RoomId>& rooms,
                                 const std::string& identity, Time from, Time to,
                                 std::size_t limit) {
  std::vector<RoomId> asked = rooms;
  {
    const Use row = connection.use("SELECT room FROM direct WHERE identity = ?1");
    row->bind(1, identity);
    while (row->step()) asked.push_back(RoomId{row->unsigned_integer(0)});
  }
  std::ranges::sort(asked);
  const auto twice = std::ranges::unique(asked);
  asked.erase(twice.begin(), twice.end());
  std::vector<Target> found;
  for (const RoomId room : asked) {
    const std::optional<Time> latest = last_said(connection, room);
    if (!latest || *latest <= std::min(from, to) || *latest >= std::max(from, to)) continue;
    std::optional<RoomInfo> info = read_room(connection, room);
    if (!info) continue;
    const std::optional<DirectPair> pair = direct_pair(info->key);
    if (pair && pair->first != identity && pair->second != identity) continue;  // of others
    Target target;
    target.id = room;
    target.key = std::move(info->key);
    target.latest = *latest;
    found.push_back(std::move(target));
  }
  std::ranges::sort(found, [](const Target& one, const Target& other) {
    return std::tie(one.latest, one.id) < std::tie(other.latest, other.id);
  });
  const std::size_t most = std::min(limit, RoomLog::page_max);
  if (found.size() > most) {
    if (from <= to) {
      found.resize(most);
    } else {
      found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(most));
    }
  }
  return found;
}

std::vector<TrimTarget> find_trim_targets(Connection& connection, Retention retention, Time now) {
  std::vector<RoomInfo> infos;
  {
    const Use row = connection.use(IEUM_HUB_ROOM_COLUMNS);
    while (row->step()) {
      infos.push_back(info_of(*row.operator->()));
      if (row->is_null(1)) infos.back().key.clear();
    }
  }
  std::vector<TrimTarget> targets;
  for (const RoomInfo& info : infos) {
    TrimTarget target;
    target.room = info.id;
    if (info.key.empty()) {  // removed
      target.up_to = info.last;
    } else {
      const Position by_age =
          first_not_earlier(connection, info.id, info.first, info.last, now - retention.age_max) -
          1;
      const Position by_count =
          info.last > retention.count_max ? info.last - retention.count_max : 0;
      target.up_to = std::max(by_age, by_count);
    }
    if (target.up_to >= info.first) targets.push_back(target);
  }
  return targets;
}

}  // namespace ieum::hub
