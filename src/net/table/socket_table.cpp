// SocketTable: the kernel's list, /proc's holders, and what belongs together.
#include <ieum/socket_table.hpp>

#include <sys/epoll.h>

#include <algorithm>
#include <functional>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "net/table/socket_dump.hpp"
#include "net/table/socket_holders.hpp"
#include "net/table/system_calls.hpp"

namespace ieum {

namespace {

using Index = std::uint32_t;

/// The two ends of a connection, of which one is read the other way round.
struct EndsHash {
  std::size_t operator()(const SocketEntry* socket) const noexcept {
    constexpr std::size_t odd = 0x9e3779b97f4a7c15;
    const Address& local = socket->info.local;
    const Address& peer = socket->info.peer;
    // The same for both ends.
    const std::hash<std::string_view> hash;
    return (hash(local.bytes()) + local.port() * odd) ^ (hash(peer.bytes()) + peer.port() * odd);
  }
};

/// Equal to the other end, not to itself.
struct AreEnds {
  bool operator()(const SocketEntry* a, const SocketEntry* b) const noexcept {
    return a->info.kind == b->info.kind && a->info.local == b->info.peer &&
           a->info.peer == b->info.local;
  }
};

/// IP: by addresses. Of two connections to oneself through one address both ends are the socket.
void join_by_address(std::vector<SocketEntry>& sockets) {
  std::vector<std::pair<std::size_t, Index>> by_hash;
  for (Index i = 0; i < sockets.size(); ++i) {
    const SocketInfo& info = sockets[i].info;
    if (info.peer.is_ip()) by_hash.emplace_back(EndsHash{}(&sockets[i]), i);
  }
  std::ranges::sort(by_hash);
  for (std::size_t first = 0; first < by_hash.size(); ++first) {
    SocketEntry& one = sockets[by_hash[first].second];
    if (one.other_end != SocketEntry::npos) continue;
    for (std::size_t next = first + 1;
         next < by_hash.size() && by_hash[next].first == by_hash[first].first; ++next) {
      SocketEntry& other = sockets[by_hash[next].second];
      if (other.other_end != SocketEntry::npos || !AreEnds{}(&one, &other)) continue;
      one.other_end = by_hash[next].second;
      other.other_end = by_hash[first].second;
      break;
    }
  }
}

/// Unix: by inodes. One that nobody has accepted has none, but names its peer's.
void join_by_inode(std::vector<SocketEntry>& sockets,
                   const std::vector<detail::SocketInode>& inodes) {
  for (Index i = 0; i < sockets.size(); ++i) {
    SocketEntry& socket = sockets[i];
    if (socket.peer_inode == 0) continue;
    const auto at =
        std::ranges::lower_bound(inodes, socket.peer_inode, {}, &detail::SocketInode::inode);
    if (at == inodes.end() || at->inode != socket.peer_inode) continue;
    SocketEntry& other = sockets[at->socket];
    // Many may send datagrams to one that sends to none of them.
    const bool mutual = other.peer_inode == socket.inode;
    socket.info.peer = other.info.local;
    if (socket.info.is_datagram() && !mutual) continue;
    socket.other_end = at->socket;
    if (mutual) other.other_end = i;
  }
}

void join_to_unix_listeners(std::vector<SocketEntry>& sockets,
                            const std::vector<detail::SocketInode>& inodes,
                            const std::vector<detail::SocketDump::Waiting>& waiting) {
  for (const detail::SocketDump::Waiting& one : waiting) {
    const auto at =
        std::ranges::lower_bound(inodes, one.client_inode, {}, &detail::SocketInode::inode);
    if (at == inodes.end() || at->inode != one.client_inode) continue;
    sockets[at->socket].listener = one.listener;
    sockets[at->socket].info.peer = sockets[one.listener].info.local;
  }
}

/// Listeners in the order of where they are found.
class Listeners {
 public:
  explicit Listeners(const std::vector<SocketEntry>& sockets) : sockets_(sockets) {
    for (Index i = 0; i < sockets.size(); ++i) {
      if (sockets[i].info.kind == SocketKind::tcp_listener) all_.push_back(i);
    }
    std::ranges::sort(all_, {}, [&](Index i) { return port(i); });
  }

  /// The one that takes connections to `address`; `npos`: none here.
  [[nodiscard]] Index find(const Address& address) const {
    const auto [first, last] =
        std::ranges::equal_range(all_, address.port(), {}, [&](Index i) { return port(i); });
    Index wildcard = SocketEntry::npos;
    for (auto at = first; at != last; ++at) {
      const Address& local = sockets_[*at].info.local;
      if (local == address) return *at;
      if (local.is_wildcard() && (local.family() == address.family() || local.is_any_family())) {
        wildcard = *at;
      }
    }
    return wildcard;
  }

 private:
  [[nodiscard]] std::uint16_t port(Index i) const { return sockets_[i].info.local.port(); }

  const std::vector<SocketEntry>& sockets_;
  std::vector<Index> all_;
};

void join_to_listeners(std::vector<SocketEntry>& sockets) {
  const Listeners listeners(sockets);
  for (SocketEntry& socket : sockets) {
    const SocketInfo& info = socket.info;
    if (info.kind != SocketKind::tcp) continue;
    if (info.state == SocketState::syn_sent) {
      socket.listener = listeners.find(info.peer);
    } else if (socket.inode == 0 &&
               (info.state == SocketState::established || info.state == SocketState::close_wait ||
                info.state == SocketState::syn_received)) {
      socket.listener = listeners.find(info.local);
    }
  }
}

/// What a descriptor says of the socket's two directions.
void note_use(const SocketHolder& holder, SocketInfo& info) {
  using Role = detail::SystemCall::Role;
  const Role role = detail::role_of(holder.blocked_in);
  const std::uint32_t events = holder.epoll_events.value_or(0);
  info.receiving = info.receiving || role == Role::receive || (events & EPOLLIN) != 0;
  info.sending = info.sending || role == Role::send || (events & EPOLLOUT) != 0;
}

}  // namespace

std::string_view to_string(SocketTimer timer) noexcept {
  switch (timer) {
    case SocketTimer::none: return {};
    case SocketTimer::retransmission: return "retransmission";
    case SocketTimer::keepalive: return "keepalive";
    case SocketTimer::time_wait: return "time-wait";
    case SocketTimer::zero_window_probe: return "zero-window probe";
  }
  return {};
}

Result<SocketTable> SocketTable::read(const SocketTableOptions& options) {
  Result<detail::SocketDump> dump = detail::dump_sockets(options);
  if (!dump) return std::unexpected(dump.error());
  SocketTable table;
  table.sockets_ = std::move(dump->sockets);
  table.left_out_ = dump->left_out;

  std::vector<detail::SocketInode> inodes;
  inodes.reserve(table.sockets_.size());
  for (Index i = 0; i < table.sockets_.size(); ++i) {
    if (table.sockets_[i].inode != 0) inodes.push_back({table.sockets_[i].inode, i});
  }
  std::ranges::sort(inodes, {}, &detail::SocketInode::inode);
  join_by_address(table.sockets_);
  join_by_inode(table.sockets_, inodes);
  join_to_listeners(table.sockets_);
  join_to_unix_listeners(table.sockets_, inodes, dump->waiting);
  if (!options.holders) return table;

  detail::SocketHolders found = detail::find_holders(inodes);
  table.processes_ = std::move(found.processes);
  table.holders_ = std::move(found.holders);
  table.hidden_processes_ = found.hidden_processes;
  std::ranges::sort(table.holders_, {}, [](const SocketHolder& holder) {
    return std::tuple(holder.socket, holder.process, holder.descriptor);
  });
  table.first_holder_.resize(table.sockets_.size() + 1);
  for (const SocketHolder& holder : table.holders_) {
    ++table.first_holder_[holder.socket + 1];
    note_use(holder, table.sockets_[holder.socket].info);
  }
  for (std::size_t i = 1; i < table.first_holder_.size(); ++i) {
    table.first_holder_[i] += table.first_holder_[i - 1];
  }
  return table;
}

std::span<const SocketHolder> SocketTable::holders(std::size_t socket) const noexcept {
  if (first_holder_.empty()) return {};
  const std::size_t first = first_holder_[socket];
  return std::span(holders_).subspan(first, first_holder_[socket + 1] - first);
}

}  // namespace ieum
