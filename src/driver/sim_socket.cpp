// Socket: what all kinds share.
#include "driver/sim_socket.hpp"

#include "driver/sim_driver.hpp"

namespace ieum::sim {

Socket::Socket(Node& node, Family family) noexcept
    : world_(node.world()), node_(node), family_(family) {}

void Socket::wake_in() noexcept {
  if (in != nullptr) driver->progress_in(*this);
}

void Socket::wake_out() noexcept {
  if (out != nullptr) driver->progress_out(*this);
}

void Socket::trace(SimEvent::What what, std::int64_t value) noexcept {
  world_.trace(node_.index(), number, what, value);
}

}  // namespace ieum::sim
