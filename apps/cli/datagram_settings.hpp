// What an address's ?key=value sets on a datagram socket.
#pragma once

#include <ieum/datagram_socket.hpp>
#include <ieum/result.hpp>

#include "endpoint.hpp"

namespace ieum::cli {

/// Those that must be known when it is made.
[[nodiscard]] DatagramOptions datagram_options(const Endpoint& endpoint);
/// The others, but for what names an interface or a source.
[[nodiscard]] Result<> apply_settings(DatagramSocket& socket, const Endpoint& endpoint);

}  // namespace ieum::cli
