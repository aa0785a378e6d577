#include "transfer/transfer.hpp"

#include <fmt/format.h>

#include <ieum/host_port.hpp>
#include <ieum/result.hpp>
#include <ieum/timeout.hpp>

#include "ends/connection_end.hpp"
#include "session/run_session.hpp"
#include "text/suggest.hpp"
#include "tls_layer/tls_contexts.hpp"
#include "tls_layer/tls_end.hpp"
#include "transfer/doorkeeper.hpp"
#include "transfer/partner.hpp"

namespace ieum::cli {

namespace {

constexpr std::string_view kept = "what has come is kept: run both again to go on";

/// Why a message could not be read or sent.
Failure explain_transfer(const Error& error) {
  if (error == std::errc::protocol_error) {
    return {Status::other, fmt::format("what came was damaged on the way; {}", kept)};
  }
  if (error == Errc::end_of_stream) {
    return {Status::broken, fmt::format("the other side ended before all was done; {}", kept)};
  }
  return {Status::broken, fmt::format("{}; {}", error.to_string(), kept)};
}

/// With a partner that is there; closes the connection.
Task<std::optional<Failure>> talk_over(Partner& partner, const Talk& talk) {
  std::optional<Failure> failure;
  Result<std::optional<Failure>> talked = co_await attempt(talk(partner.frames));
  if (talked) {
    failure = *std::move(talked);
    co_await partner.end.close();
    partner.events.closed(EndReason::both_finished);
    co_return failure;
  }
  if (talked.error() == std::errc::operation_canceled) co_await fail(talked.error());
  failure = explain_transfer(talked.error());
  partner.events.broken(talked.error());
  partner.events.closed(EndReason::broken);
  const Result<> told = co_await attempt(partner.end.abort());
  if (!told && told.error() == std::errc::operation_canceled) co_await fail(told.error());
  co_return failure;
}

// ---- Finding each other -------------------------------------------------------------------------

Task<std::unique_ptr<Partner>> connect_to_partner(const TransferCommand& command, const TlsEnd* tls,
                                                  Log& log, std::optional<Failure>& failure) {
  auto events = std::make_unique<EventLog>(log);
  Connection connection = co_await open_connection(command.peer.connect, tls, *events, failure);
  auto partner = std::make_unique<Partner>(std::move(connection), std::move(events));
  failure = co_await partner->greet(command.other);
  if (failure) co_await fail(std::errc::protocol_error, "greet");
  co_return partner;
}

/// What to write on the other machine.
void announce(const TransferCommand& command, const Address& local, const TlsEnd* tls, Log& log) {
  std::string where = local.to_string();
  if (local.is_ip()) {
    const std::string name = name_to_serve(command.peer.endpoint.target);
    const Result<HostPort> place = HostPort::make(name, local.port());
    if (place) where = place->to_string();
  }
  if (tls != nullptr) where.insert(0, "tls://");
  if (tls != nullptr && !tls->pin().empty()) {
    tls->announce_certificate(log);
    where = fmt::format("'{}?insecure=1&pin={}'", where, tls->pin());
  }
  const std::string line =
      fmt::format("{} {} {}{}", command.other, command.other_option, where, command.other_words);
  log.notice({"connect_with", "on the other machine: " + line, {}, {{"command", line}}});
}

Task<std::unique_ptr<Partner>> wait_for_partner(const TransferCommand& command, const TlsEnd* tls,
                                                Log& log, std::optional<Failure>& failure) {
  const ListenCommand& listen = command.peer.listen;
  EventLog events(log);
  const Access access = co_await Access::make(listen.allowed, listen.denied, listen.common.wait);
  Result<Listener> listener = co_await attempt(open_listener(listen, events, failure));
  if (!listener) {
    if (!failure && listener.error() != std::errc::operation_canceled) {
      failure = why_not_listening(listen, listener.error());
    }
    co_await fail(listener.error());
  }
  announce(command, listener->address(), tls, log);
  events.waiting_for_client();
  Doorkeeper doorkeeper(listen, tls, access, *listener, events, command.other);
  const Duration wait = listen.common.wait;
  Result<std::unique_ptr<Partner>> partner = co_await attempt(
      with_timeout(wait > Duration::zero() ? wait : Duration::max(), doorkeeper.first_partner()));
  if (!partner) {
    if (partner.error() != std::errc::operation_canceled) {
      failure = explain_failure(Stage::accepting, partner.error(), {.limit = wait});
    }
    co_await fail(partner.error());
  }
  co_await listener->close();  // one is all: others are refused
  events.stopped_listening();
  co_return *std::move(partner);
}

Task<int> meet_and_talk(const TransferCommand& command, const Talk& talk, Log& log,
                        Interrupt& interrupt) {
  std::optional<Failure> failure;
  const bool listens = command.peer.listens;
  const auto tls = TlsEnd::make(listens ? command.peer.listen.common : command.peer.connect.common,
                                listens ? Role::listen : Role::connect);
  if (!tls) co_return log.failed(tls.error());
  auto find = listens ? wait_for_partner : connect_to_partner;
  Result<std::unique_ptr<Partner>> found =
      co_await attempt(unless_interrupted(find(command, tls->get(), log, failure), interrupt));
  if (interrupt.is_raised()) co_return log.failed({interrupt.status(), "interrupted"});
  if (!found) {
    co_return log.failed(failure.value_or(explain_failure(Stage::running, found.error())));
  }
  Partner& partner = **found;
  const Result<std::optional<Failure>> ended =
      co_await attempt(unless_interrupted(talk_over(partner, talk), interrupt));
  if (interrupt.is_raised()) {
    partner.events.closed(EndReason::interrupted);
    co_return log.failed(
        {interrupt.status(), fmt::format("interrupted; {}; {}", partner.events.summary(), kept)});
  }
  if (!ended) co_return log.failed(explain_failure(Stage::running, ended.error()));
  if (*ended) co_return log.failed(**ended);
  co_return 0;
}

}  // namespace

Task<int> run_transfer(const TransferCommand& command, Talk talk, Log& log) {
  auto body = [&](Interrupt& interrupt) { return meet_and_talk(command, talk, log, interrupt); };
  const int status = co_await with_interrupt(body);
  co_return status;
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
