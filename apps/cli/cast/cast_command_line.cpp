// The command lines of datagrams: `ieum cast`, and what is particular to them in the others.
#include <array>

#include <fmt/format.h>

#include "cast/rate_limiter.hpp"
#include "options/command_line_parts.hpp"
#include "text/suggest.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

constexpr std::size_t udp_bytes = 1452;   // an Ethernet frame's, over IPv6 too
constexpr std::size_t cast_bytes = 1316;  // seven packets of MPEG-TS
constexpr int datagram_bytes_max = 65'507;
constexpr int rtp_payload_max = datagram_bytes_max - 12;

std::string option_if_given(const CLI::App& app, const char* name) {
  const CLI::Option* option = app.get_option_no_throw(name);
  return option != nullptr && option->count() > 0 ? std::string(name) : std::string{};
}

/// The first of `names` that was given.
template <std::size_t N>
std::string first_given(const CLI::App& app, const std::array<const char*, N>& names) {
  for (const char* name : names) {
    std::string found = option_if_given(app, name);
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace

std::string read_framing(const CLI::App& app, const GivenCommon& words, CommonOptions& common) {
  if (!common.endpoint.has_datagrams()) {
    const std::string name = first_given(app, std::array{"--size", "--lines"});
    if (name.empty()) return {};
    return fmt::format("{} is for addresses of datagrams: udp://, unix-dgram:", name);
  }
  const bool is_unix = common.endpoint.is_unix();
  const auto size =
      read_count(app, "--size", words.size,
                 is_unix ? datagram_bytes_max : static_cast<int>(udp_bytes), datagram_bytes_max);
  if (!size) return size.error();
  common.datagram_bytes = static_cast<std::size_t>(*size);
  common.by_lines = words.lines;
  return {};
}

std::string refuse_for_datagrams(const CLI::App& app) {
  const std::string name =
      first_given(app, std::array{"--probe", "--wait", "--max-clients", "--backlog", "--exec"});
  if (name == "--exec") {
    return "--exec needs connections: a datagram has no end that would end a command; see --echo";
  }
  if (name == "--probe") {
    return "--probe needs a connection: whether somebody receives datagrams only an answer tells";
  }
  if (!name.empty()) return fmt::format("{} has no effect on datagrams", name);
  if (app.get_name() != "listen") return {};
  if (given(app, "--linger")) return "--linger has no effect on 'ieum listen' with datagrams";
  const bool serves = given(app, "--echo") || given(app, "--discard");
  const std::string cutting = first_given(app, std::array{"--size", "--lines", "--on-eof"});
  if (cutting.empty() || (!serves && !given(app, "--keep"))) return {};
  return fmt::format("{} has no effect with {}, which does not read our input", cutting,
                     serves ? "--echo and --discard" : "--keep");
}

namespace {

/// A key of the address, or an option, that only the other direction has a use for.
std::string refuse_direction(const CLI::App& app, const CastCommand& command) {
  constexpr std::array of_sending{Key::ttl, Key::tos, Key::loop, Key::sndbuf};
  constexpr std::array of_receiving{Key::source, Key::rcvbuf, Key::reuseport, Key::ipv6only};
  const auto refuse = [&](const auto& wrong, std::string_view what) -> std::string {
    for (const Key key : wrong) {
      if (!command.common.endpoint.setting(key)) continue;
      for (const KeyInfo& info : keys()) {
        if (info.key == key) return fmt::format("the key '{}' is for {} only", info.name, what);
      }
    }
    return {};
  };
  if (command.receive) {
    const std::string name =
        first_given(app, std::array{"--rate", "--size", "--lines", "--payload-type"});
    if (!name.empty()) return fmt::format("{} is for sending, not for --receive", name);
    return refuse(of_sending, "sending");
  }
  const std::string name =
      first_given(app, std::array{"--idle", "--output", "--hex", "--timestamps"});
  if (!name.empty()) return fmt::format("{} goes with --receive", name);
  return refuse(of_receiving, "--receive");
}

std::string read_sending(const CastDeclaration& words, CastCommand& command) {
  const CLI::App& app = words.app;
  if (given(app, "--rate")) {
    const std::optional<std::uint64_t> rate = parse_rate(words.rate);
    if (!rate) return fmt::format("--rate takes {}, not {}", rate_forms, in_quotes(words.rate));
    command.bits_per_second = *rate;
  }
  const auto size = read_count(app, "--size", words.given.size, static_cast<int>(cast_bytes),
                               command.rtp ? rtp_payload_max : datagram_bytes_max);
  if (!size) return size.error();
  command.common.datagram_bytes = static_cast<std::size_t>(*size);
  command.common.by_lines = words.given.lines;
  if (!given(app, "--payload-type")) return {};
  if (!command.rtp) return "--payload-type goes with --rtp";
  constexpr int payload_type_max = 127;
  const auto type = read_count(app, "--payload-type", words.payload_type, 33, payload_type_max);
  if (!type) return type.error();
  constexpr int rtcp_first = 64;  // with the marker these are RTCP's types (RFC 5761)
  constexpr int rtcp_last = 95;
  if (*type >= rtcp_first && *type <= rtcp_last) {
    return "--payload-type must not be from 64 to 95, which look like RTCP";
  }
  command.payload_type = *type;
  return {};
}

}  // namespace

Parsed<Command> parse_cast(std::span<const std::string> words, const Surroundings& surroundings) {
  CastDeclaration declaration;
  const CLI::App& app = declaration.app;
  std::string wrong = parse_with(declaration.app, words, declaration.given.address);
  if (!wrong.empty()) return Refusal(std::move(wrong));
  CastCommand command;
  command.receive = declaration.receive;
  command.rtp = declaration.rtp;
  CommonOptions& common = command.common;
  const std::string& address = declaration.given.address;
  if (address.empty()) {
    return Refusal("an address is missing, as 'ieum cast mcast://239.1.2.3:5000'");
  }
  // udp://:5000 is any address of ours for who receives there.
  const bool binds = command.receive && !address.starts_with("mcast:");
  auto endpoint = parse_endpoint(address, binds ? Role::listen : Role::cast);
  if (!endpoint) return Refusal(endpoint.error());
  common.endpoint = *std::move(endpoint);
  if (common.endpoint.scheme != Scheme::multicast && common.endpoint.scheme != Scheme::udp) {
    return Refusal("'ieum cast' takes mcast://GROUP:PORT or udp://HOST:PORT");
  }
  if (command.rtp && split_host_port(common.endpoint.target).port == 65'535) {
    return Refusal("--rtp needs the next port too, for RTCP: take a port below 65535");
  }
  if (declaration.given.ipv4 && declaration.given.ipv6) {
    return Refusal("-4 and -6 exclude each other");
  }
  if (declaration.given.ipv4) common.family = Family::ipv4;
  if (declaration.given.ipv6) common.family = Family::ipv6;
  const std::string_view source = common.endpoint.text_setting(Key::source);
  if (!source.empty()) {
    const auto host = parse_source(source);
    if (!host) return Refusal(host.error());
  }
  const auto idle = read_duration(app, "--idle", declaration.given.idle, Duration::zero());
  if (!idle) return Refusal(idle.error());
  common.session.idle = *idle;
  std::string unfit = refuse_direction(app, command);
  if (unfit.empty()) unfit = read_sending(declaration, command);
  if (!unfit.empty()) return Refusal(std::move(unfit));
  if (given(app, "--output") && declaration.given.output.empty()) {
    return Refusal("-o takes a file's name");
  }
  if (declaration.given.output != "-") common.output_path = declaration.given.output;
  common.rendering = {.hex = declaration.given.hex, .timestamps = declaration.given.timestamps};
  common.log = {.verbosity = std::min(declaration.given.verbosity, 2),
                .json = declaration.given.json,
                .color = surroundings.error_color};
  return command;
}

}  // namespace ieum::cli
