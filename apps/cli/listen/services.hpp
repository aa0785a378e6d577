// What `ieum listen` does for a client without us: echo, discard, a command.
#pragma once

#include <ieum/stream.hpp>
#include <ieum/task.hpp>

#include "listen/listen.hpp"
#include "report/event_log.hpp"

namespace ieum::cli {

/// How a service ended; an error of the client's is no error of ours.
struct ServiceEnd {
  EndReason reason = EndReason::client_finished;
  std::optional<ExitStatus> command;  ///< exec: how it ended
};

/// Serves one client and closes its socket. Fails with what broke the connection, with `timed_out`
/// if nothing came or went for `CommonOptions::session.idle`, or because a command could not be
/// started
/// (`Error::operation` is then "start").
[[nodiscard]] Task<ServiceEnd> serve_client(Stream& client, const ListenCommand& command,
                                            EventLog& events);

/// The command on our own standard input and output.
[[nodiscard]] Task<ExitStatus> run_command_here(const std::string& command, EventLog& events);

}  // namespace ieum::cli
