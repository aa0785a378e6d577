// A host that does not answer who connects.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>

#include <gtest/gtest.h>

#include "cli/programs.hpp"

namespace ieum::test {

/// A listener that takes no more clients: what the system would queue is full.
class SilentHost {
 public:
  SilentHost() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(name);
    auto* const at = reinterpret_cast<sockaddr*>(&name);
    EXPECT_EQ(::bind(listener_.number(), at, length), 0);
    EXPECT_EQ(::listen(listener_.number(), 0), 0);
    ::getsockname(listener_.number(), at, &length);
    port_ = ntohs(name.sin_port);
    for (Descriptor& client : clients_) {
      client = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      static_cast<void>(::connect(client.number(), at, length));
    }
  }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  Descriptor listener_;
  std::array<Descriptor, 4> clients_;
  std::uint16_t port_ = 0;
};

}  // namespace ieum::test
