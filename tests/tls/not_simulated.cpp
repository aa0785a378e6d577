// What of this suite cannot run on the simulated driver, and why. All else must pass on it.
#include <array>

#include "support/support.hpp"

namespace ieum::test {
namespace {

constexpr const char* processes = "another process cannot be in the simulation";

constexpr const char* memory = "the simulated network asks for memory itself";

constexpr std::array table{
    NotSimulated{"Tls.reads_and_writes_allocate_nothing", memory},
    NotSimulated{"TlsPeers.*", processes},
};
[[maybe_unused]] const bool left_out = leave_out_when_simulated(table);

}  // namespace
}  // namespace ieum::test
