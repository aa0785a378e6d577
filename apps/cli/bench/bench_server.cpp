// `ieum bench --server`: the other end of a measurement, which answers at once and does nothing
// else.
#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include <ieum/http/server.hpp>
#include <ieum/ieum.hpp>

#include "bench/bench.hpp"
#include "bench/bench_server_websocket.hpp"
#include "bench/greeting.hpp"
#include "session/bind_endpoint.hpp"
#include "session/run_session.hpp"
#include "text/suggest.hpp"
#include "tls_layer/tls_contexts.hpp"

namespace ieum::cli {

namespace {

/// Whoever measures is in the middle of it.
constexpr Duration drain_max = std::chrono::seconds(1);

// ---- Bytes --------------------------------------------------------------------------------------

/// A greeting's line, if that is what the connection begins with, then taken out of `text`.
/// Empty: the connection has ended.
Task<> read_beginning(Stream& peer, std::string& text, std::optional<Greeting>& greeting) {
  const std::string_view prefix = Greeting::prefix;
  for (;;) {
    const Lease data = co_await peer.receive();
    if (data.empty()) co_return;
    const ConstBuffer bytes = data;
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::size_t known = std::min(text.size(), prefix.size());
    if (text.compare(0, known, prefix.substr(0, known)) != 0) co_return;
    const std::size_t end = text.find('\n');
    if (end == std::string::npos && text.size() < Greeting::bytes_max) continue;
    greeting = Greeting::parse(std::string_view(text).substr(0, end));
    if (greeting) text.erase(0, end + 1);
    co_return;
  }
}

Task<> echo(Stream& peer, std::string beginning) {
  if (!beginning.empty()) co_await peer.write_all(beginning);
  for (;;) {
    const Lease data = co_await peer.receive();
    if (data.empty()) co_return;
    co_await peer.write_all(data);
  }
}

Task<> answer(Stream& peer, Greeting greeting, std::uint64_t received) {
  const std::string text(static_cast<std::size_t>(greeting.answer_bytes), 'y');
  for (;;) {
    for (; received >= greeting.message_bytes; received -= greeting.message_bytes) {
      co_await peer.write_all(text);
    }
    const Lease data = co_await peer.receive();
    if (data.empty()) co_return;
    received += data.size();
  }
}

Task<> serve_stream(std::unique_ptr<Stream> peer) {
  std::string beginning;
  std::optional<Greeting> greeting;
  co_await read_beginning(*peer, beginning, greeting);
  if (greeting) {
    co_await answer(*peer, *greeting, beginning.size());
  } else {
    co_await echo(*peer, std::move(beginning));
  }
  co_await peer->close();
}

Task<> serve_client(StreamSocket socket, std::shared_ptr<const TlsServerContext> tls) {
  std::unique_ptr<Stream> peer;
  if (tls != nullptr) {
    peer = co_await put_tls_over(std::move(socket), tls);
  } else {
    peer = std::make_unique<StreamSocket>(std::move(socket));
  }
  co_await serve_stream(std::move(peer));
}

// ---- HTTP and WebSocket -------------------------------------------------------------------------

/// ?answer=BYTES; none if it is not given.
std::optional<std::uint64_t> wanted_bytes(const http::Request& request) {
  const std::optional<std::string> text = request.query("answer");
  std::uint64_t bytes = 0;
  if (!text) return {};
  const char* const end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, bytes);
  if (error != std::errc{} || rest != end || bytes > message_bytes_max) return {};
  return bytes;
}

/// Answers with what came, or with so many bytes as the query asks for.
Task<http::Response> answer_request(http::Request& request) {
  const std::optional<std::uint64_t> wanted = wanted_bytes(request);
  if (request.field("upgrade")) {
    http::Response upgrade = accept_bench_websocket(request, wanted);
    co_return upgrade;
  }
  std::string body = co_await request.body().text(message_bytes_max);
  if (wanted) {
    body.assign(static_cast<std::size_t>(*wanted), 'y');
  } else if (body.empty()) {
    body = "ieum bench\n";
  }
  co_return http::Response::bytes("application/octet-stream", std::move(body));
}

// ---- Serving ------------------------------------------------------------------------------------

template <class AnyServer>
Task<> drain_on_interrupt(AnyServer& server, Interrupt& interrupt) {
  co_await interrupt.raised.wait();
  const Result<DrainReport> drained = co_await attempt(server.drain(drain_max));
  static_cast<void>(drained);  // `run` tells
}

template <class AnyServer>
Task<> serve_beside(Group& group, AnyServer& server, Interrupt& interrupt) {
  group.start(drain_on_interrupt(server, interrupt));
  co_await server.run();
  group.stop();
}

template <class AnyServer>
Task<int> serve_until_interrupted(AnyServer server, Log& log, Interrupt& interrupt) {
  auto body = [&](Group& group) { return serve_beside(group, server, interrupt); };
  const Result<> served = co_await attempt(with_group(body));
  if (interrupt.is_raised()) co_return log.failed({interrupt.status(), "interrupted"});
  co_return log.failed(explain_failure(Stage::accepting, served.error()));
}

std::string_view scheme_of(const BenchCommand& command) {
  const bool has_tls = command.common.endpoint.scheme == Scheme::tls;
  switch (command.target.protocol) {
    case Protocol::datagrams: return "udp://";
    case Protocol::http: return has_tls ? "https://" : "http://";
    case Protocol::websocket: return has_tls ? "wss://" : "ws://";
    case Protocol::bytes: break;
  }
  if (command.common.endpoint.is_unix()) return "";
  return has_tls ? "tls://" : "tcp://";
}

void announce(const BenchCommand& command, const Address& local, const std::string& pin, Log& log) {
  const std::string where = fmt::format("{}{}", scheme_of(command), local.to_string());
  log.notice({"serving", "answering at " + where, {}, {{"local", local.to_string()}}});
  if (pin.empty()) return;
  const std::string line = fmt::format("ieum bench --insecure --pin {} {}", pin, where);
  log.notice({"connect_with", "measure with: " + line, {}, {{"command", line}}});
}

Task<int> serve_connections(const BenchCommand& command, Log& log, Interrupt& interrupt) {
  std::shared_ptr<const TlsServerContext> tls;
  std::string pin;
  if (command.common.endpoint.scheme == Scheme::tls) {
    auto made =
        make_server_context(command.common.tls, name_to_serve(command.common.endpoint.target));
    if (!made) co_return log.failed(made.error());
    tls = *std::move(made);
    if (command.common.tls.self_signed) pin = pin_of(*tls);
  }
  Result<Listener> listener =
      co_await attempt(unless_interrupted(bind_listener(command.common), interrupt));
  if (interrupt.is_raised()) co_return log.failed({interrupt.status(), "interrupted"});
  if (!listener) co_return log.failed(explain_failure(Stage::listening, listener.error()));
  announce(command, listener->address(), pin, log);
  ServeOptions limits;
  limits.sessions_max = connections_max;
  if (command.target.protocol == Protocol::bytes) {
    auto handler = [tls](StreamSocket socket) { return serve_client(std::move(socket), tls); };
    const int status = co_await serve_until_interrupted(
        Server(*std::move(listener), handler, limits), log, interrupt);
    co_return status;
  }
  http::Routes routes;
  routes.any("/", answer_request);
  routes.any("/{path...}", answer_request);
  http::Server server(*std::move(listener), std::move(routes), {}, limits);
  if (tls != nullptr) {
    server.over([tls](StreamSocket socket) { return put_tls_over(std::move(socket), tls); });
  }
  const int status = co_await serve_until_interrupted(std::move(server), log, interrupt);
  co_return status;
}

// ---- Datagrams ----------------------------------------------------------------------------------

Task<> echo_datagrams(DatagramSocket& socket) {
  DatagramBatch batch(DatagramBatch::messages_max_default, datagram_bytes_max);
  for (;;) {
    co_await socket.receive(batch);
    std::span<const Datagram> left = batch;
    while (!left.empty()) {
      const Result<std::size_t> sent = co_await attempt(socket.send(left));
      if (!sent && sent.error() == std::errc::operation_canceled) co_await fail(sent.error());
      left = left.subspan(sent ? *sent : 1);  // one that cannot be answered is left out
    }
  }
}

Task<int> serve_datagrams(const BenchCommand& command, Log& log, Interrupt& interrupt) {
  Result<DatagramSocket> socket =
      co_await attempt(unless_interrupted(bind_datagrams(command.common), interrupt));
  if (interrupt.is_raised()) co_return log.failed({interrupt.status(), "interrupted"});
  if (!socket) co_return log.failed(explain_failure(Stage::listening, socket.error()));
  announce(command, socket->address(), {}, log);
  const Result<> served = co_await attempt(unless_interrupted(echo_datagrams(*socket), interrupt));
  if (interrupt.is_raised()) co_return log.failed({interrupt.status(), "interrupted"});
  co_return log.failed(explain_failure(Stage::receiving, served.error()));
}

}  // namespace

Task<int> run_bench_server(const BenchCommand& command, Log& log) {
  auto body = [&](Interrupt& interrupt) {
    return command.target.protocol == Protocol::datagrams
               ? serve_datagrams(command, log, interrupt)
               : serve_connections(command, log, interrupt);
  };
  const int status = co_await with_interrupt(body);
  co_return status;
}

}  // namespace ieum::cli
