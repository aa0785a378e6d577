// `ieum listen`: its command line as data, and what runs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <ieum/listener.hpp>
#include <ieum/serve.hpp>
#include <ieum/task.hpp>

#include "listen/access.hpp"
#include "session/common_options.hpp"

namespace ieum::cli {

class Log;
struct Interrupt;

struct ListenCommand {
  /// What is done with a client.
  enum class Service : std::uint8_t { stdio, echo, discard, exec };

  CommonOptions common;
  Service service = Service::stdio;
  std::string command;  ///< of exec: for /bin/sh -c
  bool keep = false;
  std::size_t clients_max = ServeOptions{}.sessions_max;
  int backlog = ListenOptions{}.backlog;
  AccessList allowed{};      ///< --allow; empty: everyone
  AccessList denied{};       ///< --deny
  bool relays = false;       ///< --broker
  bool on_terminal = false;  ///< --pty
};

[[nodiscard]] Parsed<ListenCommand> parse_listen(const GivenOptions& given,
                                                 const Environment& environment);

/// Gives the exit status; what went wrong has been reported.
[[nodiscard]] Task<int> run_listen(const ListenCommand& command, Log& log);
/// The same with an address of datagrams.
[[nodiscard]] Task<int> listen_datagrams(const ListenCommand& command, const Access& access,
                                         Log& log, Interrupt& interrupt);

}  // namespace ieum::cli
