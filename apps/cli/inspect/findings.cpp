// What is wrong with which socket. Whether something is in the way is judged first, for all; the
// words are made for those that are shown.
#include "inspect/findings.hpp"

#include <algorithm>

#include "inspect/holder_text.hpp"

namespace ieum::cli {

namespace {

using Cause = Stall::Cause;
using Index = std::uint32_t;

/// Since when nothing has come from the peer, not even an acknowledgement.
Duration silence(const SocketInfo& info) {
  return info.tcp ? info.tcp->last_ack_received.value_or(Duration::zero()) : Duration::zero();
}

Duration since_received(const SocketInfo& info) {
  return info.tcp ? info.tcp->last_data_received.value_or(Duration::zero()) : Duration::zero();
}

/// Since when data has gone neither way.
Duration idle_time(const SocketInfo& info) {
  if (!info.tcp) return Duration::zero();
  return std::min(since_received(info), info.tcp->last_data_sent.value_or(Duration::zero()));
}

bool is_obstacle(Cause cause) noexcept {
  switch (cause) {
    case Cause::connecting:
    case Cause::retransmitting:
    case Cause::peer_does_not_read:
    case Cause::we_do_not_read:
    case Cause::neither_reads: return true;
    default: return false;
  }
}

}  // namespace

std::string_view to_string(Cause cause) noexcept {
  switch (cause) {
    case Cause::connecting: return "connecting";
    case Cause::retransmitting: return "retransmitting";
    case Cause::peer_does_not_read: return "peer_does_not_read";
    case Cause::we_do_not_read: return "we_do_not_read";
    case Cause::neither_reads: return "neither_reads";
    case Cause::nagle: return "nagle";
    case Cause::cork: return "cork";
    case Cause::we_do_not_accept: return "we_do_not_accept";
    case Cause::backlog_full: return "backlog_full";
    case Cause::waiting_for_peer: return "waiting_for_peer";
    case Cause::waiting_for_us: return "waiting_for_us";
    case Cause::waiting_for_client: return "waiting_for_client";
    case Cause::peer_finished: return "peer_finished";
    case Cause::we_finished: return "we_finished";
    case Cause::finishing: return "finishing";
    case Cause::failed: return "failed";
    case Cause::closed: return "closed";
    case Cause::limited_by_network: return "limited_by_network";
    case Cause::limited_by_receiver: return "limited_by_receiver";
    case Cause::limited_by_send_buffer: return "limited_by_send_buffer";
    case Cause::moving: return "moving";
  }
  return {};
}

std::string_view protocol_of(const SocketInfo& info) noexcept {
  switch (info.kind) {
    case SocketKind::tcp:
    case SocketKind::tcp_listener: return "tcp";
    case SocketKind::udp: return "udp";
    default: return "unix";
  }
}

std::string address_text(const Address& address) {
  return address.is_any_family() ? "*:" + std::to_string(address.port()) : address.to_string();
}

std::string_view state_of(const SocketEntry& socket) noexcept {
  return socket.unconnected ? "unconnected" : to_string(socket.info.state);
}

Findings::Findings(const SocketTable& table) : table_(table) {
  collect_queues();
  all_.reserve(table.sockets().size());
  for (Index i = 0; i < table.sockets().size(); ++i) all_.push_back(judge(i));
}

void Findings::collect_queues() {
  for (Index i = 0; i < table_.sockets().size(); ++i) {
    const SocketEntry& one = socket(i);
    if (one.info.kind == SocketKind::tcp_listener) served_ports_.insert(one.info.local.port());
    if (one.listener == SocketEntry::npos) continue;
    Queue& queue = queues_[one.listener];
    if (one.is_unaccepted()) {
      // The handshake's end is the last that every waiting client has sent.
      queue.oldest = std::max(queue.oldest, silence(one.info));
    } else if (one.info.state == SocketState::syn_sent) {
      ++queue.clients_count;
      if (queue.clients.size() < clients_named) queue.clients.push_back(i);
    }
  }
}

bool Findings::is_blocked_receiving(Index index) const noexcept {
  return std::ranges::any_of(table_.holders(index), [](const SocketHolder& holder) {
    return is_receiving_call(holder.blocked_in);
  });
}

bool Findings::is_blocked_sending(Index index) const noexcept {
  return std::ranges::any_of(table_.holders(index), [](const SocketHolder& holder) {
    return !holder.blocked_in.empty() && !is_receiving_call(holder.blocked_in);
  });
}

bool Findings::may_be_waited_for(Index index) const noexcept {
  const auto holders = table_.holders(index);
  return holders.empty() || std::ranges::any_of(holders, [&](const SocketHolder& holder) {
           const SocketProcess& process = table_.processes()[holder.process];
           return process.uses_io_uring || process.polls || !process.calls_known;
         });
}

bool Findings::has_asked(Index index) const noexcept {
  const SocketInfo& info = socket(index).info;
  if (!info.tcp || !info.tcp->last_data_received || !info.tcp->last_data_sent) return false;
  if (served_ports_.contains(info.local.port())) return false;  // a server that has answered
  if (info.tcp->bytes_sent.value_or(0) == 0) return false;
  return info.tcp->bytes_received.value_or(0) == 0 ||
         *info.tcp->last_data_sent < *info.tcp->last_data_received;
}

bool Findings::is_hidden(Index index) const noexcept {
  return socket(index).inode != 0 && table_.holders(index).empty() && table_.hidden_processes() > 0;
}

// ---- Judging -----------------------------------------------------------------------------------

Finding Findings::judge(Index index) const {
  const SocketEntry& one = socket(index);
  const SocketInfo& info = one.info;
  if (info.is_listener()) return judge_listener(index);
  if (info.is_datagram()) return judge_datagrams(index);
  if (one.unconnected) return {.cause = Cause::closed};
  if (info.kind == SocketKind::unix_stream) return judge_unix(index);
  switch (info.state) {
    case SocketState::syn_sent:
    case SocketState::syn_received:
      return {.cause = Cause::connecting, .is_stuck = one.retransmits > 0};
    case SocketState::time_wait: return {.cause = Cause::finishing};
    case SocketState::established:
      if (one.is_unaccepted()) {
        return {.cause = Cause::we_do_not_accept, .is_stuck = silence(info) >= patience};
      }
      if (info.receive_queue_bytes == 0 && info.send_queue_bytes == 0) return judge_idle(index);
      break;
    case SocketState::close_wait: return judge_close_wait(index);
    default: break;
  }
  return judge_by_diagnosis(index);
}

Finding Findings::judge_by_diagnosis(Index index) const {
  SocketInfo info = socket(index).info;
  if (!info.tcp) {  // the system keeps little more than the addresses
    return {.cause = info.state == SocketState::fin_wait_2 ? Cause::we_finished : Cause::finishing};
  }
  // Asking epoll for input is no read: what has come lies here unread.
  if (info.receive_queue_bytes > 0) info.receiving = is_blocked_receiving(index);
  const Cause cause = diagnose(info).cause;
  bool stuck = is_obstacle(cause);
  // What has just come may be read in a moment.
  if (cause == Cause::we_do_not_read) stuck = since_received(info) >= patience;
  if (cause == Cause::we_finished) {
    stuck = socket(index).inode != 0 && std::min(silence(info), idle_time(info)) >= long_patience;
  }
  return {.cause = cause, .is_stuck = stuck};
}

Finding Findings::judge_close_wait(Index index) const {
  const SocketEntry& one = socket(index);
  if (one.is_unaccepted()) {
    return {.cause = Cause::we_do_not_accept, .is_stuck = silence(one.info) >= patience};
  }
  if (one.info.send_queue_bytes > 0) {
    const Finding sending = judge_by_diagnosis(index);
    if (sending.is_stuck && sending.cause != Cause::we_do_not_read) return sending;
    if (diagnose(one.info).moves()) return {.cause = Cause::moving};
  }
  const bool old = std::min(silence(one.info), idle_time(one.info)) >= patience;
  return {.cause = Cause::peer_finished, .is_stuck = old, .is_leaking = old};
}

Finding Findings::judge_idle(Index index) const {
  const SocketEntry& one = socket(index);
  const Duration idle = idle_time(one.info);
  if (one.other_end != SocketEntry::npos && socket(one.other_end).is_unaccepted()) {
    return {.cause = Cause::we_do_not_accept, .is_stuck = idle >= patience};
  }
  if (idle < patience) return {.cause = Cause::moving};
  if (!one.info.receiving) return {.cause = Cause::waiting_for_us};
  // Each end has a thread that does nothing but wait for the other: neither will begin.
  const bool both = one.other_end != SocketEntry::npos && idle >= long_patience &&
                    is_blocked_receiving(index) && is_blocked_receiving(one.other_end);
  return {.cause = Cause::waiting_for_peer, .is_stuck = both};
}

Finding Findings::judge_listener(Index index) const {
  const SocketEntry& one = socket(index);
  const Backlog backlog = one.info.backlog.value_or(Backlog{});
  if (backlog.waiting > backlog.max) return {.cause = Cause::backlog_full, .is_stuck = true};
  if (backlog.waiting == 0) {
    return {.cause = one.info.receiving || may_be_waited_for(index) ? Cause::waiting_for_client
                                                                    : Cause::waiting_for_us};
  }
  const auto queue = queues_.find(index);
  const Duration oldest = queue == queues_.end() ? Duration::zero() : queue->second.oldest;
  // Of Unix clients it is not known how long they have waited.
  const bool is_unix = one.info.kind == SocketKind::unix_listener;
  const bool stuck =
      is_unix ? !one.info.receiving && !may_be_waited_for(index) : oldest >= patience;
  return {.cause = stuck ? Cause::we_do_not_accept : Cause::moving, .is_stuck = stuck};
}

Finding Findings::judge_datagrams(Index index) const {
  const SocketEntry& one = socket(index);
  const SocketInfo& info = one.info;
  if (info.kind == SocketKind::unix_datagram) {
    // A sender waits for room in the receiver's queue; the receiver's tells less.
    if (is_blocked_sending(index)) return {.cause = Cause::peer_does_not_read, .is_stuck = true};
  }
  if (info.receive_queue_bytes > 0 && !is_blocked_receiving(index)) {
    const bool full = 2 * info.receive_queue_bytes >= info.receive_buffer_bytes;
    return {.cause = Cause::we_do_not_read, .is_stuck = full || one.drops > 0};
  }
  return {.cause = info.receiving ? Cause::waiting_for_peer : Cause::waiting_for_us};
}

Finding Findings::judge_unix(Index index) const {
  const SocketEntry& one = socket(index);
  if (one.listener != SocketEntry::npos) {
    return {.cause = Cause::we_do_not_accept, .is_stuck = judge_listener(one.listener).is_stuck};
  }
  SocketInfo info = one.info;
  if (info.receive_queue_bytes > 0) info.receiving = is_blocked_receiving(index);
  if (info.state == SocketState::closed) return {.cause = diagnose(info).cause};
  // There are no times: a writer that waits for room is what tells that the reader does not read.
  const bool waits_for_room = info.send_queue_bytes > 0 && is_blocked_sending(index);
  const bool holds_up = info.receive_queue_bytes > 0 && one.other_end != SocketEntry::npos &&
                        is_blocked_sending(one.other_end);
  const bool both = info.receive_queue_bytes == 0 && info.send_queue_bytes == 0 &&
                    one.other_end != SocketEntry::npos && is_blocked_receiving(index) &&
                    is_blocked_receiving(one.other_end);
  if (waits_for_room && holds_up) return {.cause = Cause::neither_reads, .is_stuck = true};
  if (both) return {.cause = Cause::waiting_for_peer};
  if (info.state == SocketState::close_wait && !is_blocked_sending(index)) {
    return {.cause = Cause::peer_finished, .is_stuck = true, .is_leaking = true};
  }
  return {.cause = diagnose(info).cause, .is_stuck = waits_for_room || holds_up};
}

}  // namespace ieum::cli
