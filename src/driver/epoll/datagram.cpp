// The epoll driver's datagrams: tried at once where one is likely to be there.
#include <utility>

#include "driver/epoll/epoll_driver.hpp"

namespace ieum::detail::epoll {

bool EpollDriver::receive_datagrams(Operation& operation, Slot& at) noexcept {
  const bool waited = operation.state == Operation::State::pending;
  if (!datagrams_.receive(operation)) {
    at.readiness.found_none();
    return false;
  }
  const auto wanted = static_cast<std::int64_t>(operation.transfer->datagrams.size());
  at.readiness.received(waited, operation.result > 0 && operation.result < wanted);
  return true;
}

bool EpollDriver::send_datagrams(Operation& operation, Slot& at) noexcept {
  if (!datagrams_.send(operation)) return at.writable = false;
  at.writable = true;
  return true;
}

void EpollDriver::take_datagram_event(int handle, bool in, bool out, bool failed,
                                      OperationQueue& done) noexcept {
  Slot& at = slot(handle);
  // Nobody asks for what has come: it would be told for ever.
  if (in && at.in == nullptr) watch_datagrams(handle, at, at.level & EPOLLOUT);
  if (in) progress(at.in, at, done);
  if (failed && at.in != nullptr && take_error_for(*at.in))
    done.push(*std::exchange(at.in, nullptr));
  if (out) progress(at.out, at, done);
  if (failed && at.in == nullptr && at.out != nullptr) take_error_for(*at.out);
  if (at.out == nullptr) watch_datagrams(handle, at, at.level & EPOLLIN);
}

}  // namespace ieum::detail::epoll
