// What the kernel tells of all sockets of a network namespace (sock_diag(7)).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <ieum/result.hpp>
#include <ieum/socket_table.hpp>

namespace ieum::detail {

struct SocketDump {
  /// A Unix client that nobody has accepted yet, which its listener alone tells of.
  struct Waiting {
    std::uint32_t client_inode = 0;
    std::uint32_t listener = 0;  // the index of its entry
  };
  std::vector<SocketEntry> sockets;
  std::vector<Waiting> waiting;
  std::size_t left_out = 0;
};

/// Of the protocols and the namespace that `options` name; without holders and other ends.
Result<SocketDump> dump_sockets(const SocketTableOptions& options);

}  // namespace ieum::detail
