#include "connect/connect.hpp"

#include <ieum/ieum.hpp>

#include "session/run_session.hpp"
#include "session/session.hpp"
#include "session/socket_settings.hpp"

namespace ieum::cli {

namespace {

Task<StreamSocket> connect_to(const ConnectCommand& command, EventLog& events) {
  const Endpoint& endpoint = command.common.endpoint;
  if (endpoint.scheme == Scheme::descriptor) {
    StreamSocket socket = co_await StreamSocket::adopt(Descriptor(endpoint.descriptor));
    co_return socket;
  }
  ConnectOptions options;
  options.timeout = command.common.wait;
  options.family = command.common.family;
  options.no_delay = endpoint.setting(Key::nodelay).value_or(1) != 0;
  options.observer = &events;
  if (command.source) {
    options.source = *command.source;
    events.connects_from(*command.source);
  }
  StreamSocket socket = co_await StreamSocket::connect(endpoint.target, options);
  co_return socket;
}

int connect_failed(const ConnectCommand& command, const Error& error, EventLog& events,
                   const Interrupt& interrupt) {
  if (interrupt.is_raised()) return report_interrupted(events, interrupt);
  const CommonOptions& common = command.common;
  const std::string where = common.endpoint.to_string();
  const ErrorContext context{
      .where = where, .limit = common.wait, .family_asked = common.family != Family::none};
  const Stage stage =
      common.endpoint.scheme == Scheme::descriptor ? Stage::taking_over : Stage::connecting;
  return events.log().failed(explain_failure(stage, error, context));
}

Task<int> talk_over(StreamSocket socket, const ConnectCommand& command, EventLog& events,
                    Interrupt& interrupt, LocalStreams& streams) {
  const Endpoint& endpoint = command.common.endpoint;
  const Address local = socket.local_address().value_or(Address{});
  if (endpoint.scheme == Scheme::descriptor) events.taken_over(endpoint.to_string());
  events.connected(local, socket.peer_address());
  const Result<> set = apply_settings(socket, endpoint, events);
  if (!set) {
    const ErrorContext context{.where = endpoint.target};
    co_return events.log().failed(explain_failure(Stage::setting_options, set.error(), context));
  }
  if (command.probe) {
    co_await socket.close();
    events.closed(EndReason::probed);
    co_return 0;
  }
  const int status = co_await run_session(socket, streams, command.common, events, interrupt);
  co_return status;
}

Task<int> connect_and_talk(const ConnectCommand& command, Log& log, Interrupt& interrupt) {
  EventLog events(log);
  // Before the connecting: what cannot be written must not be received.
  Result<LocalStreams> streams = open_local_streams(command.common, log);
  if (!streams) co_return static_cast<int>(Status::other);
  if (command.common.endpoint.scheme == Scheme::standard) {
    const int status = co_await copy_standard(*streams, command.common, events, interrupt);
    co_return status;
  }
  Result<StreamSocket> socket =
      co_await attempt(unless_interrupted(connect_to(command, events), interrupt));
  if (!socket) co_return connect_failed(command, socket.error(), events, interrupt);
  const int status = co_await talk_over(*std::move(socket), command, events, interrupt, *streams);
  co_return status;
}

}  // namespace

Task<int> run_connect(const ConnectCommand& given, Log& log) {
  ConnectCommand command = given;
  command.common.session.on_eof = resolve_on_eof(command.common.session.on_eof, false);
  auto body = [&](Interrupt& interrupt) {
    if (command.common.endpoint.has_datagrams()) {
      return connect_datagrams(command, log, interrupt);
    }
    return connect_and_talk(command, log, interrupt);
  };
  const int status = co_await with_interrupt(body);
  co_return status;
}

}  // namespace ieum::cli
