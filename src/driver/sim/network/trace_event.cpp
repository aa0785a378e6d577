// What happens in a simulated network, in words.
#include <ieum/sim_options.hpp>

namespace ieum {

std::string_view to_string(SimEvent::What what) noexcept {
  using What = SimEvent::What;
  switch (what) {
    case What::sent: return "sent";
    case What::arrived: return "arrived";
    case What::lost: return "lost";
    case What::cut: return "cut";
    case What::overflowed: return "overflowed";
    case What::too_large: return "too large";
    case What::corrupted: return "corrupted";
    case What::duplicated: return "duplicated";
    case What::retransmit: return "retransmit";
    case What::timeout: return "timeout";
    case What::state: return "state";
    case What::operation: return "operation";
    case What::completed: return "completed";
    case What::injected: return "injected";
    case What::opened: return "opened";
    case What::closed: return "closed";
    case What::partitioned: return "partitioned";
    case What::healed: return "healed";
    case What::crashed: return "crashed";
    case What::restarted: return "restarted";
    case What::started: return "started";
    case What::ended: return "ended";
  }
  return "";
}

}  // namespace ieum
