// Change: what happens to people and rooms beside what the log keeps. Every core is told of it in
// the log's order (`RoomLog::announce`), so that all of them know the same.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "irc/modes.hpp"
#include "log/entry.hpp"
#include "rooms/room_state.hpp"
#include "rooms/user.hpp"

namespace ieum::hub {

namespace change {

/// Somebody comes, with a first device. Refused if the nick is taken.
struct Entered {
  Person person;
};
/// One more device of somebody's, or the first again of one who was lost. Refused if it has gone,
/// or has as many as may be.
struct Attached {
  PresenceId id = 0;
  std::string host;
};
/// A device has ended. After the last one it stays, lost, or goes.
struct Detached {
  PresenceId id = 0;
  std::string why;
  bool lingers = false;
  Time seen{};  // up to when it surely has what it was sent
};
/// One who was lost is given up.
struct GivenUp {
  PresenceId id = 0;
  std::string why;
};
/// Refused if the nick is taken.
struct Renamed {
  PresenceId id = 0;
  std::string nick;
};
/// A guest has an account now.
struct LoggedIn {
  PresenceId id = 0;
  std::string account;
};
struct Away {
  PresenceId id = 0;
  std::string why;  // empty: it is back
};
struct RealnameSet {
  PresenceId id = 0;
  std::string realname;
};
/// The modes of a user.
struct ModesSet {
  PresenceId id = 0;
  std::vector<ModeChange> changes;
};
struct Killed {
  PresenceId id = 0;
  PresenceId by = 0;
  std::string reason;
};
struct Invited {
  PresenceId guest = 0;
  PresenceId by = 0;
  RoomId room = RoomId::none;
};
/// What is worth nothing a moment later: that somebody is typing. To a room, or to one person.
struct Typed {
  RoomId room = RoomId::none;
  PresenceId to = 0;
  PresenceId by = 0;
  Entry entry;
};
/// Up to where somebody has read.
struct Read {
  PresenceId id = 0;
  std::string target;
  Time marker{};
};
/// A resume secret was used twice: the sessions that come of it end.
struct SecretReused {
  std::string session;
};

/// A room was read from the log. Refused if rooms were dropped since that began: it may be another
/// by now.
struct RoomOpened {
  std::string key;
  RoomId id = RoomId::none;
  std::shared_ptr<const RoomState> state;
  Position applied = 0;
  Position saved = 0;
  std::uint64_t drops = 0;
};
/// Nobody is there: it is read again when somebody comes.
struct RoomDropped {
  RoomId id = RoomId::none;
};

/// A core knows what the log has, and follows it.
struct CoreReady {};
/// The last core to follow it says so.
struct Reconfigured {
  std::shared_ptr<std::atomic<std::size_t>> cores_left;
};
struct ShutDown {
  std::string why;
};

}  // namespace change

struct Change final : Notice {
  using What =
      std::variant<change::Entered, change::Attached, change::Detached, change::GivenUp,
                   change::Renamed, change::LoggedIn, change::Away, change::RealnameSet,
                   change::ModesSet, change::Killed, change::Invited, change::Typed, change::Read,
                   change::SecretReused, change::RoomOpened, change::RoomDropped, change::CoreReady,
                   change::Reconfigured, change::ShutDown>;

  Change(What changed, std::uint64_t from, Time at)
      : what(std::move(changed)), origin(from), time(at) {}

  const What what;
  const std::uint64_t origin;  // whose it is (`Hub::Pending`)
  const Time time;
};

}  // namespace ieum::hub
