#include "listen/services.hpp"

#include <array>
#include <memory>

#include <ieum/lease.hpp>

#include "ends/command_end.hpp"
#include "ends/connection_end.hpp"
#include "ends/pass_between.hpp"
#include "listen/datagram_peers.hpp"
#include "session/idle_timeout.hpp"

namespace ieum::cli {

namespace {

Task<> echo(Stream& client, EventLog::Clock::time_point& last_activity, EventLog& events) {
  for (;;) {
    const Lease data = co_await client.receive();
    if (!data) break;
    last_activity = EventLog::Clock::now();
    events.received(data.size());
    co_await client.write_all(data);
    last_activity = EventLog::Clock::now();
    events.sent(data.size());
  }
  events.peer_finished();
}

Task<> discard(Stream& client, EventLog::Clock::time_point& last_activity, EventLog& events) {
  // One for all clients: nobody looks at what is in it.
  static std::array<std::byte, std::size_t{256} * 1024> scratch;
  for (;;) {
    const std::size_t count = co_await client.read_some(scratch);
    if (count == 0) break;
    last_activity = EventLog::Clock::now();
    events.received(count);
  }
  events.peer_finished();
}

Duration idle_limit(const End& client, const ListenCommand& command) {
  const Duration idle = command.common.session.idle;
  // Of datagrams nothing else says that it is over.
  if (idle == Duration::zero() && !client.has_end()) return DatagramPeers::idle_default;
  return idle;
}

Task<ServiceEnd> run_command_for(End& client, const ListenCommand& command, EventLog& events) {
  const std::unique_ptr<CommandEnd> started =
      co_await CommandEnd::start(command.command, command.on_terminal, client, events);
  const PassSide theirs{client, &events};
  const PassSide ours{*started, nullptr};
  PassOptions options;
  options.idle = idle_limit(client, command);
  const PassResult passed = co_await pass_between(theirs, ours, options);
  if (passed.error) co_await fail(*passed.error);
  if (passed.reason == EndReason::idle) co_await fail(std::errc::timed_out, "talk");
  ServiceEnd end;
  end.reason = EndReason::command_ended;
  end.command = started->status();
  co_return end;
}

}  // namespace

Task<ServiceEnd> serve_end(End& client, const ListenCommand& command, EventLog& events) {
  if (command.service == ListenCommand::Service::exec) {
    const ServiceEnd end = co_await run_command_for(client, command, events);
    co_return end;
  }
  const ServiceEnd end = co_await command.relay(client, events);
  co_return end;
}

Task<ServiceEnd> serve_client(Connection& client, const ListenCommand& command, EventLog& events) {
  using Service = ListenCommand::Service;
  if (command.service == Service::exec || command.service == Service::relay) {
    ConnectionEnd whole(client);
    const ServiceEnd end = co_await serve_end(whole, command, events);
    co_return end;
  }
  Stream& stream = client.stream();
  auto service = command.service == Service::echo ? echo : discard;
  auto last_activity = EventLog::Clock::now();
  co_await with_idle_timeout(service(stream, last_activity, events), last_activity,
                             command.common.session.idle);
  co_await stream.close();
  co_return ServiceEnd();
}

Task<ExitStatus> run_command_here(const std::string& command, EventLog& events) {
  const std::vector<std::string> arguments{"/bin/sh", "-c", command};
  Process process = co_await Process::start(arguments);
  events.command_started(command, process.pid());
  const ExitStatus status = co_await process.wait();
  events.command_ended(status);
  co_return status;
}

}  // namespace ieum::cli
