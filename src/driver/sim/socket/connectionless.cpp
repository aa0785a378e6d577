// Connectionless: the loop over what one call sends.
#include "driver/sim/socket/connectionless.hpp"

#include "driver/operations.hpp"

namespace ieum::detail::sim {

bool Connectionless::send_rest(Operation& operation) noexcept {
  DatagramState& state = *operation.transfer->state;
  const std::span<Datagram> datagrams = operation.transfer->datagrams;
  while (operation.moved < datagrams.size()) {
    const Datagram& datagram = datagrams[operation.moved];
    const int status = send_one(datagram, state);
    if (status == -EAGAIN && datagram.peer.family() == Family::none) return false;
    if (status < 0) {
      if (operation.moved > 0) break;  // it is told when the rest is sent again
      return done_with(operation, status);
    }
    ++operation.moved;
    ++state.counters.sent;
    ++state.counters.sent_calls;
    state.counters.sent_bytes += datagram.data.size();
  }
  return done_with(operation, static_cast<std::int64_t>(operation.moved));
}

}  // namespace ieum::detail::sim
