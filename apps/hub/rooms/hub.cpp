// Hub: its life, its rooms, and what it gives to the log.
#include "rooms/hub.hpp"

#include <algorithm>
#include <fstream>

#include <ieum/random_bytes.hpp>
#include <ieum/timeout.hpp>

#include "irc/text.hpp"
#include "session/session.hpp"

namespace ieum::hub {

using namespace std::chrono_literals;

namespace {

constexpr Duration look_interval = 1s;
constexpr Position unsaved_max = 256;  // entries that a start would have to read again
constexpr std::size_t motd_lines_max = 200;
constexpr int trim_looks = 600;  // every ten minutes
constexpr int sweep_looks = 10;

Task<> quietly(Task<> task) { co_await attempt(std::move(task)); }

}  // namespace

Hub::Hub(SharedConfig config, Services services)
    : config_(std::move(config)), services_(std::move(services)), started_(services_.clock()) {
  read_motd();
}

Hub::~Hub() = default;

std::uint64_t Hub::random_number() {
  std::uint64_t number = 0;
  const Result<> drawn = random_bytes(std::as_writable_bytes(std::span(&number, 1)));
  if (!drawn) std::abort();  // nothing that is to be secret would be
  return number >> 11U;
}

std::string account_identity(std::string_view account) { return "a:" + key_of(account); }

std::string guest_identity() {
  return "g:" + std::to_string(Hub::random_number()) + "-" + std::to_string(Hub::random_number());
}

void Hub::set_config(SharedConfig config) {
  config_ = std::move(config);
  read_motd();
}

void Hub::read_motd() {
  motd_.clear();
  if (config_->motd.empty()) return;
  std::ifstream file(config_->motd);
  std::string line;
  while (motd_.size() < motd_lines_max && std::getline(file, line)) {
    if (line.ends_with('\r')) line.pop_back();
    if (is_utf8(line)) motd_.push_back(line);
  }
}

// ---- Its life
// -------------------------------------------------------------------------------------

Task<> Hub::run() {
  auto body = [this](Group& group) { return serve(group); };
  co_await with_group(body);
}

Task<> Hub::serve(Group& group) {
  struct Forgets {
    Group*& pointer;
    ~Forgets() { pointer = nullptr; }
  };
  group_ = &group;
  const Forgets forgets{group_};
  Tail tail = log().follow();
  co_await load_rooms();
  group.start(watch_clocks());
  ready_.set();
  co_await follow(std::move(tail));
}

Task<> Hub::load_rooms() {
  std::vector<RoomInfo> infos = co_await log().channels();
  for (RoomInfo& info : infos) {
    const std::optional<std::string> name = channel_name(info.key);
    if (!name || rooms_.contains(*name)) continue;
    if (info.state.empty() && info.last == 0) continue;
    auto room = std::make_unique<Room>();
    room->key = *name;
    Room& loading = *room;
    rooms_.emplace(*name, std::move(room));
    co_await load(loading, std::move(info));
  }
}

Task<> Hub::follow(Tail tail) {
  for (;;) {
    SharedBatch batch = co_await tail.next();
    while (batch != nullptr) {
      for (const StoredEntry& stored : batch->entries) apply(stored);
      batch = tail.take();
    }
  }
}

Task<> Hub::watch_clocks() {
  for (int looks = 1;; ++looks) {
    co_await sleep(look_interval);
    const TimePoint at = now();
    const std::vector<Session*> sessions = sessions_;  // ending changes it
    for (Session* session : sessions) session->look_at_clocks(at);
    std::vector<User*> given_up;
    for (const auto& [key, user] : users_) {
      if (user->is_lost() && user->lost_until <= at) given_up.push_back(user.get());
    }
    for (User* user : given_up) quit(*user, user->lost_because);
    std::erase_if(failures_, [&](const auto& failure) { return failure.second.until <= at; });
    if (looks % sweep_looks == 0) {
      std::vector<Room*> rooms;
      for (const auto& [key, room] : rooms_) rooms.push_back(room.get());
      for (Room* room : rooms) drop_if_empty(*room);
    }
    if (looks % trim_looks == 0) run_beside(trim());
  }
}

Task<> Hub::trim() {
  Retention retention;
  retention.age_max = config().keep_age;
  retention.count_max = config().keep_count;
  const Time at = time();
  co_await attempt(log().trim(retention, at));
  co_await attempt(accounts().trim(at));
}

void Hub::run_beside(Task<> task) {
  if (group_ != nullptr) group_->start(quietly(std::move(task)));
}

void Hub::shut_down(std::string_view why) {
  shutting_down_ = true;
  const auto spread = static_cast<std::size_t>(limits::return_spread.count());
  const std::vector<Session*> sessions = sessions_;
  std::size_t number = 0;
  for (Session* session : sessions) {
    const std::size_t wait = 1 + (number++ * spread / std::max<std::size_t>(sessions.size(), 1));
    session->end(std::string(why) + ", please come back in " + std::to_string(wait) + " s", true);
  }
}

// ---- Sessions
// -------------------------------------------------------------------------------------

void Hub::add(Session& session) { sessions_.push_back(&session); }

void Hub::remove(Session& session) {
  const std::vector<std::string> watched = session.watching;
  for (const std::string& nick : watched) unwatch(session, nick);
  std::erase(sessions_, &session);
}

bool Hub::may_try_password(std::string_view host) const {
  constexpr std::size_t failures_max = 20;
  const auto found = failures_.find(host);
  return found == failures_.end() || found->second.count < failures_max;
}

void Hub::count_failure(std::string_view host) {
  Failures& failures = failures_[std::string(host)];
  ++failures.count;
  failures.until = now() + 5min;
}

// ---- Rooms
// ----------------------------------------------------------------------------------------

Room* Hub::find_room(std::string_view name) const {
  const auto found = rooms_.find(key_of(name));
  if (found == rooms_.end()) return nullptr;
  Room* room = found->second.get();
  return room->loaded.is_set() && !room->failed && room->exists() ? room : nullptr;
}

Room* Hub::find_room(RoomId id) const {
  const auto found = rooms_by_id_.find(id);
  return found == rooms_by_id_.end() ? nullptr : found->second;
}

Task<RoomUse> Hub::open_room(std::string name) {
  std::string key = key_of(name);
  auto found = rooms_.find(key);
  if (found == rooms_.end()) {
    if (rooms_.size() >= limits::rooms) {
      co_await ieum::fail(Errc::limit_exceeded, "open a room");
    }
    auto made = std::make_unique<Room>();
    made->key = key;
    found = rooms_.emplace(key, std::move(made)).first;
    // Beside: the session that asks may end meanwhile, others wait for it too.
    RoomInfo info;
    info.key = channel_key(key);
    run_beside(load(*found->second, std::move(info)));
  }
  RoomUse use(found->second.get());
  if (!use->loaded.is_set()) co_await use->loaded.wait();
  if (use->failed) co_await ieum::fail(std::errc::io_error, "open a room");
  if (use->state.name.empty()) use->state.name = name;
  co_return std::move(use);
}

Task<> Hub::load(Room& room, RoomInfo info) {
  RoomUse use(&room);
  if (info.id == RoomId::none) {
    Result<RoomInfo> opened = co_await attempt(log().open(info.key));
    if (!opened) {
      room.failed = true;
      room.loaded.set();
      co_return;
    }
    info = *std::move(opened);
  }
  room.id = info.id;
  room.state = RoomState::load(info.state);
  room.saved = info.state_position;
  Position position = info.state_position;
  Window window;
  window.room = info.id;
  window.limit = RoomLog::page_max;
  window.kinds = state_kinds();
  for (;;) {
    Result<Page> page = co_await attempt(log().after(window, position));
    if (!page) {
      room.failed = true;
      break;
    }
    for (const StoredEntry& stored : page->entries) {
      room.state.apply(stored);
      position = stored.position;
    }
    room.applied = std::max(page->last, info.state_position);
    if (page->entries.size() < window.limit) break;
  }
  room.state.forget_members();
  if (!room.failed) rooms_by_id_[room.id] = &room;
  room.loaded.set();
}

Task<> Hub::save(RoomId id) {
  Room* room = find_room(id);
  if (room == nullptr) co_return;
  RoomUse use(room);
  const Position position = room->applied;
  Task<> saving = log().save_state(id, position, room->state.save());
  Result<> saved = co_await attempt(std::move(saving));
  if (saved) room->saved = std::max(room->saved, position);
}

void Hub::drop_if_empty(Room& room) {
  if (!room.loaded.is_set() || room.users > 0) return;
  if (!room.failed) {
    if (room.applied - room.saved >= unsaved_max) {
      run_beside(save(room.id));
      return;
    }
    if (room.exists()) return;
    rooms_by_id_.erase(room.id);
  }
  const std::string key = room.key;
  rooms_.erase(key);
}

Task<RoomId> Hub::open_direct(std::string first, std::string second) {
  const std::string key = direct_key(first, second);
  const auto found = directs_by_key_.find(key);
  if (found != directs_by_key_.end()) co_return found->second;
  RoomInfo info = co_await log().open(key);
  DirectPair pair;
  pair.first = first;
  pair.second = second;
  directs_.insert_or_assign(info.id, std::move(pair));
  directs_by_key_.insert_or_assign(key, info.id);
  co_return info.id;
}

const DirectPair* Hub::direct(RoomId id) const {
  const auto found = directs_.find(id);
  return found == directs_.end() ? nullptr : &found->second;
}

// ---- The log
// --------------------------------------------------------------------------------------

/// An append that was not handed out yet.
class Hub::Pending {
 public:
  Pending(Hub& hub, Session* by) : origin(++hub.origins_), session(by), hub_(hub) {
    hub_.pending_.emplace(origin, this);
  }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() { hub_.pending_.erase(origin); }

  const std::uint64_t origin;
  Session* const session;
  Event applied;

 private:
  Hub& hub_;
};

Task<Appended> Hub::commit(Session* by, RoomId room, std::string once, Entry entry) {
  Pending pending(*this, by);
  entry.origin = pending.origin;
  entry.time = time();
  Task<Appended> appending = log().append(room, std::move(once), std::move(entry));
  Result<Appended> appended =
      co_await attempt(with_timeout(limits::commit_time, std::move(appending)));
  if (!appended) {
    const Error& error = appended.error();
    if (error == std::errc::operation_canceled) co_await ieum::fail(error);
    Appended failed;
    const bool surely = error == std::errc::no_space_on_device ||
                        error == std::errc::resource_unavailable_try_again;
    failed.outcome = surely ? Outcome::refused : Outcome::unknown;
    failed.reason = surely ? error.to_string() : "";
    events().write("commit-failed", {{"error", error.to_string()}});
    co_return failed;
  }
  if (appended->outcome == Outcome::stored) co_await pending.applied.wait();
  co_return *std::move(appended);
}

void Hub::apply(const StoredEntry& stored) {
  Session* by = nullptr;
  const auto pending = pending_.find(stored.entry.origin);
  if (pending != pending_.end()) {
    by = pending->second->session;
    pending->second->applied.set();
  }
  if (Room* room = find_room(stored.room)) {
    if (stored.position <= room->applied) return;
    room->applied = stored.position;
    apply_to(*room, stored, by);
  } else if (direct(stored.room) != nullptr) {
    if (stored.entry.kind == Kind::redact) {
      redacted(nullptr, stored, by);
    } else {
      said(nullptr, stored, by);
    }
  }
}

Task<> Hub::log_quit(RoomId room, Entry entry) {
  entry.time = time();
  co_await attempt(log().append(room, {}, std::move(entry)));
}

std::string Hub::message_id(RoomId room, Position position) const {
  return MessageId{log().epoch(), room, position}.to_string();
}

}  // namespace ieum::hub
