// `ieum bench`: keeps a server busy, measures how long it takes, and says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/conversation.hpp"
#include "bench/load.hpp"
#include "session/common_options.hpp"
#include "subcommand.hpp"

namespace ieum::cli {

struct BenchCommand {
  /// `endpoint` is where to connect to, or to listen: tls of https and wss, tcp of http and ws.
  CommonOptions common{};
  std::string address{};  ///< as it was given
  bool serves = false;    ///< --server
  LoadOptions load{};
  /// The messages, but for its `addresses` and its `tls`, which are found when it runs.
  BenchTarget target{};
  std::string html_path{};  ///< of --html; empty: none
  bool json = false;
};

[[nodiscard]] Parsed<BenchCommand> parse_bench(const GivenOptions& given,
                                               const Environment& environment);
[[nodiscard]] std::vector<OptionSpec> bench_options();
[[nodiscard]] ManualText bench_manual();

/// Gives the exit status.
[[nodiscard]] Task<int> run_bench(const BenchCommand& command, Log& log);
/// `ieum bench --server`.
[[nodiscard]] Task<int> run_bench_server(const BenchCommand& command, Log& log);

}  // namespace ieum::cli
