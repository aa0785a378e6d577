#include "trace/lookups.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "trace/calls.hpp"

namespace ieum::cli::trace {

namespace {

/// Daemons that the C library asks for users, groups and hosts.
bool is_asked_by_library(std::string_view address) {
  constexpr std::array prefixes{
      std::string_view("unix:/var/run/nscd/"), std::string_view("unix:/run/nscd/"),
      std::string_view("unix:/run/systemd/userdb/"), std::string_view("unix:/var/lib/sss/pipes/")};
  return std::ranges::any_of(prefixes,
                             [&](std::string_view prefix) { return address.starts_with(prefix); });
}

bool creates(const Event& event) {
  const Call* call = find_call(event.call);
  return event.kind == EventKind::call && call != nullptr && call->kind == CallKind::create;
}

}  // namespace

void Lookups::take(const Event& event) {
  decide_old(event.at);
  if (event.kind == EventKind::end) undecided_.clear();
  if (is_of_lookup(event)) return release();
  if (creates(event) && event.protocol == "unix") undecided_[event.socket] = event.at;
  held_.push_back(event);
  if (held_.size() > events_max) undecided_.clear();
  release();
}

bool Lookups::is_of_lookup(const Event& event) {
  if (event.socket == 0) return false;
  if (creates(event)) {
    // Whatever had the number before.
    lookups_.erase(event.socket);
    undecided_.erase(event.socket);
    return false;
  }
  const bool begins = undecided_.erase(event.socket) > 0 && event.call == "connect" &&
                      is_asked_by_library(event.address);
  if (begins) {
    std::erase_if(held_, [&](const Event& one) { return one.socket == event.socket; });
    lookups_.insert(event.socket);
    return true;
  }
  return lookups_.contains(event.socket);
}

Time Lookups::pass(Time now) {
  decide_old(now);
  release();
  return held_.empty() ? now : std::min(now, held_.front().at);
}

void Lookups::decide_old(Time now) {
  std::erase_if(undecided_, [&](const auto& entry) { return now - entry.second > held_max; });
}

void Lookups::release() {
  while (!held_.empty()) {
    const Event& first = held_.front();
    if (creates(first) && undecided_.contains(first.socket)) return;
    sink_(first);
    held_.pop_front();
  }
}

}  // namespace ieum::cli::trace
