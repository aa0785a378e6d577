#include "session/stall_watch.hpp"

#include <set>
#include <utility>

#include <ieum/explain.hpp>
#include <ieum/timeout.hpp>

namespace ieum::cli {

Task<> watch_stalls(const StreamSocket& socket, EventLog& events) {
  std::set<Stall::Cause> told;
  Stall::Cause last = Stall::Cause::moving;
  for (;;) {
    co_await sleep(stall_interval);
    const Result<SocketInfo> info = socket.info();
    if (!info) continue;
    const Stall stall = diagnose(*info);
    const bool lasts = std::exchange(last, stall.cause) == stall.cause;
    const bool is_in_the_way = stall.cause <= Stall::Cause::backlog_full;
    if (lasts && is_in_the_way && told.insert(stall.cause).second) events.stalled(stall);
  }
}

}  // namespace ieum::cli
