#include "rtp/rtp_statistics.hpp"

#include <algorithm>
#include <cmath>

#include "rtp/rtp.hpp"

namespace ieum::cli {

namespace {

std::size_t slot(std::int64_t number) { return static_cast<std::size_t>(number & 0xffff); }

}  // namespace

/// Of the highest number; negative: behind it.
int RtpStatistics::ahead(std::uint16_t sequence) const noexcept {
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(sequence - (highest_ & 0xffff)));
}

RtpStatistics::Fit RtpStatistics::fit(std::uint16_t sequence, bool after_silence) const noexcept {
  if (!has_begun_) return Fit::fits;
  const int by = ahead(sequence);
  if (by > ahead_max) return Fit::too_far_ahead;
  return -by > (after_silence ? behind_after_silence_max : behind_max) ? Fit::too_far_behind
                                                                       : Fit::fits;
}

RtpStatistics::Position RtpStatistics::note(std::uint16_t sequence, std::uint32_t timestamp,
                                            ArrivalTime arrival) {
  if (!has_begun_) {
    lowest_ = highest_ = sequence;
    came_.set(sequence);
    counts_.packets = 1;
    last_timestamp_ = timestamp;
    last_arrival_ = arrival;
    has_begun_ = true;
    return {Kind::in_order, highest_};
  }
  const int by = ahead(sequence);
  const std::int64_t number = highest_ + by;
  if (by > 0) {
    advance(number);
  } else if (came_.test(slot(number))) {
    ++counts_.duplicates;
    return {Kind::duplicate, number};
  } else {
    ++counts_.reordered;
    lowest_ = std::min(lowest_, number);
  }
  came_.set(slot(number));
  ++counts_.packets;
  note_jitter(timestamp, arrival);
  return {by > 0 ? Kind::in_order : Kind::reordered, number};
}

/// What was so many numbers before is forgotten.
void RtpStatistics::advance(std::int64_t to) {
  for (std::int64_t number = highest_ + 1; number <= to; ++number) came_.reset(slot(number));
  highest_ = to;
}

void RtpStatistics::note_jitter(std::uint32_t timestamp, ArrivalTime arrival) {
  const std::chrono::duration<double> between = arrival - last_arrival_;
  const auto sent_between = static_cast<std::int32_t>(timestamp - last_timestamp_);
  const double deviation = std::abs(between.count() * rtp_clock_rate - sent_between);
  constexpr double gain = 1.0 / 16;
  jitter_ += (deviation - jitter_) * gain;
  last_timestamp_ = timestamp;
  last_arrival_ = arrival;
}

RtpCounts RtpStatistics::counts() const noexcept {
  RtpCounts counts = counts_;
  if (!has_begun_) return counts;
  counts.lost = static_cast<std::uint64_t>(highest_ - lowest_ + 1) - counts.packets;
  counts.jitter = jitter_ / rtp_clock_rate;
  return counts;
}

}  // namespace ieum::cli
