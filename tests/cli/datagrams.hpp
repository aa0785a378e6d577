// What the tests of datagrams share.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "cli/programs.hpp"
#include "support/support.hpp"

namespace ieum::test {

/// Waits until somebody has a UDP socket on `port`, in this thread's network.
inline void wait_until_bound(std::uint16_t port) {
  std::array<char, 16> suffix{};
  std::snprintf(suffix.data(), suffix.size(), ":%04X", unsigned{port});
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline) {
    for (const char* table : {"/proc/thread-self/net/udp", "/proc/thread-self/net/udp6"}) {
      std::ifstream file(table);
      std::string number, local;
      for (std::string line; std::getline(file, line);) {
        std::istringstream fields(line);
        fields >> number >> local;
        if (local.ends_with(suffix.data())) return;
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ADD_FAILURE() << "nobody receives on port " << port;
}

/// A UDP socket of the test itself, on 127.0.0.1, in this thread's network.
class TestSocket {
 public:
  TestSocket() : descriptor_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{.tv_sec = patience.count(), .tv_usec = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in name = loopback(0);
    socklen_t size = sizeof name;
    EXPECT_EQ(::bind(descriptor_, reinterpret_cast<const sockaddr*>(&name), size), 0);
    EXPECT_EQ(::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&name), &size), 0);
    port_ = ntohs(name.sin_port);
  }
  TestSocket(const TestSocket&) = delete;
  TestSocket& operator=(const TestSocket&) = delete;
  ~TestSocket() { ::close(descriptor_); }

  [[nodiscard]] std::string where() const { return at(port_); }

  /// The next datagram; fails the test if none comes. Its sender is `from`.
  std::string receive(std::uint16_t* from = nullptr) const {
    std::string room(65'536, '\0');
    sockaddr_in name{};
    socklen_t size = sizeof name;
    ssize_t count = -1;
    do {  // with a time limit a signal that nobody handles ends it too (signal(7))
      count = ::recvfrom(descriptor_, room.data(), room.size(), 0,
                         reinterpret_cast<sockaddr*>(&name), &size);
    } while (count < 0 && errno == EINTR);
    EXPECT_GE(count, 0) << "no datagram came: " << std::strerror(errno);
    room.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (from != nullptr) *from = ntohs(name.sin_port);
    return room;
  }
  void send(std::string_view data, std::uint16_t port) const {
    const sockaddr_in name = loopback(port);
    const ssize_t count = ::sendto(descriptor_, data.data(), data.size(), 0,
                                   reinterpret_cast<const sockaddr*>(&name), sizeof name);
    EXPECT_EQ(count, static_cast<ssize_t>(data.size()));
  }

 private:
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.sin_port = htons(port);
    return name;
  }

  int descriptor_;
  std::uint16_t port_ = 0;
};

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The number behind `"name":` in the line of `event` that --json wrote.
inline std::uint64_t number_in(const std::string& events, const std::string& event,
                               const std::string& name) {
  std::istringstream lines(events);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("\"event\":\"" + event + "\"") == std::string::npos) continue;
    const std::size_t at = line.find("\"" + name + "\":");
    if (at != std::string::npos) return std::stoull(line.substr(at + name.size() + 3));
  }
  ADD_FAILURE() << "no " << name << " of " << event << " in: " << events.substr(0, 2000);
  return 0;
}

}  // namespace ieum::test
