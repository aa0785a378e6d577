// What both sides of `ieum cast` share.
#pragma once

#include <ieum/datagram_socket.hpp>
#include <ieum/task.hpp>

#include "commands.hpp"
#include "session/conversation.hpp"

namespace ieum::cli {

/// The interface of ?if=NAME; 0: the system's choice.
[[nodiscard]] Result<std::uint32_t> cast_interface(const Endpoint& endpoint);
/// `address` with another port, and an interface if it is IPv6 and has none.
[[nodiscard]] Address with_port(const Address& address, int port, std::uint32_t interface);

/// Each gives the exit status; what went wrong has been told.
[[nodiscard]] Task<int> send_cast(const CastCommand& command, LocalEnds& ends, EventLog& events,
                                  Interruption& interruption);
[[nodiscard]] Task<int> receive_cast(const CastCommand& command, LocalEnds& ends, EventLog& events,
                                     Interruption& interruption);

}  // namespace ieum::cli
