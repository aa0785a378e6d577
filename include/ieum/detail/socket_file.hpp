// Which file a Unix socket is bound to.
#pragma once

#include <cstdint>

#pragma GCC visibility push(default)
namespace ieum::detail {

/// None: an inode of 0.
struct SocketFile {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  friend bool operator==(const SocketFile&, const SocketFile&) = default;
};

}  // namespace ieum::detail
#pragma GCC visibility pop
