#include "transfer/transfer.hpp"

#include <fmt/format.h>

#include "ends/connection_end.hpp"
#include "session/run_session.hpp"
#include "text/suggest.hpp"
#include "tls_layer/tls_end.hpp"

namespace ieum::cli {

namespace {

/// With a connection that is there; closes it.
Task<ServiceEnd> talk_over(End& peer, EventLog& events, const Talk& talk) {
  ServiceEnd ended;
  Frames frames(peer);
  Result<std::optional<Failure>> talked = co_await attempt(talk(frames, events));
  if (!talked) {
    if (talked.error() == std::errc::operation_canceled) co_await fail(talked.error());
    ended.reason = EndReason::broken;
    ended.failure = explain_transfer(talked.error());
    events.broken(talked.error());
    const Result<> told = co_await attempt(peer.abort());
    if (!told && told.error() == std::errc::operation_canceled) co_await fail(told.error());
    co_return ended;
  }
  ended.reason = EndReason::both_finished;
  ended.failure = *std::move(talked);
  co_await peer.close();
  co_return ended;
}

Task<int> connect_and_talk(const TransferCommand& command, const Talk& talk, Log& log,
                           Interrupt& interrupt) {
  EventLog events(log);
  const auto tls = TlsEnd::make(command.peer.connect.common, Role::connect);
  if (!tls) co_return log.failed(tls.error());
  std::optional<Failure> failure;
  Task<Connection> opening = open_connection(command.peer.connect, tls->get(), events, failure);
  Result<Connection> connection =
      co_await attempt(unless_interrupted(std::move(opening), interrupt));
  if (interrupt.is_raised()) co_return report_interrupted(events, interrupt);
  if (!connection) co_return log.failed(*failure);
  ConnectionEnd peer(*std::move(connection), events);
  Task<ServiceEnd> talking = talk_over(peer, events, talk);
  const Result<ServiceEnd> ended =
      co_await attempt(unless_interrupted(std::move(talking), interrupt));
  events.closed(ended ? ended->reason : EndReason::interrupted);
  if (interrupt.is_raised()) {
    co_return log.failed(
        {interrupt.status(), "interrupted; what has come is kept: run both again to go on"});
  }
  if (!ended) co_return log.failed(explain_failure(Stage::running, ended.error()));
  if (ended->failure) co_return log.failed(*ended->failure);
  co_return 0;
}

}  // namespace

Task<int> run_transfer(const TransferCommand& command, Talk talk, Log& log) {
  if (command.peer.listens) {
    ListenCommand listen = command.peer.listen;
    listen.relay = [&talk](End& client, EventLog& events) {
      return talk_over(client, events, talk);
    };
    const int status = co_await run_listen(listen, log);
    co_return status;
  }
  auto body = [&](Interrupt& interrupt) { return connect_and_talk(command, talk, log, interrupt); };
  const int status = co_await with_interrupt(body);
  co_return status;
}

Task<std::optional<Failure>> greet(Frames& frames) {
  co_await frames.send(FrameType::hello, transfer_version);
  const Frames::Frame hello = co_await frames.next();
  std::optional<Failure> failure;
  if (hello.type != FrameType::hello || hello.text() != transfer_version) {
    failure = Failure{Status::other, fmt::format("the other side is no {}, but {}",
                                                 transfer_version, in_quotes(hello.text()))};
  }
  co_return failure;
}

Failure explain_transfer(const Error& error) {
  constexpr std::string_view kept = "what has come is kept: run both again to go on";
  if (error == std::errc::protocol_error) {
    return {Status::other,
            fmt::format("what came is no message of ieum's, or was damaged on the way; {}", kept)};
  }
  if (error == Errc::end_of_stream) {
    return {Status::broken, fmt::format("the other side ended before all was done; {}", kept)};
  }
  return {Status::broken, fmt::format("{}; {}", error.to_string(), kept)};
}

Parsed<TransferCommand> read_transfer(const GivenOptions& given, std::string_view name,
                                      std::string otherwise, const Environment& environment) {
  TransferCommand command;
  command.common.log = read_report(given, environment);
  const std::string where = given.has(name) ? std::string(given.text(name)) : std::move(otherwise);
  auto peer = parse_relay_end(where, given, environment);
  if (!peer) return UsageError(peer.error());
  const bool fits = peer->is_socket() && !peer->endpoint.has_datagrams();
  if (!fits) {
    return UsageError(fmt::format("{} takes a connection, as host:9000 or listen::9000, not {}",
                                  name, in_quotes(where)));
  }
  command.peer = *std::move(peer);
  for (CommonOptions* common : {&command.peer.listen.common, &command.peer.connect.common}) {
    common->log = command.common.log;
  }
  return command;
}

}  // namespace ieum::cli
