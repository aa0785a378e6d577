// What an address's ?key=value sets on a socket.
#pragma once

#include <ieum/result.hpp>

#include "options/endpoint.hpp"

namespace ieum {
class StreamSocket;
}

namespace ieum::cli {

class EventLog;

/// Applies the settings of a connection, and reports them.
[[nodiscard]] Result<> apply_settings(StreamSocket& socket, const Endpoint& endpoint,
                                      EventLog& events);

}  // namespace ieum::cli
