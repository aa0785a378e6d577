// What needs real processes and real time.
#include "support/support.hpp"

namespace ieum::test {
namespace {

constexpr std::array not_simulated{
    NotSimulated{"HubProgram.*", "programs run in real time"},
    NotSimulated{"HubHostile.WhoDoesNotReadIsCutAndNobodyWaits",
                 "a simulated socket takes more than this test says"},
    NotSimulated{"HubKilled.*", "programs run in real time"},
};
[[maybe_unused]] const bool left_out = leave_out_when_simulated(not_simulated);

}  // namespace
}  // namespace ieum::test
