// Link: the luck of a packet.
#include "driver/sim/network/link.hpp"

#include <algorithm>

namespace ieum::detail::sim {

using What = SimEvent::What;

std::uint32_t in_millionths(double share) noexcept {
  return static_cast<std::uint32_t>(std::clamp(share, 0.0, 1.0) * SimRandom::million + 0.5);
}

void Link::set(const LinkOptions& options) noexcept {
  const auto at_least_0 = [](Duration time) { return std::max<Time>(time.count(), 0); };
  latency_ = at_least_0(options.latency);
  jitter_ = at_least_0(options.jitter);
  reordering_delay_ = at_least_0(options.reordering_delay);
  if (reordering_delay_ == 0) reordering_delay_ = std::max(4 * latency_, 10 * microsecond);
  bandwidth_ = options.bandwidth;
  queue_bytes_ = options.queue_bytes;
  loss_ = in_millionths(options.loss);
  duplication_ = in_millionths(options.duplication);
  reordering_ = in_millionths(options.reordering);
  corruption_ = in_millionths(options.corruption);
  mtu_ = std::max<std::uint32_t>(options.mtu, 576);
}

Link::Fate Link::carry(const Packet& packet, Time now, SimRandom& random) noexcept {
  Fate fate;
  const std::uint64_t bytes = packet.bytes();
  if (is_cut(packet.to.ip.is_ipv4())) return {.why = What::cut};
  if (bytes > mtu_ && !packet.may_be_cut) return {.why = What::too_large};
  Time leaves = now;
  if (bandwidth_ > 0) {
    const Time busy = std::max<Time>(sending_until_ - now, 0);
    // In microseconds, so that nothing overflows: a queue of 18 MB at 1 TB/s is still exact.
    const std::uint64_t waiting =
        static_cast<std::uint64_t>(busy / microsecond) * bandwidth_ / 1'000'000;
    if (busy > 0 && waiting + bytes > queue_bytes_) return {.why = What::overflowed};
    const std::uint64_t takes = bytes * static_cast<std::uint64_t>(second) / bandwidth_;
    sending_until_ = now + busy + static_cast<Time>(takes);
    leaves = sending_until_;
  }
  for (std::uint64_t carried = 0; carried < bytes; carried += mtu_) {
    if (random.chance(loss_)) return {.why = What::lost};
  }
  Time arrives = leaves + latency_;
  if (jitter_ > 0) arrives += random.between(0, jitter_);
  const bool held_back = random.chance(reordering_);
  if (held_back) {
    arrives += random.between(1, reordering_delay_);
  } else {
    arrives = std::max(arrives, last_arrival_);
    last_arrival_ = arrives;
  }
  fate.arrives = arrives;
  fate.corrupted = random.chance(corruption_);
  if (random.chance(duplication_)) fate.copy_arrives = arrives + random.between(0, latency_);
  return fate;
}

}  // namespace ieum::detail::sim
