// The result of a load as text, with plots of blocks.
#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include <ieum/printable.hpp>

#include "bench/report.hpp"
#include "text/numbers.hpp"
#include "text/units.hpp"
#include "text/wrap.hpp"

namespace ieum::cli {

namespace {

constexpr std::size_t label_columns = 11;

void add_line(std::string& text, std::string_view label, std::string_view line) {
  text += fmt::format("  {:<{}}{}\n", label, label_columns, line);
}

/// Of `columns` columns, the part `share`.
std::string bar(double share, int columns) {
  constexpr std::array eighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto filled = static_cast<std::size_t>(std::lround(share * columns * 8));
  std::string text;
  for (std::size_t i = 0; i < filled / 8; ++i) text += "█";
  text += eighths[filled % 8];
  return text.empty() && share > 0 ? "▏" : text;
}

/// A column for each value.
std::string columns_plot(const std::vector<double>& values) {
  constexpr std::array heights{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const double most = values.empty() ? 0 : std::ranges::max(values);
  std::string text;
  for (const double value : values) {
    const double share = most > 0 ? value / most : 0;
    text += heights[static_cast<std::size_t>(std::lround(share * (heights.size() - 1)))];
  }
  return text;
}

std::string with_interval(std::string text, const Interval& interval) {
  if (interval.half_width <= 0) return text;
  const double percent = interval.relative() * 100;
  return fmt::format("{} ± {:.{}f} %", text, percent, percent < 10 ? 1 : 0);
}

std::string bytes_a_second(double bytes) {
  return format_bytes(static_cast<std::uint64_t>(bytes)) + "/s";
}

void add_answers(std::string& text, const BenchReport& report) {
  const double rate = report.rate.mean;
  const std::string a_second =
      rate < 100 ? fmt::format("{:.3g}", rate) : grouped(static_cast<std::uint64_t>(rate));
  add_line(text, "answers",
           fmt::format("{}, {}", grouped(report.answers),
                       with_interval(a_second + " a second", report.rate)));
  if (report.rates.size() > 1) {
    add_line(text, "", fmt::format("{}  over the time", columns_plot(report.rates)));
  }
  add_line(text, "bytes",
           fmt::format("{} sent, {} received", bytes_a_second(report.bytes_sent),
                       bytes_a_second(report.bytes_received)));
}

void add_latency(std::string& text, const BenchReport& report, int columns) {
  for (const BenchReport::Percentile& row : report.percentiles) {
    const std::string name = row.percent == 50 ? "median" : fmt::format("p{}", row.percent);
    add_line(
        text, &row == report.percentiles.data() ? "latency" : "",
        fmt::format("{:<7} {}", name, with_interval(format_latency(row.latency), row.interval)));
  }
  add_line(text, "", fmt::format("{:<7} {}", "most", format_latency(report.latency.max())));
  text += '\n';
  const int room = std::max(10, columns - 40);
  for (const SpreadRow& row : spread_of(report.latency)) {
    const double share =
        static_cast<double>(row.count) / static_cast<double>(report.latency.count());
    const std::string limit = "up to " + format_latency(row.limit);
    const std::size_t wide = columns_of(limit);  // µ has two bytes
    const std::string pad(wide < 13 ? 13 - wide : 0, ' ');
    add_line(text, "",
             fmt::format("{}{} {:>6.2f} %  {}", limit, pad, share * 100, bar(share, room)));
  }
  text += '\n';
}

void add_network(std::string& text, const LoadResult& result) {
  if (result.round_trips.empty()) return;
  std::vector<Duration> all = result.round_trips;
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::ranges::nth_element(all, middle);
  add_line(text, "network", fmt::format("{} for a round trip of TCP", format_latency(*middle)));
  add_line(text, "resent", grouped(result.retransmissions) + " segments");
}

}  // namespace

std::string to_text(const BenchReport& report, const LoadResult& result, int columns) {
  std::string text = fmt::format("{}  {}\n", printable(report.address), report.load);
  add_answers(text, report);
  add_latency(text, report, columns);
  if (result.connecting.count() > 0) {
    add_line(
        text, "connecting",
        fmt::format("median {}, p99 {}, {} times", format_latency(result.connecting.percentile(50)),
                    format_latency(result.connecting.percentile(99)),
                    grouped(result.connecting.count())));
  }
  add_network(text, result);
  if (report.cpu >= 0) {
    add_line(text, "this end", fmt::format("{:.0f} % of a core", report.cpu * 100));
  }
  for (const auto& [kind, trouble] : report.troubles) {
    add_line(text, &kind == &report.troubles.front().first ? "errors" : "",
             fmt::format("{}  {}", grouped(trouble.count), printable(kind)));
  }
  for (const std::string& note : report.notes) {
    append_wrapped(text, "note: " + note, static_cast<std::size_t>(columns), 2, 8);
  }
  return text;
}

}  // namespace ieum::cli
