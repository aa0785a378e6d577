#include "rtp/jitter_buffer.hpp"

#include <algorithm>

namespace ieum::cli {

namespace {

void append(std::vector<std::byte>& to, ConstBuffer payload) {
  to.insert(to.end(), payload.begin(), payload.end());
}

}  // namespace

void JitterBuffer::add(std::int64_t number, ConstBuffer payload, ArrivalTime arrival,
                       std::vector<std::byte>& to) {
  if (has_begun_ && number < next_) {
    ++too_late_;
    return;
  }
  if (has_begun_ && number == next_) {
    append(to, payload);
    ++next_;
    take_ready(to);
    return;
  }
  waiting_[number] = {{payload.begin(), payload.end()}, arrival};
  if (waiting_.size() > packets_max) take_first(to);
}

void JitterBuffer::expire(ArrivalTime now, std::vector<std::byte>& to) {
  // One that was overtaken may have waited for less than those behind it.
  const auto has_waited = [&](const auto& entry) { return now - entry.second.arrival >= wait_max; };
  while (!waiting_.empty() && std::ranges::any_of(waiting_, has_waited)) take_first(to);
}

void JitterBuffer::flush(std::vector<std::byte>& to) {
  while (!waiting_.empty()) take_first(to);
  has_begun_ = false;
}

/// Gives up what is missing before the first that waits.
void JitterBuffer::take_first(std::vector<std::byte>& to) {
  next_ = waiting_.begin()->first;
  has_begun_ = true;
  take_ready(to);
}

void JitterBuffer::take_ready(std::vector<std::byte>& to) {
  while (!waiting_.empty() && waiting_.begin()->first == next_) {
    append(to, waiting_.begin()->second.payload);
    waiting_.erase(waiting_.begin());
    ++next_;
  }
}

}  // namespace ieum::cli
