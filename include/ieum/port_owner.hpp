// Who holds an address that is in use.
#pragma once

#include <optional>
#include <string>

#include <ieum/address.hpp>
#include <ieum/task.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// A process that has a socket open.
struct PortOwner {
  int pid = 0;
  std::string program;  ///< its name as /proc/PID/comm has it (proc(5))

  /// "held by nginx (pid 812)", as the detail of an error.
  [[nodiscard]] std::string to_string() const;
};

/// The process whose socket keeps others from listening at `address`, once that has failed with
/// `address_in_use`; none unless it is certain. Of several processes that share the socket, as a
/// server and its workers, the one that the others descend from.
///
/// Asks the kernel for the sockets of this thread's network namespace (sock_diag(7)) and looks at
/// the descriptors of all processes that we may look at (/proc/PID/fd), which takes seconds on a
/// machine with very many: on the runtime's pool (`offload`), not on its loop. A stop is obeyed
/// soon. Never fails but by a stop.
[[nodiscard]] Task<std::optional<PortOwner>> find_port_owner(Address address);
/// The same of an address where a `DatagramSocket` could not be bound.
[[nodiscard]] Task<std::optional<PortOwner>> find_datagram_port_owner(Address address);

}  // namespace ieum
#pragma GCC visibility pop
