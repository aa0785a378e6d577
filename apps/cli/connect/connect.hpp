// `ieum connect`: its command line as data, and what runs it.
#pragma once

#include <optional>

#include <ieum/task.hpp>

#include "connect/proxy.hpp"
#include "session/common_options.hpp"

namespace ieum::cli {

class Log;
struct Interrupt;

/// Between two attempts of --retry.
inline constexpr Duration retry_pause = std::chrono::seconds(1);

struct ConnectCommand {
  CommonOptions common;
  std::optional<Address> source;  ///< -s
  bool probe = false;             ///< -z
  std::optional<Proxy> proxy{};   ///< --proxy
  int retries = 0;                ///< --retry
};

[[nodiscard]] Parsed<ConnectCommand> parse_connect(const GivenOptions& given,
                                                   const Environment& environment);

/// Gives the exit status; what went wrong has been reported.
[[nodiscard]] Task<int> run_connect(const ConnectCommand& command, Log& log);
/// The same with an address of datagrams.
[[nodiscard]] Task<int> connect_datagrams(const ConnectCommand& command, Log& log,
                                          Interrupt& interrupt);

}  // namespace ieum::cli
