// Idleness: when nothing has come or gone for too long (-i).
#pragma once

#include <ieum/group.hpp>
#include <ieum/timeout.hpp>

#include "report/event_log.hpp"

namespace ieum::cli {

/// After a stall of ours (SIGSTOP, a machine that slept) a time may be over before we have looked
/// at what has come meanwhile: a last look at it, before that time counts.
inline Task<> look_once_more() { co_await sleep(std::chrono::milliseconds(10)); }

/// Waits until `last_activity`, which others move on and which must outlive this, lies `idle` back.
inline Task<> wait_until_idle(const EventLog::Clock::time_point& last_activity, Duration idle) {
  for (;;) {
    const Duration silent = EventLog::Clock::now() - last_activity;
    if (silent < idle) {
      co_await sleep(idle - silent);
      continue;
    }
    co_await look_once_more();
    if (EventLog::Clock::now() - last_activity >= idle) co_return;
  }
}

/// `work`, which moves `last_activity` on; fails with `timed_out` once that lies `idle` back. With
/// no `idle`, it may take as long as it likes.
inline Task<> with_idle_timeout(Task<> work, const EventLog::Clock::time_point& last_activity,
                                Duration idle) {
  if (idle <= Duration::zero()) {
    co_await std::move(work);
    co_return;
  }
  auto first = co_await race(attempt(std::move(work)), wait_until_idle(last_activity, idle));
  if (first.index() == 1) co_await fail(std::errc::timed_out, "talk");
  const Result<> done = std::get<0>(std::move(first));
  if (!done) co_await fail(done.error());
}

}  // namespace ieum::cli
