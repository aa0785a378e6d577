// Why a socket does not move. The order of the questions is the point: what is in the way of
// sending, then of receiving, then who would have to begin.
#include <ieum/explain.hpp>

#include <algorithm>

#include "base/words.hpp"

namespace ieum {

namespace {

using Cause = Stall::Cause;
using detail::count_of;
using detail::words;

template <class... Parts>
Stall stall(Cause cause, const Parts&... parts) {
  return {cause, words(parts...)};
}

std::string bytes(std::uint64_t count) { return count_of(count, "byte"); }

std::string peer_of(const SocketInfo& info) {
  const std::string peer = info.peer.to_string();
  return peer.empty() ? "the peer" : "the peer " + peer;
}

/// What has not moved for this long stands still.
Duration patience(const TcpInfo& tcp) {
  constexpr Duration least = std::chrono::milliseconds(200);
  return std::max(least, 2 * tcp.rtt.value_or(Duration::zero()));
}

bool is_recent(const std::optional<Duration>& age, const TcpInfo& tcp) {
  return age && *age < patience(tcp);
}

/// "", or " for 3.2 s": for how long something has not happened.
std::string for_time(const std::optional<Duration>& age) {
  return age ? words(" for ", *age) : std::string();
}

/// When the next retransmission is due, as far as the last one tells.
std::string next_try(const TcpInfo& tcp) {
  const Duration since = tcp.last_data_sent.value_or(Duration::zero());
  const Duration left = tcp.retransmission_timeout - since;
  return left > Duration::zero() ? words("the next try is due within ", left)
                                 : std::string("the next try is due now");
}

// ---- Listeners ----------------------------------------------------------------------------------

Stall diagnose_listener(const SocketInfo& info) {
  if (!info.backlog) {
    return info.receiving
               ? stall(Cause::waiting_for_client, "waiting for a client to connect")
               : stall(Cause::waiting_for_us,
                       "no accept is pending here: await accept(), or serve the listener");
  }
  const auto [waiting, max] = *info.backlog;
  const std::string clients = count_of(waiting, "client");
  if (waiting > max) {
    return stall(Cause::backlog_full, "the backlog is full: ", clients,
                 " wait to be accepted (its maximum is ", max,
                 ", the system adds one) and new ones are turned away; accept faster, or raise "
                 "ListenOptions::backlog and /proc/sys/net/core/somaxconn");
  }
  if (waiting > 0 && !info.receiving) {
    return stall(Cause::we_do_not_accept, "we do not accept: ", clients,
                 waiting == 1 ? " waits" : " wait", " in the backlog, of at most ", max,
                 ", and no accept is pending; the server is busy, at its limit of sessions, or out "
                 "of descriptors");
  }
  if (waiting > 0) {
    return stall(Cause::moving, clients, waiting == 1 ? " is" : " are", " about to be accepted");
  }
  if (info.receiving) {
    return stall(Cause::waiting_for_client,
                 "waiting for a client: an accept is pending and nobody "
                 "has connected to ",
                 info.local.to_string());
  }
  return stall(Cause::waiting_for_us,
               "nobody waits in the backlog and no accept is pending: await accept()");
}

// ---- Sending ------------------------------------------------------------------------------------

Stall connecting(const SocketInfo& info) {
  if (!info.tcp) return stall(Cause::connecting, "waiting for the handshake");
  const TcpInfo& tcp = *info.tcp;
  if (info.state == SocketState::syn_received) {
    return stall(Cause::connecting, "waiting for the handshake: ", peer_of(info),
                 " has not acknowledged our SYN-ACK, sent ", count_of(tcp.retransmits + 1, "time"));
  }
  if (tcp.retransmits == 0) {
    return stall(Cause::connecting,
                 "waiting for the handshake: a SYN was sent and is not answered "
                 "yet; it is sent again after ",
                 tcp.retransmission_timeout);
  }
  // Counted from the first timeout on; the first wait itself was the timeout without its doublings.
  std::optional<Duration> silent = tcp.timeouts_time;
  if (silent)
    *silent += tcp.retransmission_timeout / (std::int64_t{1} << std::min(tcp.backoff, 30U));
  return stall(Cause::connecting, "waiting for the handshake: the SYN was sent ",
               count_of(tcp.retransmits + 1, "time"), " and nobody has answered", for_time(silent),
               "; is that host up, does a firewall drop what is sent to this port, or is its "
               "backlog full?");
}

bool is_window_closed(const SocketInfo& info) { return info.tcp->peer_window_bytes == 0U; }

Stall retransmitting(const SocketInfo& info) {
  const TcpInfo& tcp = *info.tcp;
  if (is_window_closed(info)) {
    return stall(Cause::retransmitting, "retransmitting: ", peer_of(info),
                 " has closed its window and no longer answers probes; its last answer came ",
                 tcp.last_ack_received.value_or(Duration::zero()), " ago and ", next_try(tcp),
                 ": the path or the peer is gone");
  }
  return stall(Cause::retransmitting, "retransmitting: ", bytes(info.in_flight_bytes()), " in ",
               count_of(tcp.unacknowledged_segments, "segment"), " are not acknowledged after ",
               count_of(tcp.retransmits, "timeout"), ", the last answer came ",
               tcp.last_ack_received.value_or(Duration::zero()), " ago and ", next_try(tcp),
               ": the path or the peer is gone; a deadline (with_timeout) or TCP_USER_TIMEOUT "
               "ends this sooner than the system does");
}

/// The peer's window has no room for what is to be sent next. What is on its way to a window that
/// has closed meanwhile is dropped there.
bool is_window_full(const SocketInfo& info) {
  const TcpInfo& tcp = *info.tcp;
  if (is_window_closed(info)) return true;
  if (info.unsent_bytes == 0 || !tcp.peer_window_bytes) return false;
  const std::uint64_t next = std::min<std::uint64_t>(info.unsent_bytes, tcp.segment_bytes_max);
  return info.in_flight_bytes() + next > *tcp.peer_window_bytes;
}

/// The last that we sent is unanswered, beyond what the path explains. A peer with a closed window
/// answers probes, and what is sent to it again: the system counts those as no retransmits.
bool is_silent(const SocketInfo& info) {
  const TcpInfo& tcp = *info.tcp;
  if (info.in_flight_bytes() == 0) return tcp.zero_window_probes > 1;
  if (!is_window_closed(info)) return tcp.retransmits > 0;
  return tcp.last_data_sent && tcp.last_ack_received && !is_recent(tcp.last_data_sent, tcp) &&
         *tcp.last_ack_received > *tcp.last_data_sent + patience(tcp);
}

bool has_unread(const SocketInfo& info) { return info.receive_queue_bytes > 0 && !info.receiving; }

Stall window_full(const SocketInfo& info) {
  const TcpInfo& tcp = *info.tcp;
  const std::string window = bytes(*tcp.peer_window_bytes);
  // What is sent again and again into a closed window is sent, but does not move.
  const bool again = is_window_closed(info) && (tcp.backoff > 0 || tcp.retransmitted_segments > 0);
  if (!again && is_recent(tcp.last_data_sent, tcp)) {
    return stall(Cause::limited_by_receiver, "it moves, limited by the receiver: the window of ",
                 peer_of(info), " is ", window, " and ", bytes(info.send_queue_bytes),
                 " wait here; it must read faster, or have a larger SO_RCVBUF");
  }
  if (has_unread(info)) {
    return stall(Cause::neither_reads, "neither side reads: ", bytes(info.receive_queue_bytes),
                 " wait here and no read is pending, while ", bytes(info.send_queue_bytes),
                 " wait for ", peer_of(info), ", whose window is ", window,
                 "; read while you write, in two tasks");
  }
  const std::string since =
      info.in_flight_bytes() == 0 ? words("; nothing has gone", for_time(tcp.last_data_sent)) : "";
  return stall(Cause::peer_does_not_read, "the peer does not read: ", bytes(info.send_queue_bytes),
               " wait here for ", peer_of(info), ", whose window is ",
               is_window_closed(info) ? std::string("closed") : "down to " + window, since,
               "; its program must read");
}

/// A tail too short for a segment is held back on purpose.
bool is_short_tail(const SocketInfo& info) {
  return info.unsent_bytes > 0 && info.unsent_bytes < info.tcp->segment_bytes_max;
}

std::optional<Stall> held_back(const SocketInfo& info) {
  const TcpInfo& tcp = *info.tcp;
  if (!is_short_tail(info)) return std::nullopt;
  if (tcp.cork) {
    return stall(Cause::cork, "TCP_CORK holds back ", bytes(info.unsent_bytes),
                 ", less than a segment of ", tcp.segment_bytes_max,
                 ", for up to 200 ms; set TCP_CORK to 0 where a message ends");
  }
  const bool has_room = tcp.unacknowledged_segments < tcp.congestion_window_segments;
  if (tcp.no_delay || info.in_flight_bytes() == 0 || !has_room) return std::nullopt;
  return stall(Cause::nagle, "Nagle against delayed acknowledgement: ", bytes(info.unsent_bytes),
               ", less than a segment of ", tcp.segment_bytes_max,
               ", wait until the peer acknowledges ", bytes(info.in_flight_bytes()),
               ", which it delays by 40 ms or more; set TCP_NODELAY, or write whole messages");
}

/// Something is to be sent, or to be acknowledged.
Stall diagnose_sending(const SocketInfo& info) {
  const TcpInfo& tcp = *info.tcp;
  if (is_silent(info)) return retransmitting(info);
  if (is_window_full(info)) return window_full(info);
  if (std::optional<Stall> held = held_back(info)) return *std::move(held);
  if (tcp.lost_segments > 0 || tcp.retransmitted_segments > 0) {
    return stall(Cause::limited_by_network, "it moves, limited by the network: ", tcp.lost_segments,
                 " of ", count_of(tcp.unacknowledged_segments, "segment"),
                 " on their way are taken for lost and are sent again");
  }
  if (info.unsent_bytes > 0) {
    return stall(Cause::limited_by_network, "it moves, limited by the network: ",
                 count_of(tcp.unacknowledged_segments, "segment"),
                 " are on their way, the congestion window is ", tcp.congestion_window_segments,
                 ", the round trip takes ", tcp.rtt.value_or(Duration::zero()), ", and ",
                 bytes(info.unsent_bytes), " wait");
  }
  if (info.sending) {
    return stall(Cause::limited_by_send_buffer, "it moves, limited by our send buffer: all ",
                 bytes(info.in_flight_bytes()),
                 " of it are on their way and a write waits; raise SO_SNDBUF (",
                 info.send_buffer_bytes, ") if the round trip of ",
                 tcp.rtt.value_or(Duration::zero()), " asks for more");
  }
  return stall(Cause::moving, "it moves: ", bytes(info.in_flight_bytes()),
               " are on their way and not acknowledged yet", for_time(tcp.last_data_sent));
}

// ---- Receiving, and who begins ------------------------------------------------------------------

Stall we_do_not_read(const SocketInfo& info) {
  const bool closed = info.tcp && info.tcp->our_window_bytes == 0U;
  const auto age = info.tcp ? info.tcp->last_data_received : std::nullopt;
  return stall(Cause::we_do_not_read, "we do not read: ", bytes(info.receive_queue_bytes), " from ",
               peer_of(info), " wait here", for_time(age), closed ? ", our window is closed" : "",
               " and no read is pending; await read_some()");
}

/// When the peer last sent, for a sentence about its silence.
std::string last_sent(const SocketInfo& info) {
  if (!info.tcp || !info.tcp->last_data_received) return {};
  const Duration age = *info.tcp->last_data_received;
  return info.tcp->bytes_received == std::uint64_t{0}
             ? words("; ", peer_of(info), " has sent nothing since the connection was made ", age,
                     " ago")
             : words("; ", peer_of(info), " last sent something ", age, " ago");
}

Stall peer_finished(const SocketInfo& info) {
  if (info.receiving)
    return stall(Cause::moving,
                 "the peer has finished, which the pending read is about to be told");
  return stall(Cause::peer_finished,
               "the peer has finished sending and has all that we sent: ", peer_of(info),
               " waits for what we still send, or for our end; write, or close");
}

Stall we_finished(const SocketInfo& info) {
  return stall(Cause::we_finished, "we have finished sending and wait for the end of ",
               peer_of(info), last_sent(info),
               info.receiving ? "" : "; no read is pending here to see it",
               "; if it never comes, close, or set a deadline");
}

/// "", or what has moved a moment ago. The ages begin with the connection, before any data.
std::string just_moved(const TcpInfo& tcp) {
  if (tcp.bytes_received.value_or(1) > 0 && is_recent(tcp.last_data_received, tcp)) {
    return words("it moves: data came ", *tcp.last_data_received, " ago");
  }
  if (tcp.bytes_sent.value_or(1) > 0 && is_recent(tcp.last_data_sent, tcp)) {
    return words("it moves: data was sent ", *tcp.last_data_sent, " ago, and has all arrived");
  }
  return {};
}

/// Nothing waits anywhere.
Stall diagnose_idle(const SocketInfo& info) {
  if (info.tcp) {
    const std::string moved = just_moved(*info.tcp);
    if (!moved.empty()) return stall(Cause::moving, moved);
  }
  if (info.receiving) {
    return stall(
        Cause::waiting_for_peer,
        "waiting for the peer to send: a read is pending and all that we sent has arrived",
        last_sent(info),
        info.tcp ? "; a deadline (with_timeout) or SO_KEEPALIVE finds out whether it is still there"
                 : "");
  }
  return stall(Cause::waiting_for_us,
               "waiting for us: nothing is under way and no read or write of ours is pending",
               last_sent(info));
}

Stall diagnose_closed(const SocketInfo& info) {
  if (has_unread(info)) return we_do_not_read(info);
  if (info.error_waiting) {
    return stall(Cause::failed, "the connection to ", peer_of(info), " has failed",
                 info.send_queue_bytes > 0
                     ? words(" with ", bytes(info.send_queue_bytes), " not acknowledged")
                     : std::string(),
                 "; the next read or write tells the error");
  }
  return stall(Cause::closed, "the connection to ", peer_of(info),
               " has ended: both sides have finished, or an error that was told already has cut "
               "it; close it");
}

// ---- Unix streams -------------------------------------------------------------------------------

Stall diagnose_unix(const SocketInfo& info) {
  if (info.send_queue_bytes > 0) {
    const std::string queue = words(bytes(info.send_queue_bytes), " of memory, of ",
                                    info.send_buffer_bytes, " (SO_SNDBUF)");
    if (has_unread(info)) {
      return stall(Cause::neither_reads, "neither side reads: ", bytes(info.receive_queue_bytes),
                   " wait here and no read is pending, while what we sent fills ", queue, " at ",
                   peer_of(info), "; read while you write, in two tasks");
    }
    return stall(Cause::peer_does_not_read, "the peer does not read: what it has not read fills ",
                 queue, info.sending ? ", and a write waits" : "", "; its program must read");
  }
  if (has_unread(info)) return we_do_not_read(info);
  if (info.state == SocketState::close_wait) return peer_finished(info);
  if (info.state == SocketState::fin_wait_2) return we_finished(info);
  return diagnose_idle(info);
}

Stall diagnose_tcp(const SocketInfo& info) {
  if (info.send_queue_bytes > 0) {
    Stall sending = diagnose_sending(info);
    if (!sending.moves() || !has_unread(info)) return sending;
  }
  if (has_unread(info)) {
    const bool window_closed = info.tcp->our_window_bytes == 0U;
    if (window_closed || !is_recent(info.tcp->last_data_received, *info.tcp))
      return we_do_not_read(info);
    return stall(Cause::moving, "it moves: ", bytes(info.receive_queue_bytes), " came ",
                 *info.tcp->last_data_received, " ago and are to be read");
  }
  switch (info.state) {
    case SocketState::close_wait: return peer_finished(info);
    case SocketState::fin_wait_1:
    case SocketState::fin_wait_2: return we_finished(info);
    case SocketState::closing:
    case SocketState::last_ack:
    case SocketState::time_wait:
      return stall(Cause::finishing,
                   "both sides have finished; the last acknowledgements are under way");
    default: return diagnose_idle(info);
  }
}

Stall diagnose_datagrams(const SocketInfo& info) {
  if (has_unread(info)) return we_do_not_read(info);
  if (info.receiving) {
    return stall(Cause::waiting_for_peer, "waiting for a datagram: a receive is pending");
  }
  return stall(Cause::waiting_for_us, "no datagram waits here, and no receive is pending");
}

}  // namespace

Stall diagnose(const SocketInfo& info) {
  if (info.is_listener()) return diagnose_listener(info);
  if (info.is_datagram()) return diagnose_datagrams(info);
  if (info.state == SocketState::closed) return diagnose_closed(info);
  if (info.state == SocketState::syn_sent || info.state == SocketState::syn_received) {
    return connecting(info);
  }
  return info.tcp ? diagnose_tcp(info) : diagnose_unix(info);
}

}  // namespace ieum
