#include "listen/listen.hpp"

#include <unistd.h>

#include <cerrno>

#include <ieum/ieum.hpp>

#include <fmt/format.h>

#include "listen/broadcast.hpp"
#include "listen/services.hpp"
#include "options/settings_for_options.hpp"
#include "session/port_owner.hpp"
#include "session/resolve_endpoint.hpp"
#include "session/run_session.hpp"
#include "session/session.hpp"
#include "session/socket_file.hpp"
#include "session/socket_settings.hpp"
#include "session/stall_watch.hpp"
#include "subcommands.hpp"
#include "text/units.hpp"
#include "tls_layer/tls_end.hpp"

namespace ieum::cli {

namespace {

using Service = ListenCommand::Service;

/// What sessions may take to end after Ctrl-C.
constexpr Duration drain_max = std::chrono::seconds(1);

// ---- The listening socket -----------------------------------------------------------------------

ListenOptions listen_options(const ListenCommand& command) {
  const Endpoint& endpoint = command.common.endpoint;
  ListenOptions options;
  options.backlog = command.backlog;
  options.reuse_port = endpoint.setting(Key::reuseport).value_or(0) != 0;
  options.ipv6_only =
      endpoint.setting(Key::ipv6only).value_or(0) != 0 || command.common.family == Family::ipv6;
  options.no_delay = endpoint.setting(Key::nodelay).value_or(1) != 0;
  options.replace_stale = endpoint.setting(Key::replace).value_or(0) != 0;
  options.unlink_on_close = endpoint.setting(Key::unlink).value_or(1) != 0;
  return options;
}

Result<Listener> bind(const Endpoint& endpoint, const Address& address,
                      const ListenOptions& options) {
  const SocketFileMode mode(endpoint);
  return Listener::bind(address, options);
}

}  // namespace

Task<Listener> open_listener(const ListenCommand& command, EventLog& events,
                             std::optional<Failure>& failure) {
  const Endpoint& endpoint = command.common.endpoint;
  if (endpoint.scheme == Scheme::descriptor) {
    Listener listener = co_await Listener::adopt(Descriptor(endpoint.descriptor));
    events.taken_over(endpoint.to_string());
    events.listening(listener.address(), command.backlog);
    co_return listener;
  }
  const Address address = co_await resolve_endpoint(command.common, "listen");
  const ListenOptions options = listen_options(command);
  Result<Listener> bound = bind(endpoint, address, options);
  if (!bound) co_await fail_to_bind(bound.error(), address, &find_port_owner);
  Listener listener = *std::move(bound);
  failure = give_to_owner(endpoint);
  if (failure) co_await fail(std::errc::operation_not_permitted, "listen");
  events.created(address);
  events.bound(listener.address());
  events.listening(listener.address(), command.backlog);
  if (address.is_ip() && address.port() == 0 && !events.log().reports_events()) {
    const std::string chosen = listener.address().to_string();
    events.log().notice({"listening", "listening on " + chosen, {}, {{"local", chosen}}});
  }
  co_return listener;
}

Failure why_not_listening(const ListenCommand& command, const Error& error) {
  const std::string where = command.common.endpoint.to_string();
  const ErrorContext context{.where = where, .limit = command.common.wait};
  const bool taken = command.common.endpoint.scheme == Scheme::descriptor;
  return explain_failure(taken ? Stage::taking_over : Stage::listening, error, context);
}

// ---- One client ---------------------------------------------------------------------------------

Task<StreamSocket> accept_admitted(Listener& listener, const Access& access, EventLog& events) {
  for (;;) {
    StreamSocket client = co_await listener.accept();
    if (access.admits(client.peer_address())) co_return client;
    events.refused(client.peer_address());
    co_await client.reset();
  }
}

namespace {

Task<StreamSocket> accept_one(Listener& listener, const Access& access, EventLog& events,
                              Duration wait) {
  if (wait > Duration::zero()) {
    StreamSocket client = co_await with_timeout(wait, accept_admitted(listener, access, events));
    co_return client;
  }
  StreamSocket client = co_await accept_admitted(listener, access, events);
  co_return client;
}

Task<> meet_by_tls(Connection& client, const ListenCommand& command, const TlsEnd& tls,
                   EventLog& events, std::optional<Failure>& failure) {
  const Result<> met = co_await attempt(tls.meet(client, {}, events, failure));
  if (met) co_return;
  if (failure && command.common.is_end) {
    failure->sentence = with_settings(failure->sentence, options_of(*find_subcommand("listen")));
  }
  co_await fail(met.error());
}

}  // namespace

Task<> prepare_client(Connection& client, const ListenCommand& command, const TlsEnd* tls,
                      EventLog& events, std::optional<Failure>& failure) {
  const Result<> set = apply_settings(client.socket(), command.common.endpoint, events);
  if (!set) {
    const ErrorContext context{.where = command.common.endpoint.target};
    failure = explain_failure(Stage::setting_options, set.error(), context);
    co_await fail(set.error());
  }
  if (tls != nullptr) co_await meet_by_tls(client, command, *tls, events, failure);
}

namespace {

/// Tells how a service ended, if that is news; gives the exit status.
int service_ended(const ListenCommand& command, const Result<ServiceEnd>& served,
                  EventLog& events) {
  Log& log = events.log();
  if (served) {
    events.closed(served->reason);
    if (served->failure) return log.failed(*served->failure);
    if (!served->command || served->command->succeeded()) return 0;
    return log.failed({Status::other, "the command " + served->command->to_string()});
  }
  const Error& error = served.error();
  const ErrorContext context{.where = command.command,
                             .limit = command.common.session.idle,
                             .sent = events.sent_bytes(),
                             .received = events.received_bytes()};
  if (std::string_view(error.operation()) == "start") {
    return log.failed(explain_failure(Stage::starting_command, error, context));
  }
  if (error == std::errc::timed_out && command.common.session.idle > Duration::zero()) {
    events.closed(EndReason::idle);
    return log.failed(idle_failure(command.common, events));
  }
  events.broken(error);
  events.closed(EndReason::broken);
  return log.failed(explain_failure(Stage::receiving, error, context));
}

Task<int> serve_one(Listener listener, const ListenCommand& command, const TlsEnd* tls,
                    const Access& access, EventLog& events, Interrupt& interrupt,
                    LocalStreams& streams) {
  events.waiting_for_client();
  Task<StreamSocket> accepting = accept_one(listener, access, events, command.common.wait);
  Result<StreamSocket> accepted =
      co_await attempt(unless_interrupted(std::move(accepting), interrupt));
  if (interrupt.is_raised()) co_return report_interrupted(events, interrupt);
  if (!accepted) {
    const ErrorContext context{.limit = command.common.wait};
    co_return events.log().failed(explain_failure(Stage::accepting, accepted.error(), context));
  }
  Connection client(*std::move(accepted));
  StreamSocket& socket = client.socket();
  events.accepted(socket.local_address().value_or(Address{}), socket.peer_address());
  co_await listener.close();  // one client is all: others are refused
  events.stopped_listening();
  std::optional<Failure> failure;
  Task<> preparing = prepare_client(client, command, tls, events, failure);
  const Result<> prepared = co_await attempt(unless_interrupted(std::move(preparing), interrupt));
  if (interrupt.is_raised()) co_return report_interrupted(events, interrupt);
  if (failure) co_return events.log().failed(*failure);
  if (!prepared) co_return events.log().failed(explain_failure(Stage::accepting, prepared.error()));
  if (command.service == Service::stdio) {
    const int status = co_await run_session(client, streams, command.common, events, interrupt);
    co_return status;
  }
  const Result<ServiceEnd> served =
      co_await attempt(unless_interrupted(serve_client(client, command, events), interrupt));
  if (interrupt.is_raised()) co_return report_interrupted(events, interrupt);
  co_return service_ended(command, served, events);
}

// ---- Many clients -------------------------------------------------------------------------------

/// What the sessions of a server share.
struct SharedState {
  const ListenCommand& command;
  const TlsEnd* tls;  // null: there is none
  const Access& access;
  Log& log;
  EventLog& events;  // the listener's
  Interrupt& interrupt;
  Broadcast broadcast;
  std::uint64_t clients = 0;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::optional<Failure> failure{};
};

/// A client's failure is news of that client alone: reported with -v, except what is ours to mend.
void session_failed(SharedState& shared, const Error& error, EventLog& events) {
  if (error == std::errc::operation_canceled) return events.closed(EndReason::interrupted);
  if (std::string_view(error.operation()) == "start") {
    shared.log.failed(explain_failure(Stage::starting_command, error));
    return events.closed(EndReason::command_ended);
  }
  if (error == std::errc::timed_out) return events.closed(EndReason::idle);
  events.broken(error);
  events.closed(EndReason::broken);
}

Task<EndReason> serve_one_of_many(SharedState& shared, Connection& client, EventLog& events) {
  if (shared.command.service == Service::stdio) {
    const EndReason reason = co_await shared.broadcast.serve(client, events);
    co_return reason;
  }
  const ServiceEnd end = co_await serve_client(client, shared.command, events);
  co_return end.reason;
}

Task<> serve_watched(Group& group, SharedState& shared, Connection& client, EventLog& events,
                     EndReason& reason) {
  group.start(watch_stalls(client.socket(), events));
  reason = co_await serve_one_of_many(shared, client, events);
  group.stop();
}

/// With -v, it is also said why nothing moves.
Task<EndReason> serve_and_watch(SharedState& shared, Connection& client, EventLog& events) {
  EndReason reason = EndReason::client_finished;
  if (!shared.log.reports_events()) {
    reason = co_await serve_one_of_many(shared, client, events);
    co_return reason;
  }
  auto body = [&](Group& group) { return serve_watched(group, shared, client, events, reason); };
  co_await with_group(body);
  co_return reason;
}

Task<> serve_connection(SharedState& shared, Connection& client, EventLog& events) {
  const Result<EndReason> ended = co_await attempt(serve_and_watch(shared, client, events));
  if (ended) {
    events.closed(*ended);
  } else {
    session_failed(shared, ended.error(), events);
    if (ended.error() == std::errc::operation_canceled) co_await fail(ended.error());
  }
}

/// False: there is no session, as was reported.
Task<bool> meet_client(SharedState& shared, Connection& client, EventLog& events) {
  std::optional<Failure> failure;
  const Result<> met =
      co_await attempt(meet_by_tls(client, shared.command, *shared.tls, events, failure));
  if (met) co_return true;
  if (met.error() == std::errc::operation_canceled) {
    events.closed(EndReason::interrupted);
    co_await fail(met.error());
  }
  if (failure) events.not_secured(failure->sentence);
  events.closed(EndReason::broken);
  co_return false;
}

Task<> session(SharedState& shared, StreamSocket client) {
  if (!shared.access.admits(client.peer_address())) {
    shared.events.refused(client.peer_address());
    co_await client.reset();
    co_return;
  }
  EventLog events(shared.log, ++shared.clients, client.peer_address());
  events.accepted(client.local_address().value_or(Address{}), client.peer_address());
  const Result<> set = apply_settings(client, shared.command.common.endpoint, events);
  if (!set) {
    const ErrorContext context{.where = shared.command.common.endpoint.target};
    shared.log.failed(explain_failure(Stage::setting_options, set.error(), context));
    co_return;
  }
  struct Count {  // also when this task is stopped
    SharedState& shared;
    EventLog& events;
    ~Count() {
      shared.sent += events.sent_bytes();
      shared.received += events.received_bytes();
    }
  };
  const Count count{shared, events};
  Connection connection(std::move(client));
  if (shared.tls != nullptr) {
    const bool is_met = co_await meet_client(shared, connection, events);
    if (!is_met) co_return;
  }
  co_await serve_connection(shared, connection, events);
}

/// Says once a minute at most that clients have to wait because the system lacks something.
Task<> watch_descriptor_exhaustion(Server& server, Log& log) {
  std::uint64_t reported = 0;
  for (;;) {
    co_await sleep(std::chrono::seconds(1));
    const std::uint64_t refused = server.counters().refused_by_system;
    if (refused == reported) continue;
    reported = refused;
    log.notice({"descriptors_exhausted",
                fmt::format("cannot accept: no descriptors or memory left; {} clients are served, "
                            "others wait; raise the limit of open files: see 'ulimit -n'",
                            server.sessions()),
                {},
                {{"clients", std::uint64_t{server.sessions()}}}});
    co_await sleep(std::chrono::minutes(1));
  }
}

Task<> drain(Server& server, SharedState& shared, Duration limit = drain_max) {
  const Result<DrainReport> report = co_await attempt(server.drain(limit));
  if (report || shared.failure) co_return;
  if (report.error() == std::errc::operation_canceled) co_await fail(report.error());
  shared.failure = explain_failure(Stage::accepting, report.error());
}

Task<> drain_on_interrupt(Server& server, SharedState& shared) {
  co_await shared.interrupt.raised.wait();
  shared.events.interrupted(fmt::format("no more clients; those who are here have {} to finish",
                                        format_duration(drain_max)));
  co_await drain(server, shared);
}

Task<> read_input(Server& server, SharedState& shared) {
  const Result<> read = co_await attempt(shared.broadcast.read_input());
  if (!read) {
    if (read.error() == std::errc::operation_canceled) co_await fail(read.error());
    shared.failure = explain_failure(Stage::reading_input, read.error());
  } else {
    shared.events.input_ended();
    if (shared.command.common.session.on_eof != OnEof::close) co_return;
    // All of it is still to arrive; whoever does not take it is ended by -i or Ctrl-C.
    co_await drain(server, shared, std::chrono::hours(24));
    co_return;
  }
  co_await drain(server, shared);
}

Task<> drain_without_output(Server& server, SharedState& shared, const Output& output) {
  co_await shared.broadcast.output_failed().wait();
  const ErrorContext context{.where = output.where()};
  shared.failure =
      explain_failure(Stage::writing_output, *shared.broadcast.output_error(), context);
  co_await drain(server, shared);
}

/// A pipe's write end becomes readable when its reader has gone: all who only listen would stay for
/// nobody.
Task<> watch_reader(SharedState& shared) {
  co_await wait_readable(STDOUT_FILENO);
  shared.broadcast.lose_output(Error::from_errno(EPIPE, "write"));
}

Task<> serve_beside(Group& group, Server& server, SharedState& shared, LocalStreams& streams) {
  group.start(drain_on_interrupt(server, shared));
  group.start(watch_descriptor_exhaustion(server, shared.log));
  if (shared.command.service == Service::stdio) {
    group.start(read_input(server, shared));
    group.start(drain_without_output(server, shared, streams.output));
    if (streams.output.is_pipe()) group.start(watch_reader(shared));
  }
  co_await server.run();
  group.stop();
}

Task<int> serve_many(Listener listener, const ListenCommand& command, const TlsEnd* tls,
                     const Access& access, EventLog& events, Interrupt& interrupt,
                     LocalStreams& streams) {
  Log& log = events.log();
  const auto relaying = command.relays ? Broadcast::Relaying::to_others : Broadcast::Relaying::none;
  SharedState shared{command,
                     tls,
                     access,
                     log,
                     events,
                     interrupt,
                     Broadcast(streams, command.common, relaying, log)};
  auto handler = [&shared](StreamSocket client) { return session(shared, std::move(client)); };
  ServeOptions limits;
  limits.sessions_max = command.clients_max;
  if (command.service == Service::relay) limits.descriptors_each = 2;
  Server server(std::move(listener), handler, limits);
  events.waiting_for_client();
  auto body = [&](Group& group) { return serve_beside(group, server, shared, streams); };
  const Result<> served = co_await attempt(with_group(body));
  events.stopped_listening();
  if (shared.failure) co_return log.failed(*shared.failure);
  const std::string summary =
      fmt::format("{} client{} served, {} sent, {} received in {}", shared.clients,
                  shared.clients == 1 ? "" : "s", format_bytes(shared.sent),
                  format_bytes(shared.received), format_duration(events.age()));
  if (interrupt.is_raised()) co_return log.failed({interrupt.status(), "interrupted; " + summary});
  if (!served) co_return log.failed(explain_failure(Stage::accepting, served.error()));
  co_return 0;
}

// ---- Standard input and output as the client
// ------------------------------------------------------

Task<> discard_input(DescriptorStream& input, EventLog& events) {
  std::vector<std::byte> scratch(std::size_t{256} * 1024);
  for (;;) {
    const std::size_t count = co_await input.read_some(scratch);
    if (count == 0) co_return;
    events.received(count);
  }
}

Task<int> serve_standard(LocalStreams& streams, const ListenCommand& command, EventLog& events,
                         Interrupt& interrupt) {
  if (command.service == Service::exec) {
    const Result<ExitStatus> ended =
        co_await attempt(unless_interrupted(run_command_here(command.command, events), interrupt));
    if (interrupt.is_raised()) co_return report_interrupted(events, interrupt);
    if (!ended)
      co_return events.log().failed(explain_failure(Stage::starting_command, ended.error()));
    if (ended->succeeded()) co_return 0;
    co_return events.log().failed({Status::other, "the command " + ended->to_string()});
  }
  if (command.service == Service::discard) {
    const Result<> read =
        co_await attempt(unless_interrupted(discard_input(streams.input, events), interrupt));
    if (interrupt.is_raised()) co_return report_interrupted(events, interrupt);
    if (!read) co_return events.log().failed(explain_failure(Stage::reading_input, read.error()));
    co_return 0;
  }
  const int status = co_await copy_standard(streams, command.common, events, interrupt);
  co_return status;
}

Task<int> listen_and_serve(const ListenCommand& command, const Access& access, Log& log,
                           Interrupt& interrupt) {
  EventLog events(log);
  Result<LocalStreams> streams = open_local_streams(command.common, log);
  if (!streams) co_return static_cast<int>(Status::other);
  if (command.common.endpoint.scheme == Scheme::standard) {
    const int status = co_await serve_standard(*streams, command, events, interrupt);
    co_return status;
  }
  const auto tls = TlsEnd::make(command.common, Role::listen);
  if (!tls) co_return log.failed(tls.error());
  std::optional<Failure> failure;
  Result<Listener> listener =
      co_await attempt(unless_interrupted(open_listener(command, events, failure), interrupt));
  if (interrupt.is_raised()) co_return report_interrupted(events, interrupt);
  if (failure) co_return log.failed(*failure);
  if (!listener) co_return log.failed(why_not_listening(command, listener.error()));
  if (*tls != nullptr) (*tls)->announce(listener->address(), log);
  if (command.keep) {
    const int status = co_await serve_many(*std::move(listener), command, tls->get(), access,
                                           events, interrupt, *streams);
    co_return status;
  }
  const int status = co_await serve_one(*std::move(listener), command, tls->get(), access, events,
                                        interrupt, *streams);
  co_return status;
}

/// The names of --allow and --deny are looked up before anybody can come.
Task<int> look_up_and_listen(const ListenCommand& command, Log& log, Interrupt& interrupt) {
  Task<Access> making = Access::make(command.allowed, command.denied, command.common.wait);
  const Result<Access> access = co_await attempt(unless_interrupted(std::move(making), interrupt));
  if (interrupt.is_raised()) co_return log.failed({interrupt.status(), "interrupted"});
  if (!access) co_return log.failed(explain_failure(Stage::listening, access.error()));
  if (command.common.endpoint.has_datagrams()) {
    const int status = co_await listen_datagrams(command, *access, log, interrupt);
    co_return status;
  }
  const int status = co_await listen_and_serve(command, *access, log, interrupt);
  co_return status;
}

}  // namespace

Task<Connection> accept_client(Listener& listener, const ListenCommand& command, const TlsEnd* tls,
                               const Access& access, EventLog& events,
                               std::optional<Failure>& failure) {
  Result<StreamSocket> accepted =
      co_await attempt(accept_one(listener, access, events, command.common.wait));
  if (!accepted) {
    const ErrorContext context{.limit = command.common.wait};
    failure = explain_failure(Stage::accepting, accepted.error(), context);
    co_await fail(accepted.error());
  }
  Connection client(*std::move(accepted));
  events.accepted(client.socket().local_address().value_or(Address{}),
                  client.socket().peer_address());
  co_await prepare_client(client, command, tls, events, failure);
  co_return client;
}

Task<int> run_listen(const ListenCommand& given, Log& log) {
  ListenCommand command = given;
  command.common.session.on_eof = resolve_on_eof(command.common.session.on_eof, true);
  auto body = [&](Interrupt& interrupt) { return look_up_and_listen(command, log, interrupt); };
  const int status = co_await with_interrupt(body);
  co_return status;
}

}  // namespace ieum::cli
