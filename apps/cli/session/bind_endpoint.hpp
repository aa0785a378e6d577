// The sockets of a command's own address.
#pragma once

#include <ieum/datagram_socket.hpp>
#include <ieum/listener.hpp>

#include "session/common_options.hpp"

namespace ieum::cli {

/// Errors: those of `resolve_endpoint` and of binding; of a taken port, with who holds it.
[[nodiscard]] Task<Listener> bind_listener(const CommonOptions& common);
[[nodiscard]] Task<DatagramSocket> bind_datagrams(const CommonOptions& common);

}  // namespace ieum::cli
