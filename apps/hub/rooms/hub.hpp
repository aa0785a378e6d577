// Hub: everything that one core serves: who is there, in which rooms, and what the log hands out.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <ieum/group.hpp>
#include <ieum/time.hpp>

#include "accounts/account_store.hpp"
#include "config/config.hpp"
#include "log/room_log.hpp"
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
  Hub(SharedConfig config, Services services);
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;
  ~Hub();

  /// Reads the rooms from the log, then serves until stopped: follows the log, looks at clocks.
  [[nodiscard]] Task<> run();
  /// Set once `run` has read what there was: sessions may begin.
  [[nodiscard]] Event& ready() noexcept { return ready_; }
  /// Says farewell to everyone and ends all sessions.
  void shut_down(std::string_view why);
  [[nodiscard]] bool is_shutting_down() const noexcept { return shutting_down_; }

  // ---- What it stands on
  // --------------------------------------------------------------------------
  [[nodiscard]] const Config& config() const noexcept { return *config_; }
  void set_config(SharedConfig config);
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
  [[nodiscard]] const std::vector<Session*>& sessions() const noexcept { return sessions_; }
  /// Another failed password from this address; false: too many, for now.
  bool may_try_password(std::string_view host) const;
  void count_failure(std::string_view host);

  // ---- People
  // -----------------------------------------------------------------------------------------
  [[nodiscard]] User* find_user(std::string_view nick) const;
  [[nodiscard]] User* find_user(PresenceId id) const;
  [[nodiscard]] const std::map<std::string, std::unique_ptr<User>>& users() const noexcept {
    return users_;
  }
  /// Takes `user` in, with `session` as its first device. Its nick is free.
  User& enter(std::unique_ptr<User> user, Session& session);
  /// One more device of a user, or the first again of one that was lost.
  void attach(User& user, Session& session);
  /// The session is one of `user`'s no longer. If it was the last, the user is lost, or gone.
  void detach(Session& session, std::string_view why, bool lost);
  /// It goes now: everyone is told.
  void quit(User& user, std::string_view why);
  void rename(User& user, std::string_view nick, Session* by);
  /// A guest has an account now.
  void log_in(User& user, std::string_view account);
  /// All presences of an identity.
  [[nodiscard]] std::vector<User*> users_of(std::string_view identity) const;
  [[nodiscard]] const std::deque<Former>& formers() const noexcept { return formers_; }
  [[nodiscard]] std::size_t users_most() const noexcept { return users_most_; }
  [[nodiscard]] std::size_t operators() const;

  /// Sends to everyone who shares a room with `user`, once each, and to its own devices if `self`;
  /// only to those with `cap`, if there is one.
  void tell_peers(User& user, Outgoing& line, bool self, std::optional<Cap> cap = {},
                  const Session* response_to = nullptr);
  void tell(Room& room, Outgoing& line, const Session* except = nullptr,
            std::optional<Cap> cap = {});

  // ---- MONITOR
  // ----------------------------------------------------------------------------------------
  void watch(Session& session, std::string_view nick);
  void unwatch(Session& session, std::string_view nick);

  // ---- Rooms
  // ------------------------------------------------------------------------------------------
  [[nodiscard]] Room* find_room(std::string_view name) const;
  [[nodiscard]] Room* find_room(RoomId id) const;
  [[nodiscard]] const std::map<std::string, std::unique_ptr<Room>>& rooms() const noexcept {
    return rooms_;
  }
  /// The room of this name, from the log; made if there is none.
  [[nodiscard]] Task<RoomUse> open_room(std::string name);
  /// The conversation of two identities.
  [[nodiscard]] Task<RoomId> open_direct(std::string first, std::string second);
  [[nodiscard]] const DirectPair* direct(RoomId id) const;

  // ---- The log
  // ----------------------------------------------------------------------------------------
  /// Appends on behalf of `by`, and waits until it is durable and was handed out here, or is known
  /// not to be. Whatever the log fails with is an outcome.
  [[nodiscard]] Task<Appended> commit(Session* by, RoomId room, std::string once, Entry entry);
  [[nodiscard]] std::string message_id(RoomId room, Position position) const;

 private:
  class Pending;
  Task<> serve(Group& group);
  Task<> load_rooms();
  Task<> follow(Tail tail);
  Task<> watch_clocks();
  Task<> load(Room& room, RoomInfo info);
  Task<> save(RoomId id);
  Task<> log_quit(RoomId room, Entry entry);
  Task<> keep_marker(std::string identity, Time seen);
  Task<> trim();

  void apply(const StoredEntry& stored);
  void apply_to(Room& room, const StoredEntry& stored, Session* by);
  void joined(Room& room, User& user, const StoredEntry& stored, Session* by);
  void left(Room& room, User& user, const StoredEntry& stored, Session* by);
  void changed_modes(Room& room, const StoredEntry& stored, Session* by);
  void said(Room* room, const StoredEntry& stored, Session* by);
  void said_to(const std::vector<User*>& users, const StoredEntry& stored, std::string_view target,
               Session* by);
  void redacted(Room* room, const StoredEntry& stored, Session* by);
  void drop_if_empty(Room& room);
  void tell_watchers(const User& user, std::string_view nick, bool online);
  void read_motd();

  SharedConfig config_;
  Services services_;
  Time started_{};
  std::vector<std::string> motd_;
  Group* group_ = nullptr;
  Event ready_;
  bool shutting_down_ = false;

  std::vector<Session*> sessions_;
  std::map<std::string, std::unique_ptr<User>> users_;  // by the nick's key
  std::map<PresenceId, User*> presences_;
  std::multimap<std::string, User*> identities_;
  std::size_t users_most_ = 0;
  std::deque<Former> formers_;
  std::map<std::string, std::vector<Session*>, std::less<>> watchers_;  // by the nick's key
  struct Failures {
    std::size_t count = 0;
    TimePoint until{};
  };
  std::map<std::string, Failures, std::less<>> failures_;  // by address

  std::map<std::string, std::unique_ptr<Room>> rooms_;  // by the name's key
  std::map<RoomId, Room*> rooms_by_id_;
  std::map<RoomId, DirectPair> directs_;
  std::map<std::string, RoomId> directs_by_key_;
  std::uint64_t tellings_ = 0;
  std::uint64_t origins_ = 0;
  std::unordered_map<std::uint64_t, Pending*> pending_;
};

}  // namespace ieum::hub
