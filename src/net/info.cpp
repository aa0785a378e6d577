// What sockets tell of themselves: asked of the driver, explained by diagnose.
#include <cerrno>

#include <ieum/explain.hpp>
#include <ieum/listener.hpp>
#include <ieum/stream_socket.hpp>

#include "base/driver.hpp"
#include "runtime/this_loop.hpp"

namespace ieum {

namespace {

Result<SocketInfo> information(detail::Loop* loop, int handle, const Address& named) {
  SocketInfo info;
  const int status = handle < 0 ? -EBADF : loop->driver().information(handle, info);
  if (status < 0) return fail(Error::from_errno(-status, "get socket information", named));
  return info;
}

// A closed socket is no error here: that it is closed is the explanation.
Result<std::string> explanation(detail::Loop* loop, int handle, Result<SocketInfo> info) {
  if (loop == nullptr || handle < 0) {
    return "closed: the object holds no socket; it was closed, moved from, or never made";
  }
  if (!info) return fail(info.error());
  return diagnose(*info).sentence;
}

}  // namespace

Result<SocketInfo> StreamSocket::info() const {
  Result<SocketInfo> info = information(loop_, handle_, peer_address());
  // The system forgets the peer with the connection.
  if (info && info->peer.family() == Family::none) info->peer = peer_address();
  return info;
}

Result<std::string> StreamSocket::explain() const { return explanation(loop_, handle_, info()); }

Result<SocketInfo> Listener::info() const { return information(loop_, handle_, address_); }

Result<std::string> Listener::explain() const { return explanation(loop_, handle_, info()); }

Result<SocketInfo> socket_info(int descriptor) {
  const Result<detail::Loop*> loop = detail::this_loop();
  if (!loop) return fail(loop.error());
  return information(*loop, descriptor, {});
}

}  // namespace ieum
