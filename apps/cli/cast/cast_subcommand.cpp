// The record of `ieum cast`: its options, its manual, and how its command line is read.
#include <fmt/format.h>

#include <ieum/datagram.hpp>

#include "cast/cast.hpp"
#include "cast/cast_receiver.hpp"
#include "cast/rate_limiter.hpp"
#include "help/common_sections.hpp"
#include "report/failure.hpp"
#include "rtp/jitter_buffer.hpp"
#include "session/run_session.hpp"
#include "text/suggest.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

constexpr std::size_t transport_packets = 7;  // as many as an Ethernet frame has room for
constexpr std::size_t cast_bytes_default = transport_packets * transport_packet_bytes;

std::vector<OptionSpec> options() {
  constexpr std::string_view cast_group = "Sending and receiving";
  std::vector<OptionSpec> all{
      {.names = "-r,--receive",
       .group = cast_group,
       .help = fmt::format("Join the group and write what is received to standard output. Losses "
                           "are reported at the end, and on a terminal every {}.",
                           format_duration(CastReceiver::live_interval))},
      {.names = "--rtp",
       .group = cast_group,
       .help = "Send as RTP (RFC 3550), with sequence numbers and timestamps, and RTCP on the next "
               "port, so that standard players can play it. With --receive: read RTP, put packets "
               "in order, leave out duplicates, and exit when the sender says BYE."},
      {.names = "--rate",
       .value = "BITS",
       .group = cast_group,
       .help = "Send at this many bits per second, RTP headers included: 300k, 50M, 1.5G. Default: "
               "as fast as standard input comes, which can overrun the receivers."},
      {.names = "--payload-type",
       .value = "N",
       .group = cast_group,
       .help = fmt::format("The payload type of RTP, default {}: MPEG-TS (RFC 3551). Timestamps "
                           "count {} per second.",
                           CastCommand{}.payload_type, rtp_clock_rate)},
      {.names = "-i,--idle",
       .value = "TIME",
       .group = cast_group,
       .help = fmt::format("With --receive: exit with status {} when nothing has been received for "
                           "TIME. TIME is in {}.",
                           static_cast<int>(Status::timed_out), duration_forms)}};
  add_family_options(all, cast_group);
  add_framing_options(
      all, fmt::format("Bytes of payload in each datagram, default {}: {} packets of MPEG-TS. "
                       "Shorter ones are sent when the input pauses or ends.",
                       cast_bytes_default, transport_packets));
  add_output_options(all);
  return all;
}

std::vector<Conflict> conflicts() {
  std::vector<Conflict> all;
  add_family_conflicts(all);
  all.push_back({.options = {"--rate", "--size", "--lines", "--payload-type"},
                 .sentence = "{} is for sending, not for --receive",
                 .with = {"--receive"}});
  all.push_back({.options = {"?ttl", "?tos", "?loop", "?sndbuf"},
                 .sentence = "the key '{}' is for sending only",
                 .with = {"--receive"}});
  all.push_back({.options = {"--idle", "--output", "--hex", "--timestamps"},
                 .sentence = "{} requires --receive",
                 .without = {"--receive"}});
  all.push_back({.options = {"?source", "?rcvbuf", "?reuseport", "?ipv6only"},
                 .sentence = "the key '{}' is for --receive only",
                 .without = {"--receive"}});
  all.push_back(
      {.options = {"--payload-type"}, .sentence = "{} requires --rtp", .without = {"--rtp"}});
  return all;
}

ManualSection addresses() {
  ManualSection section{
      .title = "Addresses",
      .paragraphs = {"Socket options follow the address as ?key=value, joined by &: "
                     "'mcast://239.1.2.3:5000?if=eth0&ttl=8'."},
      .entries = {
          {"mcast://GROUP:PORT",
           "A multicast group: 224.0.0.0 to 239.255.255.255, or IPv6, as [ff02::1234]:5000. Any "
           "number of receivers on one machine may share it."},
          {"udp://HOST:PORT",
           "A broadcast address, as udp://192.0.2.255:5000, or a single host. With --receive: a "
           "local address; :PORT means all of them."}}};
  add_keys(section, Role::cast);
  return section;
}

ManualText manual() {
  return {
      .description =
          {"Sends standard input as datagrams to a group, or to everyone on a network: one to "
           "many. The sender does not know who receives, and nothing is sent twice.",
           fmt::format(
               "With --receive, writes what is received to standard output until Ctrl-C, -i, or "
               "with --rtp the sender's BYE. Then it reports packets, bytes, and how many "
               "datagrams "
               "this machine dropped because its receive queue was full; with --rtp also what was "
               "lost between the first and the last packet received, duplicates, packets that came "
               "after a higher number (RFC 4737) and the jitter (RFC 3550). A missing packet is "
               "waited for until {} packets behind it have come, or for {}.",
               JitterBuffer::packets_max, format_duration(JitterBuffer::wait_max))},
      .sections =
          {addresses(),
           exit_status_section(Role::cast),
           {.title = "Examples",
            .entries = {{"ieum cast mcast://239.1.2.3:5000?ttl=4",
                         "Send what you type to everyone who listens."},
                        {"ieum cast --receive mcast://239.1.2.3:5000", "Be one of them."},
                        {"ieum cast --rtp --rate 8M mcast://239.1.2.3:5000 < film.ts",
                         "A film for any number of viewers: ffplay rtp://239.1.2.3:5000, or"},
                        {"ieum cast --receive --rtp mcast://239.1.2.3:5000 | ffplay -",
                         "the same, with a report of what the network did."},
                        {"ieum cast --receive --rtp --json -o film.ts mcast://239.1.2.3:5000",
                         "Record it, with the report as JSON."},
                        {"date | ieum cast udp://255.255.255.255:5000",
                         "Send to everyone on this network."}}}},
      .see_also = "udp(7)"};
}

/// Gives what is wrong, or nothing.
std::string read_sending(const GivenOptions& given, CastCommand& command) {
  if (given.has("--rate")) {
    const std::optional<std::uint64_t> rate = parse_rate(given.text("--rate"));
    if (!rate) {
      return fmt::format("--rate takes {}, not {}", rate_forms, in_quotes(given.text("--rate")));
    }
    command.bits_per_second = *rate;
  }
  const std::size_t size_max = Datagram::bytes_max - (command.rtp ? rtp_header_bytes : 0);
  const auto size =
      read_count(given, "--size", static_cast<int>(cast_bytes_default), static_cast<int>(size_max));
  if (!size) return size.error();
  command.common.datagram_bytes = static_cast<std::size_t>(*size);
  command.common.by_lines = given.has("--lines");
  const auto type = read_count(given, "--payload-type", command.payload_type, rtp_payload_type_max);
  if (!type) return type.error();
  if (*type >= rtcp_lookalike_first && *type <= rtcp_lookalike_last) {
    return fmt::format("--payload-type must not be from {} to {}, which look like RTCP",
                       rtcp_lookalike_first, rtcp_lookalike_last);
  }
  command.payload_type = *type;
  return {};
}

/// Gives what is wrong, or nothing.
std::string read_cast_endpoint(const GivenOptions& given, CastCommand& command) {
  // udp://:5000 is any address of ours for who receives there.
  const bool binds =
      command.receive && !given.words.empty() && !given.words.front().starts_with("mcast:");
  Parsed<Endpoint> endpoint =
      read_endpoint(given, binds ? Role::listen : Role::cast, "ieum cast mcast://239.1.2.3:5000");
  if (!endpoint) return endpoint.error();
  if (endpoint->scheme != Scheme::multicast && endpoint->scheme != Scheme::udp) {
    return "'ieum cast' takes mcast://GROUP:PORT or udp://HOST:PORT";
  }
  constexpr std::uint16_t port_max = 65'535;
  if (command.rtp && endpoint->port == port_max) {
    return fmt::format("--rtp needs the next port too, for RTCP: take a port below {}", port_max);
  }
  const std::string_view source = endpoint->text_setting(Key::source);
  if (!source.empty()) {
    const auto host = parse_source(source);
    if (!host) return host.error();
  }
  command.common.endpoint = *std::move(endpoint);
  return {};
}

Parsed<Action> parse(const GivenOptions& given, const Environment& environment) {
  Parsed<CastCommand> command = parse_cast(given, environment);
  if (!command) return UsageError(command.error());
  return run_on_loop(*std::move(command), run_cast);
}

}  // namespace

Parsed<CastCommand> parse_cast(const GivenOptions& given, const Environment& environment) {
  CastCommand command;
  CommonOptions& common = command.common;
  command.receive = given.has("--receive");
  command.rtp = given.has("--rtp");
  std::string wrong = read_cast_endpoint(given, command);
  if (wrong.empty()) wrong = find_conflict(conflicts(), given, common.endpoint);
  if (!wrong.empty()) return UsageError(std::move(wrong));
  common.family = read_family(given);
  const auto idle = read_duration(given, "--idle", common.session.idle);
  if (!idle) return UsageError(idle.error());
  common.session.idle = *idle;
  wrong = read_sending(given, command);
  if (wrong.empty()) wrong = read_output(given, environment, common);
  if (!wrong.empty()) return UsageError(std::move(wrong));
  common.writes_output = command.receive || common.rendering.hex;
  return command;
}

extern const Subcommand cast_subcommand;
const Subcommand cast_subcommand{.name = "cast",
                                 .purpose = "send to many receivers at once, or be one of them",
                                 .arguments = {.term = "ADDRESS", .max = 1},
                                 .options = options,
                                 .manual = manual,
                                 .parse = parse};

}  // namespace ieum::cli
