// The io_uring driver's maker.
#pragma once

#include <memory>

#include "base/driver.hpp"

namespace ieum::detail {

/// Null with `choice` filled in if the kernel refuses the ring or lacks a feature that this driver
/// stands on.
std::unique_ptr<Driver> make_uring_driver(const DriverOptions& options, DriverChoice& choice);

}  // namespace ieum::detail
