// `ieum connect`.
#include <ieum/ieum.hpp>

#include "session/conversation.hpp"
#include "session/datagram_commands.hpp"
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
  StreamSocket socket = co_await StreamSocket::connect(endpoint.place, options);
  co_return socket;
}

int connect_failed(const ConnectCommand& command, const Error& error, EventLog& events,
                   const Interruption& interruption) {
  if (interruption.has_come()) return interrupted(events, interruption);
  const CommonOptions& common = command.common;
  const std::string where = common.endpoint.to_string();
  const ErrorContext context{
      .where = where, .limit = common.wait, .family_asked = common.family != Family::none};
  const Stage stage =
      common.endpoint.scheme == Scheme::descriptor ? Stage::taking_over : Stage::connecting;
  return events.log().failed(explain_failure(stage, error, context));
}

Task<int> talk_over(StreamSocket socket, const ConnectCommand& command, EventLog& events,
                    Interruption& interruption, LocalEnds& ends) {
  const Endpoint& endpoint = command.common.endpoint;
  const Address local = socket.local_address().value_or(Address{});
  if (endpoint.scheme == Scheme::descriptor) events.taken_over(endpoint.to_string());
  events.connected(local, socket.peer_address());
  const Result<> set = apply_settings(socket, endpoint, events);
  if (!set) {
    const ErrorContext context{.where = endpoint.place};
    co_return events.log().failed(explain_failure(Stage::setting_options, set.error(), context));
  }
  if (command.probe) {
    co_await socket.close();
    events.closed(EndReason::probed);
    co_return 0;
  }
  const int status = co_await converse(socket, ends, command.common, events, interruption);
  co_return status;
}

Task<int> connect_and_talk(const ConnectCommand& command, Log& log, Interruption& interruption) {
  EventLog events(log);
  // Before the connecting: what cannot be written must not be received.
  Result<LocalEnds> ends = open_local_ends(command.common, log);
  if (!ends) co_return static_cast<int>(Status::other);
  if (command.common.endpoint.scheme == Scheme::standard) {
    const int status = co_await copy_standard(*ends, command.common, events, interruption);
    co_return status;
  }
  Result<StreamSocket> socket =
      co_await attempt(unless_interrupted(connect_to(command, events), interruption));
  if (!socket) co_return connect_failed(command, socket.error(), events, interruption);
  const int status = co_await talk_over(*std::move(socket), command, events, interruption, *ends);
  co_return status;
}

}  // namespace

Task<int> run_connect(const ConnectCommand& given, Log& log) {
  ConnectCommand command = given;
  command.common.talk.on_eof = resolve_on_eof(command.common.talk.on_eof, false);
  auto body = [&](Interruption& interruption) {
    if (command.common.endpoint.has_datagrams()) {
      return connect_datagrams(command, log, interruption);
    }
    return connect_and_talk(command, log, interruption);
  };
  const int status = co_await with_interruption(body);
  co_return status;
}

}  // namespace ieum::cli
