// The epoll driver's maker; the driver itself is in epoll.cpp.
#pragma once

#include <memory>

#include "driver/driver.hpp"

namespace ieum {

/// Null with `error_number` set (EMFILE, ENFILE, ENOMEM) if the kernel gives no epoll instance.
std::unique_ptr<Driver> make_epoll_driver(int& error_number) noexcept;

}  // namespace ieum
