#include "session/common_options.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include <ieum/datagram.hpp>

#include "report/failure.hpp"
#include "text/suggest.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

struct OnEofChoice {
  std::string_view name;
  OnEof value;
};
constexpr std::array on_eof_choices{OnEofChoice{"half-close", OnEof::half_close},
                                    OnEofChoice{"close", OnEof::close},
                                    OnEofChoice{"keep", OnEof::keep}};

std::vector<std::string_view> on_eof_names() {
  std::vector<std::string_view> names;
  for (const OnEofChoice& choice : on_eof_choices) names.push_back(choice.name);
  return names;
}

/// -w, which `wait` describes, -i, --on-eof and --linger.
void add_session_options(std::vector<OptionSpec>& options, std::string wait) {
  options.push_back(
      {.names = "-w,--wait", .value = "TIME", .group = connection_group, .help = std::move(wait)});
  options.push_back(
      {.names = "-i,--idle",
       .value = "TIME",
       .group = connection_group,
       .help = fmt::format("Exit with status {} when nothing has been received or sent for TIME. "
                           "TIME is in {}.",
                           static_cast<int>(Status::timed_out), duration_forms)});
  options.push_back(
      {.names = "--on-eof",
       .value = "half-close|close|keep",
       .group = connection_group,
       .help = "What EOF on standard input does. half-close: the peer sees EOF, and ieum receives "
               "until the peer has closed too. close: exit as soon as everything has arrived. "
               "keep: the peer sees no EOF, and ieum goes on receiving. Default: half-close; for "
               "'ieum listen' with standard input from /dev/null, keep.",
       .choices = on_eof_names()});
  options.push_back(
      {.names = "--linger",
       .value = "TIME",
       .group = connection_group,
       .help = fmt::format(
           "When the peer has closed but standard input has not ended: exit once the input has "
           "been silent for TIME, default {}. Input that comes before that is still sent. The exit "
           "status is then {} if any input had been read. A terminal is not waited for. Datagrams: "
           "after EOF on standard input, exit once nothing has been received for TIME.",
           format_duration(SessionOptions{}.linger), static_cast<int>(Status::other))});
}

}  // namespace

// ---- Declaring them
// ------------------------------------------------------------------------------

void add_family_options(std::vector<OptionSpec>& options, std::string_view group) {
  options.push_back({.names = "-4", .group = group, .help = "Use IPv4 only."});
  options.push_back({.names = "-6", .group = group, .help = "Use IPv6 only."});
}

void add_framing_options(std::vector<OptionSpec>& options, std::string size) {
  options.push_back(
      {.names = "--size", .value = "BYTES", .group = payload_group, .help = std::move(size)});
  options.push_back({.names = "--lines",
                     .group = payload_group,
                     .help = "Datagrams: send each line of standard input as one."});
}

void add_output_options(std::vector<OptionSpec>& options) {
  options.push_back({.names = "-o,--output",
                     .value = "FILE",
                     .group = payload_group,
                     .help = "Write what is received to FILE instead of standard output."});
  options.push_back({.names = "--append",
                     .group = payload_group,
                     .help = "With -o: keep what is in FILE, and write behind it."});
  options.push_back({.names = "--hex",
                     .group = payload_group,
                     .help = "Show what is received (<) and what is sent (>) as a hex dump."});
  options.push_back({.names = "--timestamps",
                     .group = payload_group,
                     .help = "Put the time before each line, in UTC, with microseconds."});
  add_report_options(options);
}

void add_report_options(std::vector<OptionSpec>& options) {
  options.push_back(
      {.names = "-v,--verbose",
       .group = diagnostics_group,
       .help = "Report each event in the life of a socket on standard error, and why nothing has "
               "moved for more than a second. Twice (-vv): also each transfer, and the system call "
               "behind each event."});
  options.push_back({.names = "--json",
                     .group = diagnostics_group,
                     .help =
                         "Report events and errors on standard error as JSON, one object per line; "
                         "docs/events.md describes them."});
}

void add_talk_options(std::vector<OptionSpec>& options, std::string wait) {
  options.push_back({.names = "-C,--crlf",
                     .group = payload_group,
                     .help = "Send each line end of standard input as CR LF."});
  add_family_options(options, connection_group);
  add_session_options(options, std::move(wait));
  add_framing_options(
      options,
      fmt::format("Datagrams: send at most BYTES in each, default {} (unix-dgram: {}). Each "
                  "read from standard input becomes one; at a terminal each line does.",
                  datagram_bytes_default, Datagram::bytes_max));
  add_output_options(options);
}

void add_family_conflicts(std::vector<Conflict>& conflicts) {
  conflicts.push_back(
      {.options = {"-4", "-6"}, .sentence = "-4 and -6 are mutually exclusive", .count_min = 2});
  conflicts.push_back({.options = {"-4", "-6"},
                       .sentence = "-4 and -6 are for TCP and UDP addresses",
                       .schemes = ~ip_schemes});
}

void add_talk_conflicts(std::vector<Conflict>& conflicts) {
  add_family_conflicts(conflicts);
  conflicts.push_back({.options = {"--crlf"},
                       .sentence = "{} has no effect with the address -",
                       .schemes = bit(Scheme::standard)});
  conflicts.push_back({.options = {"--size", "--lines"},
                       .sentence = "{} is for datagram addresses: udp://, unix-dgram:",
                       .schemes = ~datagram_schemes});
}

// ---- Reading them
// --------------------------------------------------------------------------------

Parsed<Endpoint> read_endpoint(const GivenOptions& given, Role role, std::string_view example) {
  if (given.words.empty()) {
    return UsageError(fmt::format("an address is missing, as in '{}'", example));
  }
  if (given.words.front().empty()) {
    return UsageError("an address must not be empty; write HOST:PORT");
  }
  return parse_endpoint(given.words.front(), role);
}

Family read_family(const GivenOptions& given) {
  if (given.has("-4")) return Family::ipv4;
  return given.has("-6") ? Family::ipv6 : Family::none;
}

std::string explain_other_family(const Endpoint& endpoint, Family family) {
  const Result<Address> address = Address::parse(endpoint.target);
  if (family == Family::none || !endpoint.is_ip() || !address || address->family() == family ||
      endpoint.target.starts_with('*')) {
    return {};
  }
  return fmt::format("{} is an {} address, which -{} excludes", in_quotes(endpoint.target),
                     address->family() == Family::ipv4 ? "IPv4" : "IPv6",
                     family == Family::ipv4 ? 4 : 6);
}

std::string read_output(const GivenOptions& given, const Environment& environment,
                        CommonOptions& common) {
  const std::string_view output = given.text("--output");
  if (given.has("--output") && output.empty()) return "-o takes the name of a file";
  if (output != "-") common.output_path = output;
  common.appends = given.has("--append");
  if (common.appends && common.output_path.empty()) return "--append requires -o FILE";
  common.rendering = {.hex = given.has("--hex"), .timestamps = given.has("--timestamps")};
  common.log = read_report(given, environment);
  return {};
}

Log::Options read_report(const GivenOptions& given, const Environment& environment) {
  return {.verbosity = std::min(given.count("--verbose"), 2),
          .json = given.has("--json"),
          .color = environment.error_color};
}

namespace {

Parsed<OnEof> read_on_eof(const GivenOptions& given) {
  if (!given.has("--on-eof")) return OnEof::automatic;
  const std::string_view text = given.text("--on-eof");
  const auto choice = std::ranges::find(on_eof_choices, text, &OnEofChoice::name);
  if (choice != on_eof_choices.end()) return choice->value;
  std::string meant = did_you_mean(text, on_eof_names());
  if (meant.empty()) meant = fmt::format("; it takes {}", fmt::join(on_eof_names(), ", "));
  return UsageError(fmt::format("unknown --on-eof {}{}", in_quotes(text), meant));
}

/// -w, -i, --linger; gives what is wrong, or nothing.
std::string read_times(const GivenOptions& given, CommonOptions& common) {
  struct Time {
    std::string_view name;
    Duration& value;
  };
  for (const auto& [name, value] :
       {Time{"--wait", common.wait}, Time{"--idle", common.session.idle},
        Time{"--linger", common.session.linger}}) {
    const Parsed<Duration> read = read_duration(given, name, value);
    if (!read) return read.error();
    value = *read;
  }
  return {};
}

/// --size and --lines; gives what is wrong, or nothing.
std::string read_framing(const GivenOptions& given, CommonOptions& common) {
  if (!common.endpoint.has_datagrams()) return {};
  const std::size_t size = common.endpoint.is_unix() ? Datagram::bytes_max : datagram_bytes_default;
  const Parsed<int> read =
      read_count(given, "--size", static_cast<int>(size), static_cast<int>(Datagram::bytes_max));
  if (!read) return read.error();
  common.datagram_bytes = static_cast<std::size_t>(*read);
  common.by_lines = given.has("--lines");
  return {};
}

}  // namespace

Parsed<CommonOptions> read_common_options(const GivenOptions& given, Role role,
                                          std::string_view example,
                                          std::span<const Conflict> conflicts,
                                          const Environment& environment) {
  CommonOptions common;
  std::string wrong = read_times(given, common);
  if (!wrong.empty()) return UsageError(std::move(wrong));
  Parsed<Endpoint> endpoint = read_endpoint(given, role, example);
  if (!endpoint) return UsageError(endpoint.error());
  common.endpoint = *std::move(endpoint);
  wrong = find_conflict(conflicts, given, common.endpoint);
  common.family = read_family(given);
  if (wrong.empty()) wrong = explain_other_family(common.endpoint, common.family);
  if (!wrong.empty()) return UsageError(std::move(wrong));
  const Parsed<OnEof> on_eof = read_on_eof(given);
  if (!on_eof) return UsageError(on_eof.error());
  common.session.on_eof = *on_eof;
  common.session.crlf = given.has("--crlf");
  wrong = read_output(given, environment, common);
  if (wrong.empty()) wrong = read_framing(given, common);
  if (!wrong.empty()) return UsageError(std::move(wrong));
  Parsed<TlsSettings> tls = read_tls_options(given, role, common.endpoint);
  if (!tls) return UsageError(tls.error());
  common.tls = *std::move(tls);
  return common;
}

}  // namespace ieum::cli
