// Socket: what all kinds share.
#include "driver/sim/socket/socket.hpp"

#include <cerrno>

#include "driver/operations.hpp"
#include "driver/sim/host_driver.hpp"

namespace ieum::detail::sim {

Socket::Socket(Node& node, Family family) noexcept
    : world_(node.world()), node_(node), family_(family) {}

bool Socket::receive_datagrams(Operation& operation) noexcept {
  return done_with(operation, -EOPNOTSUPP);
}
bool Socket::send_datagrams(Operation& operation) noexcept {
  return done_with(operation, -EOPNOTSUPP);
}
int Socket::set_peer(const Address& /*peer*/) noexcept { return -EOPNOTSUPP; }
int Socket::join_group(const Membership& /*membership*/) noexcept { return -EOPNOTSUPP; }
int Socket::leave_group(const Membership& /*membership*/) noexcept { return -EOPNOTSUPP; }
int Socket::take_error(DatagramError& /*error*/) noexcept { return -EOPNOTSUPP; }
int Socket::queues(DatagramQueues& /*queues*/) noexcept { return -EOPNOTSUPP; }

void Socket::wake_in() noexcept {
  if (in != nullptr) driver->progress_in(*this);
}

void Socket::wake_out() noexcept {
  if (out != nullptr) driver->progress_out(*this);
}

void Socket::trace(SimEvent::What what, std::int64_t value) noexcept {
  world_.trace(node_.index(), number, what, value);
}

}  // namespace ieum::detail::sim
