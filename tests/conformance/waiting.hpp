// Waiting for a task to wait.
#pragma once

#include "conformance/conformance.hpp"

namespace ieum::test {

/// Lets what was started in a group come to where it waits. No time passes.
inline Task<> until_it_waits() {
  for (int i = 0; i < 3; ++i) co_await yield();
}

}  // namespace ieum::test
