// Why nothing moves: what -v says of a connection that has stood still for a while.
#pragma once

#include <ieum/stream_socket.hpp>
#include <ieum/task.hpp>

#include "report/event_log.hpp"

namespace ieum::cli {

/// How often one looks. What has been in the way at two looks has stood still for longer.
inline constexpr Duration stall_interval = std::chrono::seconds(1);

/// Reports each cause for which `socket` does not move, once, until it is stopped. That nobody has
/// anything to say is none. Both must outlive it.
[[nodiscard]] Task<> watch_stalls(const StreamSocket& socket, EventLog& events);

}  // namespace ieum::cli
