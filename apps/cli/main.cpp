// The `ieum` command: reads the command line, runs what it asks for, gives the exit status.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include <ieum/error.hpp>
#include <ieum/runtime.hpp>

#include "command_line.hpp"
#include "text/terminal.hpp"

namespace {

using namespace ieum::cli;

/// Text for standard output, all of it or an error.
int print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return static_cast<int>(Status::ok);
  }
  const ieum::Error error = ieum::Error::from_errno(errno, "write standard output");
  std::fprintf(stderr, "ieum: %s\n", error.to_string().c_str());
  return static_cast<int>(Status::other);
}

bool is_open(int descriptor) { return ::fcntl(descriptor, F_GETFD) >= 0; }

/// What is received would be lost without a word.
bool lacks_output(const CommonOptions& options) {
  return options.output_path.empty() && !is_open(STDOUT_FILENO);
}

int refuse_closed_output(Log& log) {
  return log.failed({Status::other,
                     "standard output is closed; send it to a file, to /dev/null, or use -o FILE"});
}

template <class Command, class Run>
int run_on_loop(const Command& command, Run run_command) {
  Log log(command.common.log);
  if (lacks_output(command.common)) return refuse_closed_output(log);
  const ieum::Result<int> status = ieum::run(run_command(command, log));
  if (status) return *status;
  return log.failed(explain_failure(Stage::running, status.error()));
}

int run_it(const PrintCommand& command) { return print(command.text); }
int run_it(const ConnectCommand& command) { return run_on_loop(command, run_connect); }
int run_it(const ListenCommand& command) { return run_on_loop(command, run_listen); }
int run_it(const CastCommand& command) { return run_on_loop(command, run_cast); }

}  // namespace

int main(int argc, char** argv) {
  // A closed pipe is an error that is reported, not a signal; children get their default back.
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  const Surroundings surroundings{
      .help = {.columns = text_columns(STDOUT_FILENO), .bold = takes_color(STDOUT_FILENO)},
      .error_color = takes_color(STDERR_FILENO)};
  const auto command = parse_command_line(words, surroundings);
  if (!command) {
    std::fprintf(stderr, "ieum: %s\n", command.error().c_str());
    return static_cast<int>(Status::usage);
  }
  return std::visit([](const auto& one) { return run_it(one); }, *command);
}
