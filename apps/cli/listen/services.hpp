// What `ieum listen` does for a client without us: echo, discard, a command; and a relay.
#pragma once

#include <ieum/task.hpp>

#include "ends/end.hpp"
#include "listen/listen.hpp"
#include "report/event_log.hpp"
#include "session/connection.hpp"

namespace ieum::cli {

/// Serves one client and closes its socket. Fails with what broke the connection, with `timed_out`
/// if nothing came or went for `CommonOptions::session.idle`, or because a command could not be
/// started
/// (`Error::operation` is then "start").
[[nodiscard]] Task<ServiceEnd> serve_client(Connection& client, const ListenCommand& command,
                                            EventLog& events);
/// The same of a command or a relay, which serve the peers of a socket of datagrams too.
[[nodiscard]] Task<ServiceEnd> serve_end(End& client, const ListenCommand& command,
                                         EventLog& events);

/// The command on our own standard input and output.
[[nodiscard]] Task<ExitStatus> run_command_here(const std::string& command, EventLog& events);

}  // namespace ieum::cli
