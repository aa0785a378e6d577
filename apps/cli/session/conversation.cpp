#include "session/conversation.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <vector>

#include <fmt/format.h>

#include "session/idleness.hpp"
#include "text/quantity.hpp"

namespace ieum::cli {

namespace {

Failure failure_of(const TalkEnd& end, const CommonOptions& options, const Output& output,
                   const Life& life) {
  const Circumstances about{.where = output.where(),
                            .limit = options.talk.idle,
                            .sent = life.sent_bytes(),
                            .received = life.received_bytes()};
  return explain_failure(end.doing, *end.error, about);
}

Failure idle_failure(const CommonOptions& options, const Life& life) {
  return {Status::timed_out, fmt::format("nothing came or went for {} (-i); {}",
                                         to_text(options.talk.idle), life.summary())};
}

/// Whether our input would have given more, nobody knows.
Failure unfinished_failure(const CommonOptions& options, const Life& life) {
  return {Status::other,
          fmt::format("the peer finished before our input did, which was silent for {} (--linger); "
                      "if it gives more, that is not sent; {}",
                      to_text(options.talk.linger), life.summary())};
}

/// The output's own last word: a full disk may show only when a file is closed.
Task<int> finish_output(Output& output, Log& log, int status) {
  const Result<> finished = co_await attempt(output.finish());
  if (finished) co_return status;
  const Circumstances about{.where = output.where()};
  const int failed = log.failed(explain_failure(Doing::writing_output, finished.error(), about));
  co_return status == 0 ? failed : status;
}

}  // namespace

Result<LocalEnds> open_local_ends(const CommonOptions& options, Log& log) {
  Result<Output> output = Output::open(options.output_path, options.rendering);
  if (!output) {
    const std::string where = options.output_path.empty() ? "standard output" : options.output_path;
    log.failed(explain_failure(Doing::writing_output, output.error(), {.where = where}));
    return fail(output.error());
  }
  Result<DescriptorStream> input = DescriptorStream::standard_input();
  if (!input) {
    log.failed(explain_failure(Doing::reading_input, input.error()));
    return fail(input.error());
  }
  return LocalEnds{*std::move(input), *std::move(output)};
}

int interrupted(Life& life, const Interruption& interruption) {
  return life.log().failed({interruption.status(), "interrupted; " + life.summary()});
}

Task<int> converse(StreamSocket& peer, LocalEnds& ends, const CommonOptions& options, Life& life,
                   Interruption& interruption) {
  Talk talk(peer, ends.input, ends.output, life, interruption, options.talk);
  const TalkEnd end = co_await talk.run();
  int status = 0;
  if (end.error) {
    status = life.log().failed(failure_of(end, options, ends.output, life));
  } else if (end.ending == Ending::idle) {
    status = life.log().failed(idle_failure(options, life));
  } else if (end.ending == Ending::interrupted) {
    status = interrupted(life, interruption);
  } else if (end.input_was_open) {
    status = life.log().failed(unfinished_failure(options, life));
  }
  const int finished = co_await finish_output(ends.output, life.log(), status);
  co_return finished;
}

namespace {

/// Until the input's end. Which side failed is in `doing`.
Task<> copy_to_output(LocalEnds& ends, Life& life, Life::Clock::time_point& last_activity,
                      Doing& doing) {
  std::vector<std::byte> buffer(std::size_t{256} * 1024);
  for (;;) {
    doing = Doing::reading_input;
    const std::size_t count = co_await ends.input.read_some(buffer);
    if (count == 0) break;
    last_activity = Life::Clock::now();
    life.received(count);
    doing = Doing::writing_output;
    co_await ends.output.write(Side::received, ConstBuffer(buffer).first(count));
    last_activity = Life::Clock::now();
  }
  life.input_ended();
}

}  // namespace

Task<int> copy_standard(LocalEnds& ends, const CommonOptions& options, Life& life,
                        Interruption& interruption) {
  Doing doing = Doing::reading_input;
  auto last_activity = Life::Clock::now();
  Task<> copying = unless_idle(copy_to_output(ends, life, last_activity, doing), last_activity,
                               options.talk.idle);
  const Result<> copied = co_await attempt(unless_interrupted(std::move(copying), interruption));
  int status = 0;
  if (interruption.has_come()) {
    status = interrupted(life, interruption);
  } else if (!copied && copied.error() == std::errc::timed_out) {
    status = life.log().failed(idle_failure(options, life));
  } else if (!copied) {
    const Circumstances about{.where = ends.output.where()};
    status = life.log().failed(explain_failure(doing, copied.error(), about));
  }
  const int finished = co_await finish_output(ends.output, life.log(), status);
  co_return finished;
}

namespace {

Task<> run_beside(Group& group, Signals signals, std::function<Task<int>(Interruption&)>& body,
                  Interruption& interruption, int& status) {
  group.start(watch_signals(std::move(signals), interruption));
  status = co_await body(interruption);
  group.stop();
}

}  // namespace

Task<int> with_interruption(std::function<Task<int>(Interruption&)> body) {
  Signals signals = co_await Signals::create(SIGINT, SIGTERM);
  Interruption interruption;
  int status = 0;
  auto both = [&](Group& group) {
    return run_beside(group, std::move(signals), body, interruption, status);
  };
  co_await with_group(both);
  co_return status;
}

}  // namespace ieum::cli
