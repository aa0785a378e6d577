// RTP and RTCP packets (RFC 3550): made and read. Pure; what comes from the network is not trusted.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/operation.hpp>

namespace ieum::cli {

inline constexpr std::size_t rtp_header_bytes = 12;
/// Of MPEG-TS and all video (RFC 3551): timestamps a second.
inline constexpr std::uint32_t rtp_clock_rate = 90'000;
inline constexpr int rtp_payload_type_max = 127;
inline constexpr int rtp_payload_type_mp2t = 33;  ///< MPEG-TS (RFC 3551)
/// With the marker bit these payload types look like RTCP's packet types (RFC 5761).
inline constexpr int rtcp_lookalike_first = 64;
inline constexpr int rtcp_lookalike_last = 95;
/// A packet of MPEG-TS.
inline constexpr std::size_t transport_packet_bytes = 188;

struct RtpPacket {
  std::uint8_t payload_type = 0;
  bool marker = false;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 0;
  ConstBuffer payload{};
};

/// The header alone; `packet.payload` follows it.
void write_rtp_header(std::span<std::byte, rtp_header_bytes> to, const RtpPacket& packet);
/// None if it is no RTP packet: another version, RTCP, or lengths that cannot be. The payload is
/// what is left without a header extension, contributing sources and padding.
[[nodiscard]] std::optional<RtpPacket> parse_rtp(ConstBuffer data);

struct SenderReport {
  std::uint32_t ssrc = 0;
  std::chrono::system_clock::time_point time;  ///< now, on the wall clock and
  std::uint32_t timestamp = 0;                 ///< on that of the packets
  std::uint32_t packets = 0;
  std::uint32_t octets = 0;  ///< of payload
};

/// A compound packet: the report, the source's name, and with `bye` that it leaves.
[[nodiscard]] std::vector<std::byte> make_rtcp(const SenderReport& report, std::string_view cname,
                                               bool bye);

/// What a compound packet says, as far as we care.
struct Rtcp {
  std::optional<SenderReport> report;
  std::string cname;
  std::vector<std::uint32_t> leaving;  ///< sources that say BYE
};
[[nodiscard]] std::optional<Rtcp> parse_rtcp(ConstBuffer data);

}  // namespace ieum::cli
