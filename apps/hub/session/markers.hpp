// Markers: up to where somebody has read (draft/read-marker).
#pragma once

#include <string>
#include <string_view>

#include <ieum/task.hpp>

namespace ieum::hub {

class Room;
class Session;

/// What the store knows a room's marker by.
[[nodiscard]] std::string marker_target(const Room& room);
/// `timestamp=…`, or `*`; empty: the session does not want markers.
[[nodiscard]] Task<std::string> marker_text(Session& session, std::string target);
/// Who `nick` is, here or as the account whose nick it is; empty: nobody.
[[nodiscard]] Task<std::string> identity_of_nick(Session& session, std::string nick);

}  // namespace ieum::hub
