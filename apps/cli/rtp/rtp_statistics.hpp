// RTP statistics: what the network did to the packets of one source. Pure.
#pragma once

#include <bitset>
#include <chrono>
#include <cstdint>

namespace ieum::cli {

using ArrivalTime = std::chrono::system_clock::time_point;

/// Of what was received, between the first and the last packet in the order of their numbers.
struct RtpCounts {
  std::uint64_t packets = 0;     ///< each counted once
  std::uint64_t lost = 0;        ///< numbers that never came
  std::uint64_t duplicates = 0;  ///< that had come before
  std::uint64_t reordered = 0;   ///< that came after a higher one (RFC 4737), duplicates left out
  double jitter = 0;             ///< of the last source, in seconds (RFC 3550, A.8)
};

class RtpStatistics {
 public:
  /// How far a number may be from the highest one to be believed at once. RFC 3550, A.1, has 100
  /// for `behind_max`: at 50 Mbit/s that is 20 ms, and packets do come later.
  static constexpr int ahead_max = 3000;
  static constexpr int behind_max = 3000;
  /// After a silence a lower number rather is that of a sender that has begun anew.
  static constexpr int behind_after_silence_max = 100;

  enum class Kind : std::uint8_t { in_order, reordered, duplicate };
  struct Position {
    Kind kind;
    std::int64_t number;  ///< the sequence number, as if it had never wrapped
  };

  enum class Fit : std::uint8_t { fits, too_far_ahead, too_far_behind };
  /// How `sequence` goes with what came before. The first one fits.
  [[nodiscard]] Fit fit(std::uint16_t sequence, bool after_silence) const noexcept;

  /// Counts a packet. One that does not fit is taken to be ahead if it is at most 32,767 numbers
  /// ahead, else to be behind.
  Position note(std::uint16_t sequence, std::uint32_t timestamp, ArrivalTime arrival);
  [[nodiscard]] RtpCounts counts() const noexcept;

 private:
  [[nodiscard]] int ahead(std::uint16_t sequence) const noexcept;
  void advance(std::int64_t to);
  void note_jitter(std::uint32_t timestamp, ArrivalTime arrival);

  bool has_begun_ = false;
  std::int64_t lowest_ = 0;
  std::int64_t highest_ = 0;
  std::bitset<65'536> came_;  // by number, of the newest
  RtpCounts counts_;
  double jitter_ = 0;  // in units of the timestamps
  std::uint32_t last_timestamp_ = 0;
  ArrivalTime last_arrival_;
};

}  // namespace ieum::cli
