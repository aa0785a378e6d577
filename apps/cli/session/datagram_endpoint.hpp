// What the commands of datagrams share: an endpoint's ?key=value on a socket, and what failed as a
// sentence.
#pragma once

#include <ieum/datagram_socket.hpp>

#include "commands.hpp"
#include "report/failure.hpp"

namespace ieum::cli {

/// What the endpoint sets before the socket is made, and after.
[[nodiscard]] DatagramOptions datagram_options(const CommonOptions& common);
[[nodiscard]] Result<> apply_settings(DatagramSocket& socket, const Endpoint& endpoint);

/// Why datagrams could not be sent to `where`, or received.
[[nodiscard]] Failure explain_datagram_failure(const Error& error, std::string_view where);

}  // namespace ieum::cli
