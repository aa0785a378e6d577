// The sentences: what stands in the way of a socket, for whoever looks at it from outside. What is
// not known is not said: above all what a program with an io_uring waits for.
#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "inspect/findings.hpp"
#include "inspect/holder_text.hpp"
#include "text/units.hpp"

namespace ieum::cli {

namespace {

using Cause = Stall::Cause;
using Index = std::uint32_t;

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string clients(std::uint64_t count) { return counted(count, "client", "clients"); }

/// " for 3.2 s", or nothing if that is not known.
std::string for_time(const std::optional<Duration>& age) {
  return age ? " for " + format_duration(*age) : std::string();
}

std::string last_moves(const SocketInfo& info) {
  if (!info.tcp || !info.tcp->last_data_received || !info.tcp->last_data_sent) return {};
  const TcpInfo& tcp = *info.tcp;
  const bool none_came = tcp.bytes_received.value_or(1) == 0;
  const bool none_went = tcp.bytes_sent.value_or(1) == 0;
  if (none_came && none_went) {
    return fmt::format("; connected {} ago, and no data has moved since",
                       format_duration(*tcp.last_data_received));
  }
  if (none_came) {
    return fmt::format("; connected {} ago, last data went {} ago, nothing has come",
                       format_duration(*tcp.last_data_received),
                       format_duration(*tcp.last_data_sent));
  }
  if (none_went) {
    return fmt::format("; last data came {} ago, nothing has gone",
                       format_duration(*tcp.last_data_received));
  }
  return fmt::format("; last data came {} ago, went {} ago",
                     format_duration(*tcp.last_data_received),
                     format_duration(*tcp.last_data_sent));
}

/// Since when data has gone neither way.
Duration idle_for(const SocketInfo& info) {
  if (!info.tcp) return Duration::zero();
  return std::min(info.tcp->last_data_received.value_or(Duration::zero()),
                  info.tcp->last_data_sent.value_or(Duration::zero()));
}

/// "12 bytes are": the system counts a FIN as a byte.
std::string in_flight(const SocketInfo& info) {
  const bool has_finished = info.state == SocketState::fin_wait_1 ||
                            info.state == SocketState::closing ||
                            info.state == SocketState::last_ack;
  const std::uint64_t bytes = info.send_queue_bytes - (has_finished ? 1 : 0);
  if (bytes == 0) return "the FIN is";
  return fmt::format("{} {}{}", format_bytes(bytes), has_finished ? "and the FIN " : "",
                     bytes == 1 && !has_finished ? "is" : "are");
}

std::string only_seen_by(std::uint32_t uid) {
  return uid == 0 ? "; only root may see which process that is"
                  : fmt::format("; only root and {} may see which process that is", user_name(uid));
}

/// "; the next try comes in 1.2 s"
std::string next_try(const SocketEntry& socket) {
  if (socket.timer != SocketTimer::retransmission &&
      socket.timer != SocketTimer::zero_window_probe) {
    return {};
  }
  if (socket.timer_left == Duration::zero()) return "; the next try is due";
  return fmt::format("; the next try comes in {}", format_duration(socket.timer_left));
}

}  // namespace

std::string Findings::holders(Index index) const {
  const SocketEntry& one = socket(index);
  const auto holders = table_.holders(index);
  if (holders.empty()) {
    if (one.inode == 0) {
      return one.is_unaccepted() || one.info.state == SocketState::syn_received
                 ? "not accepted yet"
                 : "no program holds it";
    }
    if (is_hidden(index)) return fmt::format("a process of {}", user_name(one.uid));
    return "held by no process that is seen here";
  }
  const SocketHolder& first = holders.front();
  const SocketProcess& process = table_.processes()[first.process];
  std::string text = fmt::format("{} (pid {}, {})", title_of(process), process.pid,
                                 first.descriptor < 0 ? std::string("registered with its io_uring")
                                                      : fmt::format("fd {}", first.descriptor));
  if (holders.size() > 1) text += fmt::format(" and {} more", holders.size() - 1);
  if (one.uid != ::geteuid()) text += ", of " + user_name(one.uid);
  return text;
}

std::string Findings::program(Index index) const {
  const auto holders = table_.holders(index);
  if (holders.empty()) return "its program";
  const SocketProcess& process = table_.processes()[holders.front().process];
  return fmt::format("{} (pid {})", title_of(process), process.pid);
}

std::string Findings::peer(Index index) const {
  const SocketEntry& one = socket(index);
  if (one.other_end != SocketEntry::npos && !table_.holders(one.other_end).empty()) {
    return program(one.other_end);
  }
  const std::string address = one.info.peer.to_string();
  return address.empty() ? "the other end" : address;
}

std::string Findings::doing(Index index) const {
  const auto holders = table_.holders(index);
  if (holders.empty()) return {};
  for (const SocketHolder& holder : holders) {
    if (!holder.blocked_in.empty())
      return fmt::format("the program waits for it in {}()", holder.blocked_in);
  }
  const SocketHolder& first = holders.front();
  const SocketProcess& process = table_.processes()[first.process];
  if (process.uses_io_uring) {
    return "the program uses io_uring, so what it waits for cannot be seen";
  }
  if (first.epoll_events) {
    return fmt::format("epoll watches it for {}", epoll_words(*first.epoll_events));
  }
  const std::string_view call = process.blocked_in;
  if (process.polls && !is_polling_call(call)) {
    return "a thread of the program waits for descriptors that cannot be seen, in poll() or "
           "select()";
  }
  if (call.empty()) return {};
  if (process.polls) {
    return fmt::format("the program is in {}(), with descriptors that cannot be seen", call);
  }
  const bool sleeps = is_polling_call(call) || call.ends_with("nanosleep");
  return fmt::format("the program {} {}()", sleeps ? "sleeps, in" : "is in", call);
}

std::string Findings::and_doing(Index index) const {
  std::string text = doing(index);
  if (!text.empty()) text.insert(0, "; ");
  return text;
}

std::string Findings::sentence(Index index) const {
  const SocketEntry& one = socket(index);
  const SocketInfo& info = one.info;
  if (info.is_listener()) return say_listener(index);
  if (info.is_datagram()) return say_datagrams(index);
  if (one.unconnected) {
    return info.local.family() == Family::none
               ? "it is neither connected nor listening" + and_doing(index)
               : "its address is taken, but it is neither connected nor listening" +
                     and_doing(index);
  }
  switch (all_[index].cause) {
    case Cause::connecting: return say_connecting(index);
    case Cause::we_do_not_accept: return say_unaccepted(index);
    case Cause::we_do_not_read: return say_unread(index);
    case Cause::peer_finished:
    case Cause::we_finished:
    case Cause::finishing:
    case Cause::failed:
    case Cause::closed: return say_ending(index);
    case Cause::waiting_for_peer:
    case Cause::waiting_for_us: return say_idle(index);
    default: break;
  }
  if (info.send_queue_bytes > 0) return say_sending(index);
  return "it moves" + last_moves(info);
}

// ---- Listeners ---------------------------------------------------------------------------------

std::string Findings::say_listener(Index index) const {
  const SocketEntry& one = socket(index);
  const Backlog backlog = one.info.backlog.value_or(Backlog{});
  const auto queue = queues_.find(index);
  std::string text;
  if (backlog.waiting > backlog.max) {
    text = fmt::format(
        "the backlog is full: {} wait{} to be accepted (its maximum is {}, the system adds one), "
        "and "
        "further ones hang in connect()",
        clients(backlog.waiting), backlog.waiting == 1 ? "s" : "", backlog.max);
    if (queue != queues_.end() && queue->second.clients_count > 0) {
      std::vector<std::string> names;
      for (const Index client : queue->second.clients) names.push_back(program(client));
      text += fmt::format(
          "; {} there now: {}{}", counted(queue->second.clients_count, "hangs", "hang"),
          fmt::join(names, ", "), queue->second.clients_count > names.size() ? " and others" : "");
    }
  } else if (backlog.waiting > 0) {
    text = fmt::format("{} wait{} to be accepted, of at most {}", clients(backlog.waiting),
                       backlog.waiting == 1 ? "s" : "", backlog.max + 1);
    if (queue != queues_.end() && queue->second.oldest > Duration::zero()) {
      text += fmt::format(", the first{}", for_time(queue->second.oldest));
    }
  } else {
    text = all_[index].cause == Cause::waiting_for_us ? "no client waits, and nobody is in accept()"
                                                      : "it waits for clients";
  }
  const auto holders = table_.holders(index);
  std::string what = doing(index);
  // It is the sleep, not the socket, that such a program is in.
  if (all_[index].is_stuck && !what.empty() && !one.info.receiving && !may_be_waited_for(index)) {
    what = "no thread accepts, " + what;
  }
  if (!what.empty()) text += "; " + what;
  if (holders.empty() && is_hidden(index)) {
    text += only_seen_by(one.uid);
  }
  const Address& local = one.info.local;
  if (one.ipv6_only) {
    text += "; it takes IPv6 only, clients of IPv4 are refused";
  } else if (local.is_ip() && !local.is_wildcard()) {
    const bool loopback = local.family() == Family::ipv4
                              ? local.bytes().front() == '\x7f'
                              : local.bytes() == Address::ipv6_loopback(0).bytes();
    if (loopback) {
      text += fmt::format("; only {} clients of this machine reach it",
                          local.family() == Family::ipv4 ? "IPv4" : "IPv6");
    }
  } else if (local.family() == Family::ipv4) {
    text += "; it takes IPv4 only";
  }
  return text;
}

std::string Findings::say_unaccepted(Index index) const {
  const SocketEntry& one = socket(index);
  if (!one.is_unaccepted()) {
    const Index listener =
        one.other_end == SocketEntry::npos ? one.listener : socket(one.other_end).listener;
    return fmt::format("connected, but {} has not accepted it{}{}",
                       listener == SocketEntry::npos ? "the server" : program(listener),
                       and_doing(index), last_moves(one.info));
  }
  const std::string age = one.info.tcp ? for_time(one.info.tcp->last_ack_received) : std::string();
  std::string text = "the connection stands, but nobody has accepted it" + age;
  if (one.info.state == SocketState::close_wait) text += ", and the client has already finished";
  if (one.info.receive_queue_bytes > 0) {
    text += fmt::format("; {} wait here", format_bytes(one.info.receive_queue_bytes));
  }
  if (one.listener != SocketEntry::npos && !table_.holders(one.listener).empty()) {
    text += fmt::format("; {} must call accept()", program(one.listener));
  }
  return text;
}

// ---- Connections -------------------------------------------------------------------------------

std::string Findings::say_connecting(Index index) const {
  const SocketEntry& one = socket(index);
  const std::string tries = counted(one.retransmits + 1, "time", "times");
  if (one.info.state == SocketState::syn_received) {
    return fmt::format("the client's last acknowledgement is missing; the SYN-ACK was sent {}{}",
                       tries, next_try(one));
  }
  std::string text = fmt::format("no answer yet; the SYN was sent {}{}", tries, next_try(one));
  if (one.listener != SocketEntry::npos) {
    const SocketInfo& listener = socket(one.listener).info;
    if (listener.backlog && listener.backlog->waiting > listener.backlog->max) {
      return fmt::format(
          "it hangs in connect(): the backlog of {} at {} is full; the SYN was sent "
          "{}{}",
          program(one.listener), listener.local.to_string(), tries, next_try(one));
    }
  }
  if (one.retransmits > 0) {
    text +=
        "; that host is down, a firewall drops what is sent to this port, or its backlog is full";
  }
  return text;
}

std::string Findings::say_unread(Index index) const {
  const SocketEntry& one = socket(index);
  const SocketInfo& info = one.info;
  const bool closed = info.tcp && info.tcp->our_window_bytes == 0U;
  const auto age = info.tcp ? info.tcp->last_data_received : std::nullopt;
  const bool stuck = all_[index].is_stuck;
  const std::string unread = format_bytes(info.receive_queue_bytes);
  if (!stuck) return fmt::format("{} have come and are to be read{}", unread, and_doing(index));
  return fmt::format(
      "the program does not read: {} wait{} here{}{}{}", unread,
      info.receive_queue_bytes == 1 ? "s" : "",
      age ? fmt::format(", the last of which came {} ago", format_duration(*age)) : std::string(),
      closed ? ", and its window is closed" : "", and_doing(index));
}

std::string Findings::say_sending(Index index) const {
  const SocketEntry& one = socket(index);
  const SocketInfo& info = one.info;
  const std::string unsent = format_bytes(info.send_queue_bytes);
  const std::string orphan =
      one.inode == 0 ? "; no program holds it, and the system goes on by itself" : "";
  switch (all_[index].cause) {
    case Cause::retransmitting:
      return fmt::format(
          "{} not acknowledged and sent again ({}) since the last answer {} ago{}: {}{}",
          in_flight(info), counted(std::max(one.retransmits, 1U), "time", "times"),
          format_duration(info.tcp->last_ack_received.value_or(Duration::zero())), next_try(one),
          one.other_end == SocketEntry::npos
              ? "the network or the other machine is silent"
              : "the other end is here, so a firewall drops what is sent",
          orphan);
    case Cause::neither_reads:
      return fmt::format("neither end reads: {} wait here unread, while {} wait for {}{}",
                         format_bytes(info.receive_queue_bytes), unsent, peer(index),
                         and_doing(index));
    case Cause::peer_does_not_read: {
      const bool zero = info.tcp && info.tcp->peer_window_bytes == 0U;
      std::string window;
      if (info.tcp) {
        window = zero ? ", whose window is closed"
                      : fmt::format(", whose window is down to {}",
                                    format_bytes(info.tcp->peer_window_bytes.value_or(0)));
      }
      return fmt::format("the peer does not read: {} wait here for {}{}{}{}{}", unsent, peer(index),
                         window,
                         one.timer == SocketTimer::zero_window_probe
                             ? fmt::format("; it is probed in {}", format_duration(one.timer_left))
                             : std::string(),
                         and_doing(index), orphan);
    }
    case Cause::nagle:
      return fmt::format(
          "{} are held back by Nagle's algorithm or TCP_CORK until what went before is "
          "acknowledged",
          format_bytes(info.unsent_bytes));
    case Cause::limited_by_receiver:
      return fmt::format("it moves as fast as the peer reads; {} wait here", unsent);
    case Cause::limited_by_network:
      return fmt::format("it moves as fast as the network lets it; {} wait here", unsent);
    default: return fmt::format("it moves: {} are under way{}", unsent, last_moves(info));
  }
}

std::string Findings::say_ending(Index index) const {
  const SocketEntry& one = socket(index);
  const SocketInfo& info = one.info;
  const bool is_held = one.inode != 0;
  switch (all_[index].cause) {
    case Cause::peer_finished: {
      std::string text = "the peer has finished";
      if (all_[index].is_leaking && info.tcp && info.tcp->last_ack_received) {
        text = fmt::format("the peer finished at least {} ago",
                           format_duration(*info.tcp->last_ack_received));
      }
      text += is_held ? ", and the program has not closed its end" : "; no program holds this end";
      if (info.receive_queue_bytes > 0) {
        text += fmt::format("; {} are still unread", format_bytes(info.receive_queue_bytes));
      }
      return text + and_doing(index);
    }
    case Cause::we_finished: {
      std::string text = "this end has finished, the peer has not";
      if (one.other_end != SocketEntry::npos) text += fmt::format(": {} must close", peer(index));
      if (!is_held && one.timer != SocketTimer::none) {
        text += fmt::format("; no program holds it, and the system drops it in {}",
                            format_duration(one.timer_left));
      } else {
        text += is_held ? and_doing(index) : "; no program holds it";
      }
      return text;
    }
    case Cause::closed:
      return info.kind == SocketKind::unix_stream
                 ? "the other end is closed; the program has not closed this one" + and_doing(index)
                 : "the connection has ended; its program has not closed it" + and_doing(index);
    default: break;
  }
  if (info.state == SocketState::time_wait) {
    return fmt::format(
        "closed, as it should be; the system keeps the addresses for {} more, so that late "
        "segments "
        "reach no new connection",
        format_duration(one.timer_left));
  }
  return fmt::format("both ends have finished; the last acknowledgement is missing{}{}",
                     next_try(one), is_held ? "" : "; no program holds it");
}

std::string Findings::say_idle(Index index) const {
  const SocketEntry& one = socket(index);
  const std::string moves = last_moves(one.info);
  if (all_[index].is_stuck) {
    return fmt::format("both ends wait for the other to send; {}{}", doing(index), moves);
  }
  if (is_blocked_receiving(index)) {
    return fmt::format("it waits for {} to send; {}{}", peer(index), doing(index), moves);
  }
  const std::string what = doing(index);
  if (has_asked(index) && idle_for(one.info) >= patience) {
    const TcpInfo& tcp = *one.info.tcp;
    const bool was_answered = tcp.bytes_received.value_or(0) > 0;
    std::string text = fmt::format(
        "{} {} ago, not answered{}",
        was_answered ? "asked again" : "asked " + format_bytes(tcp.bytes_sent.value_or(0)),
        format_duration(*tcp.last_data_sent), and_doing(index));
    if (was_answered) {
      text +=
          fmt::format("; the last answer came {} ago", format_duration(*tcp.last_data_received));
    }
    return text;
  }
  return what.empty() ? "idle" + moves : fmt::format("idle; {}{}", what, moves);
}

std::string Findings::sentence_of_waiting(Index index) const {
  return fmt::format("it waits for {} to send{}", peer(index), last_moves(socket(index).info));
}

// ---- Datagrams ---------------------------------------------------------------------------------

std::string Findings::say_datagrams(Index index) const {
  const SocketEntry& one = socket(index);
  const SocketInfo& info = one.info;
  std::string text;
  if (all_[index].cause == Cause::peer_does_not_read) {
    text = fmt::format("{} does not read: its queue is full", peer(index));
  } else if (all_[index].cause == Cause::we_do_not_read) {
    text = fmt::format("the program {}: {} of memory {} here, of at most {}",
                       all_[index].is_stuck ? "does not read fast enough" : "has something to read",
                       format_bytes(info.receive_queue_bytes),
                       all_[index].is_stuck ? "wait unread" : "wait",
                       format_bytes(info.receive_buffer_bytes));
  } else {
    text = info.receiving ? "it waits for datagrams" : "no datagram waits here";
  }
  if (one.drops > 0) {
    text += fmt::format("; {} thrown away so far, as its queue was full",
                        counted(one.drops, "datagram was", "datagrams were"));
  }
  text += and_doing(index);
  if (is_hidden(index)) {
    text += only_seen_by(one.uid);
  }
  return text;
}

}  // namespace ieum::cli
