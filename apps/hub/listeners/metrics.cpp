// What Prometheus asks for.
#include "listeners/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <sstream>
#include <utility>
#include <vector>

#include "session/version.hpp"

namespace ieum::hub {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

class Families {
 public:
  explicit Families(const Common& common) : common_(common) {}

  void gauge(std::string name, std::string help, double value) {
    ClientMetric metric;
    metric.gauge.value = value;
    add(std::move(name), std::move(help), MetricType::Gauge, {std::move(metric)});
  }

  void counter(std::string name, std::string help, Count Counts::* count) {
    ClientMetric metric;
    metric.counter.value = sum([&](const Counts& counts) { return (counts.*count).value(); });
    add(std::move(name), std::move(help), MetricType::Counter, {std::move(metric)});
  }

  void http_responses() {
    std::vector<ClientMetric> metrics;
    for (std::size_t digit = 1; digit < 6; ++digit) {
      ClientMetric& metric = metrics.emplace_back();
      metric.label.push_back({"status", std::to_string(digit) + "xx"});
      metric.counter.value =
          sum([&](const Counts& counts) { return counts.http_responses[digit].value(); });
    }
    add("ieum_hub_http_responses_total", "Responses over HTTP", MetricType::Counter,
        std::move(metrics));
  }

  void commit_times() {
    ClientMetric metric;
    double all = 0;
    for (std::size_t i = 0; i <= Times::bounds.size(); ++i) {
      all += sum([&](const Counts& counts) { return counts.commit_times.bucket(i); });
      ClientMetric::Bucket& bucket = metric.histogram.bucket.emplace_back();
      bucket.cumulative_count = static_cast<std::uint64_t>(all);
      bucket.upper_bound = i < Times::bounds.size()
                               ? std::chrono::duration<double>(Times::bounds[i]).count()
                               : std::numeric_limits<double>::infinity();
    }
    metric.histogram.sample_count = static_cast<std::uint64_t>(all);
    metric.histogram.sample_sum = sum([](const Counts& counts) {
      return std::chrono::duration<double>(counts.commit_times.sum()).count();
    });
    add("ieum_hub_commit_seconds", "From a message's arrival until it is kept and handed out",
        MetricType::Histogram, {std::move(metric)});
  }

  [[nodiscard]] std::string text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return std::move(out).str();
  }

 private:
  template <class Of>
  double sum(Of of) const {
    double all = 0;
    for (std::size_t core = 0; core < common_.cores(); ++core) {
      all += static_cast<double>(of(common_.counts(core)));
    }
    return all;
  }

  void add(std::string name, std::string help, MetricType type, std::vector<ClientMetric> metrics) {
    MetricFamily& family = families_.emplace_back();
    family.name = std::move(name);
    family.help = std::move(help);
    family.type = type;
    family.metric = std::move(metrics);
  }

  const Common& common_;
  std::vector<MetricFamily> families_;
};

}  // namespace

bool has_metrics() noexcept { return true; }

std::string metrics_text(const Hub& hub) {
  const Common& common = hub.common();
  Families families(common);
  const auto number = [](std::size_t value) { return static_cast<double>(value); };
  families.gauge("ieum_hub_start_time_seconds", "When it was started, since 1970",
                 std::chrono::duration<double>(hub.started().time_since_epoch()).count());
  families.gauge("ieum_hub_cores", "Cores that it runs on", number(common.cores()));
  families.gauge("ieum_hub_connections", "Clients that are connected",
                 number(common.admission.connections()));
  families.gauge("ieum_hub_users", "People who are there, or may come back any moment",
                 number(hub.users().size()));
  families.gauge("ieum_hub_rooms", "Rooms in memory", number(hub.rooms().size()));
  families.counter("ieum_hub_lines_received_total", "Lines of clients", &Counts::lines_received);
  families.counter("ieum_hub_lines_sent_total", "Lines to clients, each copy", &Counts::lines_sent);
  families.counter("ieum_hub_rate_limits_total", "Lines and requests that came too fast",
                   &Counts::rate_limits);
  families.counter("ieum_hub_commits_total", "Entries that were to be kept", &Counts::commits);
  families.counter("ieum_hub_commits_failed_total",
                   "Of these, those that were not kept, or that nobody knows of",
                   &Counts::commits_failed);
  families.commit_times();
  families.http_responses();
  return families.text();
}

}  // namespace ieum::hub
