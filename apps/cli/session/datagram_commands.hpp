// `ieum connect` and `ieum listen` with addresses of datagrams.
#pragma once

#include <ieum/task.hpp>

#include "commands.hpp"
#include "session/interrupt.hpp"

namespace ieum::cli {

/// Each gives the exit status; what went wrong has been reported.
[[nodiscard]] Task<int> connect_datagrams(const ConnectCommand& command, Log& log,
                                          Interrupt& interrupt);
[[nodiscard]] Task<int> listen_datagrams(const ListenCommand& command, Log& log,
                                         Interrupt& interrupt);

}  // namespace ieum::cli
