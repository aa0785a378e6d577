// relay: a task for each direction, and one that watches the clock.
#include <ieum/relay.hpp>

#include <cstdint>
#include <string>
#include <utility>

#include <ieum/group.hpp>
#include <ieum/timeout.hpp>

#include "base/words.hpp"

namespace ieum {

namespace {

/// What the tasks of a relay share.
struct Relaying {
  Stream& a;
  Stream& b;
  RelayCounts& counts;
  Group& group;
  TimePoint last_moved;
  // When it was last asked whether the peers take anything:
  std::uint64_t seen_written = UINT64_MAX;
  std::size_t seen_on_way = 0;
  int directions = 2;  // that have not ended
};

/// The beginning of the loop's turn, which is exact enough and costs no call.
TimePoint this_turn() noexcept { return detail::Loop::current()->now(); }

Task<> pump(Relaying& relaying, Stream& from, Stream& to, std::uint64_t& count) {
  while (Lease data = co_await from.receive()) {
    relaying.last_moved = this_turn();
    while (!data.empty()) {  // by parts: a slow one shows that it moves
      const std::size_t written = co_await to.write_some(data);
      data.remove_prefix(written);
      count += written;
      relaying.last_moved = this_turn();
    }
  }
  const Result<> finished = co_await attempt(to.shutdown_write());
  if (finished) co_return;
  // It has gone altogether: if that is no good end, the other direction's read says so, if it has
  // not ended before.
  const bool is_told = relaying.directions == 2 && finished.error() == std::errc::not_connected;
  if (!is_told) co_await fail(finished.error());
}

Task<> direction(Relaying& relaying, Task<> pumping, const char* name) {
  const Result<> done = co_await attempt(std::move(pumping));
  if (!done) {
    std::string text(done.error().detail());
    text.append(text.empty() ? "" : ", ").append("relaying ").append(name);
    co_await fail(done.error().with_detail(text));
  }
  if (--relaying.directions == 0) relaying.group.stop();  // whoever watches the clock
}

/// Whether a peer has taken some of what was written since this was last asked, though not so much
/// that the system takes more of it.
bool is_draining(Relaying& relaying) {
  const std::uint64_t written = relaying.counts.a_to_b + relaying.counts.b_to_a;
  const std::size_t on_way = relaying.a.bytes_on_way() + relaying.b.bytes_on_way();
  const bool is_first_look = std::exchange(relaying.seen_written, written) != written;
  const bool is_less = on_way < std::exchange(relaying.seen_on_way, on_way);
  return on_way > 0 && (is_first_look || is_less);
}

Task<> fail_when_idle(Relaying& relaying, Duration limit) {
  for (;;) {
    if (now() - relaying.last_moved >= limit && is_draining(relaying)) relaying.last_moved = now();
    Duration idle = now() - relaying.last_moved;
    if (idle < limit) {
      co_await sleep(limit - idle);
      continue;
    }
    co_await yield();  // after a stall of ours, what has come meanwhile counts
    idle = now() - relaying.last_moved;
    if (idle >= limit) break;
  }
  const Error idle(std::errc::timed_out, "relay", relaying.a.peer_address());
  co_await fail(idle.with_detail(detail::words("idle for ", detail::limit_in_words(limit))));
}

Task<> relay_in(Group& group, Stream& a, Stream& b, RelayCounts& counts, Duration idle_limit) {
  Relaying relaying{a, b, counts, group, now()};
  Task<> to_b = pump(relaying, a, b, counts.a_to_b);
  Task<> to_a = pump(relaying, b, a, counts.b_to_a);
  group.start(direction(relaying, std::move(to_b), "from a to b"));
  group.start(direction(relaying, std::move(to_a), "from b to a"));
  if (idle_limit > Duration::zero()) group.start(fail_when_idle(relaying, idle_limit));
  co_await group.join();
}

}  // namespace

Task<RelayCounts> relay(Stream& a, Stream& b, RelayOptions options) {
  RelayCounts own;
  RelayCounts& counts = options.progress != nullptr ? *options.progress : own;
  counts = {};
  auto body = [&](Group& group) { return relay_in(group, a, b, counts, options.idle_limit); };
  co_await with_group(body);
  co_return counts;
}

}  // namespace ieum
