// What `connect` and `listen` share once there is a connection: the talk on standard input and
// output, the same with no connection at all (`-`), and how a talk's end becomes an exit status.
#pragma once

#include <functional>

#include <ieum/stream_socket.hpp>
#include <ieum/task.hpp>

#include "commands.hpp"
#include "report/event_log.hpp"
#include "session/interruption.hpp"
#include "session/output.hpp"

namespace ieum::cli {

/// Our standard input and the output that the options name.
struct LocalEnds {
  DescriptorStream input;
  Output output;
};
/// Fails once the log has been told why.
[[nodiscard]] Result<LocalEnds> open_local_ends(const CommonOptions& options, Log& log);

/// Talks with `peer` until it is over, and gives the exit status.
[[nodiscard]] Task<int> converse(StreamSocket& peer, LocalEnds& ends, const CommonOptions& options,
                                 EventLog& events, Interruption& interruption);

/// The peer is standard input and output themselves (`-`): copies the one to the other.
[[nodiscard]] Task<int> copy_standard(LocalEnds& ends, const CommonOptions& options,
                                      EventLog& events, Interruption& interruption);

/// Runs `body` beside a task that waits for Ctrl-C, and gives its exit status.
[[nodiscard]] Task<int> with_interruption(std::function<Task<int>(Interruption&)> body);

/// Tells that an interruption ended it, with a summary; gives the exit status.
int interrupted(EventLog& events, const Interruption& interruption);

}  // namespace ieum::cli
