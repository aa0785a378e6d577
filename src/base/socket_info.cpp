// SocketInfo: its names and its table.
#include <ieum/socket_info.hpp>

#include <type_traits>

#include "base/words.hpp"

namespace ieum {

static_assert(std::is_trivially_copyable_v<SocketInfo>);

namespace {

using detail::count_of;
using detail::words;

class Table {
 public:
  template <class... Parts>
  void row(std::string_view name, const Parts&... parts) {
    constexpr std::size_t name_width = 19;
    const std::string value = words(parts...);
    if (value.empty()) return;
    text_.append(name).append(name_width - name.size(), ' ').append(value).append("\n");
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

/// The figure with words round it, or nothing if it is not known.
template <class T>
std::string if_known(std::string_view before, const std::optional<T>& figure,
                     std::string_view after = {}) {
  return figure ? words(before, *figure, after) : std::string();
}

/// Those that are known, with commas.
template <class... Parts>
std::string list(const Parts&... parts) {
  std::string text;
  for (const std::string& part : {std::string(parts)...}) {
    if (!part.empty()) text.append(text.empty() ? "" : ", ").append(part);
  }
  return text;
}

void add_queues(const SocketInfo& info, Table& table) {
  table.row("receive queue", info.receive_queue_bytes, " bytes unread, buffer ",
            info.receive_buffer_bytes, info.receiving ? "; a read is pending" : "");
  table.row("send queue", info.send_queue_bytes,
            info.tcp ? words(" bytes unacknowledged, ", info.unsent_bytes, " of them unsent")
                     : std::string(" bytes of memory unread by the peer"),
            ", buffer ", info.send_buffer_bytes, info.sending ? "; a write is pending" : "");
}

void add_times(const TcpInfo& tcp, Table& table) {
  table.row("round trip", if_known("", tcp.rtt), if_known(" ± ", tcp.rtt_variance),
            if_known(", at least ", tcp.rtt_min));
  table.row("last", list(if_known("data sent ", tcp.last_data_sent, " ago"),
                         if_known("data received ", tcp.last_data_received, " ago"),
                         if_known("acknowledgement ", tcp.last_ack_received, " ago")));
  table.row("sending", list(if_known("busy for ", tcp.busy_time),
                            if_known("limited by the peer's window ", tcp.peer_window_limited_time),
                            if_known("by our send buffer ", tcp.send_buffer_limited_time)));
}

void add_control(const TcpInfo& tcp, Table& table) {
  table.row("windows",
            list(if_known("the peer's ", tcp.peer_window_bytes, " bytes"),
                 if_known("ours ", tcp.our_window_bytes, " bytes"),
                 words("congestion ", count_of(tcp.congestion_window_segments, "segment"))),
            if_known(" (slow start until ", tcp.slow_start_threshold_segments, ")"));
  table.row("segments", "of ", tcp.segment_bytes_max, " bytes, path MTU ", tcp.path_mtu_bytes,
            "; under way ", tcp.unacknowledged_segments, ", lost ", tcp.lost_segments,
            ", sent again ", tcp.retransmitted_segments);
  table.row("retransmission", "timeout ", tcp.retransmission_timeout, ", ", tcp.retransmits,
            " without an answer, ", tcp.zero_window_probes, " zero-window probes; ",
            tcp.retransmits_total, " segments in all");
  table.row("rates", list(if_known("delivered ", tcp.delivery_rate_bytes_per_second, " bytes/s"),
                          if_known("paced at ", tcp.pacing_rate_bytes_per_second, " bytes/s")));
  table.row("bytes", list(if_known("sent ", tcp.bytes_sent),
                          if_known("acknowledged ", tcp.bytes_acknowledged),
                          if_known("sent again ", tcp.bytes_retransmitted),
                          if_known("received ", tcp.bytes_received)));
  table.row("options", list(tcp.congestion_control.data(), tcp.no_delay ? "TCP_NODELAY" : "",
                            tcp.cork ? "TCP_CORK" : ""));
}

}  // namespace

std::string_view to_string(SocketKind kind) noexcept {
  switch (kind) {
    case SocketKind::tcp: return "tcp";
    case SocketKind::tcp_listener: return "tcp listener";
    case SocketKind::unix_stream: return "unix stream";
    case SocketKind::unix_listener: return "unix listener";
    case SocketKind::udp: return "udp";
    case SocketKind::unix_datagram: return "unix datagram";
  }
  return {};
}

std::string_view to_string(SocketState state) noexcept {
  switch (state) {
    case SocketState::closed: return "closed";
    case SocketState::listen: return "listen";
    case SocketState::syn_sent: return "syn-sent";
    case SocketState::syn_received: return "syn-received";
    case SocketState::established: return "established";
    case SocketState::fin_wait_1: return "fin-wait-1";
    case SocketState::fin_wait_2: return "fin-wait-2";
    case SocketState::close_wait: return "close-wait";
    case SocketState::closing: return "closing";
    case SocketState::last_ack: return "last-ack";
    case SocketState::time_wait: return "time-wait";
  }
  return {};
}

std::string SocketInfo::to_string() const {
  Table table;
  table.row("socket", ieum::to_string(kind));
  table.row("state", ieum::to_string(state),
            error_waiting ? ", an error waits for the next operation" : "");
  table.row("local", local.to_string());
  table.row("peer", peer.to_string());
  if (is_listener()) {
    table.row("accept", receiving ? "pending" : "not pending");
    if (backlog) table.row("backlog", backlog->waiting, " waiting, at most ", backlog->max);
    return table.take();
  }
  add_queues(*this, table);
  if (tcp) {
    add_times(*tcp, table);
    add_control(*tcp, table);
  }
  return table.take();
}

}  // namespace ieum
