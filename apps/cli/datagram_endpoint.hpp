// What the commands of datagrams share: an endpoint as an address, its ?key=value on a socket, and
// what failed as a sentence.
#pragma once

#include <ieum/datagram_socket.hpp>
#include <ieum/task.hpp>

#include "commands.hpp"
#include "failure.hpp"

namespace ieum::cli {

/// The address of an endpoint; of a name's addresses the first, for `localhost` that of IPv4
/// unless another is asked for. Errors: those of `resolve`.
[[nodiscard]] Task<Address> find_datagram_address(const CommonOptions& common);

/// What the endpoint sets before the socket is made, and after.
[[nodiscard]] DatagramOptions datagram_options(const CommonOptions& common);
[[nodiscard]] Result<> apply_settings(DatagramSocket& socket, const Endpoint& endpoint);

/// Why datagrams could not be sent to `where`, or received.
[[nodiscard]] Failure explain_datagram_failure(const Error& error, std::string_view where);

}  // namespace ieum::cli
