#include "rtp.hpp"

#include <algorithm>
#include <cmath>

namespace ieum::cli {

namespace {

constexpr std::uint8_t version = 2;
constexpr std::uint8_t sender_report = 200;
constexpr std::uint8_t description = 202;
constexpr std::uint8_t goodbye = 203;
constexpr std::size_t report_bytes = 28;
/// Sequence numbers begin here, so that earlier ones than the first are above 0.
constexpr std::int64_t base = std::int64_t{1} << 32;

void put(std::vector<std::byte>& to, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) to.push_back(static_cast<std::byte>(value >> (8 * i)));
}

std::uint32_t get(ConstBuffer from, std::size_t at, std::size_t bytes) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    value = value << 8U | std::to_integer<std::uint32_t>(from[at + i]);
  }
  return value;
}

}  // namespace

std::array<std::byte, RtpHeader::bytes> RtpHeader::encode() const noexcept {
  const std::array<std::uint32_t, 3> words{
      std::uint32_t{version} << 30U | std::uint32_t{payload_type} << 16U | sequence, timestamp,
      source};
  std::array<std::byte, bytes> packet{};
  for (std::size_t i = 0; i < bytes; ++i) {
    packet[i] = static_cast<std::byte>(words[i / 4] >> (24 - 8 * (i % 4)));
  }
  return packet;
}

std::optional<RtpHeader> RtpHeader::decode(ConstBuffer packet) noexcept {
  if (packet.size() < bytes || std::to_integer<unsigned>(packet[0]) != version << 6U) return {};
  return RtpHeader{.sequence = static_cast<std::uint16_t>(get(packet, 2, 2)),
                   .timestamp = get(packet, 4, 4),
                   .source = get(packet, 8, 4),
                   .payload_type = static_cast<std::uint8_t>(get(packet, 1, 1) & 0x7fU)};
}

std::vector<std::byte> RtcpBye::encode() const {
  std::vector<std::byte> packet;
  put(packet, std::uint64_t{version} << 6U, 1);
  put(packet, sender_report, 1);
  put(packet, report_bytes / 4 - 1, 2);
  put(packet, source, 4);
  put(packet, 0, 8);  // no wall clock: nothing is to be played in step with another stream
  put(packet, timestamp, 4);
  put(packet, packets, 4);
  put(packet, octets, 4);

  put(packet, std::uint64_t{version} << 6U | 1U, 1);
  put(packet, description, 1);
  put(packet, 3, 2);
  put(packet, source, 4);
  constexpr std::string_view name = "ieum";
  put(packet, 1, 1);  // CNAME
  put(packet, name.size(), 1);
  for (const char letter : name) put(packet, static_cast<unsigned char>(letter), 1);
  put(packet, 0, 2);

  put(packet, std::uint64_t{version} << 6U | 1U, 1);
  put(packet, goodbye, 1);
  put(packet, 1, 2);
  put(packet, source, 4);
  return packet;
}

std::optional<RtcpBye> RtcpBye::decode(ConstBuffer packet) noexcept {
  RtcpBye bye;
  while (packet.size() >= 8) {
    const unsigned type = get(packet, 1, 1);
    const std::size_t size = 4 * (std::size_t{get(packet, 2, 2)} + 1);
    if (get(packet, 0, 1) >> 6U != version || size > packet.size() || size < 8) return {};
    if (type == sender_report && size >= report_bytes) {
      bye.timestamp = get(packet, 16, 4);
      bye.packets = get(packet, 20, 4);
      bye.octets = get(packet, 24, 4);
    }
    if (type == goodbye) {
      bye.source = get(packet, 4, 4);
      return bye;
    }
    packet = packet.subspan(size);
  }
  return {};
}

/// The number nearest to the last one.
std::int64_t RtpReceiver::extend(std::uint16_t sequence) const noexcept {
  if (!began_) return base + sequence;
  const auto step = static_cast<std::int16_t>(sequence - static_cast<std::uint16_t>(last_));
  return last_ + step;
}

void RtpReceiver::take(const RtpHeader& header, ConstBuffer payload, std::int64_t time) {
  if (began_ && header.source != source_) return;  // of another stream
  const std::int64_t number = extend(header.sequence);
  if (!began_) {
    began_ = true;
    source_ = header.source;
    first_ = last_ = played_ = number;
  }
  measure_jitter(header, time);
  std::int64_t& seen = seen_[static_cast<std::size_t>(number) % history];
  if (seen == number) {
    ++counts_.duplicates;
    return;
  }
  seen = number;
  ++counts_.received;
  counts_.bytes += payload.size();
  if (number < last_) ++counts_.reordered;
  first_ = std::min(first_, number);
  last_ = std::max(last_, number);
  if (number < played_) return;  // its time has passed
  held_.emplace(number, std::string(reinterpret_cast<const char*>(payload.data()), payload.size()));
}

void RtpReceiver::take(const RtcpBye& bye) noexcept {
  if (!began_ || bye.source == source_) sent_ = bye.packets;
}

std::optional<std::string> RtpReceiver::next() {
  if (held_.empty()) {
    flushing_ = false;
    return {};
  }
  const auto first = held_.begin();
  if (first->first != played_ && !flushing_ && held_.size() < held_max) return {};
  std::string payload = std::move(first->second);
  played_ = first->first + 1;
  held_.erase(first);
  return payload;
}

void RtpReceiver::measure_jitter(const RtpHeader& header, std::int64_t time) noexcept {
  const double arrival = static_cast<double>(time) * RtpHeader::clock_rate / 1e9;
  const double transit = arrival - header.timestamp;
  if (transit_) {
    // Timestamps wrap as well.
    constexpr double wrap = 4294967296.0;
    const double difference = std::remainder(transit - *transit_, wrap);
    jitter_ += (std::abs(difference) - jitter_) / 16;
  }
  transit_ = transit;
}

RtpReceiver::Report RtpReceiver::report() const noexcept {
  Report report = counts_;
  if (began_) report.lost = static_cast<std::uint64_t>(last_ - first_ + 1) - counts_.received;
  report.jitter_ms = jitter_ * 1000 / RtpHeader::clock_rate;
  report.sent = sent_;
  return report;
}

}  // namespace ieum::cli
