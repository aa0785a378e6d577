// The record of `ieum connect`: its options, its manual, and how its command line is read.
#include "connect/connect.hpp"

#include <fmt/format.h>

#include <ieum/host_port.hpp>

#include "help/common_sections.hpp"
#include "session/run_session.hpp"
#include "text/suggest.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

constexpr int retries_max = 1'000'000;

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
  all.push_back(
      {.names = "--retry",
       .value = "N",
       .group = connection_group,
       .help = fmt::format("If there is no connection, try again up to N times, {} apart: "
                           "to wait for a server that starts. -w counts for all of it.",
                           format_duration(retry_pause))});
  all.push_back({.names = "--proxy",
                 .value = "URL",
                 .group = connection_group,
                 .help =
                     "Connect through a proxy, which also looks up the name: socks5://HOST:PORT "
                     "or http://HOST:PORT (CONNECT). -w counts for both ways together; -s, -4 "
                     "and -6 are about the way to the proxy."});
  all.push_back({.names = "--proxy-auth",
                 .value = "FILE",
                 .group = connection_group,
                 .help = "Tell the proxy USER:PASSWORD, the first line of FILE; env:NAME takes it "
                         "from the environment. Default: env:IEUM_PROXY_AUTH, if that is there."});
  all.push_back({.names = "-z,--probe",
                 .group = connection_group,
                 .help = "Connect and close at once, to see whether anything listens. With a "
                         "range of ports, HOST:FIRST-LAST, those that are open are written to "
                         "standard output, and -w counts for each."});
  all.push_back({.names = "-e,--exec",
                 .value = "COMMAND",
                 .group = payload_group,
                 .help = "Run COMMAND with /bin/sh, with the connection as its standard input and "
                         "output, instead of ours."});
  all.push_back({.names = "--pty",
                 .group = payload_group,
                 .help = "Run the command of --exec on a pseudo-terminal; see 'ieum listen'."});
  add_tls_options(all, Role::connect);
  return all;
}

std::vector<Conflict> conflicts() {
  std::vector<Conflict> all;
  add_talk_conflicts(all);
  add_tls_conflicts(all, Role::connect);
  all.push_back({.options = {"--source"},
                 .sentence = "{} is for TCP and UDP addresses",
                 .schemes = ~ip_schemes});
  all.push_back({.options = {"--retry"},
                 .sentence = "{} needs an address to connect to",
                 .schemes = ~connection_schemes});
  all.push_back(
      {.options = {"--output", "--hex", "--timestamps", "--on-eof", "--crlf", "--probe", "--lines"},
       .sentence = "{} cannot be combined with --exec",
       .with = {"--exec"}});
  all.push_back({.options = {"--pty"}, .sentence = "{} requires --exec", .without = {"--exec"}});
  all.push_back({.options = {"--exec"},
                 .sentence = "{} cannot be combined with the address -",
                 .schemes = bit(Scheme::standard)});
  all.push_back({.options = {"--proxy"},
                 .sentence = "{} is for TCP addresses",
                 .schemes = ~(bit(Scheme::tcp) | bit(Scheme::tls))});
  all.push_back(
      {.options = {"--proxy-auth"}, .sentence = "{} requires --proxy", .without = {"--proxy"}});
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

/// --proxy and --proxy-auth; gives what is wrong, or nothing.
std::string read_proxy(const GivenOptions& given, ConnectCommand& command) {
  if (!given.has("--proxy")) return {};
  Parsed<Proxy> proxy = parse_proxy(given.text("--proxy"));
  if (!proxy) return proxy.error();
  command.proxy = *std::move(proxy);
  if (given.has("--proxy-auth") && given.text("--proxy-auth").empty()) {
    return "--proxy-auth takes the name of a file";
  }
  command.proxy->credentials_path = given.text("--proxy-auth");
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
            .entries =
                {{"ieum connect localhost:7000", "Talk to whatever listens there."},
                 {"ieum connect --on-eof=keep hub:7000 < /dev/null > log", "Receive only."},
                 {"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | ieum connect example.com:80",
                  "Send a request, and receive the whole answer."},
                 {"ieum connect server:9000 < file",
                  "Send a file; the other side runs ieum listen."},
                 {"ieum connect -z -w 2 host:22 && echo open",
                  "See whether a port is open. Nothing is sent."},
                 {"ieum connect -z --retry 60 db:5432 && start-the-rest",
                  "Wait for a port, for a minute."},
                 {"ieum connect -z -w 1 host:1-1024", "List the open ports."},
                 {"ieum connect -v tls://example.com:443 < /dev/null",
                  "Look at a server's TLS: each step of the handshake, and its certificates."},
                 {"ieum connect --ca authority.pem --servername a.test tls://localhost:4433",
                  "Talk over TLS to a server under development (ieum certificate)."},
                 {"ieum connect -v unix:/run/app.sock",
                  "Connect to a Unix socket, and report each event."},
                 {"ieum connect --hex host:7", "See every byte, both ways."},
                 {"ieum connect udp://192.0.2.7:7000", "Send each line as a datagram."},
                 {"ieum connect -s 192.0.2.1:5000 host:80",
                  "Connect from a given address and port."},
                 {"ssh -o ProxyCommand='ieum connect --proxy socks5://proxy:1080 %h:%p' host",
                  "Use ssh through a proxy."}}},
           {.title = "Environment",
            .entries = {{"IEUM_PROXY_AUTH",
                         "USER:PASSWORD for --proxy, unless --proxy-auth names a file."}}}},
      .see_also = "tcp(7), unix(7)"};
}

Parsed<Action> parse(const GivenOptions& given, const Environment& environment) {
  Parsed<ConnectCommand> command = parse_connect(given, environment);
  if (!command) return UsageError(command.error());
  return run_on_loop(*std::move(command), run_connect);
}

}  // namespace

namespace {

/// Of -z: takes the range off HOST:FIRST-LAST, so that the word is HOST:FIRST, and gives LAST; 0 if
/// there is no range.
Parsed<std::uint16_t> take_range(std::string& word) {
  const std::size_t colon = word.rfind(':');
  const std::size_t dash = word.find('-', colon == std::string::npos ? word.size() : colon);
  if (dash == std::string::npos) return std::uint16_t{0};
  const Result<HostPort> first = HostPort::parse("h" + word.substr(colon, dash - colon));
  const Result<HostPort> last = HostPort::parse("h:" + word.substr(dash + 1));
  if (!first || !last) return std::uint16_t{0};
  if (first->port() > last->port() || first->port() == 0) {
    return UsageError(
        fmt::format("{} is no range of ports: the first number is to be the smaller "
                    "one",
                    in_quotes(word)));
  }
  word.resize(dash);
  return last->port();
}

}  // namespace

Parsed<ConnectCommand> parse_connect(const GivenOptions& options, const Environment& environment) {
  GivenOptions given = options;
  Parsed<std::uint16_t> last_port = std::uint16_t{0};
  if (given.has("--probe") && !given.words.empty()) last_port = take_range(given.words.front());
  if (!last_port) return UsageError(last_port.error());
  auto common = read_common_options(given, Role::connect, "ieum connect localhost:7000",
                                    conflicts(), environment);
  if (!common) return UsageError(common.error());
  ConnectCommand command{.common = *std::move(common), .source = {}, .probe = given.has("--probe")};
  command.last_port = *last_port;
  command.exec = given.text("--exec");
  command.on_terminal = given.has("--pty");
  if (given.has("--exec") && (command.exec.empty() || command.exec.contains('\0'))) {
    return UsageError("--exec takes a command, as --exec 'date; uptime'");
  }
  command.common.writes_output = (!command.probe || command.last_port != 0) && command.exec.empty();
  std::string wrong = read_source(given, command);
  if (wrong.empty()) wrong = read_proxy(given, command);
  const auto retries = read_count(given, "--retry", 0, retries_max);
  if (wrong.empty() && !retries) wrong = retries.error();
  if (retries) command.retries = *retries;
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
