// `ieum connect`: its command line as data, and what runs it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ieum/datagram_socket.hpp>
#include <ieum/task.hpp>

#include "connect/proxy.hpp"
#include "session/common_options.hpp"
#include "session/connection.hpp"

namespace ieum::cli {

class End;
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
  std::string exec{};             ///< --exec; empty: standard input and output
  bool on_terminal = false;       ///< --pty
};

[[nodiscard]] Parsed<ConnectCommand> parse_connect(const GivenOptions& given,
                                                   const Environment& environment);

/// Gives the exit status; what went wrong has been reported.
[[nodiscard]] Task<int> run_connect(const ConnectCommand& command, Log& log);
/// Connects, with the settings of the address applied, and TLS over it if there is any: `tls` is
/// null if not. If it fails, `failure` says why, unless it was stopped.
[[nodiscard]] Task<Connection> open_connection(const ConnectCommand& command, const TlsEnd* tls,
                                               EventLog& events, std::optional<Failure>& failure);
/// A socket of datagrams to the first of a name's addresses that there is a way to; `others` are
/// those after it.
[[nodiscard]] Task<DatagramSocket> open_datagrams(const ConnectCommand& command, EventLog& events,
                                                  std::vector<Address>& others);
/// Whether there is a connection to `command`'s one port, which is closed again; else why not.
/// `tls` is null if there is none.
[[nodiscard]] Task<std::optional<Failure>> probe_one(const ConnectCommand& command,
                                                     const TlsEnd* tls, EventLog& events);
/// --exec: the command and the peer, until both have finished; gives the exit status.
[[nodiscard]] Task<int> talk_with_command(End& peer, const ConnectCommand& command,
                                          EventLog& events, Interrupt& interrupt);
/// -z with a range of ports.
[[nodiscard]] Task<int> probe_ports(const ConnectCommand& command, Log& log, Interrupt& interrupt);
/// The same with an address of datagrams.
[[nodiscard]] Task<int> connect_datagrams(const ConnectCommand& command, Log& log,
                                          Interrupt& interrupt);

}  // namespace ieum::cli
