// The result of a load as a page: one file that needs no network and no script.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <ieum/printable.hpp>

#include "bench/report.hpp"
#include "text/html_text.hpp"
#include "text/numbers.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

constexpr double width = 640;
constexpr double height = 260;
constexpr double left = 80;
constexpr double bottom = 40;
constexpr double top = 10;

double y_at(double share) { return top + (1 - share) * (height - top - bottom); }

std::string text_at(double x, double y, std::string_view anchor, std::string_view text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     to_html_text(text));
}

std::string picture_begin(std::string_view title) {
  return fmt::format(
      "<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\"><title>{}</title>\n",
      width, height, to_html_text(title), to_html_text(title));
}

std::string grid_line(double y) {
  return fmt::format("<path class=\"grid\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n", left, y, width);
}

/// Latency over the percentile: both by powers of ten, so that the rare and slow ones show.
std::string latency_picture(const Histogram& latency) {
  const double least =
      std::log10(std::max<double>(1e3, static_cast<double>(latency.min().count())));
  const double most = std::log10(std::max<double>(2e3, static_cast<double>(latency.max().count())));
  const double low = std::floor(least);
  const double high = std::max(low + 1, std::ceil(most));
  const auto y_of = [&](double nanoseconds) {
    return y_at(
        std::clamp((std::log10(std::max(nanoseconds, 1.0)) - low) / (high - low), 0.0, 1.0));
  };
  // As many nines as there are messages for.
  const double nines = std::clamp(
      std::floor(std::log10(std::max<double>(10, static_cast<double>(latency.count())))), 1.0, 4.0);
  std::string svg = picture_begin("Latency by percentile");
  for (double power = low; power <= high; ++power) {
    svg += grid_line(y_of(std::pow(10, power)));
    svg += text_at(left - 8, y_of(std::pow(10, power)) + 4, "end",
                   format_latency(Duration(static_cast<std::int64_t>(std::pow(10, power)))));
  }
  constexpr int steps = 40;  // of each nine
  std::string path;
  const int points = steps * static_cast<int>(nines);
  for (int i = 0; i <= points; ++i) {
    const double percent = 100 * (1 - std::pow(10, -static_cast<double>(i) / steps));
    const double x = left + (width - left - 20) * i / points;
    const auto value = static_cast<double>(latency.percentile(percent).count());
    path += fmt::format("{}{:.1f} {:.1f}", i == 0 ? "M" : "L", x, y_of(value));
  }
  svg += fmt::format("<path class=\"line\" d=\"{}\"/>\n", path);
  for (int nine = 0; nine <= static_cast<int>(nines); ++nine) {
    const double x = left + (width - left - 20) * nine / nines;
    const double percent = 100 * (1 - std::pow(10, -nine));
    svg += text_at(x, height - 16, "middle", nine == 0 ? "least" : fmt::format("p{:.6g}", percent));
  }
  return svg + "</svg>\n";
}

std::string rate_picture(const BenchReport& report) {
  const double most = std::max(1e-9, std::ranges::max(report.rates));
  std::string svg = picture_begin("Answers a second, over the time");
  for (const double share : {0.0, 0.5, 1.0}) {
    svg += grid_line(y_at(share));
    svg += text_at(left - 8, y_at(share) + 4, "end",
                   grouped(static_cast<std::uint64_t>(most * share)));
  }
  const double each = (width - left) / static_cast<double>(report.rates.size());
  for (std::size_t i = 0; i < report.rates.size(); ++i) {
    const double y = y_at(report.rates[i] / most);
    svg += fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>\n",
                       left + each * static_cast<double>(i) + 2, y, each - 4, y_at(0) - y);
  }
  svg += text_at(left, height - 16, "start", "0");
  svg += text_at(width, height - 16, "end", fmt::format("{:.3g} s", report.seconds));
  return svg + "</svg>\n";
}

constexpr std::string_view style = R"(
  body { margin: 1rem auto; max-width: 44rem; padding: 0 1rem; background: #fff; color: #111;
         font: 16px/1.5 system-ui, "Noto Sans CJK KR", sans-serif; }
  table { border-collapse: collapse; }
  th, td { text-align: left; padding: .1rem 1.5rem .1rem 0; vertical-align: top;
           font-variant-numeric: tabular-nums; }
  th { font-weight: normal; color: #555; }
  svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; fill: currentColor; }
  svg .line { fill: none; stroke: #05508c; stroke-width: 2; }
  svg .grid { stroke: currentColor; stroke-opacity: .15; }
  svg rect { fill: #05508c; }
  pre { overflow-x: auto; font: 13px/1.35 ui-monospace, "DejaVu Sans Mono", monospace; }
  @media (prefers-color-scheme: dark) {
    body { background: #111; color: #ddd; } th { color: #aaa; }
    svg .line { stroke: #8cc8ff; } svg rect { fill: #8cc8ff; }
  }
)";

std::string row(std::string_view name, std::string_view value) {
  return fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", to_html_text(name),
                     to_html_text(value));
}

}  // namespace

std::string to_html(const BenchReport& report, const LoadResult& result) {
  const std::string address = printable(report.address);
  std::string page = html_begin("ieum bench " + address, style);
  page +=
      fmt::format("<h1>{}</h1>\n<p>{}.</p>\n", to_html_text(address), to_html_text(report.load));
  page += "<table>\n";
  page += row("answers", fmt::format("{}, {:.6g} a second ± {:.1f} %", grouped(report.answers),
                                     report.rate.mean, report.rate.relative() * 100));
  for (const BenchReport::Percentile& one : report.percentiles) {
    page += row(fmt::format("p{}", one.percent), format_latency(one.latency));
  }
  page += row("most", format_latency(report.latency.max()));
  page += row("not answered", grouped(report.failed));
  page += "</table>\n<h2>Latency by percentile</h2>\n";
  page += latency_picture(report.latency);
  if (report.rates.size() > 1) {
    page += "<h2>Answers a second, over the time</h2>\n" + rate_picture(report);
  }
  page += "<h2>All figures</h2>\n<pre>\n";
  constexpr int columns = 80;
  page += to_html_text(to_text(report, result, columns));
  return page + "</pre>\n" + std::string(html_end());
}

}  // namespace ieum::cli
