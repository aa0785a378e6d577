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

Hub::Hub(Services services, std::size_t index)
    : services_(std::move(services)),
      index_(index),
      config_(services_.common.config()),
      started_(services_.clock()),
      tail_(services_.log.follow()) {
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
  common().set_config(config);
  config_ = std::move(config);
  read_motd();
  post(change::Reconfigured{std::make_shared<std::atomic<std::size_t>>(common().cores())});
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
  co_await load_rooms();
  group.start(watch_clocks());
  post(change::CoreReady{});
  co_await follow();
}

Task<> Hub::load_rooms() {
  std::vector<RoomInfo> infos = co_await log().channels();
  for (RoomInfo& info : infos) {
    if (info.state.empty() && info.last == 0) continue;
    Loaded loaded = co_await load(std::move(info));
    install(std::move(loaded));
  }
}

Task<> Hub::follow() {
  for (;;) {
    const SharedBatch batch = co_await tail_.next();
    apply(*batch);
    catch_up();
  }
}

void Hub::catch_up() {
  for (;;) {
    const SharedBatch batch = tail_.take();
    if (batch == nullptr) return;
    apply(*batch);
  }
}

void Hub::apply(const Batch& batch) {
  if (batch.notice != nullptr) apply(static_cast<const Change&>(*batch.notice));
  for (const StoredEntry& stored : batch.entries) apply(stored);
  ++batches_applied_;
}

Task<> Hub::watch_clocks() {
  for (int looks = 1;; ++looks) {
    co_await sleep(look_interval);
    const TimePoint at = now();
    const std::vector<Session*> sessions = sessions_;  // ending changes it
    for (Session* session : sessions) session->look_at_clocks(at);
    if (index_ != 0) continue;
    // What is to be done once, the first core does.
    for (const auto& [key, user] : users_) {
      if (!user->is_lost() || user->lost_until > at) continue;
      change::GivenUp given_up;
      given_up.id = user->id;
      given_up.why = user->lost_because;
      post(std::move(given_up));
    }
    common().failures.forget(at);
    common().allowances.forget(config(), at);
    if (looks % sweep_looks == 0) sweep_rooms();
    if (looks % trim_looks == 0) run_beside(trim());
  }
}

/// What has changed much is saved; what is empty, and was when last looked at, is dropped.
void Hub::sweep_rooms() {
  for (const auto& [key, room] : rooms_) {
    if (room->applied - room->saved >= unsaved_max) {
      run_beside(save(room->id));
    } else if (!room->exists() && std::exchange(room->idle, true)) {
      post(change::RoomDropped{room->id});
    }
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

void Hub::shut_down(std::string_view why) { post(change::ShutDown{std::string(why)}); }

void Hub::end_sessions(std::string_view why) {
  const auto spread = static_cast<std::size_t>(limits::return_spread.count());
  const std::vector<Session*> sessions = sessions_;
  const std::size_t all = std::max<std::size_t>(sessions.size() * common().cores(), 1);
  std::size_t number = index_;
  for (Session* session : sessions) {
    const std::size_t wait = 1 + (number * spread / all);
    number += common().cores();
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

// ---- Rooms
// ----------------------------------------------------------------------------------------

Room* Hub::find_room(std::string_view name) const {
  const auto found = rooms_.find(key_of(name));
  return found != rooms_.end() && found->second->exists() ? found->second.get() : nullptr;
}

Room* Hub::find_room(RoomId id) const {
  const auto found = rooms_by_id_.find(id);
  return found == rooms_by_id_.end() ? nullptr : found->second;
}

Task<SharedRoom> Hub::open_room(std::string name) {
  const std::string key = key_of(name);
  for (;;) {
    const auto found = rooms_.find(key);
    if (found != rooms_.end()) co_return found->second;
    if (rooms_.size() >= limits::rooms) {
      co_await ieum::fail(Errc::limit_exceeded, "open a room");
    }
    change::RoomOpened opened;
    opened.key = key;
    opened.drops = drops_;
    RoomInfo info = co_await log().open(channel_key(key));
    Loaded loaded = co_await load(std::move(info));
    if (loaded.state.name.empty()) loaded.state.name = name;
    opened.id = loaded.info.id;
    opened.applied = loaded.applied;
    opened.saved = loaded.info.state_position;
    opened.state = std::make_shared<const RoomState>(std::move(loaded.state));
    co_await announce(nullptr, std::move(opened));  // refused: once more
  }
}

/// The fold of its entries, from the saved one on.
Task<Hub::Loaded> Hub::load(RoomInfo info) {
  Loaded loaded;
  loaded.info = std::move(info);
  loaded.state = RoomState::load(loaded.info.state);
  Position position = loaded.info.state_position;
  Window window;
  window.room = loaded.info.id;
  window.limit = RoomLog::page_max;
  window.kinds = state_kinds();
  for (;;) {
    Page page = co_await log().after(window, position);
    for (const StoredEntry& stored : page.entries) {
      loaded.state.apply(stored);
      position = stored.position;
    }
    loaded.applied = std::max(page.last, loaded.info.state_position);
    if (page.entries.size() < window.limit) break;
  }
  loaded.state.forget_members();
  co_return loaded;
}

void Hub::install(Loaded loaded) {
  const std::optional<std::string> name = channel_name(loaded.info.key);
  if (!name || rooms_.contains(*name)) return;
  auto room = std::make_shared<Room>();
  room->id = loaded.info.id;
  room->key = *name;
  room->state = std::move(loaded.state);
  room->applied = loaded.applied;
  room->saved = loaded.info.state_position;
  rooms_by_id_[room->id] = room.get();
  if (room->exists()) ++rooms_count_;
  rooms_.emplace(*name, std::move(room));
}

Task<> Hub::save(RoomId id) {
  const Room* room = find_room(id);
  if (room == nullptr) co_return;
  const Position position = room->applied;
  Task<> saving = log().save_state(id, position, room->state.save());
  Result<> saved = co_await attempt(std::move(saving));
  Room* still = find_room(id);
  if (saved && still != nullptr) still->saved = std::max(still->saved, position);
}

Task<RoomId> Hub::open_direct(std::string first, std::string second) {
  constexpr std::size_t kept_max = 10'000;
  const std::string key = direct_key(first, second);
  const auto found = directs_.find(key);
  if (found != directs_.end()) co_return found->second;
  const RoomInfo info = co_await log().open(key);
  if (directs_.size() >= kept_max) directs_.clear();
  directs_.insert_or_assign(key, info.id);
  co_return info.id;
}

// ---- The log
// --------------------------------------------------------------------------------------

namespace {

// Whose an append or a change is: a core's number, from 1, above those that it has counted.
constexpr unsigned core_shift = 48;

}  // namespace

/// An append, or a change, that was not handed out yet.
class Hub::Pending {
 public:
  Pending(Hub& hub, Session* by)
      : origin((std::uint64_t{hub.index_ + 1} << core_shift) + ++hub.origins_),
        session(by),
        hub_(hub) {
    hub_.pending_.emplace(origin, this);
  }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() { hub_.pending_.erase(origin); }

  const std::uint64_t origin;
  Session* const session;
  Event applied;
  bool accepted = false;

 private:
  Hub& hub_;
};

Hub::Pending* Hub::pending(std::uint64_t origin) const {
  const auto found = pending_.find(origin);
  return found == pending_.end() ? nullptr : found->second;
}

bool Hub::is_ours(std::uint64_t origin) const noexcept {
  return origin >> core_shift == index_ + 1;
}

Task<bool> Hub::announce(Session* by, Change::What what) {
  Pending pending(*this, by);
  log().announce(std::make_shared<Change>(std::move(what), pending.origin, time()));
  co_await pending.applied.wait();
  co_return pending.accepted;
}

void Hub::post(Change::What what) {
  const std::uint64_t origin = std::uint64_t{index_ + 1} << core_shift;
  log().announce(std::make_shared<Change>(std::move(what), origin, time()));
}

void Hub::apply(const Change& change) {
  Pending* const waiting = pending(change.origin);
  Session* const by = waiting != nullptr ? waiting->session : nullptr;
  const bool accepted =
      std::visit([&](const auto& what) { return apply(what, change, by); }, change.what);
  if (waiting == nullptr) return;
  waiting->accepted = accepted;
  waiting->applied.set();
}

Task<Appended> Hub::commit(Session* by, RoomId room, std::string once, Entry entry) {
  Pending pending(*this, by);
  const TimePoint began = now();
  ++counts().commits;
  entry.origin = pending.origin;
  entry.time = time();
  Task<Appended> appending = log().append(room, std::move(once), std::move(entry));
  Result<Appended> appended =
      co_await attempt(with_timeout(limits::commit_time, std::move(appending)));
  if (!appended) {
    const Error& error = appended.error();
    ++counts().commits_failed;
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
  counts().commit_times.count(now() - began);
  co_return *std::move(appended);
}

void Hub::apply(const StoredEntry& stored) {
  Session* by = nullptr;
  if (Pending* const waiting = pending(stored.entry.origin)) {
    by = waiting->session;
    waiting->applied.set();
  }
  if (Room* room = find_room(stored.room)) {
    if (stored.position <= room->applied) return;
    room->applied = stored.position;
    room->idle = false;
    const bool existed = room->exists();
    apply_to(*room, stored, by);
    if (existed != room->exists()) rooms_count_ += existed ? std::size_t{0} - 1 : 1;
    for (Event* follower : room->followers) follower->set();
  } else if (stored.entry.kind == Kind::redact) {
    redacted(nullptr, stored, by);
  } else {
    said_to(parties(stored), stored, {}, by);
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
