// In the place of the metrics, where prometheus-cpp was not found.
#include "listeners/metrics.hpp"

namespace ieum::hub {

bool has_metrics() noexcept { return false; }
std::string metrics_text(const Hub& /*hub*/) { return {}; }

}  // namespace ieum::hub
