// The options that `connect`, `listen` and `cast` share: declared, read, and what they become.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/address.hpp>
#include <ieum/operation.hpp>

#include "options/conflicts.hpp"
#include "options/endpoint.hpp"
#include "options/given_options.hpp"
#include "report/log.hpp"
#include "subcommand.hpp"
#include "text/rendering.hpp"
#include "tls_layer/tls_options.hpp"

namespace ieum::cli {

/// What EOF on standard input means.
enum class OnEof : std::uint8_t {
  automatic,   ///< half_close; but a listener that has no input at all, /dev/null, keeps
  half_close,  ///< the peer sees EOF; we go on receiving until it has finished too
  close,       ///< we end as soon as all has arrived
  keep,        ///< nothing: we go on receiving, and the peer sees no EOF
};

struct SessionOptions {
  OnEof on_eof = OnEof::automatic;
  Duration idle{};  ///< end when nothing has come or gone for so long; zero: never
  /// After the peer's end: how long our input, if it is no terminal, may be silent before we end.
  Duration linger = std::chrono::seconds(1);
  bool crlf = false;  ///< our input's lines are sent with CR LF
};

struct CommonOptions {
  Endpoint endpoint{};
  Family family = Family::none;  ///< -4, -6
  Duration wait{};               ///< -w; zero: as long as the system does
  SessionOptions session;
  Rendering::Options rendering;
  std::string output_path;         ///< -o; empty: standard output
  bool appends = false;            ///< --append: to what is in the file
  bool writes_output = true;       ///< false: what is received goes elsewhere, or nothing is
  bool is_end = false;             ///< its options are ?name=value of the address, as of a relay
  std::size_t datagram_bytes = 0;  ///< --size: of datagrams that our input becomes
  bool by_lines = false;           ///< --lines
  TlsSettings tls{};
  Log::Options log;
};

/// --size, unless it is given: what fits an Ethernet frame, over IPv6 too.
inline constexpr std::size_t datagram_bytes_default = 1452;

// ---- Declaring them
// ------------------------------------------------------------------------------

inline constexpr std::string_view connection_group = "Connection";
inline constexpr std::string_view payload_group = "Input and output";

/// -4, -6.
void add_family_options(std::vector<OptionSpec>& options, std::string_view group);
/// --size, which `size` describes, and --lines.
void add_framing_options(std::vector<OptionSpec>& options, std::string size);
/// -o, --hex, --timestamps, -v, --json.
void add_output_options(std::vector<OptionSpec>& options);
/// -v, --json.
void add_report_options(std::vector<OptionSpec>& options);
/// All that `connect` and `listen` share: -w, which `wait` describes, -i, --on-eof, --linger, and
/// those above.
void add_talk_options(std::vector<OptionSpec>& options, std::string wait);

/// Of -4 and -6.
void add_family_conflicts(std::vector<Conflict>& conflicts);
/// Those, and of --size and --lines.
void add_talk_conflicts(std::vector<Conflict>& conflicts);

// ---- Reading them
// --------------------------------------------------------------------------------

/// The address; `example` is a command line that has one.
[[nodiscard]] Parsed<Endpoint> read_endpoint(const GivenOptions& given, Role role,
                                             std::string_view example);
/// -4, -6.
[[nodiscard]] Family read_family(const GivenOptions& given);
/// Why an address is not of `family`; empty if it is, or if it is a name.
[[nodiscard]] std::string explain_other_family(const Endpoint& endpoint, Family family);
/// What `add_output_options` declares; gives what is wrong, or nothing.
[[nodiscard]] std::string read_output(const GivenOptions& given, const Environment& environment,
                                      CommonOptions& common);
/// What `add_report_options` declares.
[[nodiscard]] Log::Options read_report(const GivenOptions& given, const Environment& environment);
/// All that `connect` and `listen` share.
[[nodiscard]] Parsed<CommonOptions> read_common_options(const GivenOptions& given, Role role,
                                                        std::string_view example,
                                                        std::span<const Conflict> conflicts,
                                                        const Environment& environment);

}  // namespace ieum::cli
