// What the generators share: how they give up, and their sockets, each from one of many addresses
// of the loopback network, so that no ports run out.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "load/options.hpp"

namespace bench {

[[noreturn]] inline void die(const char* what) {
  std::fprintf(stderr, "load: %s\n", what);
  std::exit(1);
}
[[noreturn]] inline void die_of(const char* what) {
  std::fprintf(stderr, "load: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

/// The `number`th socket, connected or, with SOCK_NONBLOCK in `flags`, about to be. Ends the
/// program if the system refuses it.
inline int connect_to_server(const LoadOptions& options, std::size_t number, int flags) {
  constexpr std::size_t source_addresses = 200;  // 127.0.0.2 and on
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  if (fd < 0) die_of("socket");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (options.congestion != nullptr &&
      ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, options.congestion,
                   static_cast<socklen_t>(std::strlen(options.congestion))) < 0) {
    die_of("set the congestion control");
  }
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr =
      htonl(INADDR_LOOPBACK + 1 + static_cast<std::uint32_t>(number % source_addresses));
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) die_of("bind");
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(options.port));
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 &&
      errno != EINPROGRESS) {
    die_of("connect");
  }
  return fd;
}

}  // namespace bench
