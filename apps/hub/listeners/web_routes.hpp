// What the hub answers over HTTP: the page, its WebSocket, and whether it is well.
#pragma once

#include <string_view>

#include <ieum/http/routes.hpp>

#include "rooms/hub.hpp"

namespace ieum::hub {

/// `hub` must outlive them.
[[nodiscard]] http::Routes web_routes(Hub& hub);
/// `/metrics`, of a listener that has nothing else.
[[nodiscard]] http::Routes metrics_routes(Hub& hub);

/// May the hub be asked for by this name? An address in figures may: no foreign name leads to it.
/// Of names only its own: otherwise any page whose name is made to resolve to this machine would
/// be of the hub's own origin (DNS rebinding).
[[nodiscard]] bool is_own_host(std::string_view authority, const Config& config);

}  // namespace ieum::hub
