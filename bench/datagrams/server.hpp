// What the datagram servers of the benchmarks share: the command line, the socket, the report.
//
//   SERVER echo|sink [one|many]
//
// echo: each datagram goes back to where it came from. sink: it is thrown away. one: a call moves
// one datagram; many: as many as there are. The server prints its port and serves until SIGTERM; it
// also ends with the program that started it. A datagram of one byte asks for a report.
#pragma once

#include <arpa/inet.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {

inline constexpr std::size_t datagram_bytes_max = 65'536;
inline constexpr std::size_t batch_max = 64;

struct DatagramOptions {
  bool echo = true;
  bool many = true;
};

[[noreturn]] inline void die(const char* what, int error_number) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(error_number));
  std::exit(1);
}

inline DatagramOptions parse(int argc, char** argv) {
  DatagramOptions options;
  const bool known = (argc == 2 || argc == 3) &&
                     (std::strcmp(argv[1], "echo") == 0 || std::strcmp(argv[1], "sink") == 0);
  if (!known ||
      (argc == 3 && std::strcmp(argv[2], "one") != 0 && std::strcmp(argv[2], "many") != 0)) {
    std::fprintf(stderr, "usage: %s echo|sink [one|many]\n", argv[0]);
    std::exit(2);
  }
  options.echo = std::strcmp(argv[1], "echo") == 0;
  options.many = argc == 2 || std::strcmp(argv[2], "many") == 0;
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  return options;
}

inline void announce(int port) {
  std::printf("%d\n", port);
  std::fflush(stdout);
}

/// A socket on a free port of 127.0.0.1, which it prints. `flags` as in socket(2).
inline int open_socket(int flags) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0);
  if (socket < 0) die("socket", errno);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(socket, reinterpret_cast<sockaddr*>(&address), size) < 0) die("bind", errno);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  announce(ntohs(address.sin_port));
  return socket;
}

/// What was received, and what the system dropped for want of room.
struct Report {
  std::array<char, 64> text{};
  std::size_t size = 0;

  Report(int socket, std::uint64_t received) {
    std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
    socklen_t bytes = sizeof memory;
    ::getsockopt(socket, SOL_SOCKET, SO_MEMINFO, memory.data(), &bytes);
    size = static_cast<std::size_t>(std::snprintf(text.data(), text.size(), "%llu %u",
                                                  static_cast<unsigned long long>(received),
                                                  memory[SK_MEMINFO_DROPS]));
  }
};

}  // namespace bench
