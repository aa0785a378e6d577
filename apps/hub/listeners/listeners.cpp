// Listeners: the ports that clients come in by.
#include "listeners/listeners.hpp"

#include <ieum/timeout.hpp>
#include <ieum/tls_stream.hpp>

#include "irc/limits.hpp"
#include "listeners/origin.hpp"
#include "listeners/web_routes.hpp"
#include "session/session.hpp"

namespace ieum::hub {

namespace {

Task<> say_why(StreamSocket& socket, std::string why) {
  co_await socket.write_all(why);
  co_await socket.close_gracefully(limits::farewell_time);
}

Task<> send_away(StreamSocket& socket, std::string host) {
  std::string why =
      "ERROR :Closing link: " + host + " (Too many connections, please try again later)\r\n";
  Task<> saying = say_why(socket, std::move(why));
  co_await with_timeout(limits::farewell_time, std::move(saying));
}

void prepare(StreamSocket& socket) {
  using enum SocketOption;
  // A client that has vanished without a word is noticed; what it has not taken waits here, where
  // it is bounded, and not in the system's megabytes.
  socket.set_option(so_keepalive, 1);
  socket.set_option(tcp_notsent_lowat, 64 * 1024);
}

template <class AnyServer>
Task<> drain_one(AnyServer& server, AnyDuration limit, DrainReport& report) {
  const DrainReport one = co_await server.drain(limit);
  report.finished += one.finished;
  report.cut += one.cut;
}

}  // namespace

void Listeners::add(Listener listener, bool tls) {
  ServeOptions options;
  options.sessions_max = hub_.config().clients + 256;
  auto handler = [this, tls](StreamSocket socket) {
    return tls ? secure(std::move(socket)) : plain(std::move(socket));
  };
  servers_.push_back(std::make_unique<Server>(std::move(listener), std::move(handler), options));
}

void Listeners::add_http(Listener listener, bool tls) {
  ServeOptions sessions;
  sessions.sessions_max = hub_.config().clients + 256;
  http::ServerOptions options;
  options.body_bytes_max = std::uint64_t{64} * 1024;
  auto server =
      std::make_unique<http::Server>(std::move(listener), web_routes(hub_), options, sessions);
  server->over([this, tls](StreamSocket socket) { return layer(std::move(socket), tls); },
               tls ? "https" : "http");
  http_servers_.push_back(std::move(server));
}

void Listeners::add_metrics(Listener listener) {
  http_servers_.push_back(
      std::make_unique<http::Server>(std::move(listener), metrics_routes(hub_)));
}

Task<> Listeners::run() {
  auto body = [this](Group& group) { return serve_all(group); };
  co_await with_group(body);
}

Task<> Listeners::serve_all(Group& group) {
  for (const std::unique_ptr<Server>& server : servers_) group.start(server->run());
  for (const std::unique_ptr<http::Server>& server : http_servers_) group.start(server->run());
  co_return;
}

Task<DrainReport> Listeners::drain(AnyDuration limit) {
  DrainReport report;
  auto body = [&](Group& group) { return drain_all(group, limit, report); };
  co_await with_group(body);
  co_return report;
}

Task<> Listeners::drain_all(Group& group, AnyDuration limit, DrainReport& report) {
  for (const std::unique_ptr<Server>& server : servers_) {
    group.start(drain_one(*server, limit, report));
  }
  for (const std::unique_ptr<http::Server>& server : http_servers_) {
    group.start(drain_one(*server, limit, report));
  }
  co_return;
}

Task<> Listeners::plain(StreamSocket socket) {
  prepare(socket);
  Origin origin = origin_of(socket.peer_address(), false, hub_.config());
  const Admission::Place place = hub_.common().admission.enter(origin.host, hub_.config());
  if (!place) {
    co_await send_away(socket, origin.host);
    co_return;
  }
  Session session(hub_, socket, std::move(origin));
  co_await session.run();
}

Task<> Listeners::secure(StreamSocket socket) {
  prepare(socket);
  Origin origin = origin_of(socket.peer_address(), true, hub_.config());
  const Admission::Place place = hub_.common().admission.enter(origin.host, hub_.config());
  if (!place) co_return;  // before a handshake there is no way to say why
  TlsServerOptions options;
  options.handshake_timeout = limits::handshake_time;
  Task<TlsStream> meeting = TlsStream::server(std::move(socket), *context_, options);
  Result<TlsStream> tls = co_await attempt(std::move(meeting));
  if (!tls) {
    hub_.events().write("tls-failed", {{"host", origin.host}, {"error", tls.error().to_string()}});
    co_return;
  }
  Session session(hub_, *tls, std::move(origin));
  co_await session.run();
}

Task<std::unique_ptr<Stream>> Listeners::layer(StreamSocket socket, bool tls) {
  prepare(socket);
  if (!tls) co_return std::make_unique<StreamSocket>(std::move(socket));
  TlsServerOptions options;
  options.handshake_timeout = limits::handshake_time;
  TlsStream stream = co_await TlsStream::server(std::move(socket), *context_, options);
  co_return std::make_unique<TlsStream>(std::move(stream));
}

}  // namespace ieum::hub
