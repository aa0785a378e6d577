// The simulated driver for a program that knows nothing of it: one host, in a network of its
// thread's own.
#include "driver/sim/sim.hpp"

#include <cstdlib>

#include "driver/sim/host_driver.hpp"
#include "driver/sim/network/world.hpp"

namespace ieum::detail {

std::unique_ptr<Driver> make_sim_driver(unsigned buffers_max) {
  thread_local std::shared_ptr<sim::World> world;
  if (!world) {
    const char* seed = std::getenv("IEUM_SEED");
    world = std::make_shared<sim::World>(seed == nullptr ? 1 : std::strtoull(seed, nullptr, 10));
    world->add_node("localhost", {}, {});
  }
  return std::make_unique<sim::HostDriver>(world, world->node(0), buffers_max);
}

}  // namespace ieum::detail
