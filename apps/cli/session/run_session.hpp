// What `connect` and `listen` share once there is a connection: the session on standard input and
// output, the same with no connection at all (`-`), and how a session's end becomes an exit status.
#pragma once

#include <functional>
#include <utility>

#include <ieum/task.hpp>

#include "report/event_log.hpp"
#include "session/common_options.hpp"
#include "session/connection.hpp"
#include "session/interrupt.hpp"
#include "session/output.hpp"

namespace ieum::cli {

/// Runs `run` on a loop of its own, and gives the exit status; what went wrong has been reported.
[[nodiscard]] int run_on_loop(const CommonOptions& common,
                              const std::function<Task<int>(Log&)>& run);
/// The action of a command line: `run` of `command`, whose member `common` it is.
template <class Command>
[[nodiscard]] Action run_on_loop(Command command, Task<int> (*run)(const Command&, Log&)) {
  return Run([command = std::move(command), run] {
    return run_on_loop(command.common, [&](Log& log) { return run(command, log); });
  });
}

/// Our standard input and the output that the options name.
struct LocalStreams {
  DescriptorStream input;
  Output output;
};
/// Fails once the log says why.
[[nodiscard]] Result<LocalStreams> open_local_streams(const CommonOptions& options, Log& log);

/// Runs a session with `peer` until it is over, and gives the exit status.
[[nodiscard]] Task<int> run_session(Connection& connection, LocalStreams& streams,
                                    const CommonOptions& options, EventLog& events,
                                    Interrupt& interrupt);

/// The peer is standard input and output themselves (`-`): copies the one to the other.
[[nodiscard]] Task<int> copy_standard(LocalStreams& streams, const CommonOptions& options,
                                      EventLog& events, Interrupt& interrupt);

/// Runs `body` beside a task that waits for Ctrl-C, and gives its exit status.
[[nodiscard]] Task<int> with_interrupt(std::function<Task<int>(Interrupt&)> body);

/// That nothing came or went for the time of -i.
[[nodiscard]] Failure idle_failure(const CommonOptions& options, const EventLog& events);

/// Reports that an interrupt ended it, with a summary; gives the exit status.
int report_interrupted(EventLog& events, const Interrupt& interrupt);

}  // namespace ieum::cli
