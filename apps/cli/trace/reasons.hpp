// Reasons: why an address could not be had or reached, of what the machine's sockets tell.
#pragma once

#include <string>
#include <string_view>

#include <ieum/address.hpp>

namespace ieum::cli::trace {

/// After EADDRINUSE: "held by python3 server.py (pid 12)". Empty if nothing is known.
[[nodiscard]] std::string who_holds(std::string_view protocol, const Address& address);
/// After ECONNREFUSED: "nobody listens there; python3 server.py (pid 12) listens at 127.0.0.1:80
/// alone".
[[nodiscard]] std::string why_refused(std::string_view protocol, const Address& address);

}  // namespace ieum::cli::trace
