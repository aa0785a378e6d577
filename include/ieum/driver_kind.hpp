// DriverKind: how a runtime talks to the kernel.
#pragma once

#include <cstdint>

#pragma GCC visibility push(default)
namespace ieum {

/// Which driver a runtime uses: how it talks to the kernel.
enum class DriverKind : std::uint8_t {
  automatic,  ///< what the environment variable IEUM_DRIVER says, else the best that works here
  io_uring,   ///< io_uring(7), Linux 6.1 or newer
  epoll,      ///< epoll(7)
  sim,        ///< no kernel: a simulated host of this thread's own, in virtual time
};

}  // namespace ieum
#pragma GCC visibility pop
