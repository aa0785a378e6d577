// What the log reads from its database, each within one transaction.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "log/room_log.hpp"
#include "sqlite/connection.hpp"

namespace ieum::hub {

// All throw SqliteError. A room that was removed is none.

[[nodiscard]] std::optional<RoomInfo> read_room(Connection& connection, RoomId room);
[[nodiscard]] std::optional<RoomInfo> find_room(Connection& connection, const std::string& key);
[[nodiscard]] std::vector<RoomInfo> read_channels(Connection& connection);

/// What `window` wants of the positions between `low` and `high`, neither included: the first, or
/// `from_end` the last.
[[nodiscard]] Page read_page(Connection& connection, const Window& window, Position low,
                             Position high, bool from_end);
/// As `RoomLog::position_at`.
[[nodiscard]] Position find_position(Connection& connection, RoomId room, Time time);
/// As `RoomLog::targets`.
[[nodiscard]] std::vector<Target> find_targets(Connection& connection,
                                               const std::vector<RoomId>& rooms,
                                               const std::string& identity, Time from, Time to,
                                               std::size_t limit);

/// A room whose entries up to `up_to` are to go.
struct TrimTarget {
  RoomId room = RoomId::none;
  Position up_to = 0;
};
[[nodiscard]] std::vector<TrimTarget> find_trim_targets(Connection& connection, Retention retention,
                                                        Time now);

}  // namespace ieum::hub
