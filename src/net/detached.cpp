// Moving sockets between runtimes: out of one driver, into another.
#include <ieum/detached.hpp>

#include <cerrno>

#include <ieum/listener.hpp>
#include <ieum/stream_socket.hpp>

#include "base/driver.hpp"
#include "runtime/this_loop.hpp"

namespace ieum {

namespace {

/// The loop of this thread, with `descriptor` as the handle `handle` of its driver.
Result<detail::Loop*> adopt_here(Descriptor& descriptor, const Address& address, int& handle) {
  const Result<detail::Loop*> loop = detail::this_loop();
  if (!loop) return fail(loop.error());
  handle = descriptor.number() < 0 ? -EBADF : (*loop)->driver().adopt(descriptor.number());
  if (handle < 0) return fail(Error::from_errno(-handle, "attach", address));
  static_cast<void>(descriptor.release());  // the driver's
  return loop;
}

}  // namespace

Result<DetachedSocket> StreamSocket::detach() noexcept {
  const int descriptor = handle_ < 0 ? -EBADF : loop_->driver().release(handle_);
  if (descriptor < 0) return fail(error(-descriptor, "detach"));
  handle_ = -1;
  return DetachedSocket(descriptor, peer_.for_another_thread());
}

Result<StreamSocket> StreamSocket::attach(DetachedSocket socket) {
  int handle = -1;
  const Address peer = socket.peer_address();
  const Result<detail::Loop*> loop = adopt_here(socket.descriptor_, peer, handle);
  if (!loop) return fail(loop.error());
  return StreamSocket(**loop, handle, peer);
}

Result<DetachedListener> Listener::detach() noexcept {
  const int descriptor = handle_ < 0 ? -EBADF : loop_->driver().release(handle_);
  if (descriptor < 0) return fail(Error::from_errno(-descriptor, "detach", address_));
  handle_ = -1;
  return DetachedListener(descriptor, address_);
}

Result<Listener> Listener::attach(DetachedListener listener) {
  int handle = -1;
  const Result<detail::Loop*> loop = adopt_here(listener.descriptor_, listener.address_, handle);
  if (!loop) return fail(loop.error());
  return Listener(**loop, handle, listener.address_);
}

}  // namespace ieum
