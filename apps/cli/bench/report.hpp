// What `ieum bench` says: the result of a load as text with a plot, as JSON, as a page.
#pragma once

#include <string>
#include <vector>

#include "bench/bench.hpp"
#include "bench/interval.hpp"
#include "bench/load.hpp"

namespace ieum::cli {

/// What the three forms share, computed once.
struct BenchReport {
  struct Percentile {
    double percent = 0;
    Duration latency{};
    Interval interval{};  ///< of the parts' own, in seconds; without width if they tell none
  };

  std::string address{};
  std::string load{};  ///< "64 connections, closed loop, 10 s"
  double seconds = 0;  ///< measured
  std::uint64_t answers = 0;
  Interval rate{};            ///< answers a second
  double bytes_received = 0;  ///< a second
  double bytes_sent = 0;
  std::vector<double> rates{};  ///< of the parts of the time
  Histogram latency{};
  std::vector<Percentile> percentiles{};
  std::uint64_t failed = 0;
  std::vector<std::pair<std::string, Trouble>> troubles{};  ///< the most frequent first
  double cpu = 0;                    ///< that we used of a core, 0 to 1; negative: not known
  double waited = 0;                 ///< the part of the time in which we waited for a core
  std::vector<std::string> notes{};  ///< sentences, without a full stop
};

[[nodiscard]] BenchReport make_report(const BenchCommand& command, const LoadResult& result);

/// For a terminal of so many columns, or a file.
[[nodiscard]] std::string to_text(const BenchReport& report, const LoadResult& result, int columns);
/// One line.
[[nodiscard]] std::string to_json(const BenchReport& report, const BenchCommand& command,
                                  const LoadResult& result);
/// A whole page.
[[nodiscard]] std::string to_html(const BenchReport& report, const LoadResult& result);

/// "64 connections, 10 under way on each, open loop of 500 a second, 10 s"
[[nodiscard]] std::string describe_load(const LoadOptions& load, Protocol protocol,
                                        Duration measured);
/// How the latencies are spread: limits in steps of 1, 2, 5, and how many lie up to each and above
/// the one before.
struct SpreadRow {
  Duration limit{};
  std::uint64_t count = 0;
};
[[nodiscard]] std::vector<SpreadRow> spread_of(const Histogram& latency);

}  // namespace ieum::cli
