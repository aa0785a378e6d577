// http::Server, serve, serve_on: HTTP/1.1 over a listener's clients, or over any stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include <ieum/http/routes.hpp>
#include <ieum/serve.hpp>

#pragma GCC visibility push(default)
namespace ieum::http {

namespace detail {
class ServerState;
}

/// Limits of a server; what goes beyond one is answered with the status beside it. No deadline of a
/// phase reaches into the next, and none beyond an upgrade.
struct ServerOptions {
  /// Until a connection's first head has come as a whole, and each later one from its first byte
  /// on: 408.
  AnyDuration head_timeout = std::chrono::seconds(10);
  /// How long a connection may be idle between requests: it is closed.
  AnyDuration idle_timeout = std::chrono::seconds(60);
  /// A body may take this long, and a second more for each `body_rate_min` bytes, while somebody
  /// waits for it: 408.
  AnyDuration body_timeout = std::chrono::seconds(20);
  std::size_t body_rate_min = 1024;
  /// The same for what is sent: the connection is broken.
  AnyDuration response_timeout = std::chrono::seconds(20);
  std::size_t response_rate_min = 1024;
  /// How long the server waits for the client to close, once it has closed its own side.
  AnyDuration linger = std::chrono::seconds(2);
  /// Of the request line (414) and of each field (431).
  std::size_t line_bytes_max = std::size_t{8} * 1024;
  /// Of the whole head, and its fields: 431.
  std::size_t head_bytes_max = std::size_t{32} * 1024;
  std::size_t fields_max = 100;
  /// Of a body, whoever reads it: 413.
  std::uint64_t body_bytes_max = std::uint64_t{1} << 30U;
  /// Of a body that its handler did not read: so much is read and thrown away, for the connection
  /// to go on; with more it is closed.
  std::size_t unread_bytes_max = std::size_t{64} * 1024;
  /// Handlers at a time: 503. Zero: no limit but that of the connections.
  std::size_t requests_at_once_max = 0;
  /// Requests of a connection, which is closed after them. Zero: no limit.
  std::size_t requests_each_max = 0;
  /// Connections begin with a header of the PROXY protocol, version 1 or 2, from these that
  /// `Routes::trust` names; from others they are refused.
  bool proxy_protocol = false;
};

/// Serves `routes` on the clients of a listener. All members belong to the runtime's thread.
///
///     http::Server server(std::move(listener), std::move(routes));
///     co_await server.run();
class Server {
 public:
  Server(Listener listener, Routes routes, const ServerOptions& options = {},
         const ServeOptions& sessions = {});
  Server(Server&&) noexcept;
  Server& operator=(Server&&) = delete;
  ~Server();

  /// Set before `run`: makes of each client's socket the stream that is served: TLS over it, say.
  /// It has `head_timeout` for it. `scheme`, a literal, is what `Request::scheme` says.
  void over(std::function<Task<std::unique_ptr<Stream>>(StreamSocket)> layer,
            const char* scheme = "https");

  /// As `ieum::Server::run`.
  [[nodiscard]] Task<> run();
  /// Closes the listener and the idle connections; busy ones answer what they have begun, with
  /// `Connection: close`. What is left after `limit` is cut.
  [[nodiscard]] Task<DrainReport> drain(AnyDuration limit);

  /// As `ieum::Server::on_session_end`.
  void on_session_end(std::function<void(const SessionEnd&)> report);
  [[nodiscard]] std::size_t sessions() const noexcept;
  [[nodiscard]] ServerCounters counters() const noexcept;
  [[nodiscard]] const Listener& listener() const noexcept;

 private:
  std::unique_ptr<detail::ServerState> state_;
  ieum::Server server_;
};

/// `Server::run` for programs that end by being stopped.
[[nodiscard]] Task<> serve(Listener listener, Routes routes, ServerOptions options = {});

/// Serves one stream, whatever it is, until it ends; closes it. Both must outlive it.
[[nodiscard]] Task<> serve_on(Stream& stream, const Routes& routes, ServerOptions options = {});

}  // namespace ieum::http
#pragma GCC visibility pop
