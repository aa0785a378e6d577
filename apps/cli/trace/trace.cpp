#include "trace/trace.hpp"

#include <cstdio>
#include <string_view>

#include <ieum/printable.hpp>

#include "report/failure.hpp"
#include "trace/replay.hpp"

namespace ieum::cli::trace {

namespace {

int fail(std::string_view sentence) {
  std::fprintf(stderr, "ieum: %s\n", printable(sentence).c_str());
  return static_cast<int>(Status::other);
}

void note(std::string_view sentence) {
  std::fprintf(stderr, "ieum: %s\n", printable(sentence).c_str());
}

}  // namespace

int run_trace(const TraceCommand& command) {
  auto outputs = Outputs::open(command.outputs);
  if (!outputs) return fail(outputs.error());
  Outputs& out = **outputs;
  const EventSink sink = [&](const Event& event) { out.take(event); };
  int status = 0;
  if (!command.replay.empty()) {
    const auto replayed = replay_file(command.replay, sink);
    if (!replayed) {
      // What is whole is shown nevertheless.
      (void)out.finish();
      return fail(replayed.error());
    }
  } else {
    if (!command.outputs.quiet) {
      note(!command.recorder.pids.empty()
               ? "every system call of the program stops twice while it is traced; Ctrl-C ends the "
                 "trace, not the program"
           : command.recorder.io_uring
               ? "what is started here ends with the trace, and setuid programs in it get no "
                 "further rights (no_new_privs)"
               : "what is started here ends with the trace, gets no io_uring, and setuid programs "
                 "in it get no further rights (no_new_privs)");
    }
    Recorder recorder(command.recorder, sink, [&](Time now) { out.pass(now); });
    const auto recorded = recorder.run();
    if (!recorded) return fail(recorded.error());
    status = *recorded;
  }
  if (const auto failure = out.finish()) {
    const int failed = fail(*failure);
    return status != 0 ? status : failed;
  }
  return status;
}

}  // namespace ieum::cli::trace
