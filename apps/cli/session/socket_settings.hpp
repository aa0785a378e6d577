// What an address's ?key=value sets on a socket.
#pragma once

#include <ieum/datagram_socket.hpp>
#include <ieum/result.hpp>

#include "session/common_options.hpp"

namespace ieum {
class StreamSocket;
}

namespace ieum::cli {

class EventLog;

/// Applies the settings of a connection, and reports them.
[[nodiscard]] Result<> apply_settings(StreamSocket& socket, const Endpoint& endpoint,
                                      EventLog& events);

/// Of a datagram socket: what is set before it is made, and after.
[[nodiscard]] DatagramOptions datagram_options(const CommonOptions& common);
[[nodiscard]] Result<> apply_settings(DatagramSocket& socket, const Endpoint& endpoint);

}  // namespace ieum::cli
