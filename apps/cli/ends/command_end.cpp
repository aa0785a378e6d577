#include "ends/command_end.hpp"

#include <unistd.h>

#include <vector>

#include <ieum/timeout.hpp>

namespace ieum::cli {

namespace {

/// Our environment, and who is connected with whom.
std::vector<std::string> environment_for(const End& other) {
  std::vector<std::string> variables;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (text.find('=') != std::string_view::npos) variables.emplace_back(text);
  }
  variables.push_back("IEUM_PEER_ADDRESS=" + other.peer_address().to_string());
  variables.push_back("IEUM_LOCAL_ADDRESS=" + other.local_address().to_string());
  return variables;
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

Result<Process> start_on_pipes(const std::string& command,
                               const std::vector<std::string>& environment) {
  const std::vector<std::string> arguments{"/bin/sh", "-c", command};
  ProcessOptions options;
  options.input = ProcessOptions::Standard::stream;
  options.output = ProcessOptions::Standard::stream;
  options.group = ProcessOptions::Group::own;
  options.environment = &environment;
  return Process::start(arguments, options);
}

}  // namespace

Task<std::unique_ptr<CommandEnd::Terminal>> CommandEnd::open_terminal() {
  PseudoTerminal device = co_await PseudoTerminal::open();
  using Direction = DescriptorStream::Direction;
  const int master = device.master.number();
  DescriptorStream input = co_await DescriptorStream::open(master, Direction::output);
  DescriptorStream output = co_await DescriptorStream::open(master, Direction::input);
  std::unique_ptr<Terminal> terminal(
      new Terminal{std::move(device), std::move(input), std::move(output)});
  co_return terminal;
}

Task<std::unique_ptr<CommandEnd>> CommandEnd::start(const std::string& command, bool on_terminal,
                                                    const End& other, EventLog& events) {
  std::unique_ptr<Terminal> terminal;
  if (on_terminal) terminal = co_await open_terminal();
  const std::vector<std::string> environment = environment_for(other);
  Result<Process> started = terminal != nullptr ? start_on(terminal->device, command, environment)
                                                : start_on_pipes(command, environment);
  Process process = co_await std::move(started);
  events.command_started(command, process.pid());
  std::unique_ptr<CommandEnd> end(new CommandEnd(std::move(process), std::move(terminal), events));
  co_return end;
}

Stream& CommandEnd::to_command() noexcept {
  if (terminal_ != nullptr) return terminal_->input;
  return process_.input();
}

Stream& CommandEnd::from_command() noexcept {
  if (terminal_ != nullptr) return terminal_->output;
  return process_.output();
}

/// Nobody has the command's terminal any more.
bool CommandEnd::has_hung_up(const Error& error) const noexcept {
  return terminal_ != nullptr && error == std::errc::io_error;
}

Task<std::optional<std::size_t>> CommandEnd::read(std::span<std::byte> into) {
  const Result<std::size_t> count = co_await attempt(from_command().read_some(into));
  if (!count && has_hung_up(count.error())) co_return std::nullopt;
  if (!count) co_await fail(count.error());
  if (*count == 0) co_return std::nullopt;
  co_return *count;
}

Task<std::optional<std::size_t>> CommandEnd::write(ConstBuffer data) {
  const Result<std::size_t> count = co_await attempt(to_command().write_some(data));
  if (count) co_return *count;
  const bool has_gone = count.error() == std::errc::broken_pipe || has_hung_up(count.error());
  if (!has_gone) co_await fail(count.error());
  co_return std::nullopt;
}

Task<bool> CommandEnd::finish() {
  is_finished_ = true;
  if (terminal_ == nullptr) {
    co_await to_command().shutdown_write();
    co_return false;
  }
  // Ctrl-D: the first ends a line that has begun, if one has.
  const Result<> said = co_await attempt(to_command().write_all("\x04\x04"));
  if (!said && said.error() == std::errc::operation_canceled) co_await fail(said.error());
  co_return false;
}

Task<> CommandEnd::accompany() {
  status_ = co_await process_.wait();
  ended_.set();
  if (terminal_ != nullptr)
    terminal_->device.slave.close();  // what was written there is still read
}

Task<bool> CommandEnd::is_over() {
  co_await ended_.wait();
  co_return true;
}

Task<> CommandEnd::close() {
  // One that has been told that nothing more comes may end by itself.
  if (is_finished_ && !ended_.is_set()) {
    const Result<ExitStatus> ended = co_await attempt(with_timeout(grace, process_.wait()));
    if (!ended && ended.error() != std::errc::timed_out) co_await fail(ended.error());
  }
  co_await abort();
}

Task<> CommandEnd::abort() {
  status_ = co_await process_.stop(grace);  // if it has ended already: nothing
  events_.command_ended(status_);
}

}  // namespace ieum::cli
