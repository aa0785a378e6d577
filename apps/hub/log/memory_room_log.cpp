#include "log/memory_room_log.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <ieum/timeout.hpp>

namespace ieum::hub {

namespace {

constexpr Position no_end = std::numeric_limits<Position>::max();

}  // namespace

void MemoryRoomLog::fail_next(std::size_t count, Outcome outcome) {
  const std::lock_guard lock(mutex_);
  failing_ = count;
  failure_ = outcome;
}

// ---- Rooms --------------------------------------------------------------------------------------

Task<RoomInfo> MemoryRoomLog::open(std::string key) {
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = keys_.try_emplace(key, RoomId::none);
  if (is_new) {
    at->second = RoomId{++rooms_made_};
    Room& room = rooms_[at->second];
    room.info.id = at->second;
    room.info.key = key;
  }
  co_return rooms_.at(at->second).info;
}

Task<std::optional<RoomInfo>> MemoryRoomLog::find(std::string key) {
  const std::lock_guard lock(mutex_);
  std::optional<RoomInfo> found;
  const auto at = keys_.find(key);
  if (at != keys_.end()) found = rooms_.at(at->second).info;
  co_return found;
}

Task<std::optional<RoomInfo>> MemoryRoomLog::info(RoomId room) {
  const std::lock_guard lock(mutex_);
  std::optional<RoomInfo> found;
  const auto at = rooms_.find(room);
  if (at != rooms_.end()) found = at->second.info;
  co_return found;
}

Task<std::vector<RoomInfo>> MemoryRoomLog::channels() {
  const std::lock_guard lock(mutex_);
  std::vector<RoomInfo> infos;
  for (const auto& [id, room] : rooms_) {
    if (channel_name(room.info.key)) infos.push_back(room.info);
  }
  co_return infos;
}

Task<bool> MemoryRoomLog::remove(RoomId room) {
  const std::lock_guard lock(mutex_);
  const auto at = rooms_.find(room);
  if (at == rooms_.end()) co_return false;
  keys_.erase(at->second.info.key);
  rooms_.erase(at);
  co_return true;
}

Task<> MemoryRoomLog::save_state(RoomId room, Position position, std::string state) {
  const std::lock_guard lock(mutex_);
  const auto at = rooms_.find(room);
  if (at == rooms_.end() || position < at->second.info.state_position) co_return;
  at->second.info.state = std::move(state);
  at->second.info.state_position = position;
}

// ---- Writing ------------------------------------------------------------------------------------

Task<Appended> MemoryRoomLog::append(RoomId room, std::string once, Entry entry) {
  if (options_.commit_time > Duration::zero()) co_await sleep(options_.commit_time);
  const std::lock_guard lock(mutex_);
  if (failing_ == 0) co_return store(room, once, entry);
  --failing_;
  Appended failed;
  failed.outcome = failure_;
  failed.reason = failure_ == Outcome::refused ? "the disk is full" : "the disk does not answer";
  if (failure_ == Outcome::unknown && failing_ % 2 == 1) store(room, once, entry);
  co_return failed;
}

Appended MemoryRoomLog::store(RoomId room, const std::string& once, Entry& entry) {
  Appended appended;
  const auto at = rooms_.find(room);
  if (!once.empty()) {
    const auto first = once_.find({entry.sender, once});
    if (first != once_.end() && entry.time - first->second.time < once_kept) {
      appended.outcome = Outcome::duplicate;
      appended.id = first->second.id;
      return appended;
    }
  }
  appended.outcome = Outcome::absent;
  if (at == rooms_.end()) return appended;
  Room& in = at->second;
  RoomInfo& info = in.info;
  if (entry.kind == Kind::redact) {
    if (entry.about < info.first || entry.about > info.last) return appended;
    StoredEntry& gone = in.entries[entry.about - info.first];
    gone.redacted = true;
    gone.entry.body.clear();
    gone.entry.tags.clear();
  }
  if (!in.entries.empty()) entry.time = std::max(entry.time, in.entries.back().entry.time);
  StoredEntry stored;
  stored.room = room;
  stored.position = ++info.last;
  stored.entry = std::move(entry);
  if (Kinds::said().has(stored.entry.kind)) {
    in.said = true;
    in.latest = stored.entry.time;
  }
  appended.outcome = Outcome::stored;
  appended.id = {options_.epoch, room, stored.position};
  if (!once.empty()) {
    once_.insert_or_assign({stored.entry.sender, once}, Once{appended.id, stored.entry.time});
  }
  auto batch = std::make_shared<Batch>();
  batch->entries.push_back(stored);
  stored.entry.origin = 0;
  in.entries.push_back(std::move(stored));
  tails_.publish(batch, false);
  return appended;
}

Task<std::uint64_t> MemoryRoomLog::trim(Retention retention, Time now) {
  const std::lock_guard lock(mutex_);
  std::uint64_t gone = 0;
  for (auto& [id, room] : rooms_) {
    while (!room.entries.empty() && (room.entries.size() > retention.count_max ||
                                     now - room.entries.front().entry.time > retention.age_max)) {
      room.entries.pop_front();
      ++room.info.first;
      ++gone;
    }
  }
  std::erase_if(once_, [&](const auto& once) { return now - once.second.time >= once_kept; });
  co_return gone;
}

// ---- Reading ------------------------------------------------------------------------------------

Page MemoryRoomLog::read(const Window& window, Position low, Position high, bool from_end) const {
  Page page;
  const auto at = rooms_.find(window.room);
  if (at == rooms_.end()) return page;
  const Room& room = at->second;
  page.first = room.info.first;
  page.last = room.info.last;
  const std::size_t limit = std::min(window.limit, page_max);
  // The positions of both ends, first <= position < end.
  const Position first = std::max(low == no_end ? no_end : low + 1, page.first);
  const Position end = std::min(high, page.last + 1);
  for (Position i = first; i < end && page.entries.size() < limit; ++i) {
    const Position position = from_end ? end - 1 - (i - first) : i;
    const StoredEntry& stored = room.entries[position - page.first];
    if (!window.kinds.has(stored.entry.kind)) continue;
    if (stored.redacted && !window.with_redacted) continue;
    page.entries.push_back(stored);
  }
  if (from_end) std::ranges::reverse(page.entries);
  return page;
}

Task<Page> MemoryRoomLog::after(Window window, Position position) {
  const std::lock_guard lock(mutex_);
  co_return read(window, position, no_end, false);
}

Task<Page> MemoryRoomLog::before(Window window, Position position) {
  const std::lock_guard lock(mutex_);
  co_return read(window, 0, position, true);
}

Task<Page> MemoryRoomLog::around(Window window, Position position) {
  const std::lock_guard lock(mutex_);
  window.limit = std::min(window.limit, page_max);
  Window half = window;
  half.limit = window.limit / 2;
  Page page = read(half, 0, position, true);
  half.limit = window.limit - page.entries.size();
  const Page rest = read(half, position == 0 ? 0 : position - 1, no_end, false);
  page.entries.insert(page.entries.end(), rest.entries.begin(), rest.entries.end());
  co_return page;
}

Task<Page> MemoryRoomLog::latest(Window window, Position position) {
  const std::lock_guard lock(mutex_);
  co_return read(window, position, no_end, true);
}

Task<Page> MemoryRoomLog::between(Window window, Position from, Position to) {
  const std::lock_guard lock(mutex_);
  co_return read(window, std::min(from, to), std::max(from, to), from > to);
}

Task<Position> MemoryRoomLog::position_at(RoomId room, Time time) {
  const std::lock_guard lock(mutex_);
  const auto at = rooms_.find(room);
  if (at == rooms_.end()) co_return Position{1};
  const std::deque<StoredEntry>& entries = at->second.entries;
  const auto found = std::ranges::lower_bound(
      entries, time, {}, [](const StoredEntry& stored) { return stored.entry.time; });
  co_return at->second.info.first + static_cast<Position>(found - entries.begin());
}

Task<std::vector<Target>> MemoryRoomLog::targets(std::vector<RoomId> rooms, std::string identity,
                                                 Time from, Time to, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<Target> found;
  for (const auto& [id, room] : rooms_) {
    const std::optional<DirectPair> pair = direct_pair(room.info.key);
    const bool asked = pair ? pair->first == identity || pair->second == identity
                            : std::ranges::find(rooms, id) != rooms.end();
    const bool within =
        room.said && room.latest > std::min(from, to) && room.latest < std::max(from, to);
    if (!asked || !within) continue;
    Target target;
    target.id = id;
    target.key = room.info.key;
    target.latest = room.latest;
    found.push_back(std::move(target));
  }
  std::ranges::sort(found, [](const Target& one, const Target& other) {
    return std::pair(one.latest, one.id) < std::pair(other.latest, other.id);
  });
  const std::size_t most = std::min(limit, page_max);
  if (found.size() > most) {
    if (from <= to) {
      found.resize(most);
    } else {
      found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(most));
    }
  }
  co_return found;
}

}  // namespace ieum::hub
