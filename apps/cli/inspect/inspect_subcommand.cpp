// The record of `ieum inspect`: its options, its manual, and how its command line is read.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <ieum/socket_table.hpp>

#include "inspect/inspect.hpp"
#include "subcommand.hpp"
#include "text/suggest.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

constexpr std::size_t words_max = 64;

constexpr std::array hints{
    Hint{"-t", "write the word tcp"},
    Hint{"-u", "write the word udp"},
    Hint{"-x", "write the word unix"},
    Hint{"-l", "write the word listening"},
    Hint{"-p", "it is not needed; for one process write pid:123, for a port :8080"},
    Hint{"-a", "it is not needed: all sockets are shown"},
    Hint{"-n", "it is not needed: nothing is looked up"},
    Hint{"-i", "it is not needed: --json has the figures"},
    Hint{"-s", "the option is --summary"},
    Hint{"-N", "the option is --netns"},
    Hint{"-c", "the option is --watch"},
    Hint{"-w", "the option is --watch"}};

std::vector<OptionSpec> options() {
  constexpr std::string_view group = "What is shown, and how";
  return {
      {.names = "--watch",
       .group = group,
       .help = fmt::format("Show it again and again, what is stuck first, with what grows: "
                           "\"close-wait: 340, +12 per minute\". A time after it says how often "
                           "({}), default {}. Ctrl-C ends it.",
                           duration_forms, format_duration(InspectCommand::watch_default))},
      {.names = "--summary",
       .group = group,
       .help = "Show totals only: how many sockets are in each state, what they are stuck in, "
               "and which processes hold most."},
      {.names = "--netns",
       .value = "NAME",
       .group = group,
       .help = "Look into another network namespace: a name of 'ip netns', a path, or pid:N "
               "for that of a process, as of a container. Needs root."},
      {.names = "--json",
       .group = diagnostics_group,
       .help = "Write one JSON object for each socket that matches to standard output; "
               "docs/events.md describes them. With --summary: one object for all."}};
}

ManualText manual() {
  return {
      .description =
          {"Shows every TCP, UDP and Unix socket of this machine, which process holds it, and one "
           "sentence that says why it does not move. Where both ends of a connection are on this "
           "machine they are shown together. What is stuck comes first, marked with \"!\"; then "
           "listeners.",
           "WORDs choose what is shown. Words of one kind are alternatives, words of different "
           "kinds must all hold: 'tcp udp' shows both, ':80 nginx' what nginx has at port 80. "
           "Without words, all sockets are shown.",
           "Nothing is stopped, traced or changed; everything comes from sock_diag(7) and proc(5). "
           "As root, the processes of all users are seen. What a program with an io_uring waits "
           "for is not visible there, and is not guessed."},
      .sections =
          {{.title = "Words",
            .entries = {{":PORT", "A port, of either end: :8080."},
                        {"ADDRESS, ADDRESS/BITS",
                         "An address of either end, alone, with a port, or with the length of a "
                         "prefix: 10.0.0.0/8, ::1, 127.0.0.1:80, localhost. A Unix socket: "
                         "/run/app.sock, unix:@NAME, or the end of its path: app.sock."},
                        {"PROGRAM",
                         "A program that holds it: nginx. A part of its name, of its "
                         "command or of its script will do."},
                        {"pid:N", "A process."},
                        {"tcp, udp, unix", "A protocol."},
                        {"listening, established, close-wait, time-wait, ...",
                         "A state, by its name in RFC 9293; unconnected, as of most UDP sockets."},
                        {"stuck", "Something is in its way, and has been for a while."},
                        {"leaking",
                         "The peer has finished, and the program has not closed its end: "
                         "CLOSE-WAIT."}}},
           {.title = "Output",
            .paragraphs =
                {"For each socket: the protocol, the address and the peer's, the state, bytes that "
                 "wait to be read (in) and to be acknowledged (out), the timer, and who holds it. "
                 "Of "
                 "a listener: how many connections wait to be accepted, of how many. Then the "
                 "sentence.",
                 fmt::format("At most {} sockets are kept; how many were left out is reported.",
                             SocketTableOptions::sockets_max_default)}},
           {.title = "Exit status",
            .entries = {{"0", "Sockets were shown."},
                        {"1", "No socket matches, or something failed."},
                        {"2", "The command line is wrong."}}},
           {.title = "Examples",
            .entries =
                {{"ieum inspect :8080", "Who holds port 8080, and why does my client hang?"},
                 {"ieum inspect stuck", "All that does not move, and why."},
                 {"ieum inspect leaking --watch 5s", "Does a program forget to close sockets?"},
                 {"ieum inspect listening tcp", "Which servers run here?"},
                 {"ieum inspect nginx 10.0.0.0/8", "What nginx has to do with that network."},
                 {"ieum inspect --summary", "A machine with 100,000 sockets, in ten lines."},
                 {"ieum inspect --netns pid:4711 listening", "Within a container."},
                 {"ieum inspect --json stuck | jq .sentence", "For scripts."}}}},
      .see_also = "ss(8), sock_diag(7), proc(5), tcp(7)"};
}

/// A word that is a time, and can be nothing else here.
bool begins_as_time(const std::string& word) {
  return !word.empty() && (word.front() == '.' || (word.front() >= '0' && word.front() <= '9'));
}
bool is_time(const std::string& word) {
  return begins_as_time(word) && parse_duration(word).has_value();
}

Parsed<Action> parse(const GivenOptions& given, const Environment& environment) {
  constexpr Duration watch_least = std::chrono::milliseconds(100);
  InspectCommand command;
  command.network_namespace = given.text("--netns");
  command.json = given.has("--json");
  command.summary = given.has("--summary");
  command.style = environment.help;
  std::vector<std::string> words = given.words;
  if (given.has("--watch")) {
    command.watch = InspectCommand::watch_default;
    const auto time = std::ranges::find_if(words, is_time);
    if (time != words.end()) {
      command.watch = std::max(watch_least, *parse_duration(*time));
      words.erase(time);
    }
    for (const std::string& word : words) {
      if (begins_as_time(word) && !Address::parse(word) && !Prefix::parse(word)) {
        return UsageError(fmt::format("{} is no time: {}", in_quotes(word), duration_forms));
      }
    }
  }
  if (given.has("--netns") && command.network_namespace.empty()) {
    return UsageError("--netns takes a name, a path or pid:N");
  }
  Parsed<Filter> filter = Filter::parse(words);
  if (!filter) return UsageError(filter.error());
  command.filter = *std::move(filter);
  return Run([command = std::move(command)] { return run_inspect(command); });
}

}  // namespace

extern const Subcommand inspect_subcommand;
const Subcommand inspect_subcommand{.name = "inspect",
                                    .purpose = "show every socket, and why it does not move",
                                    .arguments = {.term = "[WORD...]", .max = words_max},
                                    .options = options,
                                    .hints = hints,
                                    .manual = manual,
                                    .parse = parse};

}  // namespace ieum::cli
