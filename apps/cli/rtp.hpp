// RTP (RFC 3550): headers, the report that ends a stream, and what a receiver learns of the way.
// Pure: bytes and times in, figures out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <ieum/operation.hpp>

namespace ieum::cli {

struct RtpHeader {
  static constexpr std::size_t bytes = 12;
  /// An MPEG transport stream, with a clock of 90 kHz (RFC 3551, table 5).
  static constexpr std::uint8_t transport_stream = 33;
  static constexpr std::int64_t clock_rate = 90'000;

  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t source = 0;  ///< SSRC
  std::uint8_t payload_type = transport_stream;

  [[nodiscard]] std::array<std::byte, bytes> encode() const noexcept;
  /// None if it is no RTP, or is of a kind that we do not send: with extensions, or padded.
  [[nodiscard]] static std::optional<RtpHeader> decode(ConstBuffer packet) noexcept;
};

/// What a sender says of a stream at its end: a sender report, its name, and BYE in one packet.
struct RtcpBye {
  std::uint32_t source = 0;
  std::uint32_t packets = 0;
  std::uint32_t octets = 0;
  std::uint32_t timestamp = 0;

  [[nodiscard]] std::vector<std::byte> encode() const;
  /// Of a compound packet that has a BYE; `packets` and `octets` are 0 if it has no report.
  [[nodiscard]] static std::optional<RtcpBye> decode(ConstBuffer packet) noexcept;
};

/// What arrived, in its order, and what did not: counted between the first and the last packet of
/// those that came. Holds packets back for a while, so that they can be played in order.
class RtpReceiver {
 public:
  /// Packets that wait for an earlier one; then that one is given up.
  static constexpr std::size_t held_max = 128;
  /// So far back a packet is told from a duplicate.
  static constexpr std::size_t history = 8192;

  struct Report {
    std::uint64_t received = 0;  ///< different packets
    std::uint64_t lost = 0;      ///< between the first and the last
    std::uint64_t duplicates = 0;
    std::uint64_t reordered = 0;  ///< came after a later one
    std::uint64_t bytes = 0;      ///< of payload
    double jitter_ms = 0;         ///< RFC 3550, section 6.4.1
    /// What the sender says it sent in all, if its BYE came.
    std::optional<std::uint64_t> sent;
  };

  /// A packet came at `time`, the nanoseconds of any clock.
  void take(const RtpHeader& header, ConstBuffer payload, std::int64_t time);
  void take(const RtcpBye& bye) noexcept;
  /// The next payload that is to be played, if there is one.
  [[nodiscard]] std::optional<std::string> next();
  /// What is held back is to be played now: nothing else comes.
  void give_up_gaps() noexcept { flushing_ = true; }
  [[nodiscard]] bool holds() const noexcept { return !held_.empty(); }
  [[nodiscard]] bool has_ended() const noexcept { return sent_.has_value(); }
  [[nodiscard]] bool began() const noexcept { return began_; }
  [[nodiscard]] std::uint32_t source() const noexcept { return source_; }

  [[nodiscard]] Report report() const noexcept;

 private:
  std::int64_t extend(std::uint16_t sequence) const noexcept;
  void measure_jitter(const RtpHeader& header, std::int64_t time) noexcept;

  bool began_ = false;
  bool flushing_ = false;
  std::uint32_t source_ = 0;
  std::int64_t first_ = 0;  // sequence numbers that do not wrap
  std::int64_t last_ = 0;
  std::int64_t played_ = 0;  // the next to play
  std::vector<std::int64_t> seen_ = std::vector<std::int64_t>(history, -1);
  std::map<std::int64_t, std::string> held_;
  Report counts_;
  std::optional<std::uint64_t> sent_;
  std::optional<double> transit_;  // of the packet before, in clock units
  double jitter_ = 0;
};

}  // namespace ieum::cli
