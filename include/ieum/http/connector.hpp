// Connector: how a client gets its connections, where that is not by the network alone.
#pragma once

#include <memory>

#include <ieum/host_port.hpp>
#include <ieum/stream.hpp>
#include <ieum/stream_socket.hpp>

#pragma GCC visibility push(default)
namespace ieum::http {

/// For programs whose way to a server is one of their own: through a SOCKS server, a tunnel, a
/// simulated link. See `ClientOptions::connector`.
class Connector {
 public:
  /// A stream to the host, a name or an address, or to the proxy that is to be asked; TLS, where
  /// the URL asks for it, is put over it by the client. `options` are the client's, with the
  /// observer of the request. It is stopped when the client's time for connecting is over; its
  /// errors are those of the request.
  [[nodiscard]] virtual Task<std::unique_ptr<Stream>> connect(HostPort to,
                                                              ConnectOptions options) = 0;

 protected:
  ~Connector() = default;
};

}  // namespace ieum::http
#pragma GCC visibility pop
