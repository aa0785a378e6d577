#include "rtp/rtp.hpp"

#include <algorithm>

namespace ieum::cli {

namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr unsigned version_bits = 2U << 6;
constexpr std::size_t word_bytes = 4;

enum PacketType : std::uint8_t { sender_report = 200, source_description = 202, bye_packet = 203 };
constexpr std::uint8_t rtcp_first = 192;  // where a packet type of RTCP looks like marker and
constexpr std::uint8_t rtcp_last = 223;   // payload type 64 to 95 (RFC 5761)

unsigned byte_at(ConstBuffer data, std::size_t at) { return static_cast<unsigned>(data[at]); }

std::uint16_t read16(ConstBuffer data, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(data, at) << 8 | byte_at(data, at + 1));
}
std::uint32_t read32(ConstBuffer data, std::size_t at) {
  return std::uint32_t{read16(data, at)} << 16 | read16(data, at + 2);
}

void put8(std::span<std::byte> to, std::size_t at, unsigned value) {
  to[at] = static_cast<std::byte>(value & 0xffU);
}
void put16(std::span<std::byte> to, std::size_t at, unsigned value) {
  put8(to, at, value >> 8);
  put8(to, at + 1, value);
}
void put32(std::span<std::byte> to, std::size_t at, std::uint32_t value) {
  put16(to, at, value >> 16);
  put16(to, at + 2, value);
}

/// The seconds from 1900 that NTP counts to the epoch.
constexpr std::uint64_t ntp_epoch = 2'208'988'800;

std::uint64_t to_ntp(std::chrono::system_clock::time_point time) {
  const nanoseconds since = time.time_since_epoch();
  const auto whole = std::chrono::floor<seconds>(since);
  const auto part = static_cast<std::uint64_t>((since - whole).count());
  return (static_cast<std::uint64_t>(whole.count()) + ntp_epoch) << 32 |
         (part << 32) / 1'000'000'000;
}

std::chrono::system_clock::time_point from_ntp(std::uint64_t ntp) {
  const auto whole = static_cast<std::int64_t>(ntp >> 32) - static_cast<std::int64_t>(ntp_epoch);
  const nanoseconds part((ntp & 0xffff'ffffU) * 1'000'000'000 >> 32);
  return std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(seconds(whole) + part));
}

/// Begins a packet of RTCP of so many words in all; gives its bytes.
std::span<std::byte> append_packet(std::vector<std::byte>& to, PacketType type, unsigned count,
                                   std::size_t words) {
  const std::size_t begin = to.size();
  to.resize(begin + words * word_bytes);
  const std::span<std::byte> packet = std::span(to).subspan(begin);
  put8(packet, 0, version_bits | count);
  put8(packet, 1, type);
  put16(packet, 2, static_cast<unsigned>(words - 1));
  return packet;
}

void read_description(ConstBuffer packet, unsigned count, Rtcp& rtcp) {
  constexpr unsigned cname_item = 1;
  if (count == 0 || packet.size() < 2 * word_bytes) return;
  std::size_t at = 2 * word_bytes;  // the items of the first source
  while (at + 2 <= packet.size() && byte_at(packet, at) != 0) {
    const std::size_t length = byte_at(packet, at + 1);
    if (at + 2 + length > packet.size()) return;
    if (byte_at(packet, at) == cname_item) {
      const ConstBuffer text = packet.subspan(at + 2, length);
      rtcp.cname.assign(reinterpret_cast<const char*>(text.data()), text.size());
    }
    at += 2 + length;
  }
}

}  // namespace

void write_rtp_header(std::span<std::byte, rtp_header_bytes> to, const RtpPacket& packet) {
  put8(to, 0, version_bits);
  put8(to, 1, (packet.marker ? 0x80U : 0U) | packet.payload_type);
  put16(to, 2, packet.sequence);
  put32(to, 4, packet.timestamp);
  put32(to, 8, packet.ssrc);
}

std::optional<RtpPacket> parse_rtp(ConstBuffer data) {
  if (data.size() < rtp_header_bytes) return {};
  const unsigned first = byte_at(data, 0);
  const unsigned second = byte_at(data, 1);
  if ((first & 0xc0U) != version_bits) return {};
  if (second >= rtcp_first && second <= rtcp_last) return {};
  std::size_t begin = rtp_header_bytes + word_bytes * (first & 0x0fU);
  if ((first & 0x10U) != 0) {  // an extension: its length stands in words
    if (data.size() < begin + word_bytes) return {};
    begin += word_bytes * (std::size_t{read16(data, begin + 2)} + 1);
  }
  std::size_t end = data.size();
  if ((first & 0x20U) != 0) {  // padding: the last byte says how much
    const std::size_t padding = byte_at(data, end - 1);
    if (padding == 0 || padding > end) return {};
    end -= padding;
  }
  if (begin > end) return {};
  return RtpPacket{.payload_type = static_cast<std::uint8_t>(second & 0x7fU),
                   .marker = (second & 0x80U) != 0,
                   .sequence = read16(data, 2),
                   .timestamp = read32(data, 4),
                   .ssrc = read32(data, 8),
                   .payload = data.subspan(begin, end - begin)};
}

std::vector<std::byte> make_rtcp(const SenderReport& report, std::string_view cname, bool bye) {
  std::vector<std::byte> data;
  constexpr std::size_t report_words = 7;
  const std::span<std::byte> sender = append_packet(data, sender_report, 0, report_words);
  const std::uint64_t ntp = to_ntp(report.time);
  put32(sender, 4, report.ssrc);
  put32(sender, 8, static_cast<std::uint32_t>(ntp >> 32));
  put32(sender, 12, static_cast<std::uint32_t>(ntp));
  put32(sender, 16, report.timestamp);
  put32(sender, 20, report.packets);
  put32(sender, 24, report.octets);

  constexpr std::size_t cname_bytes_max = 255;
  cname = cname.substr(0, cname_bytes_max);
  const std::size_t items = 2 + cname.size() + 1;  // with the zero that ends them
  const std::size_t words = 2 + (items + word_bytes - 1) / word_bytes;
  const std::span<std::byte> description = append_packet(data, source_description, 1, words);
  put32(description, 4, report.ssrc);
  put8(description, 8, 1);
  put8(description, 9, static_cast<unsigned>(cname.size()));
  std::ranges::copy(std::as_bytes(std::span(cname)), description.begin() + 10);

  if (bye) put32(append_packet(data, bye_packet, 1, 2), 4, report.ssrc);
  return data;
}

std::optional<Rtcp> parse_rtcp(ConstBuffer data) {
  Rtcp rtcp;
  if (data.size() < 2 * word_bytes) return {};
  while (!data.empty()) {
    if (data.size() < word_bytes || (byte_at(data, 0) & 0xc0U) != version_bits) return {};
    const unsigned type = byte_at(data, 1);
    const unsigned count = byte_at(data, 0) & 0x1fU;
    const std::size_t bytes = word_bytes * (std::size_t{read16(data, 2)} + 1);
    if (type < rtcp_first || type > rtcp_last || bytes > data.size()) return {};
    const ConstBuffer packet = data.first(bytes);
    if (type == sender_report && bytes >= 7 * word_bytes) {
      const std::uint64_t ntp = std::uint64_t{read32(packet, 8)} << 32 | read32(packet, 12);
      rtcp.report = SenderReport{.ssrc = read32(packet, 4),
                                 .time = from_ntp(ntp),
                                 .timestamp = read32(packet, 16),
                                 .packets = read32(packet, 20),
                                 .octets = read32(packet, 24)};
    } else if (type == source_description) {
      read_description(packet, count, rtcp);
    } else if (type == bye_packet) {
      for (std::size_t i = 1; i <= count && (i + 1) * word_bytes <= bytes; ++i) {
        rtcp.leaving.push_back(read32(packet, i * word_bytes));
      }
    }
    data = data.subspan(bytes);
  }
  return rtcp;
}

}  // namespace ieum::cli
