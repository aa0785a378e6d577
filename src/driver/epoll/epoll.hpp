// The epoll driver's maker.
#pragma once

#include <memory>

#include "base/driver.hpp"

namespace ieum::detail {

/// `buffers_max` of the small receive buffers, 0: the default. Null with errno(3) in `error_number`
/// if the kernel refuses.
std::unique_ptr<Driver> make_epoll_driver(unsigned buffers_max, int& error_number) noexcept;

}  // namespace ieum::detail
