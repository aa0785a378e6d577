// What the servers of the benchmarks share, so that they differ in nothing but how they serve: the
// command line, the listening socket, the sizes.
//
//   SERVER echo|sink [--congestion NAME]
//
// echo: what a client sends comes back. sink: it is thrown away. NAME is a congestion control, as
// in /proc/sys/net/ipv4/tcp_available_congestion_control. The server prints its port and serves
// until SIGTERM; it also ends with the program that started it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {

/// The largest piece that a server reads at once.
inline constexpr std::size_t buffer_bytes = 16 * 1024;
inline constexpr int backlog = 4096;
inline constexpr int descriptors_max = 1 << 20;

struct Options {
  bool echo = true;
  const char* congestion = nullptr;  // null: the system's
};

[[noreturn]] inline void die(const char* what, int error_number) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(error_number));
  std::exit(1);
}

inline Options parse(int argc, char** argv) {
  const auto refuse = [&] {
    std::fprintf(stderr, "usage: %s echo|sink [--congestion NAME]\n", argv[0]);
    std::exit(2);
  };
  Options options;
  if (argc != 2 && argc != 4) refuse();
  options.echo = std::strcmp(argv[1], "echo") == 0;
  if (!options.echo && std::strcmp(argv[1], "sink") != 0) refuse();
  if (argc == 4) {
    if (std::strcmp(argv[2], "--congestion") != 0) refuse();
    options.congestion = argv[3];
  }
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  return options;
}

/// For what is accepted from `listener` too: Linux hands both options on.
inline void configure(int listener, const Options& options) {
  const int on = 1;
  ::setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (options.congestion == nullptr) return;
  if (::setsockopt(listener, IPPROTO_TCP, TCP_CONGESTION, options.congestion,
                   static_cast<socklen_t>(std::strlen(options.congestion))) < 0) {
    die("set the congestion control", errno);
  }
}

inline void announce(int port) {
  std::printf("%d\n", port);
  std::fflush(stdout);
}

/// A socket that listens on a free port of 127.0.0.1, which it prints. `flags` as in socket(2).
inline int listen(const Options& options, int flags) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  if (listener < 0) die("socket", errno);
  configure(listener, options);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) < 0) die("bind", errno);
  if (::listen(listener, backlog) < 0) die("listen", errno);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  announce(ntohs(address.sin_port));
  return listener;
}

}  // namespace bench
