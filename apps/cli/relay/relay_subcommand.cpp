// The record of `ieum relay`: its options, its manual, and how its command line is read.
#include <array>
#include <utility>

#include <fmt/format.h>

#include "help/common_sections.hpp"
#include "listen/datagram_peers.hpp"
#include "relay/relay.hpp"
#include "session/run_session.hpp"
#include "text/suggest.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

constexpr int clients_max_max = 1'000'000;

constexpr std::array hints{
    Hint{"-d", "the option is -v"},
    Hint{"-u", "one way is what it becomes with file:PATH; for datagrams, write udp://HOST:PORT"},
    Hint{"-t", "the option is --linger"},
    Hint{"-T", "the option is -i"},
    Hint{"--fork", "the option is -k"},
};

std::vector<OptionSpec> options() {
  std::vector<OptionSpec> all{
      {.names = "-k,--keep",
       .group = connection_group,
       .help = "Keep listening, and relay for many clients at the same time, each with another end "
               "of its own."},
      {.names = "-m,--max-clients",
       .value = "N",
       .group = connection_group,
       .help = fmt::format("With -k: at most N at a time, default {}; others wait.",
                           ListenCommand{}.clients_max)},
      {.names = "-w,--wait",
       .value = "TIME",
       .group = connection_group,
       .help = "Give up when an end is not connected within TIME, or, without -k, when no client "
               "has come to one that listens."},
      {.names = "-i,--idle",
       .value = "TIME",
       .group = connection_group,
       .help =
           fmt::format("End a relay when nothing has gone either way for TIME. Default: never; "
                       "for each sender of datagrams to an end that listens, {}. TIME is in {}.",
                       format_duration(DatagramPeers::idle_default), duration_forms)},
      {.names = "--linger",
       .value = "TIME",
       .group = connection_group,
       .help = fmt::format("Datagrams, terminals and standard input have no end that could be "
                           "waited for: once the other end has finished, such a one is over when "
                           "nothing has come from it for TIME, default {}.",
                           format_duration(SessionOptions{}.linger))}};
  add_family_options(all, connection_group);
  add_report_options(all);
  return all;
}

std::vector<ManualSection::Entry> ends() {
  return {
      {"HOST:PORT, tls://HOST:PORT, unix:/PATH, udp://HOST:PORT, fd:N",
       "Connects, as 'ieum connect' does. Datagrams stay whole from one such end to another; a "
       "stream is cut into them (?size=BYTES)."},
      {"listen:ADDRESS",
       "Listens, as 'ieum listen' does: listen::8080, listen:udp://:53, listen:unix:/tmp/socket, "
       "listen:tls://:443. It takes one client, with -k one after another and many at a time. The "
       "other end is opened for each."},
      {"-", "Standard input and output."},
      {"exec:COMMAND, exec-pty:COMMAND",
       "Runs COMMAND with /bin/sh, on a pseudo-terminal if it is to find a terminal. All that "
       "follows the colon is the command. The relay is over when it has ended."},
      {"file:PATH",
       "Reads a file, or writes it: file:PATH?write=new. What comes for one that is read is thrown "
       "away, and counted."},
      {"tty:PATH",
       "A terminal or a serial line, raw: tty:/dev/ttyUSB0?speed=115200. Its settings are put back "
       "at the end."},
      {"pty:LINK",
       "Makes a pseudo-terminal, raw, and LINK to it, which other programs open as if it were a "
       "serial line. LINK goes at the end."},
      {"?OPTION=VALUE",
       "An option of 'ieum connect', or after listen: of 'ieum listen', that is about this end: "
       "'db:5432?retry=60', 'listen:tls://:443?cert=a.pem&key=a.key', 'tls://host:443?insecure=1', "
       "'listen::80?allow=192.0.2.0/24', 'host:22?proxy=socks5://proxy:1080'. So are the socket "
       "options of those commands, as ?keepalive=60."}};
}

ManualText manual() {
  ManualSection about_ends{.title = "Ends", .entries = ends()};
  add_keys(about_ends, Role::relay);
  return {
      .description =
          {"Opens two ends, and passes on what comes from each to the other, until both have "
           "finished. The end of one is told to the other, which may still go on: a half-closed "
           "connection stays so.",
           "If one end breaks, the other is told by a reset, so that nobody takes half for the "
           "whole. Nothing is queued: an end that takes nothing holds up the other."},
      .sections =
          {std::move(about_ends),
           exit_status_section(Role::relay),
           {.title = "Examples",
            .entries = {{"ieum relay -k listen::8080 db:5432", "Forward a port."},
                        {"ieum relay -k listen:udp://:53 udp://192.0.2.1:53",
                         "The same for datagrams: DNS."},
                        {"ieum relay -k 'listen:tls://:443?cert=a.pem&key=a.key' localhost:80",
                         "Serve a plain server over TLS."},
                        {"ieum relay -k listen::6379 tls://db.example:6380",
                         "Let a program that knows no TLS use a server that wants it."},
                        {"ieum relay -k listen:unix:/tmp/db db:5432",
                         "A Unix socket in front of a server."},
                        {"ieum relay - 'tty:/dev/ttyUSB0?speed=115200'", "Talk to a serial line."},
                        {"ieum relay -k -m 1 listen::7000 'tty:/dev/ttyUSB0?speed=9600'",
                         "Serve a serial line."},
                        {"ieum relay pty:/tmp/modem host:7000",
                         "The other end of that: a serial line of this machine."},
                        {"ieum relay -k listen::2300 exec-pty:login", "A login on a terminal."},
                        {"ieum relay host:7000 'exec:tar x'", "Unpack what a server sends."},
                        {"ieum relay listen::9000 'file:copy?write=new'",
                         "Receive a file, but overwrite none."},
                        {"ieum relay -k listen::9000 'file:log?write=append'",
                         "Collect what clients say."},
                        {"ieum relay -k listen::7000 listen::7001",
                         "Connect each client of one port with the next one of the other."}}}},
      .see_also = "socat(1), pty(7), termios(3)"};
}

/// Why these two do not go together; empty if they do.
std::string explain_pair(const RelayCommand& command) {
  const bool listens = command.a.listens || command.b.listens;
  if (command.keep && !listens) {
    return "-k needs an end that listens, as listen::8080: who else would come again?";
  }
  for (const RelayEnd* end : {&command.a, &command.b}) {
    if (!command.keep) break;
    const Scheme scheme = end->endpoint.scheme;
    if (end->listens) continue;
    if (scheme == Scheme::standard) {
      return "-k cannot share standard input and output among clients";
    }
    if (scheme == Scheme::descriptor) return "-k cannot share one connection among clients";
    if (end->writes && *end->writes != Output::Existing::append) {
      return fmt::format("with -k every client would write {}; add to it with ?write=append",
                         in_quotes(end->endpoint.target));
    }
  }
  if (command.a.word == "-" && command.b.word == "-") {
    return "standard input and output are one end alone";
  }
  const bool has_datagrams =
      command.a.endpoint.has_datagrams() || command.b.endpoint.has_datagrams();
  if (command.a.listens && command.b.listens && has_datagrams) {
    return "of two ends that listen none can be of datagrams: let one of them connect";
  }
  return {};
}

Parsed<RelayCommand> parse_relay(const GivenOptions& given, const Environment& environment) {
  if (given.words.size() < 2) {
    return UsageError("two ends are needed, as in 'ieum relay -k listen::8080 db:5432'");
  }
  if (given.has("--max-clients") && !given.has("--keep")) {
    return UsageError("--max-clients requires --keep");
  }
  RelayCommand command;
  command.keep = given.has("--keep");
  command.common.log = read_report(given, environment);
  for (const auto& [name, value] :
       {std::pair<std::string_view, Duration*>("--idle", &command.common.session.idle),
        std::pair<std::string_view, Duration*>("--linger", &command.common.session.linger),
        std::pair<std::string_view, Duration*>("--wait", &command.common.wait)}) {
    const Parsed<Duration> read = read_duration(given, name, *value);
    if (!read) return UsageError(read.error());
    *value = *read;
  }
  const int clients = static_cast<int>(ListenCommand{}.clients_max);
  const auto clients_max = read_count(given, "--max-clients", clients, clients_max_max);
  if (!clients_max) return UsageError(clients_max.error());
  for (const std::size_t which : {0U, 1U}) {
    RelayEnd& end = which == 0 ? command.a : command.b;
    auto read = parse_relay_end(given.words[which], given, environment);
    if (!read) return UsageError(read.error());
    end = *std::move(read);
    end.listen.clients_max = static_cast<std::size_t>(*clients_max);
    for (CommonOptions* common : {&end.listen.common, &end.connect.common}) {
      common->log = command.common.log;
      common->session.idle = command.common.session.idle;
      common->session.linger = command.common.session.linger;
    }
  }
  std::string wrong = explain_pair(command);
  if (!wrong.empty()) return UsageError(std::move(wrong));
  const bool has_standard = command.a.word == "-" || command.b.word == "-";
  command.common.writes_output = has_standard;
  // For what is to be looked at before anything else is opened.
  for (const RelayEnd* end : {&command.a, &command.b}) {
    if (end->endpoint.scheme == Scheme::descriptor) command.common.endpoint = end->endpoint;
  }
  return command;
}

Parsed<Action> parse(const GivenOptions& given, const Environment& environment) {
  Parsed<RelayCommand> command = parse_relay(given, environment);
  if (!command) return UsageError(command.error());
  return run_on_loop(*std::move(command), run_relay);
}

}  // namespace

extern const Subcommand relay_subcommand;
const Subcommand relay_subcommand{.name = "relay",
                                  .purpose = "pass on what comes between two ends of any kind",
                                  .arguments = {.term = "A B", .max = 2},
                                  .options = options,
                                  .hints = hints,
                                  .manual = manual,
                                  .parse = parse};

}  // namespace ieum::cli
