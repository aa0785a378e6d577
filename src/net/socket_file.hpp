// The file of a Unix socket with a path: whether it is stale, and removing it without removing
// somebody else's. Under a driver without a kernel there is no such file, and nothing happens.
#pragma once

#include <ieum/address.hpp>
#include <ieum/descriptor.hpp>
#include <ieum/listener.hpp>

namespace ieum::detail {

/// The socket's file at `address`; none if the address has no path, or something else is there.
SocketFile socket_file(const Address& address) noexcept;

/// Removes it if it is still `file`. Call it while the socket is open: until then the file system
/// gives its inode's number to no other file.
void remove_socket_file(const Address& address, const SocketFile& file) noexcept;

/// Whether a socket's file is at `address`, and no socket is bound to it. Nobody is disturbed.
bool is_stale(const Address& address) noexcept;

/// Removes the file at `address` if it is stale: a socket's, and no socket is bound to it. Hold a
/// `ReplaceLock`.
bool remove_stale_file(const Address& address) noexcept;

/// Keeps other programs that replace a stale file at the same path away, from their look at it
/// until they listen: else each might remove what the other has just made. An abstract socket whose
/// name is the file's place, so that it ends with its owner and leaves nothing behind.
class ReplaceLock {
 public:
  explicit ReplaceLock(const Address& path) noexcept;
  /// 0, or an errno; EADDRINUSE: another holds it.
  [[nodiscard]] int error_number() const noexcept { return error_number_; }

 private:
  Descriptor socket_;
  int error_number_ = 0;
};

}  // namespace ieum::detail
