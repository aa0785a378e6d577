// LinuxDriver: where something that is sent would come from.
#include <unistd.h>

#include <cerrno>

#include "driver/linux/linux_driver.hpp"

namespace ieum::detail {

int LinuxDriver::source_address(const Address& to, Address& source) noexcept {
  // Connecting a datagram socket chooses a route and sends nothing (udp(7)).
  const int family = to.family() == Family::ipv6 ? AF_INET6 : AF_INET;
  const int probe = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return -errno;
  Address somewhere = to;
  if (somewhere.port() == 0) somewhere.set_port(9);
  const KernelAddress peer(somewhere);
  KernelAddress name;
  int status = ::connect(probe, peer.data(), peer.length());
  if (status == 0) status = ::getsockname(probe, name.data(), name.length_in_out());
  if (status < 0) status = -errno;
  ::close(probe);
  if (status == 0) source = name.address();
  return status;
}

}  // namespace ieum::detail
