// What an address's ?key=value sets on a socket.
#pragma once

#include <ieum/result.hpp>

#include "endpoint.hpp"

namespace ieum {
class StreamSocket;
}

namespace ieum::cli {

/// Applies the settings of a connection. The error names the option.
[[nodiscard]] Result<> apply_settings(StreamSocket& socket, const Endpoint& endpoint);

}  // namespace ieum::cli
