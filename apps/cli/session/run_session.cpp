#include "session/run_session.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include <fmt/format.h>

#include <ieum/runtime.hpp>

#include "session/idle_timeout.hpp"
#include "session/session.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

Failure failure_of(const SessionEnd& end, const CommonOptions& options, const Output& output,
                   const EventLog& events) {
  const ErrorContext context{.where = output.where(),
                             .limit = options.session.idle,
                             .sent = events.sent_bytes(),
                             .received = events.received_bytes()};
  return explain_failure(end.stage, *end.error, context);
}

/// Whether our input would have given more, nobody knows.
Failure unfinished_failure(const CommonOptions& options, const EventLog& events) {
  return {Status::other,
          fmt::format(
              "the peer finished before standard input did, which was silent for {} (--linger); "
              "any more input is not sent; {}",
              format_duration(options.session.linger), events.summary())};
}

/// The output's own last word: a full disk may show only when a file is closed.
Task<int> finish_output(Output& output, Log& log, int status) {
  const Result<> finished = co_await attempt(output.finish());
  if (finished) co_return status;
  const ErrorContext context{.where = output.where()};
  const int failed = log.failed(explain_failure(Stage::writing_output, finished.error(), context));
  co_return status == 0 ? failed : status;
}

}  // namespace

Failure idle_failure(const CommonOptions& options, const EventLog& events) {
  return {Status::timed_out, fmt::format("nothing was received or sent for {} (-i); {}",
                                         format_duration(options.session.idle), events.summary())};
}

int run_on_loop(const CommonOptions& common, const std::function<Task<int>(Log&)>& run) {
  Log log(common.log);
  // What is received would be lost without a word.
  if (common.writes_output && common.output_path.empty() && ::fcntl(STDOUT_FILENO, F_GETFD) < 0) {
    return log.failed({Status::other,
                       "standard output is closed; send it to a file, to /dev/null, or use -o "
                       "FILE"});
  }
  // Before the loop opens descriptors of its own, one of which could have the number.
  const Endpoint& endpoint = common.endpoint;
  if (endpoint.scheme == Scheme::descriptor && ::fcntl(endpoint.descriptor, F_GETFD) < 0) {
    const std::string where = endpoint.to_string();
    return log.failed(explain_failure(Stage::taking_over, Error::from_errno(errno, "adopt socket"),
                                      {.where = where}));
  }
  const Result<int> status = ieum::run(run(log));
  if (status) return *status;
  return log.failed(explain_failure(Stage::running, status.error()));
}

namespace {

/// What is never written to need not be writable.
Result<Output> open_output(const CommonOptions& options) {
  const auto existing = options.appends ? Output::Existing::append : Output::Existing::replace;
  Result<Output> output = Output::open(options.output_path, options.rendering, existing);
  if (output || options.writes_output) return output;
  return Output::open("/dev/null", options.rendering);
}

}  // namespace

Result<LocalStreams> open_local_streams(const CommonOptions& options, Log& log) {
  Result<Output> output = open_output(options);
  if (!output) {
    const std::string where = options.output_path.empty() ? "standard output" : options.output_path;
    log.failed(explain_failure(Stage::writing_output, output.error(), {.where = where}));
    return fail(output.error());
  }
  Result<DescriptorStream> input = DescriptorStream::standard_input();
  if (!input) {
    log.failed(explain_failure(Stage::reading_input, input.error()));
    return fail(input.error());
  }
  return LocalStreams{*std::move(input), *std::move(output)};
}

int report_interrupted(EventLog& events, const Interrupt& interrupt) {
  return events.log().failed({interrupt.status(), "interrupted; " + events.summary()});
}

Task<int> run_session(Connection& connection, LocalStreams& streams, const CommonOptions& options,
                      EventLog& events, Interrupt& interrupt) {
  Session session(connection, streams.input, streams.output, events, interrupt, options.session);
  const SessionEnd end = co_await session.run();
  int status = 0;
  if (end.error) {
    status = events.log().failed(failure_of(end, options, streams.output, events));
  } else if (end.reason == EndReason::idle) {
    status = events.log().failed(idle_failure(options, events));
  } else if (end.reason == EndReason::interrupted) {
    status = report_interrupted(events, interrupt);
  } else if (end.input_was_open) {
    status = events.log().failed(unfinished_failure(options, events));
  }
  const int finished = co_await finish_output(streams.output, events.log(), status);
  co_return finished;
}

namespace {

/// Until the input's end. Which side failed is in `stage`.
Task<> copy_to_output(LocalStreams& streams, EventLog& events,
                      EventLog::Clock::time_point& last_activity, Stage& stage) {
  std::vector<std::byte> buffer(std::size_t{256} * 1024);
  for (;;) {
    stage = Stage::reading_input;
    const std::size_t count = co_await streams.input.read_some(buffer);
    if (count == 0) break;
    last_activity = EventLog::Clock::now();
    events.received(count);
    stage = Stage::writing_output;
    co_await streams.output.write(Side::received, ConstBuffer(buffer).first(count));
    last_activity = EventLog::Clock::now();
  }
  events.input_ended();
}

}  // namespace

Task<int> copy_standard(LocalStreams& streams, const CommonOptions& options, EventLog& events,
                        Interrupt& interrupt) {
  Stage stage = Stage::reading_input;
  auto last_activity = EventLog::Clock::now();
  Task<> copying = with_idle_timeout(copy_to_output(streams, events, last_activity, stage),
                                     last_activity, options.session.idle);
  const Result<> copied = co_await attempt(unless_interrupted(std::move(copying), interrupt));
  int status = 0;
  if (interrupt.is_raised()) {
    status = report_interrupted(events, interrupt);
  } else if (!copied && copied.error() == std::errc::timed_out) {
    status = events.log().failed(idle_failure(options, events));
  } else if (!copied) {
    const ErrorContext context{.where = streams.output.where()};
    status = events.log().failed(explain_failure(stage, copied.error(), context));
  }
  const int finished = co_await finish_output(streams.output, events.log(), status);
  co_return finished;
}

namespace {

Task<> run_beside(Group& group, Signals signals, std::function<Task<int>(Interrupt&)>& body,
                  Interrupt& interrupt, int& status) {
  group.start(watch_signals(std::move(signals), interrupt));
  status = co_await body(interrupt);
  group.stop();
}

}  // namespace

Task<int> with_interrupt(std::function<Task<int>(Interrupt&)> body) {
  // nohup(1) has it that a hang-up is nothing to us.
  struct sigaction hang_up{};
  const bool minds = ::sigaction(SIGHUP, nullptr, &hang_up) == 0 && hang_up.sa_handler != SIG_IGN;
  Result<Signals> caught =
      minds ? Signals::create(SIGINT, SIGTERM, SIGHUP) : Signals::create(SIGINT, SIGTERM);
  Signals signals = co_await std::move(caught);
  Interrupt interrupt;
  int status = 0;
  auto both = [&](Group& group) {
    return run_beside(group, std::move(signals), body, interrupt, status);
  };
  co_await with_group(both);
  co_return status;
}

}  // namespace ieum::cli
