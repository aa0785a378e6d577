#include "listen/services.hpp"

#include <unistd.h>

#include <array>
#include <vector>

#include <ieum/descriptor_stream.hpp>
#include <ieum/finally.hpp>
#include <ieum/group.hpp>
#include <ieum/lease.hpp>

#include "listen/pseudo_terminal.hpp"
#include "session/idle_timeout.hpp"

namespace ieum::cli {

namespace {

/// What a client that still sends may take to notice that we have finished.
constexpr Duration close_grace = std::chrono::seconds(1);
/// What a command may take to end when its client has gone.
constexpr Duration command_grace = std::chrono::seconds(1);

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

// ---- A command ----------------------------------------------------------------------------------

/// Our environment, and who is connected with whom.
std::vector<std::string> environment_for(const Stream& client) {
  std::vector<std::string> variables;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (text.find('=') != std::string_view::npos) variables.emplace_back(text);
  }
  const Address local = client.local_address().value_or(Address{});
  variables.push_back("IEUM_PEER_ADDRESS=" + client.peer_address().to_string());
  variables.push_back("IEUM_LOCAL_ADDRESS=" + local.to_string());
  return variables;
}

/// What a command and its client share while both run.
struct CommandSession {
  Stream& client;
  Process& process;
  Stream& to_command;
  Stream& from_command;
  PseudoTerminal* terminal;  // of --pty, or null
  EventLog& events;
  EventLog::Clock::time_point last_activity = EventLog::Clock::now();
  ExitStatus status{};
  void note_activity() noexcept { last_activity = EventLog::Clock::now(); }
};

/// Nobody has the command's terminal any more.
bool has_hung_up(const CommandSession& served, const Error& error) {
  return served.terminal != nullptr && error == std::errc::io_error;
}

Task<> copy_to_command(CommandSession& served) {
  bool wanted = true;  // the command still reads
  for (;;) {
    const Lease data = co_await served.client.receive();
    if (!data) break;
    served.note_activity();
    served.events.received(data.size());
    if (!wanted) continue;  // one still learns that the client has gone
    const Result<> fed = co_await attempt(served.to_command.write_all(data));
    served.note_activity();
    if (fed) continue;
    const bool has_gone = fed.error() == std::errc::broken_pipe || has_hung_up(served, fed.error());
    if (!has_gone) co_await fail(fed.error());
    wanted = false;
  }
  served.events.peer_finished();
  if (served.terminal == nullptr) {
    co_await served.to_command.shutdown_write();
    co_return;
  }
  // Ctrl-D: the first ends a line that has begun, if one has.
  const Result<> said = co_await attempt(served.to_command.write_all("\x04\x04"));
  if (!said && said.error() == std::errc::operation_canceled) co_await fail(said.error());
}

Task<> copy_from_command(CommandSession& served) {
  std::vector<std::byte> buffer(std::size_t{64} * 1024);
  for (;;) {
    const Result<std::size_t> read = co_await attempt(served.from_command.read_some(buffer));
    if (!read && has_hung_up(served, read.error())) break;
    if (!read) co_await fail(read.error());
    const std::size_t count = *read;
    if (count == 0) break;
    co_await served.client.write_all(ConstBuffer(buffer).first(count));
    served.note_activity();
    served.events.sent(count);
  }
  const Result<> shut_down = co_await attempt(served.client.shutdown_write());
  if (shut_down) served.events.half_closed();
}

Task<> hang_up_at_the_end(CommandSession& served) {
  served.status = co_await served.process.wait();
  served.terminal->slave.close();  // what has been written there is still read
}

/// A command that has closed its output may still read: it is over when the command has ended.
Task<> both_ways(Group& group, CommandSession& served) {
  group.start(copy_to_command(served));
  if (served.terminal != nullptr) group.start(hang_up_at_the_end(served));
  co_await copy_from_command(served);
  if (served.terminal == nullptr) served.status = co_await served.process.wait();
  group.stop();  // what the client still sends is for nobody
}

Task<> relay(CommandSession& served) {
  auto body = [&](Group& group) { return both_ways(group, served); };
  co_await with_group(body);
}

Task<> end_command(Process& process) {
  co_await process.stop(command_grace);  // if it has ended already: nothing
}

/// A session of its own opens the terminal, which thereby controls it.
Result<Process> start_on(const PseudoTerminal& terminal, const std::string& command,
                         const std::vector<std::string>& environment) {
  const std::vector<std::string> arguments{
      "/bin/sh", "-c",          R"(exec <>"$1" >&0 2>&0; exec /bin/sh -c "$2")",
      "sh",      terminal.path, command};
  ProcessOptions options;
  options.input = ProcessOptions::Standard::null;
  options.output = ProcessOptions::Standard::null;
  options.error = ProcessOptions::Standard::null;
  options.group = ProcessOptions::Group::session;
  options.environment = &environment;
  return Process::start(arguments, options);
}

Task<ExitStatus> serve_command_on_terminal(Stream& client, const std::string& command,
                                           Duration idle, EventLog& events) {
  PseudoTerminal terminal = co_await PseudoTerminal::open();
  using Direction = DescriptorStream::Direction;
  const int master = terminal.master.number();
  DescriptorStream input = co_await DescriptorStream::open(master, Direction::output);
  DescriptorStream output = co_await DescriptorStream::open(master, Direction::input);
  const std::vector<std::string> environment = environment_for(client);
  Process process = co_await start_on(terminal, command, environment);
  events.command_started(command, process.pid());
  auto cleanup = [&process] { return end_command(process); };
  CommandSession served{client, process, input, output, &terminal, events};
  co_await finally(with_idle_timeout(relay(served), served.last_activity, idle), cleanup,
                   2 * command_grace);
  events.command_ended(served.status);
  co_return served.status;
}

Task<ExitStatus> serve_command(Stream& client, const std::string& command, Duration idle,
                               EventLog& events) {
  const std::vector<std::string> arguments{"/bin/sh", "-c", command};
  const std::vector<std::string> environment = environment_for(client);
  ProcessOptions options;
  options.input = ProcessOptions::Standard::stream;
  options.output = ProcessOptions::Standard::stream;
  options.group = ProcessOptions::Group::own;
  options.environment = &environment;
  Process process = co_await Process::start(arguments, options);
  events.command_started(command, process.pid());
  auto cleanup = [&process] { return end_command(process); };
  CommandSession served{client, process, process.input(), process.output(), nullptr, events};
  co_await finally(with_idle_timeout(relay(served), served.last_activity, idle), cleanup,
                   2 * command_grace);
  events.command_ended(served.status);
  co_return served.status;
}

}  // namespace

Task<ServiceEnd> serve_client(Stream& client, const ListenCommand& command, EventLog& events) {
  const Duration idle = command.common.session.idle;
  ServiceEnd end;
  if (command.service == ListenCommand::Service::exec) {
    auto serve = command.on_terminal ? serve_command_on_terminal : serve_command;
    end.command = co_await serve(client, command.command, idle, events);
    end.reason = EndReason::command_ended;
    // The client may still be sending: a close now would reset the connection, and with it what
    // the command has written.
    const Result<> closed = co_await attempt(client.close_gracefully(close_grace));
    if (!closed && closed.error() == std::errc::operation_canceled) co_await fail(closed.error());
  } else {
    auto service = command.service == ListenCommand::Service::echo ? echo : discard;
    auto last_activity = EventLog::Clock::now();
    co_await with_idle_timeout(service(client, last_activity, events), last_activity, idle);
    co_await client.close();
  }
  co_return end;
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
