// Listeners: the ports that clients come in by: IRC and HTTP, plain and TLS.
#pragma once

#include <memory>
#include <vector>

#include <ieum/http/server.hpp>
#include <ieum/serve.hpp>
#include <ieum/tls_context.hpp>

#include "rooms/hub.hpp"

namespace ieum::hub {

class Listeners {
 public:
  /// All must outlive it. Without a context there is no TLS.
  Listeners(Hub& hub, const TlsServerContext* context) noexcept : hub_(hub), context_(context) {}

  void add(Listener listener, bool tls);
  /// The page and its WebSocket, and the API.
  void add_http(Listener listener, bool tls);
  /// What Prometheus asks for, and nothing else: of the first core alone.
  void add_metrics(Listener listener);
  /// Serves until drained or stopped.
  [[nodiscard]] Task<> run();
  /// As `Server::drain`, of all.
  [[nodiscard]] Task<DrainReport> drain(AnyDuration limit);

 private:
  Task<> serve_all(Group& group);
  Task<> plain(StreamSocket socket);
  Task<> secure(StreamSocket socket);
  Task<std::unique_ptr<Stream>> layer(StreamSocket socket, bool tls);
  Task<> drain_all(Group& group, AnyDuration limit, DrainReport& report);

  Hub& hub_;
  const TlsServerContext* context_;
  std::vector<std::unique_ptr<Server>> servers_;
  std::vector<std::unique_ptr<http::Server>> http_servers_;
};

}  // namespace ieum::hub
