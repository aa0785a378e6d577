// Tcp: what it tells of itself.
#include <algorithm>
#include <cerrno>
#include <string_view>

#include "driver/sim/network/world.hpp"
#include "driver/sim/socket/tcp.hpp"

namespace ieum::detail::sim {

using State = SocketState;

std::int64_t Tcp::unacknowledged() noexcept {
  if (state_ == State::listen) return -EINVAL;
  const std::uint64_t waiting = send_.size() + (finish_sent_ && una_ < next_ ? 1 : 0);
  if (waiting == 0) return 0;
  return state_ == State::closed ? -ECONNRESET : static_cast<std::int64_t>(waiting);
}

void Tcp::information(SocketInfo& info) noexcept {
  const Time now = world().now();
  const auto age = [now](Time at) { return Duration(now - at); };
  info.kind = state_ == State::listen ? SocketKind::tcp_listener : SocketKind::tcp;
  // A connection that has ended leaves TIME-WAIT to the system.
  info.state = state_ == State::time_wait ? State::closed : state_;
  info.error_waiting = error_ != 0;
  info.receive_buffer_bytes = static_cast<std::uint64_t>(options_.get(SocketOption::so_rcvbuf));
  info.send_buffer_bytes = static_cast<std::uint64_t>(options_.get(SocketOption::so_sndbuf));
  if (state_ == State::listen) {
    info.backlog = {.waiting = static_cast<std::uint32_t>(accepted_.size()),
                    .max = static_cast<std::uint32_t>(backlog_)};
    return;
  }
  info.receive_queue_bytes = receive_.size();
  info.send_queue_bytes = send_.size() + (finish_sent_ && una_ < next_ ? 1 : 0);
  info.unsent_bytes = std::min(unsent(), info.send_queue_bytes);
  TcpInfo& tcp = info.tcp.emplace();
  tcp.no_delay = options_.get(SocketOption::tcp_nodelay) != 0;
  tcp.cork = options_.get(SocketOption::tcp_cork) != 0;
  constexpr std::string_view control = "reno";
  std::ranges::copy(control, tcp.congestion_control.begin());
  if (rtt_ > 0) {
    tcp.rtt = Duration(rtt_);
    tcp.rtt_variance = Duration(rtt_variance_);
    tcp.rtt_min = Duration(std::max<Time>(rtt_min_, microsecond));
  }
  tcp.retransmission_timeout = Duration(timeout());
  tcp.retransmits = timeouts_;
  tcp.backoff = backoff_;
  tcp.zero_window_probes = probes_;
  tcp.retransmits_total = again_total_;
  tcp.unacknowledged_segments = static_cast<std::uint32_t>(flight_.size());
  if (state_ == State::syn_sent || state_ == State::syn_received) tcp.unacknowledged_segments = 1;
  tcp.sacked_segments = sacked_count_;
  tcp.lost_segments = lost_count_;
  tcp.retransmitted_segments = static_cast<std::uint32_t>(
      std::ranges::count_if(flight_, [](const Sent& sent) { return sent.again && !sent.lost; }));
  const std::uint64_t segment = segment_max();
  tcp.congestion_window_segments =
      static_cast<std::uint32_t>(std::max<std::uint64_t>(window_ / segment, 1));
  if (threshold_ != UINT64_MAX) {
    tcp.slow_start_threshold_segments = static_cast<std::uint32_t>(threshold_ / segment);
  }
  tcp.segment_bytes_max = static_cast<std::uint32_t>(segment);
  tcp.receive_segment_bytes = static_cast<std::uint32_t>(segment);
  tcp.path_mtu_bytes = world().link(node().index(), remote_node_).mtu();
  tcp.bytes_sent = bytes_sent_;
  tcp.bytes_acknowledged = una_;
  tcp.bytes_retransmitted = bytes_again_;
  tcp.bytes_received = bytes_received_;
  tcp.segments_sent = segments_sent_;
  tcp.segments_received = segments_received_;
  if (connected_at_ == 0) {
    // Counted from the first timeout on, as Linux does.
    if (timeouts_ > 0) tcp.timeouts_time = age(unanswered_since_) - Duration(rto_);
    return;
  }
  // From the last acknowledged byte on, as in the segments.
  tcp.peer_window_bytes = static_cast<std::uint32_t>(limit_ > una_ ? limit_ - una_ : 0);
  tcp.our_window_bytes =
      static_cast<std::uint32_t>(promised_ > expected_ ? promised_ - expected_ : 0);
  tcp.last_data_sent = age(sent_at_);
  tcp.last_data_received = age(received_at_);
  tcp.last_ack_received = age(ack_received_at_);
}

}  // namespace ieum::detail::sim
