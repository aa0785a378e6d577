// A room's messages as server-sent events.
#pragma once

#include <ieum/http/request.hpp>
#include <ieum/http/response.hpp>

#include "rooms/hub.hpp"

namespace ieum::hub {

/// `GET /api/rooms/NAME/events`: what is said from now on, or since `Last-Event-ID`. Each event's
/// id is the message's; an event `gap` says that what was missed is not to be had.
[[nodiscard]] Task<http::Response> stream_room(Hub& hub, http::Request& request);

}  // namespace ieum::hub
