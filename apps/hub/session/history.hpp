// History: what was said before, for those who ask, and for those who cannot.
#pragma once

#include <ieum/task.hpp>

#include "log/entry.hpp"

namespace ieum::hub {

class Room;
class Session;

/// To a client that cannot ask for it, and knows times: what was said in its rooms (of one that
/// came back) and to it alone since it was last here.
Task<> replay_what_was_missed(Session& session, bool with_rooms);
/// The same of a room that it has just joined.
Task<> replay_room(Session& session, RoomId room, Position before);

}  // namespace ieum::hub
