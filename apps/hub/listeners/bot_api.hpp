// The API for programs: a room's messages in by POST, and out as server-sent events.
#pragma once

#include <ieum/http/routes.hpp>

#include "rooms/hub.hpp"

namespace ieum::hub {

/// `POST /api/rooms/NAME/messages`: the body is a line that is said in the room, or JSON,
/// `{"text": …}`. `GET /api/rooms/NAME/events`: what is said there (room_events.hpp). `hub`
/// outlives the routes.
void add_bot_routes(http::Routes& routes, Hub& hub);

}  // namespace ieum::hub
