// Keepalive: three options and a switch.
#pragma once

#include <ieum/socket_option.hpp>

#include "base/driver.hpp"

namespace ieum::detail {

/// 0, or a negated errno.
int set_keepalive(Driver& driver, int handle, const Keepalive& keepalive) noexcept;

}  // namespace ieum::detail
