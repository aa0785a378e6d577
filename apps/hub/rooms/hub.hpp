// Hub: a core of the hub: who is there, in which rooms, and what the log hands out. Each core knows
// all of it, since each follows the log and the changes that are told in its order, and sends to
// the devices that are its own.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <ieum/event.hpp>
#include <ieum/group.hpp>
#include <ieum/timeout.hpp>

#include "accounts/account_store.hpp"
#include "config/config.hpp"
#include "log/room_log.hpp"
#include "rooms/change.hpp"
#include "rooms/common.hpp"
#include "rooms/event_log.hpp"
#include "rooms/room.hpp"
#include "rooms/user.hpp"
#include "session/outgoing.hpp"

namespace ieum::hub {

class Session;

/// What the hub stands on. All of it outlives the hub.
struct Services {
  RoomLog& log;
  AccountStore& accounts;
  const EventLog& events;
  std::function<Time()> clock;  // the time of day
  Common& common;
};

/// Somebody who was there (WHOWAS).
struct Former {
  std::string nick;
  std::string user;
  std::string host;
  std::string realname;
  std::string account;
  Time left{};
};

class Hub {
 public:
  /// Of `services.common.cores()` cores the one with this index. All are to be made before any
  /// runs: each follows the log from then on.
  explicit Hub(Services services, std::size_t index = 0);
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;
  ~Hub();

  /// Reads the rooms from the log, then serves until stopped: follows the log, looks at clocks.
  [[nodiscard]] Task<> run();
  /// Set once all cores have read what there was: sessions may begin.
  [[nodiscard]] Event& ready() noexcept { return ready_; }
  /// Says farewell to everyone and ends all sessions, on all cores; `ending` is set on each.
  void shut_down(std::string_view why);
  [[nodiscard]] Event& ending() noexcept { return ending_; }

  // ---- What it stands on
  // --------------------------------------------------------------------------
  [[nodiscard]] const Config& config() const noexcept { return *config_; }
  /// On all cores, here at once; the event `reloaded` tells that the last has it.
  void set_config(SharedConfig config);
  [[nodiscard]] Common& common() const noexcept { return services_.common; }
  /// What this core has done.
  [[nodiscard]] Counts& counts() const noexcept { return common().counts(index_); }
  [[nodiscard]] RoomLog& log() const noexcept { return services_.log; }
  [[nodiscard]] AccountStore& accounts() const noexcept { return services_.accounts; }
  [[nodiscard]] const EventLog& events() const noexcept { return services_.events; }
  [[nodiscard]] Time time() const { return services_.clock(); }
  [[nodiscard]] Time started() const noexcept { return started_; }
  [[nodiscard]] const std::vector<std::string>& motd() const noexcept { return motd_; }
  /// A number that nobody can guess, of at most 53 bits.
  [[nodiscard]] static std::uint64_t random_number();
  /// Runs beside everything else, until the hub ends.
  void run_beside(Task<> task);

  // ---- Sessions (connections)
  // -----------------------------------------------------------------------
  void add(Session& session);
  void remove(Session& session);
  /// The session is a device of its user's no longer.
  void detach(Session& session, std::string_view why, bool lost);
  /// May another password from this address be tried?
  [[nodiscard]] bool may_try_password(std::string_view host) const {
    return common().failures.may_try(host);
  }
  void count_failure(std::string_view host) { common().failures.count(host, now()); }

  // ---- People
  // -----------------------------------------------------------------------------------------
  [[nodiscard]] User* find_user(std::string_view nick) const;
  [[nodiscard]] User* find_user(PresenceId id) const;
  [[nodiscard]] const std::map<std::string, std::unique_ptr<User>>& users() const noexcept {
    return users_;
  }
  /// All presences of an identity.
  [[nodiscard]] std::vector<User*> users_of(std::string_view identity) const;
  [[nodiscard]] const std::deque<Former>& formers() const noexcept { return formers_; }
  [[nodiscard]] std::size_t users_most() const noexcept { return users_most_; }
  [[nodiscard]] std::size_t operators() const noexcept { return operators_; }
  [[nodiscard]] std::size_t invisible() const noexcept { return invisible_; }
  /// Connections, on all cores, that are no device of anybody.
  [[nodiscard]] std::size_t unregistered() const;

  // ---- Changes
  // ----------------------------------------------------------------------------------------
  /// Tells all cores, on behalf of `by`, and waits until it was done here; false: it was refused,
  /// as it is on every core.
  [[nodiscard]] Task<bool> announce(Session* by, Change::What what);
  /// The same without waiting, and on behalf of nobody.
  void post(Change::What what);

  // ---- MONITOR
  // ----------------------------------------------------------------------------------------
  void watch(Session& session, std::string_view nick);
  void unwatch(Session& session, std::string_view nick);

  // ---- Rooms
  // ------------------------------------------------------------------------------------------
  [[nodiscard]] Room* find_room(std::string_view name) const;
  [[nodiscard]] Room* find_room(RoomId id) const;
  [[nodiscard]] const std::map<std::string, SharedRoom>& rooms() const noexcept { return rooms_; }
  /// How many of them exist.
  [[nodiscard]] std::size_t rooms_count() const noexcept { return rooms_count_; }
  /// The room of this name, from the log; made if there is none.
  [[nodiscard]] Task<SharedRoom> open_room(std::string name);
  /// The conversation of two identities.
  [[nodiscard]] Task<RoomId> open_direct(std::string first, std::string second);

  // ---- The log
  // ----------------------------------------------------------------------------------------
  /// Appends on behalf of `by`, and waits until it is durable and was handed out here, or is known
  /// not to be. Whatever the log fails with is an outcome.
  [[nodiscard]] Task<Appended> commit(Session* by, RoomId room, std::string once, Entry entry);
  [[nodiscard]] std::string message_id(RoomId room, Position position) const;
  /// Does what was told by any core before now, as far as this one has not.
  void catch_up();
  /// Batches of the log's tail that were applied here. Any thread may ask.
  [[nodiscard]] std::uint64_t batches_applied() const noexcept { return batches_applied_; }

 private:
  class Pending;
  /// A room as the log has it.
  struct Loaded {
    RoomInfo info;
    RoomState state;
    Position applied = 0;
  };
  Task<> serve(Group& group);
  Task<> load_rooms();
  Task<Loaded> load(RoomInfo info);
  Task<> follow();
  Task<> watch_clocks();
  void sweep_rooms();
  Task<> save(RoomId id);
  Task<> log_quit(RoomId room, Entry entry);
  Task<> keep_marker(std::string identity, Time seen);
  Task<> trim();
  void end_sessions(std::string_view why);
  void install(Loaded loaded);

  /// An append, or a change, whose outcome a session here waits for; null: of another core.
  [[nodiscard]] Pending* pending(std::uint64_t origin) const;
  [[nodiscard]] bool is_ours(std::uint64_t origin) const noexcept;

  // What the tail brings (hub_changes.cpp): false: it is refused.
  void apply(const Batch& batch);
  void apply(const Change& change);
  bool apply(const change::Entered& entered, const Change& change, Session* by);
  bool apply(const change::Attached& attached, const Change& change, Session* by);
  bool apply(const change::Detached& detached, const Change& change, Session* by);
  bool apply(const change::GivenUp& given_up, const Change& change, Session* by);
  bool apply(const change::Renamed& renamed, const Change& change, Session* by);
  bool apply(const change::LoggedIn& logged_in, const Change& change, Session* by);
  bool apply(const change::Away& away, const Change& change, Session* by);
  bool apply(const change::RealnameSet& set, const Change& change, Session* by);
  bool apply(const change::ModesSet& set, const Change& change, Session* by);
  bool apply(const change::Killed& killed, const Change& change, Session* by);
  bool apply(const change::Invited& invited, const Change& change, Session* by);
  bool apply(const change::Typed& typed, const Change& change, Session* by);
  bool apply(const change::Read& read, const Change& change, Session* by);
  bool apply(const change::SecretReused& reused, const Change& change, Session* by);
  bool apply(const change::RoomOpened& opened, const Change& change, Session* by);
  bool apply(const change::RoomDropped& dropped, const Change& change, Session* by);
  bool apply(const change::CoreReady& ready, const Change& change, Session* by);
  bool apply(const change::Reconfigured& reconfigured, const Change& change, Session* by);
  bool apply(const change::ShutDown& ended, const Change& change, Session* by);
  /// It goes now: everyone is told. `ours`: so is the log.
  void quit(User& user, std::string_view why, Time time, bool ours);
  void forget_identity(User& user);
  void remember(const User& user, Time time);

  // Entries of the log (hub_tail.cpp):
  void apply(const StoredEntry& stored);
  void apply_to(Room& room, const StoredEntry& stored, Session* by);
  void joined(Room& room, User& user, const StoredEntry& stored, Session* by);
  void left(Room& room, User& user, const StoredEntry& stored, Session* by);
  void changed_modes(Room& room, const StoredEntry& stored, Session* by);
  void said_to(const std::vector<User*>& users, const StoredEntry& stored, std::string_view target,
               Session* by);
  void redacted(Room* room, const StoredEntry& stored, Session* by);
  /// Both sides of a conversation of two.
  [[nodiscard]] std::vector<User*> parties(const StoredEntry& stored) const;

  /// Sends to everyone here who shares a room with `user`, once each, and to its own devices if
  /// `self`; only to those with `cap`, if there is one.
  void tell_peers(User& user, Outgoing& line, bool self, std::optional<Cap> cap = {},
                  const Session* response_to = nullptr);
  void tell_watchers(const User& user, std::string_view nick, bool online);
  void read_motd();

  Services services_;
  const std::size_t index_;
  SharedConfig config_;
  Time started_{};
  std::vector<std::string> motd_;
  Tail tail_;
  std::atomic<std::uint64_t> batches_applied_ = 0;
  Group* group_ = nullptr;
  std::size_t cores_ready_ = 0;
  Event ready_;
  bool shutting_down_ = false;
  Event ending_;

  std::vector<Session*> sessions_;
  std::map<std::string, std::unique_ptr<User>> users_;  // by the nick's key
  std::map<PresenceId, User*> presences_;
  std::multimap<std::string, User*> identities_;
  std::size_t users_most_ = 0;
  std::size_t devices_ = 0;
  std::size_t operators_ = 0;
  std::size_t invisible_ = 0;
  std::deque<Former> formers_;
  std::map<std::string, std::vector<Session*>, std::less<>> watchers_;  // by the nick's key

  std::map<std::string, SharedRoom> rooms_;  // by the name's key
  std::map<RoomId, Room*> rooms_by_id_;
  std::size_t rooms_count_ = 0;
  std::uint64_t drops_ = 0;                // of rooms, so far
  std::map<std::string, RoomId> directs_;  // by key: those that were used lately
  std::uint64_t tellings_ = 0;
  std::uint64_t origins_ = 0;
  std::unordered_map<std::uint64_t, Pending*> pending_;
};

}  // namespace ieum::hub
