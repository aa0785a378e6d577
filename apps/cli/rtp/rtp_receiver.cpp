#include "rtp/rtp_receiver.hpp"

#include <algorithm>
#include <utility>

#include "rtp/rtp.hpp"

namespace ieum::cli {

namespace {

void add(RtpCounts& to, const RtpCounts& counts) {
  to.packets += counts.packets;
  to.lost += counts.lost;
  to.duplicates += counts.duplicates;
  to.reordered += counts.reordered;
  to.jitter = counts.jitter;
}

}  // namespace

void RtpReceiver::take(ConstBuffer datagram, ArrivalTime arrival, std::vector<std::byte>& to) {
  jitter_buffer_.expire(arrival, to);
  const std::optional<RtpPacket> packet = parse_rtp(datagram);
  if (!packet) {
    ++former_.invalid;
    return;
  }
  if (!is_played(packet->ssrc, packet->sequence, arrival, to)) {
    ++former_.foreign;
    return;
  }
  const bool after_silence = arrival - last_arrival_ >= silence;
  last_arrival_ = arrival;
  if (stray_ && packet->sequence == static_cast<std::uint16_t>(stray_->sequence + 1)) {
    play_stray(to);
  } else if (is_stray(*packet, arrival, after_silence)) {
    return;
  }
  play(*packet, arrival, to);
}

void RtpReceiver::play(const RtpPacket& packet, ArrivalTime arrival, std::vector<std::byte>& to) {
  const RtpStatistics::Position position =
      statistics_.note(packet.sequence, packet.timestamp, arrival);
  if (position.kind == RtpStatistics::Kind::duplicate) return;
  former_.bytes += packet.payload.size();
  jitter_buffer_.add(position.number, packet.payload, arrival, to);
}

/// Keeps it if so, for the next one may follow it.
bool RtpReceiver::is_stray(const RtpPacket& packet, ArrivalTime arrival, bool after_silence) {
  const RtpStatistics::Fit fit = statistics_.fit(packet.sequence, after_silence);
  stray_.reset();
  if (fit == RtpStatistics::Fit::fits) return false;
  ++former_.foreign;
  stray_ = Stray{fit,
                 packet.sequence,
                 packet.timestamp,
                 {packet.payload.begin(), packet.payload.end()},
                 arrival};
  return true;
}

/// The next one has followed it.
void RtpReceiver::play_stray(std::vector<std::byte>& to) {
  const Stray stray = *std::exchange(stray_, std::nullopt);
  --former_.foreign;
  if (stray.fit == RtpStatistics::Fit::too_far_behind) {
    begin_anew(to);
    ++former_.sources;
  }
  RtpPacket packet;
  packet.sequence = stray.sequence;
  packet.timestamp = stray.timestamp;
  packet.payload = stray.payload;
  play(packet, stray.arrival, to);
}

/// What came so far is counted; what comes now has other numbers.
void RtpReceiver::begin_anew(std::vector<std::byte>& to) {
  add(former_.counts, statistics_.counts());
  jitter_buffer_.flush(to);
  statistics_ = {};
  stray_.reset();
}

bool RtpReceiver::is_played(std::uint32_t ssrc, std::uint16_t sequence, ArrivalTime arrival,
                            std::vector<std::byte>& to) {
  if (ssrc_ == ssrc) return true;
  if (ssrc_) {
    const bool in_a_row = candidate_ == ssrc && candidate_next_ == sequence;
    candidate_ = ssrc;
    candidate_next_ = static_cast<std::uint16_t>(sequence + 1);
    const bool is_silent = source_left_ || arrival - last_arrival_ >= silence;
    if (!is_silent || !in_a_row) return false;
    begin_anew(to);
  }
  ssrc_ = ssrc;
  candidate_.reset();
  source_left_ = false;
  ++former_.sources;
  return true;
}

void RtpReceiver::take_control(ConstBuffer datagram) {
  const std::optional<Rtcp> rtcp = parse_rtcp(datagram);
  if (!rtcp) {
    ++former_.invalid;
  } else if (ssrc_ && std::ranges::find(rtcp->leaving, *ssrc_) != rtcp->leaving.end()) {
    source_left_ = true;
  }
}

RtpReport RtpReceiver::report() const {
  RtpReport report = former_;
  add(report.counts, statistics_.counts());
  report.too_late = jitter_buffer_.too_late();
  return report;
}

}  // namespace ieum::cli
