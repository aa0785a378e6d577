#include "trace/closing.hpp"

#include <algorithm>

namespace ieum::cli::trace {

void Closing::ended(std::size_t side, const Span& call) {
  if (!ends_[side].call) ends_[side].call = call;
}

void Closing::saw_state(std::size_t side, SocketState state, Time at) {
  End& end = ends_[side];
  switch (state) {
    case SocketState::fin_wait_1:
    case SocketState::fin_wait_2:
    case SocketState::closing:
    case SocketState::time_wait: end.was_before = true; break;
    case SocketState::close_wait:
    case SocketState::last_ack:
      if (!end.heard_at) end.heard_at = at;
      break;
    default: break;
  }
}

void Closing::saw_peer_end(std::size_t side, Time at) {
  End& end = ends_[side];
  // Its own shutdown() has the same effect on its recv().
  if (!end.call && !end.heard_at) end.heard_at = at;
}

Closing::Verdict Closing::of_first(std::size_t side) const {
  const End& other = ends_[1 - side];
  const auto& call = ends_[side].call;
  const Time noticed = other.heard_at.value_or(other.call ? other.call->end : Time{});
  return {.first = side, .at = call ? call->begin : noticed};
}

Closing::Verdict Closing::of_both() const {
  Verdict verdict{.have_crossed = ends_[0].was_before && ends_[1].was_before};
  if (ends_[0].call && ends_[1].call) {
    verdict.at = std::min(ends_[0].call->begin, ends_[1].call->begin);
    verdict.within = std::max(ends_[0].call->end, ends_[1].call->end) - verdict.at;
  } else if (ends_[0].call || ends_[1].call) {
    verdict.at = (ends_[0].call ? ends_[0] : ends_[1]).call->begin;
  }
  return verdict;
}

std::optional<Closing::Verdict> Closing::verdict() const {
  const auto is_first = [&](std::size_t side) {
    return ends_[side].was_before || ends_[1 - side].heard_at.has_value();
  };
  if (ends_[0].was_before && ends_[1].was_before) return of_both();
  if (is_first(0) != is_first(1)) return of_first(is_first(0) ? 0 : 1);
  const auto& one = ends_[0].call;
  const auto& other = ends_[1].call;
  if (!one && !other) return {};
  if (!one || !other) return of_first(one ? 0 : 1);
  if (one->end < other->begin) return of_first(0);
  if (other->end < one->begin) return of_first(1);
  return of_both();
}

}  // namespace ieum::cli::trace
