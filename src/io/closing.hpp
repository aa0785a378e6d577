// Closing a handle that its owner has given up.
#pragma once

#include <chrono>

#include <ieum/detail/handle_io.hpp>
#include <ieum/timeout.hpp>

namespace ieum::detail {

/// Shielded from a stop: nobody else closes the descriptor.
inline Shield<HandleIo<void>> closing(const HandleRequest& request) noexcept {
  return shield(HandleIo<void>(request), std::chrono::hours(24));
}

}  // namespace ieum::detail
