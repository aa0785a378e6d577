// The io_uring driver's datagrams. One is received by the ring itself, which saves a call; many are
// moved by recvmmsg(2) and sendmmsg(2) once the ring says that there are some, or room.
#include <poll.h>

#include <utility>

#include "driver/uring_driver.hpp"

namespace ieum::uring {

using Kind = Operation::Kind;

/// One try by a call of ours: false if it would block.
bool UringDriver::move_datagrams(Operation& operation, Slot& at) noexcept {
  if (operation.kind == Kind::send_datagrams) return datagrams_.send(operation);
  const bool waited = operation.state == Operation::State::pending;
  if (!datagrams_.receive(operation)) {
    at.guess.found_none();
    return false;
  }
  const auto wanted = static_cast<std::int64_t>(operation.transfer->datagrams.size());
  at.guess.received(waited, operation.result > 0 && operation.result < wanted);
  return true;
}

void UringDriver::prepare_datagrams(io_uring_sqe& entry, Operation& operation, Slot& at) {
  if (operation.kind == Kind::send_datagrams) {
    return io_uring_prep_poll_add(&entry, operation.handle, POLLOUT);
  }
  const DatagramTransfer& transfer = *operation.transfer;
  // An error that a send was told of is to be told here, which only a call of ours knows.
  if (transfer.datagrams.size() > 1 || transfer.port->keeps_errors) {
    return io_uring_prep_poll_add(&entry, operation.handle, POLLIN);
  }
  if (at.datagram == nullptr) {
    at.datagram = datagram_messages_ != nullptr
                      ? std::exchange(datagram_messages_, datagram_messages_->next)
                      : new DatagramMessage;
  }
  at.datagram->prepare(transfer.datagrams[0], *transfer.port);
  io_uring_prep_recvmsg(&entry, operation.handle, &at.datagram->header, MSG_TRUNC);
  entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
}

/// True if the operation is over, with its result; false if it is to be started again.
bool UringDriver::datagrams_ended(Operation& operation, Slot& at, int result) noexcept {
  DatagramMessage* message =
      operation.kind == Kind::receive_datagrams ? std::exchange(at.datagram, nullptr) : nullptr;
  // The poll was canceled; or there is something, maybe an error to be told.
  if (message == nullptr) {
    return result < 0 ? done_with(operation, result) : move_datagrams(operation, at);
  }
  if (result >= 0) {
    const DatagramTransfer& transfer = *operation.transfer;
    message->take(static_cast<std::size_t>(result), transfer.datagrams[0], *transfer.port);
    at.guess.received(true, false);
  }
  message->next = std::exchange(datagram_messages_, message);
  return done_with(operation, result < 0 ? result : 1);
}

}  // namespace ieum::uring
