// Who has sockets open, and what they do with them, from /proc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <ieum/socket_table.hpp>

namespace ieum::detail {

/// The inode of a socket, and its index in the table.
struct SocketInode {
  std::uint32_t inode = 0;
  std::uint32_t socket = 0;
};

struct SocketHolders {
  std::vector<SocketProcess> processes;
  std::vector<SocketHolder> holders;
  std::size_t hidden_processes = 0;
};

/// Looks at every process that may be seen. `sockets` are in the order of their inodes.
SocketHolders find_holders(std::span<const SocketInode> sockets);

}  // namespace ieum::detail
