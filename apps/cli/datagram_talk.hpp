// `connect` and `listen` over datagrams: udp://, unix-dgram:.
#pragma once

#include <ieum/task.hpp>

#include "commands.hpp"
#include "interruption.hpp"

namespace ieum::cli {

/// What our input gives goes there, a read a datagram, and what comes back to our output. After the
/// end of the input it waits for answers as long as --linger says.
[[nodiscard]] Task<int> connect_datagrams(const ConnectCommand& command, Log& log,
                                          Interruption& interruption);
/// The first who sends becomes the peer; with -k everyone is heard, and answered by --echo.
[[nodiscard]] Task<int> listen_datagrams(const ListenCommand& command, Log& log,
                                         Interruption& interruption);

}  // namespace ieum::cli
