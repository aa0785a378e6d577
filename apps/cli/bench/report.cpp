#include "bench/report.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "text/numbers.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

constexpr std::array percents{50.0, 75.0, 90.0, 99.0, 99.9, 99.99};
/// More of our own core than this, and we are what is measured.
constexpr double cpu_max = 0.95;
/// More than this part of the time, and what others did on this machine is measured too.
constexpr double waited_max = 0.05;
/// Our own messages begin late if a hundredth of them does by more than this.
constexpr Duration lateness_max = std::chrono::milliseconds(1);

double seconds_of(Duration time) { return std::chrono::duration<double>(time).count(); }

/// Those that were measured to their end.
std::size_t whole_slices(const BenchCommand& command, const LoadResult& result) {
  const Duration each = command.load.duration / LoadResult::slices_max;
  return std::min<std::size_t>(LoadResult::slices_max,
                               static_cast<std::size_t>(result.measured / each));
}

BenchReport::Percentile percentile_of(double percent, const BenchReport& report,
                                      const LoadResult& result, std::size_t whole) {
  BenchReport::Percentile row{.percent = percent, .latency = report.latency.percentile(percent)};
  std::vector<double> each;
  for (std::size_t i = 0; i < whole; ++i) {
    const Histogram& latency = result.slices[i].latency;
    if (latency.count() == 0 || !latency.tells(percent)) return row;
    each.push_back(seconds_of(latency.percentile(percent)));
  }
  row.interval = interval_of(each);
  return row;
}

void add_notes(const BenchCommand& command, const LoadResult& result, BenchReport& report) {
  std::vector<std::string>& notes = report.notes;
  if (report.cpu > cpu_max) {
    notes.push_back(fmt::format(
        "this end was the limit: it took {:.0f} % of a core, so the server may be able to do more; "
        "start several at the same time",
        report.cpu * 100));
  }
  if (report.waited > waited_max) {
    notes.push_back(fmt::format(
        "this machine was busy: this end waited {:.0f} % of the time for a processor, which the "
        "latencies have in them",
        report.waited * 100));
  }
  const Duration late = result.lateness.percentile(99);
  if (late > lateness_max) {
    notes.push_back(
        fmt::format("this end was late: one message in a hundred began {} or more after its time, "
                    "so the latencies are too long by that",
                    format_latency(late)));
  }
  if (result.unbegun > 0) {
    notes.push_back(fmt::format(
        "{} of {} messages could not begin: the server does not answer {} a second; the latencies "
        "have what they had waited at the end, and grow with the duration",
        grouped(result.unbegun), grouped(result.intended), grouped(command.load.rate)));
  }
  if (command.load.rate == 0 && report.latency.tells(99)) {
    const Duration median = report.latency.percentile(50);
    const Duration largest = report.latency.max();
    constexpr int stall_factor = 100;
    constexpr Duration stall_min = std::chrono::milliseconds(100);
    if (largest > stall_factor * median && largest > stall_min) {
      notes.push_back(fmt::format(
          "there was a stall of {}; in a closed loop only the messages under way then show it: "
          "measure again with --rate",
          format_latency(largest)));
    }
  }
  if (result.closes > 0) {
    notes.push_back(
        fmt::format("the server closed {} connections after an answer, as it had said, "
                    "and new ones were made",
                    grouped(result.closes)));
  }
  if (result.strays > 0) {
    notes.push_back(fmt::format("{} datagrams came late, twice, or for nothing that was asked",
                                grouped(result.strays)));
  }
}

}  // namespace

std::string describe_load(const LoadOptions& load, Protocol protocol, Duration measured) {
  std::string text = fmt::format("{} {}{}", grouped(load.connections),
                                 protocol == Protocol::datagrams ? "socket" : "connection",
                                 load.connections == 1 ? "" : "s");
  if (load.fresh) text += " at a time, a new one for each message";
  if (load.depth > 1) text += fmt::format(", {} messages under way on each", grouped(load.depth));
  text += load.rate > 0 ? fmt::format(", open loop of {} a second", grouped(load.rate))
                        : std::string(", closed loop");
  return fmt::format("{}, {}", text, format_duration(measured));
}

std::vector<SpreadRow> spread_of(const Histogram& latency) {
  std::vector<SpreadRow> rows;
  if (latency.count() == 0) return rows;
  constexpr std::size_t rows_max = 16;
  for (const bool is_coarse : {false, true}) {
    rows.clear();
    std::uint64_t seen = 0;
    std::int64_t decade = 1'000;
    for (std::size_t step = 0; seen < latency.count(); ++step) {
      constexpr std::array fine{1, 2, 5};
      const Duration limit(is_coarse ? decade : decade * fine[step % fine.size()]);
      if (is_coarse || step % fine.size() == fine.size() - 1) decade *= 10;
      const std::uint64_t up_to =
          limit >= latency.max() ? latency.count() : latency.count_up_to(limit);
      if (up_to > 0) rows.push_back({.limit = limit, .count = up_to - seen});
      seen = up_to;
    }
    if (rows.size() <= rows_max) break;
  }
  return rows;
}

BenchReport make_report(const BenchCommand& command, const LoadResult& result) {
  BenchReport report;
  report.address = command.address;
  report.load = describe_load(command.load, command.target.protocol, result.measured);
  report.seconds = seconds_of(result.measured);
  report.answers = result.answers();
  report.latency = result.latency();
  report.failed = result.unanswered;
  const std::size_t whole = whole_slices(command, result);
  const double each = seconds_of(command.load.duration) / LoadResult::slices_max;
  for (std::size_t i = 0; i < whole; ++i) {
    report.rates.push_back(static_cast<double>(result.slices[i].answers) / each);
  }
  report.rate = interval_of(report.rates);
  for (const Slice& slice : result.slices) {
    report.bytes_received += static_cast<double>(slice.bytes_received);
    report.bytes_sent += static_cast<double>(slice.bytes_sent);
  }
  if (report.seconds > 0) {
    report.rate.mean = static_cast<double>(report.answers) / report.seconds;
    report.bytes_received /= report.seconds;
    report.bytes_sent /= report.seconds;
  }
  for (const double percent : percents) {
    if (!report.latency.tells(percent) && percent > percents.front()) break;
    report.percentiles.push_back(percentile_of(percent, report, result, whole));
  }
  for (const auto& [kind, trouble] : result.troubles) report.troubles.emplace_back(kind, trouble);
  std::ranges::sort(report.troubles, [](const auto& one, const auto& other) {
    if (one.second.count != other.second.count) return one.second.count > other.second.count;
    return one.first < other.first;
  });
  const bool is_known = result.own.used > Duration::zero() && report.seconds > 0;
  report.cpu = is_known ? seconds_of(result.own.used) / report.seconds : -1;
  report.waited = is_known ? seconds_of(result.own.waited) / report.seconds : 0;
  add_notes(command, result, report);
  return report;
}

}  // namespace ieum::cli
