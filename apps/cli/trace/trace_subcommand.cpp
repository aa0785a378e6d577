// The record of `ieum trace`: its options, its manual, and how its command line is read.
#include <array>
#include <charconv>
#include <cstdio>

#include <fmt/format.h>

#include "subcommand.hpp"
#include "text/suggest.hpp"
#include "text/units.hpp"
#include "trace/trace.hpp"

namespace ieum::cli {

namespace {

constexpr std::size_t words_max = 65'536;

constexpr std::array hints{
    Hint{"-f", "it is not needed: children and threads are traced too"},
    Hint{"-e", "it is not needed: only calls on sockets are traced"},
    Hint{"-s", "the option is --data"},
    Hint{"-T", "it is not needed: how long a call waited is shown"},
    Hint{"-t", "it is not needed: each line begins with its time, in milliseconds"},
};

std::vector<OptionSpec> options() {
  constexpr std::string_view what = "What is traced";
  constexpr std::string_view output = "What is shown, and where";
  return {
      {.names = "--with",
       .value = "COMMAND",
       .group = what,
       .help = "Start a server first, by the shell, and go on when it listens; it is traced too. "
               "May be given several times. Servers end with the trace.",
       .may_repeat = true},
      {.names = "-p,--pid",
       .value = "N",
       .group = what,
       .help = "Trace a program that runs already, until Ctrl-C, and let it go on then. Further "
               "numbers may follow. Every system call of it stops twice meanwhile, which makes it "
               "slower.",
       .may_repeat = true},
      {.names = "--replay",
       .value = "FILE",
       .group = what,
       .help = "Show a recording of -o instead; '-' is standard input. The ladder then goes to "
               "standard output."},
      {.names = "--io-uring",
       .group = what,
       .help = "Leave io_uring alone. Without this, programs are told that there is none, as what "
               "they do by it is not seen."},
      {.names = "-o,--output",
       .value = "FILE",
       .group = output,
       .help = "Write a recording as well, for --replay: events as JSON, one on each line."},
      {.names = "--html",
       .value = "FILE",
       .group = output,
       .help = "Write the ladder as a page as well: one file, to be read without a network."},
      {.names = "--data",
       .value = "BYTES",
       .group = output,
       .help = fmt::format("Keep so much of the beginning of what each call moves, default {}, at "
                           "most {}.",
                           trace::RecorderOptions::data_bytes_default,
                           trace::RecorderOptions::data_bytes_max)},
      {.names = "--no-data",
       .group = output,
       .help = "Keep no byte of it: passwords and the like are in nobody's file."},
      {.names = "--stall",
       .value = "TIME",
       .group = output,
       .help = fmt::format("Say why a program waits once it has done so for this long: {}. Default "
                           "{}.",
                           duration_forms, format_duration(trace::RecorderOptions::stall_default))},
      {.names = "-v,--verbose",
       .group = output,
       .help = "Show also what the C library asks daemons such as nscd, of itself."},
      {.names = "--ascii", .group = output, .help = "Draw with ASCII only."},
      {.names = "-q,--quiet", .group = output, .help = "Show nothing: for -o and --html."},
      {.names = "--json",
       .group = diagnostics_group,
       .help = "Write the events as JSON instead of the ladder; docs/events.md describes them."}};
}

ManualText manual() {
  return {
      .description =
          {"Runs COMMAND, and draws what its sockets do, live, as a ladder: a column for each "
           "program, time downwards in milliseconds, the calls as their man pages write them, and "
           "between the programs what goes over the connection and the TCP states of both ends. "
           "Threads and children are traced too. Any program will do; nothing is built into it.",
           "The ladder goes to standard error, so that standard input and output are the "
           "command's. The end says of each connection who closed first, how much went, and who "
           "waited longest.",
           "What is started here ends with the trace. It cannot gain rights by setuid programs, "
           "and is told that there is no io_uring, unless --io-uring is given. Other system calls "
           "than those on descriptors run at full speed.",
           "A recording holds the beginning of what the programs send, passwords too: its files "
           "are for their owner alone (0600), and --no-data leaves the bytes out."},
      .sections =
          {{.title = "How to read a ladder",
            .entries =
                {{"send(12)  ── 12 B \"…\" ─▶  recv() = 12",
                  "What was sent and what was received share a line if nothing lies between them "
                  "and less than 1 ms passed. Where they do not, a send has only given its bytes "
                  "to "
                  "its system."},
                 {"(waited 40.3 ms)", "So long the call took, if more than 5 ms."},
                 {"recv() = 24 ← 2 sends in one", "A stream has no message boundaries."},
                 {"SYN, SYN+ACK, ACK ··▶",
                  "A dotted arrow is inferred: the trace sees calls and states, not packets. FIN "
                  "and RST are drawn where the states of the ends prove them."},
                 {"ESTABLISHED, CLOSE-WAIT, ...",
                  "The states of RFC 9293, at the side of the end that has come into them."},
                 {"[4]",
                  "The descriptor. The same socket may have several; it is known by its "
                  "inode."},
                 {"process 2:", "A child that runs the same program stands in the same column."},
                 {"(example.com)",
                  "A DNS server has told the program that the address is this host's."},
                 {"(not traced)", "The column of peers that are elsewhere, or not traced."},
                 {"└", "A sentence about the line above it."}}},
           {.title = "What is not shown",
            .paragraphs =
                {"Calls that only found nothing there yet (EAGAIN of receive and accept), "
                 "most socket options, what the C library asks daemons such as nscd (-v shows it), "
                 "and waiting in poll(2) or epoll(7) until it is "
                 "longer than --stall. 32-bit programs on a 64-bit machine, and what goes "
                 "through an io_uring, are not seen."}},
           {.title = "Exit status",
            .entries = {{"that of COMMAND",
                         "128 and the number of the signal if one killed it; "
                         "126 or 127 if it could not be started."},
                        {"0", "With --pid and --replay: it was shown."},
                        {"1", "Something failed, or the recording was cut off."},
                        {"2", "The command line is wrong."}}},
           {.title = "Examples",
            .entries =
                {{"ieum trace -- curl -s http://example.com", "What curl does with its sockets."},
                 {"ieum trace --with 'python3 server.py' -- python3 client.py",
                  "Both ends of a connection, side by side."},
                 {"ieum trace --with ./server -- ./client 2>&1 | less -S",
                  "Who closed first, and where did the 40 ms go?"},
                 {"ieum trace --pid 812", "What a running program does; Ctrl-C lets it go on."},
                 {"ieum trace -o trace.json -q -- ./client", "Record, and show nothing."},
                 {"ieum trace --replay trace.json --html trace.html", "Make a page of it."}}}},
      .see_also = "strace(1), ptrace(2), tcp(7)"};
}

/// A number of a process, of `text`.
bool read_pid(std::string_view text, std::vector<int>& pids) {
  int pid = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, pid);
  if (error != std::errc{} || rest != end || pid <= 0) return false;
  pids.push_back(pid);
  return true;
}

Parsed<std::vector<int>> read_pids(const GivenOptions& given) {
  std::vector<int> pids;
  std::vector<std::string> words = given.texts("--pid");
  words.insert(words.end(), given.words.begin(), given.words.end());
  for (const std::string& word : words) {
    if (!read_pid(word, pids)) {
      return UsageError(fmt::format("--pid takes numbers of processes, not {}", in_quotes(word)));
    }
  }
  return pids;
}

Parsed<Action> parse(const GivenOptions& given, const Environment& /*environment*/) {
  trace::TraceCommand command;
  trace::RecorderOptions& recorder = command.recorder;
  trace::OutputOptions& outputs = command.outputs;
  command.replay = given.text("--replay");
  recorder.servers = given.texts("--with");
  recorder.io_uring = given.has("--io-uring");
  outputs.recording = given.text("--output");
  outputs.page = given.text("--html");
  outputs.json = given.has("--json");
  outputs.ascii = given.has("--ascii");
  outputs.quiet = given.has("--quiet");
  outputs.lookups = given.has("--verbose");
  if (given.has("--replay")) {
    if (given.has("--pid") || given.has("--with") || !given.words.empty()) {
      return UsageError("--replay shows a recording, and starts and traces nothing else");
    }
    outputs.stream = stdout;
  } else if (given.has("--pid")) {
    if (given.has("--with")) return UsageError("--with goes with a command, not with --pid");
    if (given.has("--io-uring")) {
      return UsageError(
          "--io-uring is for programs that are started here; one that runs keeps its "
          "own");
    }
    Parsed<std::vector<int>> pids = read_pids(given);
    if (!pids) return UsageError(pids.error());
    recorder.pids = *std::move(pids);
  } else if (given.words.empty()) {
    return UsageError(
        "a command is missing: 'ieum trace -- COMMAND', or --pid N for a program that runs");
  } else {
    recorder.command = given.words;
  }
  const Parsed<Duration> stall = read_duration(given, "--stall", recorder.stall);
  if (!stall) return UsageError(stall.error());
  recorder.stall = *stall;
  if (given.has("--no-data") && given.has("--data")) {
    return UsageError("--data and --no-data are mutually exclusive");
  }
  const Parsed<int> data = read_count(given, "--data", static_cast<int>(recorder.data_bytes),
                                      static_cast<int>(trace::RecorderOptions::data_bytes_max));
  if (!data) return UsageError(data.error());
  recorder.data_bytes = given.has("--no-data") ? 0 : static_cast<std::size_t>(*data);
  return Run([command = std::move(command)] { return trace::run_trace(command); });
}

}  // namespace

extern const Subcommand trace_subcommand;
const Subcommand trace_subcommand{.name = "trace",
                                  .purpose = "draw what the sockets of any program do",
                                  .arguments = {.term = "-- COMMAND...", .max = words_max},
                                  .options = options,
                                  .hints = hints,
                                  .manual = manual,
                                  .parse = parse};

}  // namespace ieum::cli
