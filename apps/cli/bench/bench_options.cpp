// What `ieum bench` can be told, and its manual.
#include <fmt/format.h>

#include "bench/bench.hpp"
#include "bench/histogram.hpp"
#include "help/common_sections.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

constexpr std::string_view load_group = "Load";
constexpr std::string_view message_group = "Messages";
constexpr std::string_view output_group = "Output";

void add_load_options(std::vector<OptionSpec>& all) {
  const LoadOptions load;
  all.push_back(
      {.names = "-c,--connections",
       .value = "N",
       .group = load_group,
       .help = fmt::format("Use N connections at a time, default {}.", load.connections)});
  all.push_back({.names = "-r,--rate",
                 .value = "N",
                 .group = load_group,
                 .help = "Begin N messages a second, of all connections together, whether or not "
                         "the earlier ones were answered, and count each from the moment at which "
                         "it was to begin (open loop): a server that stalls cannot hide it. "
                         "Without it the next message begins when one was answered (closed loop), "
                         "as fast as the server goes."});
  all.push_back({.names = "--depth",
                 .value = "N",
                 .group = load_group,
                 .help = fmt::format("Have up to N messages under way on each connection (HTTP: "
                                     "pipelining), default {}.",
                                     load.depth)});
  all.push_back({.names = "--fresh",
                 .group = load_group,
                 .help = "Make a connection for each message, which counts with it: what "
                         "keep-alive saves is the difference."});
  all.push_back({.names = "-d,--duration",
                 .value = "TIME",
                 .group = load_group,
                 .help = fmt::format("Measure for TIME, default {}. TIME is in {}.",
                                     format_duration(load.duration), duration_forms)});
  all.push_back({.names = "--warmup",
                 .value = "TIME",
                 .group = load_group,
                 .help = fmt::format("Before that, do the same for TIME without counting it, "
                                     "default {}; 0: not at all.",
                                     format_duration(load.warmup))});
  all.push_back(
      {.names = "--timeout",
       .value = "TIME",
       .group = load_group,
       .help = fmt::format("Give up a message, or connecting, after TIME, default {}. The "
                           "percentiles count it with that time.",
                           format_duration(load.timeout))});
}

void add_message_options(std::vector<OptionSpec>& all) {
  all.push_back({.names = "--size",
                 .value = "BYTES",
                 .group = message_group,
                 .help = "Send messages of so many bytes, as 64 (the default) or 16k. HTTP: the "
                         "content of a POST; without --size it is a GET."});
  all.push_back({.names = "--answer",
                 .value = "BYTES",
                 .group = message_group,
                 .help = "Expect answers of so many bytes. For this the other end must be 'ieum "
                         "bench --server', which is told so. Default: as many as were sent, as a "
                         "server that echoes gives; HTTP says it itself."});
  all.push_back({.names = "-X,--method",
                 .value = "METHOD",
                 .group = message_group,
                 .help = "HTTP: use METHOD."});
  all.push_back({.names = "-H,--header",
                 .value = "FIELD",
                 .group = message_group,
                 .help = "HTTP: send this header field, 'NAME: VALUE'. May be repeated.",
                 .may_repeat = true});
}

}  // namespace

std::vector<OptionSpec> bench_options() {
  std::vector<OptionSpec> all;
  add_load_options(all);
  add_message_options(all);
  all.push_back({.names = "--server",
                 .group = "Server",
                 .help = "Be the other end, at ADDRESS: one that answers at once and does nothing "
                         "else, so that what is measured is the network and the two systems. It "
                         "echoes, or answers as --answer says."});
  add_tls_options(all, Role::connect);
  all.push_back({.names = "--self-signed",
                 .group = "TLS",
                 .help = "With --server: serve with a certificate made for this run. Its pin, and "
                         "how to connect, are written to standard error."});
  add_family_options(all, connection_group);
  all.push_back({.names = "--json",
                 .group = output_group,
                 .help = "Write the result as one JSON object, with times in seconds, and errors "
                         "as JSON to standard error."});
  all.push_back({.names = "--html",
                 .value = "FILE",
                 .group = output_group,
                 .help = "Write the result to FILE as well, as a page with pictures that needs no "
                         "network and no script."});
  return all;
}

ManualText bench_manual() {
  ManualSection addresses{.title = "Addresses"};
  addresses.entries = {
      {"http://HOST:PORT/PATH, https://…",
       "HTTP/1.1. A status from 400 on is an error. Redirects are not followed."},
      {"ws://HOST:PORT/PATH, wss://…", "WebSocket, with a server that echoes messages."},
      {"tcp://HOST:PORT, HOST:PORT, tls://…, unix:/PATH, unix:@NAME",
       "A connection to a server that echoes: 'ieum bench --server' or 'ieum listen -k --echo'."},
      {"udp://HOST:PORT",
       "Datagrams, the same way. The first 8 bytes of each are its number, by which its answer is "
       "known; what is not answered within --timeout counts as lost."}};
  ManualSection reading{.title = "Reading the result"};
  reading.entries = {
      {"answers",
       "How many came in the measured time, and a second. ± is the interval that holds the true "
       "mean with 95 % confidence, from ten equal parts of the time; a difference that is smaller "
       "is none."},
      {"latency",
       fmt::format("From the (intended) beginning of a message to its whole answer. p99 = 5 ms: 99 "
                   "of 100 took at most 5 ms. Each is told as at most {:.1f} % more than it was, "
                   "never as less. Percentiles for which there were too few messages are left out.",
                   Histogram::error_max * 100)},
      {"network",
       "The smallest round trip that the system has measured on the connections, TCP's own, which "
       "no server program takes part in. Is my server slow, or my network? If p50 is far above "
       "it, the server; if they are close, the network."},
      {"resent", "Segments that TCP had to send again: the network loses some."},
      {"this end",
       "What the measuring itself took of one processor core. Near 100 % it is the limit, not the "
       "server: a note says so. So does one if messages began late."}};
  ManualSection statuses{.title = "Exit status"};
  statuses.entries = {
      {"0", "Every message was answered."},
      {"1", "Answers were errors, or not what was asked for; a local failure."},
      {"2", "The command line is wrong."},
      {"6", "The name was not found."},
      {"7", "No connection: refused, or no route."},
      {"28", "Some were not answered in time."},
      {"35, 60", "TLS's handshake failed; the certificate was found wrong."},
      {"56", "The server closed connections in the middle of an answer."},
      {"129, 130, 143", "Ended by SIGHUP, Ctrl-C or SIGTERM, with the result so far."}};
  return {
      .description =
          {"Sends messages to a server, or requests, as many as it answers or at a fixed rate, and "
           "reports how many were answered and how long that took.",
           "A first message goes alone: if it is not answered, the reason is said at once. While "
           "it measures, a line on a terminal shows how far it is; Ctrl-C ends it early."},
      .sections =
          {std::move(addresses),
           std::move(reading),
           std::move(statuses),
           {.title = "Examples",
            .entries =
                {{"ieum bench http://localhost:8000/",
                  "Is my server slow, or my network? One request at a time: compare p50 with "
                  "'network'."},
                 {"ieum bench --fresh http://localhost:8000/",
                  "What would keep-alive save me? The difference to the line above."},
                 {"ieum bench -c 64 http://localhost:8000/", "How much can it do at most?"},
                 {"ieum bench -c 64 -r 500 http://localhost:8000/",
                  "How long does it take at 500 requests a second?"},
                 {"ieum bench --server tcp://:9000",
                  "On another machine, to measure the network between them:"},
                 {"ieum bench --size 64 --answer 16k tcp://HOST:9000",
                  "short questions, long answers."},
                 {"ieum bench -r 100 udp://HOST:9000",
                  "How many datagrams are lost on the way?"}}}},
      .see_also = "tcp(7), wrk(1)"};
}

}  // namespace ieum::cli
