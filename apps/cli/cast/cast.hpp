// What both sides of `ieum cast` share.
#pragma once

#include <ieum/datagram_socket.hpp>
#include <ieum/task.hpp>

#include "commands.hpp"
#include "session/run_session.hpp"

namespace ieum::cli {

/// The interface of ?if=NAME; 0: the system's choice.
[[nodiscard]] Result<std::uint32_t> cast_interface(const Endpoint& endpoint);
/// `address` with another port, and an interface if it is IPv6 and has none.
[[nodiscard]] Address with_port(const Address& address, int port, std::uint32_t interface);

/// Each gives the exit status; what went wrong has been reported.
[[nodiscard]] Task<int> send_cast(const CastCommand& command, LocalStreams& streams,
                                  EventLog& events, Interrupt& interrupt);
[[nodiscard]] Task<int> receive_cast(const CastCommand& command, LocalStreams& streams,
                                     EventLog& events, Interrupt& interrupt);

}  // namespace ieum::cli
