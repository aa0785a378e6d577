// RTP receiver: datagrams to payload in order, and what became of them. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "rtp/jitter_buffer.hpp"
#include "rtp/rtp.hpp"
#include "rtp/rtp_statistics.hpp"

namespace ieum::cli {

struct RtpReport {
  RtpCounts counts;            ///< of all sources together
  std::uint64_t bytes = 0;     ///< of payload, each packet counted once
  std::uint64_t too_late = 0;  ///< received, but after those behind it had been given out
  std::uint64_t foreign = 0;   ///< of another source than the one that is played, and strays
  std::uint64_t invalid = 0;   ///< no RTP
  std::uint32_t sources = 0;   ///< one, and one more for each restart of the sender
};

/// Plays one source at a time: the first. Another one takes its place once that has been silent for
/// `silence` and two packets of the other have come in a row (RFC 3550, A.1). Two in a row, and
/// none that fits between them, are also needed to believe a number of the source itself that is
/// far from the others: ahead, packets were lost; behind, the sender has begun anew.
class RtpReceiver {
 public:
  static constexpr std::chrono::milliseconds silence{250};

  /// Appends to `to` the payload that is next now.
  void take(ConstBuffer datagram, ArrivalTime arrival, std::vector<std::byte>& to);
  void take_control(ConstBuffer datagram);
  void expire(ArrivalTime now, std::vector<std::byte>& to) { jitter_buffer_.expire(now, to); }
  void flush(std::vector<std::byte>& to) { jitter_buffer_.flush(to); }

  /// The source that is played has said that it leaves.
  [[nodiscard]] bool source_left() const noexcept { return source_left_; }
  [[nodiscard]] RtpReport report() const;

 private:
  /// The last packet of the source, if its number was far from the others.
  struct Stray {
    RtpStatistics::Fit fit;
    std::uint16_t sequence;
    std::uint32_t timestamp;
    std::vector<std::byte> payload;
    ArrivalTime arrival;
  };
  void play(const RtpPacket& packet, ArrivalTime arrival, std::vector<std::byte>& to);
  [[nodiscard]] bool is_stray(const RtpPacket& packet, ArrivalTime arrival, bool after_silence);
  void play_stray(std::vector<std::byte>& to);
  void begin_anew(std::vector<std::byte>& to);
  [[nodiscard]] bool is_played(std::uint32_t ssrc, std::uint16_t sequence, ArrivalTime arrival,
                               std::vector<std::byte>& to);

  std::optional<std::uint32_t> ssrc_;
  RtpStatistics statistics_;
  JitterBuffer jitter_buffer_;
  ArrivalTime last_arrival_;  // of the source that is played
  std::optional<Stray> stray_;
  std::optional<std::uint32_t> candidate_;
  std::uint16_t candidate_next_ = 0;
  bool source_left_ = false;
  RtpReport former_;  // of the sources before; all but its counts are of this one too
};

}  // namespace ieum::cli
