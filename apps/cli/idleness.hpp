// Idleness: when nothing has come or gone for too long (-i).
#pragma once

#include <ieum/timeout.hpp>

#include "life.hpp"

namespace ieum::cli {

/// Waits until `last_activity`, which others move on and which must outlive this, lies `idle` back.
inline Task<> until_idle(const Life::Clock::time_point& last_activity, Duration idle) {
  for (;;) {
    const Duration silent = Life::Clock::now() - last_activity;
    if (silent >= idle) co_return;
    co_await sleep(idle - silent);
  }
}

}  // namespace ieum::cli
