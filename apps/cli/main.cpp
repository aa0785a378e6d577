// The `ieum` command: reads the command line, does what it asks for, gives the exit status.
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>
#include <variant>
#include <vector>

#include <ieum/error.hpp>
#include <ieum/printable.hpp>

#include "command_line.hpp"
#include "report/failure.hpp"
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

}  // namespace

int main(int argc, char** argv) {
  // A closed pipe is an error that is reported, not a signal; children get their default back.
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  const Environment environment{
      .help = {.columns = text_columns(STDOUT_FILENO), .bold = takes_color(STDOUT_FILENO)},
      .error_color = takes_color(STDERR_FILENO)};
  const auto action = parse_command_line(words, environment);
  if (!action) {
    std::fprintf(stderr, "ieum: %s\n", ieum::printable(action.error()).c_str());
    return static_cast<int>(Status::usage);
  }
  if (const auto* text = std::get_if<PrintText>(&*action)) return print(text->text);
  return std::get<Run>(*action)();
}
