// What Linux tells of a Unix socket over netlink alone (sock_diag(7)).
#pragma once

#include <optional>

#include <ieum/socket_info.hpp>

namespace ieum::detail {

struct UnixDiag {
  std::optional<Backlog> backlog;  ///< of a listener
  bool sending_ended = false;      ///< shut down by us, or by the peer's end
};

/// Empty if the kernel does not answer: no descriptor to spare, or a socket of another network
/// namespace than this thread's.
UnixDiag unix_diag(int handle) noexcept;

}  // namespace ieum::detail
