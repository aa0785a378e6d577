// Sockets made of descriptors from elsewhere. A foreign descriptor is the kernel's whichever driver
// runs, so the kernel is asked what it is; the driver then takes it over, or says that it cannot.
#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

#include <ieum/listener.hpp>
#include <ieum/stream_socket.hpp>

#include "base/driver.hpp"
#include "runtime/this_loop.hpp"

namespace ieum {

namespace {

/// An integer option, or a negated errno.
int option_of(int descriptor, int name) noexcept {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &size) < 0 ? -errno : value;
}

/// An error that says what the descriptor is instead of a stream socket that listens or does not.
Result<> check(int descriptor, bool listens, const char* operation) {
  const auto refuse = [operation](int number, const char* why = "") {
    return fail(Error::from_errno(number, operation).with_detail(why));
  };
  const int family = option_of(descriptor, SO_DOMAIN);
  if (family < 0) return refuse(-family);
  if (family != AF_UNIX && family != AF_INET && family != AF_INET6) return refuse(EAFNOSUPPORT);
  if (option_of(descriptor, SO_TYPE) != SOCK_STREAM) {
    return refuse(EPROTOTYPE, "it is no stream socket");
  }
  const bool is_listening = option_of(descriptor, SO_ACCEPTCONN) == 1;
  if (is_listening != listens) {
    return refuse(EINVAL, listens ? "it does not listen" : "it listens: use Listener::adopt");
  }
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (!listens && ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) < 0) {
    return refuse(errno);
  }
  return {};
}

/// Checks it and hands it to the driver: the handle, and the loop.
Result<std::pair<detail::Loop*, int>> take_over(Descriptor& descriptor, bool listens,
                                                const char* operation) {
  const Result<detail::Loop*> this_loop = detail::this_loop();
  if (!this_loop) return fail(this_loop.error());
  const int number = descriptor.number();
  const Result<> checked = check(number, listens, operation);
  if (!checked) return fail(checked.error());
  const int flags = ::fcntl(number, F_GETFL);
  if (flags < 0 || ::fcntl(number, F_SETFL, flags | O_NONBLOCK) < 0 ||
      ::fcntl(number, F_SETFD, FD_CLOEXEC) < 0) {
    return fail(Error::from_errno(errno, operation));
  }
  const bool blocked = (flags & O_NONBLOCK) == 0;
  const int handle = (*this_loop)
                         ->driver()
                         .adopt(number, blocked ? detail::Adopted::shared : detail::Adopted::own);
  if (handle < 0) return fail(Error::from_errno(-handle, operation));
  static_cast<void>(descriptor.release());
  return std::pair(*this_loop, handle);
}

}  // namespace

Result<StreamSocket> StreamSocket::adopt(Descriptor descriptor) {
  const auto taken = take_over(descriptor, false, "adopt socket");
  if (!taken) return fail(taken.error());
  const auto [loop, handle] = *taken;
  Address peer;
  loop->driver().peer_address(handle, peer);
  return StreamSocket(*loop, handle, peer);
}

Result<Listener> Listener::adopt(Descriptor descriptor) {
  const auto taken = take_over(descriptor, true, "adopt listener");
  if (!taken) return fail(taken.error());
  const auto [loop, handle] = *taken;
  Listener listener(*loop, handle, {});
  loop->driver().local_address(handle, listener.address_);
  return listener;
}

}  // namespace ieum
