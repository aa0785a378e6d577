// The record of `ieum listen`: its options, its manual, and how its command line is read.
#include <array>

#include <fmt/format.h>

#include "help/common_sections.hpp"
#include "listen/broadcast.hpp"
#include "listen/listen.hpp"
#include "session/run_session.hpp"
#include "session/socket_file.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

constexpr int clients_max_max = 1'000'000;
constexpr int backlog_max = 65'535;

constexpr std::array hints{
    Hint{"-p", "the port is part of the address, as :7000"},
    Hint{"-l", "this is 'ieum listen' already"},
    Hint{"--insecure", "clients need no certificate, unless --ca says whose"},
    Hint{"--pin", "clients are known by their certificates: see --ca"},
    Hint{"--servername", "a server is whom its certificate is for: see --cert"}};

std::vector<OptionSpec> options() {
  constexpr std::string_view service_group = "Serving";
  std::vector<OptionSpec> all{
      {.names = "-k,--keep",
       .group = service_group,
       .help = "Keep listening, and serve many clients at the same time."},
      {.names = "--echo", .group = service_group, .help = "Send back what is received."},
      {.names = "--discard",
       .group = service_group,
       .help = "Receive everything, and send nothing."},
      {.names = "-e,--exec",
       .value = "COMMAND",
       .group = service_group,
       .help = "Run COMMAND with /bin/sh for each client, with the connection as its standard "
               "input and output. Datagrams: for each sender, until nothing has come or gone for "
               "-i, a minute by default; each read of its output becomes one (--size)."},
      {.names = "--pty",
       .group = service_group,
       .help = "Run the command of --exec on a pseudo-terminal, as a shell or an editor wants one: "
               "it echoes, and Ctrl-C and Ctrl-D do what they do. The end of what the client sends "
               "is a Ctrl-D."},
      {.names = "--broker",
       .group = service_group,
       .help = "With -k: send what one client says to all others too."},
      {.names = "--allow",
       .value = "LIST",
       .group = service_group,
       .help = "Serve only these clients: addresses, prefixes and names, with commas between "
               "them, as 192.0.2.0/24,::1,example.com. Names are looked up once, at the start."},
      {.names = "--deny",
       .value = "LIST",
       .group = service_group,
       .help = "Do not serve these, whether --allow has them or not."},
      {.names = "-m,--max-clients",
       .value = "N",
       .group = service_group,
       .help = fmt::format("With -k: serve at most N clients at a time, default {}; others wait.",
                           ListenCommand{}.clients_max)},
      {.names = "-b,--backlog",
       .value = "N",
       .group = service_group,
       .help = fmt::format("How many clients the system may keep waiting to be accepted, default "
                           "{} (listen(2)).",
                           ListenCommand{}.backlog)}};
  add_talk_options(all,
                   "Without -k: give up when no client has come within TIME. Default: wait "
                   "forever.");
  add_tls_options(all, Role::listen);
  return all;
}

/// Of addresses of datagrams.
void add_datagram_conflicts(std::vector<Conflict>& all) {
  all.push_back({.options = {"--wait", "--backlog"},
                 .sentence = "{} has no effect on datagrams",
                 .schemes = datagram_schemes});
  all.push_back({.options = {"--max-clients"},
                 .sentence = "{} has an effect on datagrams with --exec alone",
                 .without = {"--exec"},
                 .schemes = datagram_schemes});
  all.push_back({.options = {"--linger"},
                 .sentence = "{} has no effect on 'ieum listen' with datagrams",
                 .schemes = datagram_schemes});
  all.push_back({.options = {"--lines", "--on-eof"},
                 .sentence = "{} has no effect with --exec, which does not read standard input",
                 .with = {"--exec"},
                 .schemes = datagram_schemes});
  all.push_back({.options = {"--size", "--lines", "--on-eof"},
                 .sentence = "{} has no effect with --echo and --discard, which do not read "
                             "standard input",
                 .with = {"--echo", "--discard"},
                 .schemes = datagram_schemes});
  all.push_back({.options = {"--size", "--lines", "--on-eof", "--crlf"},
                 .sentence = "{} has no effect with --keep, which does not read standard input",
                 .with = {"--keep"},
                 .without = {"--exec"},
                 .schemes = datagram_schemes});
}

std::vector<Conflict> conflicts() {
  std::vector<Conflict> all;
  add_talk_conflicts(all);
  add_tls_conflicts(all, Role::listen);
  all.push_back({.options = {"--echo", "--discard", "--exec"},
                 .sentence = "--echo, --discard and --exec are mutually exclusive",
                 .count_min = 2});
  add_datagram_conflicts(all);
  all.push_back({.options = {"--output", "--hex", "--timestamps", "--on-eof", "--linger", "--crlf"},
                 .sentence = "{} cannot be combined with --echo, --discard or --exec",
                 .with = {"--echo", "--discard", "--exec"},
                 .schemes = ~bit(Scheme::standard)});
  all.push_back({.options = {"--keep", "--wait", "--backlog", "--on-eof", "--linger"},
                 .sentence = "{} cannot be combined with the address -",
                 .schemes = bit(Scheme::standard)});
  all.push_back(
      {.options = {"--wait"}, .sentence = "{} cannot be combined with --keep", .with = {"--keep"}});
  all.push_back({.options = {"--max-clients", "--broker"},
                 .sentence = "{} requires --keep",
                 .without = {"--keep"}});
  all.push_back({.options = {"--broker"},
                 .sentence = "{} cannot be combined with --echo, --discard or --exec",
                 .with = {"--echo", "--discard", "--exec"}});
  all.push_back({.options = {"--pty"}, .sentence = "{} requires --exec", .without = {"--exec"}});
  all.push_back({.options = {"--pty"},
                 .sentence = "{} cannot be combined with the address -",
                 .schemes = bit(Scheme::standard)});
  all.push_back(
      {.options = {"--broker"}, .sentence = "{} needs connections", .schemes = datagram_schemes});
  all.push_back({.options = {"--allow", "--deny"},
                 .sentence = "{} is for TCP and UDP addresses; for a Unix socket see ?mode=",
                 .schemes = ~(ip_schemes | bit(Scheme::descriptor))});
  return all;
}

ManualText manual() {
  return {
      .description =
          {"Listens on ADDRESS, accepts one client and stops listening. Then what the client sends "
           "goes to standard output, and standard input goes to the client; with --echo, --discard "
           "or --exec the client is served in that way instead.",
           fmt::format(
               "With -k it keeps listening, and takes many clients at a time. What they send goes "
               "to standard output as it comes; standard input goes to every client that is "
               "connected at the time, and is read only while there is one. A client for which "
               "more than {} are waiting is disconnected, so that it does not hold up the others.",
               format_bytes(Broadcast::queue_bytes_max))},
      .sections =
          {addresses_section(Role::listen),
           closing_section(),
           exit_status_section(Role::listen),
           {.title = "Environment",
            .entries = {{"IEUM_PEER_ADDRESS, IEUM_LOCAL_ADDRESS",
                         "Set for a command of --exec: the two ends of its client's connection."}}},
           {.title = "Examples",
            .entries =
                {{"ieum listen :7000", "Talk to the first client, on any local address."},
                 {"ieum listen :9000 > file", "Receive a file; the other side runs ieum connect."},
                 {"tar c folder | ieum listen :9000", "Send a folder to whoever connects."},
                 {"ieum listen -k --echo localhost:7", "An echo server."},
                 {"ieum listen -k --discard :9", "A server that receives and says nothing."},
                 {"ieum listen -k --exec 'date; uptime' localhost:13",
                  "Run a command for each client."},
                 {"ieum listen -k :7000", "Receive from many clients, and send to all of them."},
                 {"ieum listen 'unix:/run/app.sock?mode=0660&owner=:app'",
                  "A Unix socket for one group alone."},
                 {"ieum listen --pty --exec bash localhost:2300",
                  "A shell on a terminal, for: stty raw -echo; ieum connect localhost:2300; stty "
                  "sane"},
                 {"ieum listen -k --broker :7000", "A chat: what one says all others hear."},
                 {"ieum listen -k --allow 192.0.2.0/24 --exec uptime :13",
                  "Serve one network alone."},
                 {"ieum listen -k --echo udp://:7", "An echo server for datagrams."},
                 {"ieum listen --self-signed tls://:4433 > file",
                  "Receive a file over TLS; the line to connect with is shown."},
                 {"ieum listen -v unix:/tmp/app.sock",
                  "Listen on a Unix socket, and report each event."}}}},
      .see_also = "tcp(7), unix(7)"};
}

Parsed<Action> parse(const GivenOptions& given, const Environment& environment) {
  Parsed<ListenCommand> command = parse_listen(given, environment);
  if (!command) return UsageError(command.error());
  return run_on_loop(*std::move(command), run_listen);
}

}  // namespace

Parsed<ListenCommand> parse_listen(const GivenOptions& given, const Environment& environment) {
  using Service = ListenCommand::Service;
  auto common = read_common_options(given, Role::listen, "ieum listen localhost:7000", conflicts(),
                                    environment);
  if (!common) return UsageError(common.error());
  ListenCommand command{.common = *std::move(common),
                        .command = std::string(given.text("--exec")),
                        .keep = given.has("--keep")};
  if (given.has("--echo")) command.service = Service::echo;
  if (given.has("--discard")) command.service = Service::discard;
  if (given.has("--exec")) {
    command.service = Service::exec;
    if (command.command.empty() || command.command.find('\0') != std::string::npos) {
      return UsageError("--exec takes a command, as --exec 'date; uptime'");
    }
  }
  // With `-`, a service has standard output.
  command.common.writes_output =
      command.service == Service::stdio || command.common.endpoint.scheme == Scheme::standard;
  const auto clients =
      read_count(given, "--max-clients", static_cast<int>(command.clients_max), clients_max_max);
  if (!clients) return UsageError(clients.error());
  command.clients_max = static_cast<std::size_t>(*clients);
  std::string wrong = check_socket_file(command.common.endpoint);
  if (!wrong.empty()) return UsageError(std::move(wrong));
  command.on_terminal = given.has("--pty");
  command.relays = given.has("--broker");
  for (const auto& [name, list] :
       {std::pair<std::string_view, AccessList*>("--allow", &command.allowed),
        std::pair<std::string_view, AccessList*>("--deny", &command.denied)}) {
    if (!given.has(name)) continue;
    auto read = parse_access_list(name, given.text(name));
    if (!read) return UsageError(read.error());
    *list = *std::move(read);
  }
  const auto backlog = read_count(given, "--backlog", command.backlog, backlog_max);
  if (!backlog) return UsageError(backlog.error());
  command.backlog = *backlog;
  return command;
}

extern const Subcommand listen_subcommand;
const Subcommand listen_subcommand{.name = "listen",
                                   .purpose = "wait for a client and talk, or serve many",
                                   .arguments = {.term = "ADDRESS", .max = 1},
                                   .options = options,
                                   .hints = hints,
                                   .manual = manual,
                                   .parse = parse};

}  // namespace ieum::cli
