// Connecting by name (RFC 8305).
#pragma once

#include <string>
#include <string_view>

#include <ieum/stream_socket.hpp>

namespace ieum::detail {

/// Whether `text`, which is no address, is meant as a name and a port, so that `connect_by_name`
/// is to say what is wrong with it.
bool names_a_host(std::string_view text);

/// `StreamSocket::connect` to HOST:PORT, but for `options.timeout`.
Task<StreamSocket> connect_by_name(std::string text, ConnectOptions options);

}  // namespace ieum::detail
