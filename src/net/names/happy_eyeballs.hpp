// Connecting to whichever of several addresses answers first (RFC 8305).
#pragma once

#include <vector>

#include <ieum/stream_socket.hpp>

namespace ieum::detail {

/// `StreamSocket::connect` to a host by its name, but for `options.timeout`.
Task<StreamSocket> connect_by_name(HostPort to, ConnectOptions options);

/// The same to whichever of some addresses answers first.
Task<StreamSocket> connect_to_one_of(std::vector<Address> addresses, ConnectOptions options);

}  // namespace ieum::detail
