// Common: what the cores of a hub share beside its storage.
#include "rooms/common.hpp"

namespace ieum::hub {

namespace {

constexpr std::size_t refusals_max = 64;  // connections that are only told that there is no room
constexpr std::size_t failures_max = 20;
constexpr auto failures_kept = std::chrono::minutes(5);

}  // namespace

Admission::Place Admission::enter(const std::string& host, const Config& config) {
  const std::lock_guard lock(mutex_);
  if (all_ >= config.clients + refusals_max) return {};
  std::size_t& here = by_host_[host];
  if (here >= config.connections_per_address) return {};
  ++here;
  ++all_;
  return {*this, host};
}

std::size_t Admission::connections() const {
  const std::lock_guard lock(mutex_);
  return all_;
}

void Admission::leave(const std::string& host) noexcept {
  const std::lock_guard lock(mutex_);
  --all_;
  const auto found = by_host_.find(host);
  if (--found->second == 0) by_host_.erase(found);
}

bool Failures::may_try(std::string_view host) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_host_.find(host);
  return found == by_host_.end() || found->second.count < failures_max;
}

void Failures::count(std::string_view host, TimePoint now) {
  const std::lock_guard lock(mutex_);
  Counted& counted = by_host_[std::string(host)];
  ++counted.count;
  counted.until = now + failures_kept;
}

void Failures::forget(TimePoint now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(by_host_, [&](const auto& counted) { return counted.second.until <= now; });
}

}  // namespace ieum::hub
