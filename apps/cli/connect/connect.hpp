// `ieum connect`: its command line as data, and what runs it.
#pragma once

#include <optional>

#include <ieum/task.hpp>

#include "connect/proxy.hpp"
#include "session/common_options.hpp"

namespace ieum::cli {

class EventLog;
class Log;
class TlsEnd;
struct Interrupt;

/// Between two attempts of --retry.
inline constexpr Duration retry_pause = std::chrono::seconds(1);

struct ConnectCommand {
  CommonOptions common;
  std::optional<Address> source;  ///< -s
  bool probe = false;             ///< -z
  std::optional<Proxy> proxy{};   ///< --proxy
  int retries = 0;                ///< --retry
  std::uint16_t last_port = 0;    ///< of a range that -z tries; 0: there is one port
};

[[nodiscard]] Parsed<ConnectCommand> parse_connect(const GivenOptions& given,
                                                   const Environment& environment);

/// Gives the exit status; what went wrong has been reported.
[[nodiscard]] Task<int> run_connect(const ConnectCommand& command, Log& log);
/// Whether there is a connection to `command`'s one port, which is closed again; else why not.
/// `tls` is null if there is none.
[[nodiscard]] Task<std::optional<Failure>> probe_one(const ConnectCommand& command,
                                                     const TlsEnd* tls, EventLog& events);
/// -z with a range of ports.
[[nodiscard]] Task<int> probe_ports(const ConnectCommand& command, Log& log, Interrupt& interrupt);
/// The same with an address of datagrams.
[[nodiscard]] Task<int> connect_datagrams(const ConnectCommand& command, Log& log,
                                          Interrupt& interrupt);

}  // namespace ieum::cli
