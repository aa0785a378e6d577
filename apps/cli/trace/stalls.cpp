#include "trace/stalls.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <set>

#include <fmt/format.h>

#include <ieum/socket_table.hpp>

#include "inspect/findings.hpp"
#include "text/units.hpp"
#include "trace/remote.hpp"
#include "trace/sentences.hpp"

namespace ieum::cli::trace {

namespace {

using Index = std::uint32_t;

struct CallOfThread {
  long number = -1;
  std::array<std::uint64_t, 6> arguments{};
};

/// proc(5): "7 0x7ffd… 0x2 …"; "running" of one that is in none.
CallOfThread call_of(int tid) {
  CallOfThread call;
  std::ifstream file(fmt::format("/proc/{}/syscall", tid));
  if (!(file >> call.number)) call.number = -1;
  file >> std::hex;
  for (std::uint64_t& argument : call.arguments) {
    std::string word;
    file >> word;
    argument = std::strtoull(word.c_str(), nullptr, 16);
  }
  return call;
}

std::string_view name_of_waiting(long number) {
  switch (number) {
#ifdef SYS_poll
    case SYS_poll: return "poll";
#endif
    case SYS_ppoll: return "ppoll";
#ifdef SYS_select
    case SYS_select: return "select";
#endif
    case SYS_pselect6: return "pselect6";
#ifdef SYS_epoll_wait
    case SYS_epoll_wait: return "epoll_wait";
#endif
    case SYS_epoll_pwait: return "epoll_pwait";
#ifdef SYS_epoll_pwait2
    case SYS_epoll_pwait2: return "epoll_pwait2";
#endif
    default: return {};
  }
}

class Explanation {
 public:
  Explanation(const Findings& findings, std::span<const Waiter> waiters, Time now)
      : findings_(findings), table_(findings.table()), waiters_(waiters), now_(now) {}

  std::optional<Event> explain(const Waiter& waiter) {
    if (told_.contains(waiter.tid)) return {};
    const std::vector<Index> sockets = sockets_of(waiter);
    if (sockets.empty()) return {};
    for (const Index socket : sockets) {
      if (const Waiter* other = waits_on_other_end(waiter, socket)) {
        told_.insert(other->tid);
        Event event = about(waiter, socket);
        event.other_pid = other->pid;
        event.text = fmt::format(
            "both wait for the other to send: {} in {} for {}, {} in {} for {}; neither has sent "
            "anything that the other has not read",
            title_of_process(waiter.pid), call_word(waiter.call), age(waiter),
            title_of_process(other->pid), call_word(other->call), age(*other));
        return event;
      }
    }
    // Of several, what is stuck says more than the listener that nobody needs.
    const auto worst = std::ranges::max_element(sockets, {}, [&](Index one) {
      return std::pair(findings_[one].is_stuck, !findings_.socket(one).info.is_listener());
    });
    Event event = about(waiter, *worst);
    event.text =
        fmt::format("{} has waited {}: {}", call_word(waiter.call), age(waiter), sentence(*worst));
    return event;
  }

 private:
  [[nodiscard]] Event about(const Waiter& waiter, Index socket) const {
    const SocketEntry& entry = findings_.socket(socket);
    return {.kind = EventKind::stall,
            .pid = waiter.pid,
            .tid = waiter.tid,
            .call = waiter.call,
            .fd = waiter.fd,
            .socket = entry.inode,
            .protocol = std::string(protocol_of(entry.info)),
            .local = entry.info.local.to_string(),
            .peer = entry.info.peer.to_string()};
  }

  [[nodiscard]] std::string age(const Waiter& waiter) const {
    // To a tenth of a second: the tick that finds it is no finer.
    return fmt::format("{:.1f} s", std::chrono::duration<double>(now_ - waiter.since).count());
  }

  /// Without what we say ourselves.
  [[nodiscard]] std::string sentence(Index socket) const {
    const SocketEntry& entry = findings_.socket(socket);
    if (entry.info.is_listener() && entry.info.backlog && entry.info.backlog->waiting == 0) {
      return fmt::format("no client has connected to {}", address_text(entry.info.local));
    }
    // That nothing has moved for less than a second says nothing of one that waits.
    const bool is_open = entry.info.state == SocketState::established && !entry.info.is_datagram();
    const bool is_idle = entry.info.receive_queue_bytes + entry.info.send_queue_bytes == 0;
    const Stall::Cause cause = findings_[socket].cause;
    const bool is_unsaid = cause == Stall::Cause::moving || cause == Stall::Cause::waiting_for_us;
    if (is_open && is_idle && is_unsaid) return findings_.sentence_of_waiting(socket);
    return findings_.sentence(socket);
  }

  [[nodiscard]] std::optional<Index> index_of(std::uint64_t inode) const {
    const auto sockets = table_.sockets();
    const auto found = std::ranges::find(sockets, inode, &SocketEntry::inode);
    if (inode == 0 || found == sockets.end()) return {};
    return static_cast<Index>(found - sockets.begin());
  }

  [[nodiscard]] std::vector<Index> sockets_of(const Waiter& waiter) const {
    std::vector<Index> sockets;
    if (waiter.socket != 0) {
      if (const auto index = index_of(waiter.socket)) sockets.push_back(*index);
      return sockets;
    }
    const CallOfThread call = call_of(waiter.tid);
    const std::string_view name = name_of_waiting(call.number);
    if (name.ends_with("poll")) return polled_sockets(waiter, call);
    if (name.ends_with("select") || name == "pselect6") return selected_sockets(waiter, call);
    if (!name.starts_with("epoll")) return sockets;
    for (Index i = 0; i < table_.sockets().size(); ++i) {
      for (const SocketHolder& holder : table_.holders(i)) {
        const bool is_watched = holder.epoll_events && (*holder.epoll_events & EPOLLIN) != 0;
        if (is_watched && table_.processes()[holder.process].pid == waiter.pid) {
          sockets.push_back(i);
        }
      }
    }
    return sockets;
  }

  [[nodiscard]] std::vector<Index> polled_sockets(const Waiter& waiter,
                                                  const CallOfThread& call) const {
    constexpr std::uint64_t polled_max = 256;
    std::vector<Index> sockets;
    for (std::uint64_t i = 0; i < std::min(call.arguments[1], polled_max); ++i) {
      const auto one = read_value<pollfd>(waiter.tid, call.arguments[0] + i * sizeof(pollfd));
      if (!one || (one->events & (POLLIN | POLLOUT)) == 0) continue;
      if (const auto index = index_of(socket_at(waiter.tid, one->fd))) sockets.push_back(*index);
    }
    return sockets;
  }

  [[nodiscard]] std::vector<Index> selected_sockets(const Waiter& waiter,
                                                    const CallOfThread& call) const {
    constexpr std::uint64_t bits = 64;
    std::vector<Index> sockets;
    const std::uint64_t count = std::min<std::uint64_t>(call.arguments[0], FD_SETSIZE);
    for (const std::uint64_t set : {call.arguments[1], call.arguments[2]}) {
      for (std::uint64_t fd = 0; fd < count; ++fd) {
        const auto word = read_value<std::uint64_t>(waiter.tid, set == 0 ? 0 : set + fd / bits * 8);
        if (!word) break;
        if ((*word >> (fd % bits) & 1U) == 0) continue;
        const auto index = index_of(socket_at(waiter.tid, static_cast<int>(fd)));
        if (index) sockets.push_back(*index);
      }
    }
    return sockets;
  }

  /// Nothing is under way, and the other end is waited for as well.
  [[nodiscard]] const Waiter* waits_on_other_end(const Waiter& waiter, Index socket) const {
    const SocketEntry& own = findings_.socket(socket);
    if (own.other_end == SocketEntry::npos || !is_receiving(waiter)) return nullptr;
    const SocketEntry& other = findings_.socket(own.other_end);
    const bool is_open =
        own.info.state == SocketState::established && other.info.state == SocketState::established;
    if (!is_open || own.info.receive_queue_bytes + own.info.send_queue_bytes > 0 ||
        other.info.receive_queue_bytes + other.info.send_queue_bytes > 0) {
      return nullptr;
    }
    for (const Waiter& one : waiters_) {
      if (one.tid == waiter.tid || !is_receiving(one)) continue;
      const std::vector<Index> sockets = sockets_of(one);
      if (std::ranges::find(sockets, own.other_end) != sockets.end()) return &one;
    }
    return nullptr;
  }

  static bool is_receiving(const Waiter& waiter) {
    return waiter.socket == 0 || waiter.call.starts_with("re");
  }

  const Findings& findings_;
  const SocketTable& table_;
  std::span<const Waiter> waiters_;
  Time now_;
  std::set<int> told_;
};

}  // namespace

std::vector<Event> explain_waiting(std::span<const Waiter> waiters, Time now) {
  std::vector<Event> events;
  const Result<SocketTable> table = SocketTable::read();
  if (!table) return events;
  const Findings findings(*table);
  Explanation explanation(findings, waiters, now);
  for (const Waiter& waiter : waiters) {
    if (!waiter.is_due) continue;
    if (std::optional<Event> event = explanation.explain(waiter)) events.push_back(*event);
  }
  return events;
}

std::string waits_for_descriptors(int tid) {
  return std::string(name_of_waiting(call_of(tid).number));
}

}  // namespace ieum::cli::trace
