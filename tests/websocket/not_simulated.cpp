// What of this suite cannot run on the simulated driver, and why. All else must pass on it.
#include <array>

#include "support/support.hpp"

namespace ieum::test {
namespace {

constexpr std::array table{
    NotSimulated{"WebSocketPeers.*", "another process cannot be in the simulation"},
};
[[maybe_unused]] const bool left_out = leave_out_when_simulated(table);

}  // namespace
}  // namespace ieum::test
