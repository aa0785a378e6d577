// SocketInfo: what the system knows of a socket: its state, its queues, TCP's own figures. A plain
// value; explain.hpp says what it means.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <ieum/address.hpp>
#include <ieum/operation.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// The datagram ones are in a SocketTable only; `DatagramInfo` is for those of this process.
enum class SocketKind : std::uint8_t {
  tcp,
  tcp_listener,
  unix_stream,
  unix_listener,
  udp,
  unix_datagram,
};

/// The states of RFC 9293, section 3.3.2. Unix streams have these of them: `established`;
/// `close_wait`, the peer has finished; `fin_wait_2`, we have; `closed`, both have, or the peer is
/// gone.
enum class SocketState : std::uint8_t {
  closed,
  listen,
  syn_sent,
  syn_received,
  established,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
  time_wait,
};

/// "established", "syn-sent": as ss(8) writes them.
[[nodiscard]] std::string_view to_string(SocketState state) noexcept;
[[nodiscard]] std::string_view to_string(SocketKind kind) noexcept;

/// TCP's figures for one connection (TCP_INFO, tcp(7)). Segments are counted as the system counts
/// them. What the running kernel does not tell, or has not measured yet, is absent.
struct TcpInfo {
  static constexpr std::size_t congestion_control_bytes_max = 15;

  bool no_delay = false;                                                    ///< TCP_NODELAY
  bool cork = false;                                                        ///< TCP_CORK
  std::array<char, congestion_control_bytes_max + 1> congestion_control{};  ///< "cubic"

  std::optional<Duration> rtt;  ///< smoothed round-trip time (RFC 6298)
  std::optional<Duration> rtt_variance;
  std::optional<Duration> rtt_min;
  Duration retransmission_timeout{};  ///< the current one, backed off

  std::uint32_t retransmits = 0;         ///< timeouts in a row without an answer; SYNs too
  std::uint32_t backoff = 0;             ///< how often the timeout was doubled
  std::uint32_t zero_window_probes = 0;  ///< sent since the peer last answered one
  std::uint32_t retransmits_total = 0;   ///< segments sent again, ever
  /// Spent waiting after retransmission timeouts, ever (Linux 6.7).
  std::optional<Duration> timeouts_time;

  std::uint32_t unacknowledged_segments = 0;  ///< on their way, or lost
  std::uint32_t sacked_segments = 0;          ///< of those, known to have arrived (RFC 2018)
  std::uint32_t lost_segments = 0;            ///< of those, taken for lost
  std::uint32_t retransmitted_segments = 0;   ///< of those, sent again
  std::uint32_t congestion_window_segments = 0;
  std::optional<std::uint32_t> slow_start_threshold_segments;  ///< absent: none yet

  std::uint32_t segment_bytes_max = 0;      ///< MSS for what we send
  std::uint32_t receive_segment_bytes = 0;  ///< MSS estimated of what the peer sends
  std::uint32_t path_mtu_bytes = 0;
  std::optional<std::uint32_t> peer_window_bytes;  ///< what the peer says it can take (Linux 5.4)
  std::optional<std::uint32_t> our_window_bytes;   ///< what we told the peer (Linux 6.2)

  /// How long ago; since the connection was made if there was none. Absent before that.
  std::optional<Duration> last_data_sent;
  std::optional<Duration> last_data_received;
  std::optional<Duration> last_ack_received;  ///< answers to probes too

  std::optional<std::uint64_t> bytes_sent;          ///< what was sent again counts again
  std::optional<std::uint64_t> bytes_acknowledged;  ///< the SYN counts as one
  std::optional<std::uint64_t> bytes_retransmitted;
  std::optional<std::uint64_t> bytes_received;
  std::optional<std::uint32_t> segments_sent;
  std::optional<std::uint32_t> segments_received;
  std::optional<std::uint64_t> delivery_rate_bytes_per_second;  ///< lately
  std::optional<std::uint64_t> pacing_rate_bytes_per_second;    ///< absent: not paced
  std::optional<Duration> busy_time;                            ///< there was something to send
  std::optional<Duration> peer_window_limited_time;  ///< of that, the peer's window was full
  std::optional<Duration> send_buffer_limited_time;  ///< of that, SO_SNDBUF was full
};

/// A listener's queue of connections that nobody has accepted yet (listen(2)).
struct Backlog {
  std::uint32_t waiting = 0;
  std::uint32_t max = 0;  ///< the system lets one more than this wait
};

/// A snapshot of a socket. Getting one disturbs nothing: no byte and no pending error is taken.
/// Trivially copyable; belongs to no runtime.
struct SocketInfo {
  SocketKind kind = SocketKind::tcp;
  SocketState state = SocketState::closed;
  bool receiving = false;      ///< a read or an accept of ours is pending
  bool sending = false;        ///< a write or a connect of ours is pending
  bool error_waiting = false;  ///< the next operation will be told of an error
  Address local;
  Address peer;

  std::uint64_t receive_queue_bytes = 0;  ///< has come and was not read (SIOCINQ)
  /// What the peer's system has not acknowledged, a FIN counting as one byte (SIOCOUTQ). Unix: what
  /// the peer has not read, as memory, which is more than its bytes.
  std::uint64_t send_queue_bytes = 0;
  std::uint64_t unsent_bytes = 0;          ///< of those, not sent even once (SIOCOUTQNSD)
  std::uint64_t receive_buffer_bytes = 0;  ///< SO_RCVBUF: counted as memory
  std::uint64_t send_buffer_bytes = 0;     ///< SO_SNDBUF: counted as memory

  std::optional<TcpInfo> tcp;      ///< of a TCP connection
  std::optional<Backlog> backlog;  ///< of a listener; absent if the system does not tell

  /// Sent and not acknowledged yet.
  [[nodiscard]] std::uint64_t in_flight_bytes() const noexcept {
    return send_queue_bytes - unsent_bytes;
  }
  [[nodiscard]] bool is_listener() const noexcept {
    return kind == SocketKind::tcp_listener || kind == SocketKind::unix_listener;
  }
  [[nodiscard]] bool is_datagram() const noexcept {
    return kind == SocketKind::udp || kind == SocketKind::unix_datagram;
  }

  /// An aligned table for people, a line for each group of figures.
  [[nodiscard]] std::string to_string() const;
};

}  // namespace ieum
#pragma GCC visibility pop
