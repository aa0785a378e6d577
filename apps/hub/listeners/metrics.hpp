// What Prometheus asks for.
#pragma once

#include <string>

#include <ieum/http/routes.hpp>

#include "rooms/hub.hpp"

namespace ieum::hub {

/// Whether this program was built with them (prometheus-cpp).
[[nodiscard]] bool has_metrics() noexcept;
/// In the text format, of all cores; to be called on the first one.
[[nodiscard]] std::string metrics_text(const Hub& hub);

}  // namespace ieum::hub
