// Makes a simulated driver for select.cpp.
#pragma once

#include <memory>

#include "base/driver.hpp"

namespace ieum::detail {

/// A driver for a host of this thread's own network, which has no other host; its loops share it.
std::unique_ptr<Driver> make_sim_driver(unsigned buffers_max);

}  // namespace ieum::detail
