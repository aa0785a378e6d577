// The driver of a runtime that a child of fork(2) has inherited.
#pragma once

#include "base/driver.hpp"

namespace ieum::detail {

/// Does nothing for the runtime but say, at its first use, that it is the parent's, and abort.
/// Handles can be closed, asked about, and released to a runtime of the child's own.
Driver& left_behind_driver() noexcept;

}  // namespace ieum::detail
