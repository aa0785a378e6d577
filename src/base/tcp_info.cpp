#include "base/tcp_info.hpp"

// The kernel's own header, which knows more of tcp_info than <netinet/tcp.h>; the two cannot be had
// together.
#include <linux/tcp.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>

namespace ieum::detail {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// The kernel tells as much as it knows, which may be less or more than the header knows.
class TcpAnswer {
 public:
  explicit TcpAnswer(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  template <class T>
  [[nodiscard]] std::optional<T> known(T tcp_info::* member) const noexcept {
    static constexpr tcp_info layout{};
    const auto* first = reinterpret_cast<const std::byte*>(&layout);
    const auto* field = reinterpret_cast<const std::byte*>(&(layout.*member));
    return at<T>(static_cast<std::size_t>(field - first));
  }
  /// What every kernel tells that we run on.
  template <class T>
  [[nodiscard]] T operator[](T tcp_info::* member) const noexcept {
    return known(member).value_or(T{});
  }
  /// Fields that came after the last one of the header that we must build with.
  [[nodiscard]] std::optional<std::uint32_t> receive_window() const noexcept {
    return at<std::uint32_t>(after_send_window);
  }
  [[nodiscard]] std::optional<std::uint32_t> timeouts_milliseconds() const noexcept {
    return at<std::uint32_t>(after_send_window + 12);  // tcpi_total_rto_time
  }

 private:
  static constexpr std::size_t after_send_window = offsetof(tcp_info, tcpi_snd_wnd) + 4;

  template <class T>
  [[nodiscard]] std::optional<T> at(std::size_t offset) const noexcept {
    if (offset + sizeof(T) > bytes_.size()) return std::nullopt;
    T value{};
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }

  std::span<const std::byte> bytes_;
};

std::optional<Duration> in_microseconds(std::optional<std::uint64_t> count) noexcept {
  if (!count) return std::nullopt;
  return microseconds(static_cast<std::int64_t>(*count));
}

std::optional<Duration> in_milliseconds(std::optional<std::uint32_t> count) noexcept {
  if (!count) return std::nullopt;
  return milliseconds(*count);
}

/// Of a state that the connection has reached, not before.
bool has_connected(SocketState state) noexcept {
  return state != SocketState::closed && state != SocketState::syn_sent &&
         state != SocketState::syn_received;
}

void fill_counters(const TcpAnswer& answer, TcpInfo& tcp) noexcept {
  tcp.bytes_sent = answer.known(&tcp_info::tcpi_bytes_sent);
  tcp.bytes_acknowledged = answer.known(&tcp_info::tcpi_bytes_acked);
  tcp.bytes_retransmitted = answer.known(&tcp_info::tcpi_bytes_retrans);
  tcp.bytes_received = answer.known(&tcp_info::tcpi_bytes_received);
  tcp.segments_sent = answer.known(&tcp_info::tcpi_segs_out);
  tcp.segments_received = answer.known(&tcp_info::tcpi_segs_in);
  tcp.delivery_rate_bytes_per_second = answer.known(&tcp_info::tcpi_delivery_rate);
  tcp.pacing_rate_bytes_per_second = answer.known(&tcp_info::tcpi_pacing_rate);
  constexpr std::uint64_t not_paced = ~std::uint64_t{0};
  if (tcp.pacing_rate_bytes_per_second == not_paced) tcp.pacing_rate_bytes_per_second.reset();
  tcp.busy_time = in_microseconds(answer.known(&tcp_info::tcpi_busy_time));
  tcp.peer_window_limited_time = in_microseconds(answer.known(&tcp_info::tcpi_rwnd_limited));
  tcp.send_buffer_limited_time = in_microseconds(answer.known(&tcp_info::tcpi_sndbuf_limited));
}

void fill_times(const TcpAnswer& answer, SocketState state, TcpInfo& tcp) noexcept {
  tcp.retransmission_timeout = microseconds(answer[&tcp_info::tcpi_rto]);
  tcp.timeouts_time = in_milliseconds(answer.timeouts_milliseconds());
  if (answer[&tcp_info::tcpi_rtt] > 0) {  // 0: never measured
    tcp.rtt = microseconds(answer[&tcp_info::tcpi_rtt]);
    tcp.rtt_variance = microseconds(answer[&tcp_info::tcpi_rttvar]);
  }
  constexpr std::uint32_t never_measured = ~std::uint32_t{0};
  const auto least = answer.known(&tcp_info::tcpi_min_rtt);
  if (least && *least != never_measured) tcp.rtt_min = microseconds(*least);
  if (!has_connected(state)) return;
  tcp.last_data_sent = in_milliseconds(answer.known(&tcp_info::tcpi_last_data_sent));
  tcp.last_data_received = in_milliseconds(answer.known(&tcp_info::tcpi_last_data_recv));
  tcp.last_ack_received = in_milliseconds(answer.known(&tcp_info::tcpi_last_ack_recv));
}

void fill_sending(const TcpAnswer& answer, SocketState state, TcpInfo& tcp) noexcept {
  tcp.retransmits = answer[&tcp_info::tcpi_retransmits];
  tcp.backoff = answer[&tcp_info::tcpi_backoff];
  tcp.zero_window_probes = answer[&tcp_info::tcpi_probes];
  tcp.retransmits_total = answer[&tcp_info::tcpi_total_retrans];
  tcp.unacknowledged_segments = answer[&tcp_info::tcpi_unacked];
  tcp.sacked_segments = answer[&tcp_info::tcpi_sacked];
  tcp.lost_segments = answer[&tcp_info::tcpi_lost];
  tcp.retransmitted_segments = answer[&tcp_info::tcpi_retrans];
  tcp.congestion_window_segments = answer[&tcp_info::tcpi_snd_cwnd];
  constexpr std::uint32_t none_yet = 0x7fffffff;  // TCP_INFINITE_SSTHRESH
  const std::uint32_t threshold = answer[&tcp_info::tcpi_snd_ssthresh];
  if (threshold != none_yet) tcp.slow_start_threshold_segments = threshold;
  tcp.segment_bytes_max = answer[&tcp_info::tcpi_snd_mss];
  tcp.receive_segment_bytes = answer[&tcp_info::tcpi_rcv_mss];
  tcp.path_mtu_bytes = answer[&tcp_info::tcpi_pmtu];
  if (!has_connected(state)) return;
  tcp.peer_window_bytes = answer.known(&tcp_info::tcpi_snd_wnd);
  tcp.our_window_bytes = answer.receive_window();
}

}  // namespace

SocketState tcp_state(unsigned kernel_state) noexcept {
  switch (kernel_state) {
    case 1: return SocketState::established;
    case 2: return SocketState::syn_sent;
    case 3:
    case 12: return SocketState::syn_received;
    case 4: return SocketState::fin_wait_1;
    case 5: return SocketState::fin_wait_2;
    case 6: return SocketState::time_wait;
    case 8: return SocketState::close_wait;
    case 9: return SocketState::last_ack;
    case 10: return SocketState::listen;
    case 11: return SocketState::closing;
    default: return SocketState::closed;
  }
}

void fill_tcp_info(std::span<const std::byte> kernel_answer, SocketInfo& info) noexcept {
  const TcpAnswer answer(kernel_answer);
  info.state = tcp_state(answer[&tcp_info::tcpi_state]);
  if (info.state == SocketState::listen) {
    info.kind = SocketKind::tcp_listener;
    info.backlog = {.waiting = answer[&tcp_info::tcpi_unacked],
                    .max = answer[&tcp_info::tcpi_sacked]};
    return;
  }
  info.unsent_bytes =
      std::min<std::uint64_t>(answer[&tcp_info::tcpi_notsent_bytes], info.send_queue_bytes);
  TcpInfo& tcp = info.tcp.emplace();
  fill_times(answer, info.state, tcp);
  fill_sending(answer, info.state, tcp);
  fill_counters(answer, tcp);
}

}  // namespace ieum::detail
