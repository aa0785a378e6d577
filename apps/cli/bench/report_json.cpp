// The result of a load as a JSON object.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/report.hpp"
#include "text/json_line.hpp"

namespace ieum::cli {

namespace {

using Json = nlohmann::ordered_json;

double seconds_of(Duration time) { return std::chrono::duration<double>(time).count(); }

Json to_object(const Interval& interval) {
  return {{"mean", interval.mean}, {"half_width_95", interval.half_width}};
}

Json latency_object(const BenchReport& report) {
  Json object;
  object["count"] = report.latency.count();
  object["min"] = seconds_of(report.latency.min());
  object["mean"] = seconds_of(report.latency.mean());
  object["max"] = seconds_of(report.latency.max());
  object["error_max"] = Histogram::error_max;
  for (const BenchReport::Percentile& row : report.percentiles) {
    Json one{{"seconds", seconds_of(row.latency)}};
    if (row.interval.half_width > 0) one["half_width_95"] = row.interval.half_width;
    object[fmt::format("p{}", row.percent)] = std::move(one);
  }
  return object;
}

}  // namespace

std::string to_json(const BenchReport& report, const BenchCommand& command,
                    const LoadResult& result) {
  const LoadOptions& load = command.load;
  Json object;
  object["schema"] = 1;
  object["address"] = report.address;
  object["connections"] = load.connections;
  object["depth"] = load.depth;
  object["loop"] = load.rate > 0 ? "open" : "closed";
  if (load.rate > 0) object["rate"] = load.rate;
  object["fresh"] = load.fresh;
  object["message_bytes"] = command.target.message.size();
  object["seconds"] = report.seconds;
  object["answers"] = report.answers;
  object["answers_per_second"] = to_object(report.rate);
  object["answers_per_second_over_time"] = report.rates;
  object["bytes_sent_per_second"] = report.bytes_sent;
  object["bytes_received_per_second"] = report.bytes_received;
  object["latency"] = latency_object(report);
  if (result.connecting.count() > 0) {
    object["connecting"] = {{"count", result.connecting.count()},
                            {"p50", seconds_of(result.connecting.percentile(50))},
                            {"p99", seconds_of(result.connecting.percentile(99))},
                            {"max", seconds_of(result.connecting.max())}};
  }
  if (load.rate > 0) {
    object["intended"] = result.intended;
    object["unbegun"] = result.unbegun;
    object["lateness"] = {{"p50", seconds_of(result.lateness.percentile(50))},
                          {"p99", seconds_of(result.lateness.percentile(99))},
                          {"max", seconds_of(result.lateness.max())}};
  }
  object["failed"] = report.failed;
  Json& errors = object["errors"] = Json::array();
  for (const auto& [kind, trouble] : report.troubles) {
    errors.push_back({{"kind", kind}, {"count", trouble.count}, {"example", trouble.example}});
  }
  object["retransmissions"] = result.retransmissions;
  if (report.cpu >= 0) {
    object["own_cpu"] = report.cpu;
    object["own_wait"] = report.waited;
  }
  object["notes"] = report.notes;
  return json_line(object);
}

}  // namespace ieum::cli
