// The record of `ieum connect`: its options, its manual, and how its command line is read.
#include "connect/connect.hpp"
#include "help/common_sections.hpp"
#include "session/run_session.hpp"

namespace ieum::cli {

namespace {

std::vector<OptionSpec> options() {
  std::vector<OptionSpec> all;
  add_talk_options(all,
                   "Give up when there is no connection within TIME, name lookup included. "
                   "Default: the system's own limit, about two minutes.");
  all.push_back({.names = "-s,--source",
                 .value = "ADDRESS",
                 .group = connection_group,
                 .help = "Connect from this local address, and port if there is one: 192.0.2.1, "
                         "192.0.2.1:5000, [2001:db8::1]:5000."});
  all.push_back({.names = "-z,--probe",
                 .group = connection_group,
                 .help = "Connect and close at once, to see whether anything listens."});
  return all;
}

std::vector<Conflict> conflicts() {
  std::vector<Conflict> all;
  add_talk_conflicts(all);
  all.push_back({.options = {"--source"},
                 .sentence = "{} is for TCP and UDP addresses",
                 .schemes = ~ip_schemes});
  all.push_back({.options = {"--probe"},
                 .sentence = "{} needs a connection: only an answer shows whether anyone receives "
                             "datagrams",
                 .schemes = datagram_schemes});
  all.push_back({.options = {"--wait"},
                 .sentence = "{} has no effect on datagrams",
                 .schemes = datagram_schemes});
  all.push_back({.options = {"--probe", "--wait"},
                 .sentence = "{} needs an address to connect to",
                 .schemes = ~(connection_schemes | datagram_schemes)});
  all.push_back({.options = {"--probe"},
                 .sentence = "{} receives nothing that -o could write",
                 .with = {"--output"}});
  return all;
}

/// -s, which also says by which family to connect; gives what is wrong, or nothing.
std::string read_source(const GivenOptions& given, ConnectCommand& command) {
  if (!given.has("--source")) return {};
  const auto source = parse_source(given.text("--source"));
  if (!source) return source.error();
  command.source = *source;
  CommonOptions& common = command.common;
  // Only addresses of the source's family can be reached from it.
  if (common.family == Family::none) common.family = source->family();
  if (common.family != source->family()) {
    return "--source is of another family than -4 or -6 asks for";
  }
  if (!explain_other_family(common.endpoint, common.family).empty()) {
    return "--source and the address are of different families, IPv4 and IPv6";
  }
  return {};
}

ManualText manual() {
  return {
      .description = {"Connects to ADDRESS, sends standard input to it, and writes what it "
                      "receives to standard output, both at the same time. Nothing else is written "
                      "to standard output."},
      .sections =
          {addresses_section(Role::connect),
           closing_section(),
           exit_status_section(Role::connect),
           {.title = "Examples",
            .entries = {{"ieum connect localhost:7000", "Talk to whatever listens there."},
                        {"ieum connect --on-eof=keep hub:7000 < /dev/null > log", "Receive only."},
                        {"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | ieum connect example.com:80",
                         "Send a request, and receive the whole answer."},
                        {"ieum connect server:9000 < file",
                         "Send a file; the other side runs ieum listen."},
                        {"ieum connect -z -w 2 host:22 && echo open",
                         "See whether a port is open. Nothing is sent."},
                        {"for port in $(seq 20 25); do ieum connect -z -v host:$port; done",
                         "The same for several ports."},
                        {"ieum connect -v unix:/run/app.sock",
                         "Connect to a Unix socket, and report each event."},
                        {"ieum connect --hex host:7", "See every byte, both ways."},
                        {"ieum connect udp://192.0.2.7:7000", "Send each line as a datagram."},
                        {"ieum connect -s 192.0.2.1:5000 host:80",
                         "Connect from a given address and port."}}}},
      .see_also = "tcp(7), unix(7)"};
}

Parsed<Action> parse(const GivenOptions& given, const Environment& environment) {
  Parsed<ConnectCommand> command = parse_connect(given, environment);
  if (!command) return UsageError(command.error());
  return run_on_loop(*std::move(command), run_connect);
}

}  // namespace

Parsed<ConnectCommand> parse_connect(const GivenOptions& given, const Environment& environment) {
  auto common = read_common_options(given, Role::connect, "ieum connect localhost:7000",
                                    conflicts(), environment);
  if (!common) return UsageError(common.error());
  ConnectCommand command{.common = *std::move(common), .source = {}, .probe = given.has("--probe")};
  command.common.writes_output = !command.probe;
  std::string wrong = read_source(given, command);
  if (!wrong.empty()) return UsageError(std::move(wrong));
  return command;
}

extern const Subcommand connect_subcommand;
const Subcommand connect_subcommand{.name = "connect",
                                    .purpose = "connect to an address and talk",
                                    .arguments = {.term = "ADDRESS", .max = 1},
                                    .options = options,
                                    .manual = manual,
                                    .parse = parse};

}  // namespace ieum::cli
