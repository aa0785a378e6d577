// `ieum connect` and `ieum listen` with addresses of datagrams.
#pragma once

#include <ieum/task.hpp>

#include "commands.hpp"
#include "session/interruption.hpp"

namespace ieum::cli {

/// Each gives the exit status; what went wrong has been told.
[[nodiscard]] Task<int> connect_datagrams(const ConnectCommand& command, Log& log,
                                          Interruption& interruption);
[[nodiscard]] Task<int> listen_datagrams(const ListenCommand& command, Log& log,
                                         Interruption& interruption);

}  // namespace ieum::cli
