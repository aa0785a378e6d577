#include "connect/connect.hpp"

#include <memory>

#include <ieum/ieum.hpp>

#include "ends/command_end.hpp"
#include "ends/connection_end.hpp"
#include "ends/pass_between.hpp"
#include "options/settings_for_options.hpp"
#include "session/run_session.hpp"
#include "session/session.hpp"
#include "session/socket_settings.hpp"
#include "subcommands.hpp"
#include "tls_layer/tls_end.hpp"

namespace ieum::cli {

namespace {

/// -w is for all of them: each attempt, to a proxy, and on, and TLS's handshake.
bool has_several_steps(const ConnectCommand& command) {
  return command.retries > 0 || command.proxy || command.common.endpoint.scheme == Scheme::tls;
}

Task<StreamSocket> connect_to(const ConnectCommand& command, EventLog& events,
                              std::string_view target) {
  const Endpoint& endpoint = command.common.endpoint;
  if (endpoint.scheme == Scheme::descriptor) {
    StreamSocket socket = co_await StreamSocket::adopt(Descriptor(endpoint.descriptor));
    co_return socket;
  }
  ConnectOptions options;
  if (!has_several_steps(command)) options.timeout = command.common.wait;
  options.family = command.common.family;
  options.no_delay = endpoint.setting(Key::nodelay).value_or(1) != 0;
  options.observer = &events;
  if (command.source) {
    options.source = *command.source;
    events.connects_from(*command.source);
  }
  StreamSocket socket = co_await StreamSocket::connect(target, options);
  co_return socket;
}

Task<StreamSocket> connect_by_proxy(const ConnectCommand& command, EventLog& events,
                                    std::optional<Failure>& failure) {
  const Proxy& proxy = *command.proxy;
  const std::optional<Credentials> credentials = read_credentials(proxy, failure);
  if (failure) co_await fail(std::errc::invalid_argument, "read credentials");
  const HostPort to = co_await HostPort::parse(command.common.endpoint.target);
  StreamSocket socket = co_await connect_to(command, events, proxy.target);
  co_await connect_through(socket, proxy, credentials, to, failure);
  events.proxied(proxy.to_string(), to.to_string());
  co_return socket;
}

Task<StreamSocket> connect_socket(const ConnectCommand& command, EventLog& events,
                                  std::optional<Failure>& failure) {
  if (command.proxy) {
    StreamSocket socket = co_await connect_by_proxy(command, events, failure);
    co_return socket;
  }
  StreamSocket socket = co_await connect_to(command, events, command.common.endpoint.target);
  co_return socket;
}

/// Where the command connects to, and with what.
struct Destination {
  const ConnectCommand& command;
  const TlsEnd* tls;  // null: there is none
  EventLog& events;
};

Task<Connection> connect_once(const Destination& to, std::optional<Failure>& failure) {
  const Endpoint& endpoint = to.command.common.endpoint;
  StreamSocket socket = co_await connect_socket(to.command, to.events, failure);
  if (endpoint.scheme == Scheme::descriptor) to.events.taken_over(endpoint.to_string());
  to.events.connected(socket.local_address().value_or(Address{}), socket.peer_address());
  Connection connection(std::move(socket));
  if (to.tls != nullptr) {
    const HostPort place = co_await HostPort::parse(endpoint.target);
    co_await to.tls->meet(connection, std::string(place.host()), to.events, failure);
  }
  co_return connection;
}

/// Whether the same may succeed later.
bool is_worth_retrying(const Error& error, const std::optional<Failure>& failure) {
  if (error == std::errc::operation_canceled || error == Errc::name_invalid) return false;
  return !failure || failure->status == Status::not_connected;
}

Task<Connection> connect_often(const Destination& to, std::optional<Failure>& failure) {
  for (int left = to.command.retries;; --left) {
    failure.reset();
    Result<Connection> connection = co_await attempt(connect_once(to, failure));
    if (connection) co_return *std::move(connection);
    const Error& error = connection.error();
    if (left == 0 || !is_worth_retrying(error, failure)) co_await fail(error);
    to.events.retrying(error, left, retry_pause);
    co_await sleep(retry_pause);
  }
}

Task<Connection> connect_any_way(const Destination& to, std::optional<Failure>& failure) {
  const Duration wait = to.command.common.wait;
  if (has_several_steps(to.command) && wait > Duration::zero()) {
    Connection connection = co_await with_timeout(wait, connect_often(to, failure));
    co_return connection;
  }
  Connection connection = co_await connect_often(to, failure);
  co_return connection;
}

Failure why_not_connected(const ConnectCommand& command, const Error& error,
                          const std::optional<Failure>& failure) {
  // Else it is what an earlier attempt failed with.
  const bool is_last =
      failure && (error != std::errc::timed_out || failure->status == Status::timed_out);
  if (is_last) return *failure;
  const CommonOptions& common = command.common;
  const std::string where = common.endpoint.to_string();
  const ErrorContext context{
      .where = where, .limit = common.wait, .family_asked = common.family != Family::none};
  const Stage stage =
      common.endpoint.scheme == Scheme::descriptor ? Stage::taking_over : Stage::connecting;
  return explain_failure(stage, error, context);
}

Task<int> talk_over(Connection connection, const ConnectCommand& command, EventLog& events,
                    Interrupt& interrupt, LocalStreams& streams) {
  if (command.probe) {
    co_await connection.stream().close();
    events.closed(EndReason::probed);
    co_return 0;
  }
  if (!command.exec.empty()) {
    ConnectionEnd end(std::move(connection), events);
    const int status = co_await talk_with_command(end, command, events, interrupt);
    co_return status;
  }
  const int status = co_await run_session(connection, streams, command.common, events, interrupt);
  co_return status;
}

}  // namespace

Task<Connection> open_connection(const ConnectCommand& command, const TlsEnd* tls, EventLog& events,
                                 std::optional<Failure>& failure) {
  const Destination to{command, tls, events};
  Result<Connection> connection = co_await attempt(connect_any_way(to, failure));
  if (!connection) {
    const Error& error = connection.error();
    if (error != std::errc::operation_canceled) {
      failure = why_not_connected(command, error, failure);
      if (command.common.is_end) {
        failure->sentence =
            with_settings(failure->sentence, options_of(*find_subcommand("connect")));
      }
    }
    co_await fail(error);
  }
  const Endpoint& endpoint = command.common.endpoint;
  const Result<> set = apply_settings(connection->socket(), endpoint, events);
  if (!set) {
    const ErrorContext context{.where = endpoint.target};
    failure = explain_failure(Stage::setting_options, set.error(), context);
    co_await fail(set.error());
  }
  co_return *std::move(connection);
}

Task<int> talk_with_command(End& peer, const ConnectCommand& command, EventLog& events,
                            Interrupt& interrupt) {
  Log& log = events.log();
  Result<std::unique_ptr<CommandEnd>> started =
      co_await attempt(CommandEnd::start(command.exec, command.on_terminal, peer, events));
  if (!started) co_return log.failed(explain_failure(Stage::starting_command, started.error()));
  const PassSide theirs{peer, &events};
  const PassSide ours{**started, nullptr};
  PassOptions options;
  options.idle = command.common.session.idle;
  options.linger = command.common.session.linger;
  Task<PassResult> passing = pass_between(theirs, ours, options);
  const Result<PassResult> passed =
      co_await attempt(unless_interrupted(std::move(passing), interrupt));
  events.closed(passed ? passed->reason : EndReason::interrupted);
  if (interrupt.is_raised()) co_return report_interrupted(events, interrupt);
  if (!passed) co_return log.failed(explain_failure(Stage::running, passed.error()));
  if (passed->reason == EndReason::idle) {
    co_return log.failed(idle_failure(command.common, events));
  }
  if (passed->error) {
    const ErrorContext context{.sent = events.sent_bytes(), .received = events.received_bytes()};
    co_return log.failed(explain_failure(passed->stage, *passed->error, context));
  }
  // If the peer finished first, the command was ended by us.
  const ExitStatus& status = (*started)->status();
  if (passed->reason != EndReason::command_ended || status.succeeded()) co_return 0;
  co_return log.failed({Status::other, "the command " + status.to_string()});
}

namespace {

Task<int> connect_and_talk(const ConnectCommand& command, Log& log, Interrupt& interrupt) {
  EventLog events(log);
  // Before the connecting: what cannot be written must not be received.
  Result<LocalStreams> streams = open_local_streams(command.common, log);
  if (!streams) co_return static_cast<int>(Status::other);
  if (command.common.endpoint.scheme == Scheme::standard) {
    const int status = co_await copy_standard(*streams, command.common, events, interrupt);
    co_return status;
  }
  const auto tls = TlsEnd::make(command.common, Role::connect);
  if (!tls) co_return log.failed(tls.error());
  std::optional<Failure> failure;
  Task<Connection> opening = open_connection(command, tls->get(), events, failure);
  Result<Connection> connection =
      co_await attempt(unless_interrupted(std::move(opening), interrupt));
  if (!connection && interrupt.is_raised()) co_return report_interrupted(events, interrupt);
  if (!connection) co_return log.failed(*failure);
  const int status =
      co_await talk_over(*std::move(connection), command, events, interrupt, *streams);
  co_return status;
}

}  // namespace

Task<std::optional<Failure>> probe_one(const ConnectCommand& command, const TlsEnd* tls,
                                       EventLog& events) {
  std::optional<Failure> failure;
  Result<Connection> connection = co_await attempt(open_connection(command, tls, events, failure));
  if (!connection) {
    if (connection.error() == std::errc::operation_canceled) co_await fail(connection.error());
    co_return failure;
  }
  co_await connection->stream().close();
  events.closed(EndReason::probed);
  co_return std::nullopt;
}

Task<int> run_connect(const ConnectCommand& given, Log& log) {
  ConnectCommand command = given;
  command.common.session.on_eof = resolve_on_eof(command.common.session.on_eof, false);
  auto body = [&](Interrupt& interrupt) {
    if (command.common.endpoint.has_datagrams()) {
      return connect_datagrams(command, log, interrupt);
    }
    if (command.last_port != 0) return probe_ports(command, log, interrupt);
    return connect_and_talk(command, log, interrupt);
  };
  const int status = co_await with_interrupt(body);
  co_return status;
}

}  // namespace ieum::cli
