// RoomLog: the messages of all rooms, durable, in one order; what every engine promises.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ieum/task.hpp>

#include "log/entry.hpp"
#include "log/tail.hpp"

namespace ieum::hub {

/// How an append ended.
enum class Outcome : std::uint8_t {
  stored,     ///< it is durable
  duplicate,  ///< the same sender's once-id is there already: the id is that of the first
  absent,     ///< no such room, or a `redact` about no entry that is kept; nothing was stored
  refused,    ///< nothing was stored, and never will be by this call: a full disk, a full queue
  unknown,    ///< it may or may not be stored: the same once-id makes another try safe
};

struct Appended {
  Outcome outcome = Outcome::unknown;
  /// Of `stored` and `duplicate`.
  MessageId id;
  /// Of `refused` and `unknown`: why, for people: "the disk is full".
  std::string reason;
};

struct RoomInfo {
  RoomId id = RoomId::none;
  /// `channel_key` or `direct_key`.
  std::string key;
  /// The oldest entry that is kept, or `last + 1` if none is.
  Position first = 1;
  /// The newest entry; 0 if there was none.
  Position last = 0;
  /// What `save_state` kept: the fold of all entries up to `state_position`.
  std::string state;
  Position state_position = 0;
};

/// What a read is about.
struct Window {
  RoomId room = RoomId::none;
  /// At most so many entries; more than `RoomLog::page_max` counts as that.
  std::size_t limit = 50;
  Kinds kinds = Kinds::said();
  /// Also those that have been taken away, which are otherwise left out and not counted.
  bool with_redacted = false;
};

/// Entries in the order of their positions, whichever way they were looked for. Fewer than were
/// asked for: there are no more of these kinds on that side.
struct Page {
  std::vector<StoredEntry> entries;
  /// As in `RoomInfo`, at the time of the read: a position below `first - 1` that a client last saw
  /// means that it misses entries for good.
  Position first = 1;
  Position last = 0;
};

/// A room, and when something was last said in it.
struct Target {
  RoomId id = RoomId::none;
  std::string key;
  Time latest{};
};

struct Retention {
  /// Entries older than this go …
  std::chrono::milliseconds age_max = std::chrono::hours(24 * 365);
  /// … and of each room all but so many.
  std::uint64_t count_max = 1'000'000;
};

/// The log of all rooms. One object for all cores: every function may be called on any runtime, at
/// the same time; each ends on the runtime that awaits it.
///
/// What fails other than by an `Outcome` fails with an error: `no_space_on_device`, `io_error`,
/// `resource_unavailable_try_again` (the queue is full), `operation_canceled`.
class RoomLog {
 public:
  static constexpr std::size_t page_max = 1000;
  /// How long a once-id is remembered, by the entries' times.
  static constexpr std::chrono::hours once_kept{24};

  RoomLog() = default;
  RoomLog(const RoomLog&) = delete;
  RoomLog& operator=(const RoomLog&) = delete;
  virtual ~RoomLog() = default;

  /// Random; another one after the log was restored from a backup, since ids given out since then
  /// would otherwise be given out again. Never 0. Constant for the object's life.
  [[nodiscard]] virtual std::uint64_t epoch() const noexcept = 0;

  // ---- Rooms ------------------------------------------------------------------------------------
  /// The room of this key, made if there is none. Durable when it ends.
  [[nodiscard]] virtual Task<RoomInfo> open(std::string key) = 0;
  [[nodiscard]] virtual Task<std::optional<RoomInfo>> find(std::string key) = 0;
  [[nodiscard]] virtual Task<std::optional<RoomInfo>> info(RoomId room) = 0;
  /// All channels, in the order of their numbers: for the start.
  [[nodiscard]] virtual Task<std::vector<RoomInfo>> channels() = 0;
  /// The room and all its entries go; its key is free for another room. False: there was none.
  [[nodiscard]] virtual Task<bool> remove(RoomId room) = 0;
  /// Keeps the fold of the room's entries up to `position`, unless a later one is kept or the room
  /// is gone. To be called before `trim` takes entries that the state comes from.
  [[nodiscard]] virtual Task<> save_state(RoomId room, Position position, std::string state) = 0;

  // ---- Writing ----------------------------------------------------------------------------------
  /// Appends to a room and waits until it is durable, or known not to be. Appends that one task
  /// awaits one after the other, and those that were called one after the other on one runtime, get
  /// positions in that order.
  ///
  /// `once`, if not empty, is the sender's own id of the entry: a second append of the same
  /// `entry.sender` with it within `once_kept` stores nothing. Every follower has been handed the
  /// entry when this ends. A stop, or a deadline of the caller's, leaves it `unknown`.
  [[nodiscard]] virtual Task<Appended> append(RoomId room, std::string once, Entry entry) = 0;
  /// Takes entries away that are no longer to be kept, and once-ids; in steps, others append
  /// meanwhile. Gives how many entries went.
  [[nodiscard]] virtual Task<std::uint64_t> trim(Retention retention, Time now) = 0;

  // ---- Reading ----------------------------------------------------------------------------------
  /// The first ones after `position`.
  [[nodiscard]] virtual Task<Page> after(Window window, Position position) = 0;
  /// The last ones before `position`.
  [[nodiscard]] virtual Task<Page> before(Window window, Position position) = 0;
  /// Half of them before `position`, the rest from it on.
  [[nodiscard]] virtual Task<Page> around(Window window, Position position) = 0;
  /// The last ones of all, but none up to `position`.
  [[nodiscard]] virtual Task<Page> latest(Window window, Position position) = 0;
  /// Between the two, neither included: the first ones after `from` if it is the lower one, else
  /// the last ones before `from`.
  [[nodiscard]] virtual Task<Page> between(Window window, Position from, Position to) = 0;
  /// The position of the room's first entry, of any kind, that is kept and not earlier than `time`;
  /// `last + 1` if there is none.
  [[nodiscard]] virtual Task<Position> position_at(RoomId room, Time time) = 0;
  /// Of the channels `rooms` and of the direct conversations of `identity` those in which something
  /// was last said (`Kinds::said`) after `from` and before `to`, earliest first; the last `limit`
  /// of them if `to` is earlier than `from`: then before `from` and after `to`.
  [[nodiscard]] virtual Task<std::vector<Target>> targets(std::vector<RoomId> rooms,
                                                          std::string identity, Time from, Time to,
                                                          std::size_t limit) = 0;

  // ---- The tail ---------------------------------------------------------------------------------
  /// Everything that is committed from now on. Follow first, then read what is there: what comes
  /// twice is known by its position.
  [[nodiscard]] virtual Tail follow() = 0;
  /// Hands `notice` to all who follow, at the same place among the batches for each: behind
  /// everything that ended before this was called. Does not wait, and is not kept.
  virtual void announce(SharedNotice notice) = 0;
};

}  // namespace ieum::hub
