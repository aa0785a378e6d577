// What of this suite cannot run on the simulated driver, and why. All else must pass on it.
#include <array>

#include "support/support.hpp"

namespace ieum::test {
namespace {

constexpr std::array table{
    NotSimulated{"HttpBehind.*", "another process cannot be in the simulation"},
    NotSimulated{"HttpBrowser.*", "another process cannot be in the simulation"},
    NotSimulated{"HttpPeers.*", "another process cannot be in the simulation"},
    NotSimulated{"HttpClientPeers.*", "another process cannot be in the simulation"},
    NotSimulated{"HttpClientFiles.*", "a simulated host has no files"},
};
[[maybe_unused]] const bool left_out = leave_out_when_simulated(table);

}  // namespace
}  // namespace ieum::test
