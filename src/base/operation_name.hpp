// What an operation is called in a sentence.
#pragma once

#include <ieum/operation.hpp>

namespace ieum::detail {

/// "a read", "an accept".
const char* name_of(Operation::Kind kind) noexcept;

}  // namespace ieum::detail
