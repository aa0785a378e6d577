// What only Unix sockets can do (unix(7)): tell who is at the other end, and pass descriptors. The
// calls are members of StreamSocket.
#pragma once

#include <cstddef>
#include <cstdint>

#pragma GCC visibility push(default)
namespace ieum {

/// At most this many descriptors go with one `StreamSocket::send_descriptors` (SCM_MAX_FD).
inline constexpr std::size_t descriptors_passed_max = 253;

/// The process at the other end, as it was when it connected, listened or made the pair
/// (SO_PEERCRED, unix(7)): the kernel vouches for it. The process may have ended since, and its
/// pid may be another's.
struct PeerCredentials {
  int pid = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;

  friend bool operator==(const PeerCredentials&, const PeerCredentials&) = default;
};

}  // namespace ieum
#pragma GCC visibility pop
