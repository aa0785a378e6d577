// Node: addresses, clocks, ports, and whom a packet is for.
#include "driver/sim/network/node.hpp"

#include <algorithm>
#include <cerrno>

#include "driver/sim/network/world.hpp"
#include "driver/sim/socket/tcp.hpp"

namespace ieum::detail::sim {

namespace {

/// What a wildcard of `family` that is not for IPv6 alone stands for as well.
bool covers(const Tcp& socket, const Ip& ip) noexcept {
  const Ip& bound = socket.bound().ip;
  if (bound == ip) return true;
  if (!bound.is_wildcard()) return false;
  if (bound.is_ipv4()) return ip.is_ipv4();
  return !ip.is_ipv4() || !socket.is_ipv6_only();
}

/// Two sockets want addresses of which one lies within the other.
bool overlap(const Tcp& held, const Tcp& socket, const Ip& ip) noexcept {
  if (covers(held, ip)) return true;
  if (!ip.is_wildcard()) return false;
  const Ip& other = held.bound().ip;
  if (ip.is_ipv4()) return other.is_ipv4();
  return !other.is_ipv4() || !socket.is_ipv6_only();
}

}  // namespace

std::size_t FlowHash::operator()(const Flow& flow) const noexcept {
  std::uint64_t hash = std::uint64_t{flow.local.port} << 16U | flow.remote.port;
  for (const Ip* ip : {&flow.local.ip, &flow.remote.ip}) {
    for (const std::uint8_t byte : ip->bytes) hash = (hash ^ byte) * 0x100000001B3;
  }
  return static_cast<std::size_t>(hash ^ hash >> 32U);
}

bool Node::has(const Ip& ip) const noexcept {
  return ip.is_loopback() || std::ranges::find(ips_, ip) != ips_.end();
}

bool Node::source_for(const Ip& to, Ip& source) const noexcept {
  if ((to.is_loopback() || has(to)) && !to.is_group()) {
    source = to;
    return true;
  }
  const bool ipv4 = to.is_ipv4();
  const auto found = std::ranges::find_if(ips_, [&](const Ip& ip) { return ip.is_ipv4() == ipv4; });
  if (found == ips_.end()) return false;
  source = *found;
  return true;
}

Time Node::local_time(Time world) const noexcept {
  constexpr Time million = 1'000'000;
  const Time ppm = options.clock_drift_ppm;
  return world + world / million * ppm + world % million * ppm / million + ahead;
}

Time Node::wall_time(Time world) const noexcept {
  constexpr Time begin = Time{1'893'456'000} * second;  // 2030-01-01, UTC
  return begin + local_time(world) + options.wall_clock_ahead.count();
}

Time Node::world_time(Time local) const noexcept {
  if (local == never) return never;
  Time world = local - ahead;
  if (options.clock_drift_ppm == 0) return world;
  for (int i = 0; i < 8; ++i) world -= local_time(world) - local;  // each is 1000 times nearer
  while (local_time(world) < local) ++world;
  return world;
}

// ---- Ports --------------------------------------------------------------------------------------

bool Node::is_free(const Tcp& socket, const Endpoint& at) const noexcept {
  const auto held = bound_.find(at.port);
  if (held != bound_.end()) {
    for (const Tcp* other : held->second) {
      if (other == &socket || !overlap(*other, socket, at.ip)) continue;
      if (other->shares_port() && socket.shares_port()) continue;
      if (other->reuses_address() && socket.reuses_address() && !other->is_listening()) continue;
      return false;
    }
  }
  return socket.reuses_address() || !using_.contains(at.port);
}

int Node::bind(Tcp& socket, Endpoint& at) noexcept {
  if (!at.ip.is_wildcard() && !has(at.ip)) return -EADDRNOTAVAIL;
  if (at.port == 0) {
    const auto count =
        static_cast<std::uint32_t>(options.ephemeral_last - options.ephemeral_first) + 1;
    const auto first = static_cast<std::uint32_t>(world_.random().below(count));
    for (std::uint32_t i = 0; i < count; ++i) {
      const Endpoint candidate{
          at.ip, static_cast<std::uint16_t>(options.ephemeral_first + (first + i) % count)};
      if (bound_.contains(candidate.port) || using_.contains(candidate.port)) continue;
      at = candidate;
      break;
    }
    if (at.port == 0) return -EADDRINUSE;
  } else if (!is_free(socket, at)) {
    return -EADDRINUSE;
  }
  bound_[at.port].push_back(&socket);
  return 0;
}

int Node::may_listen(const Tcp& socket) const noexcept {
  const auto held = bound_.find(socket.bound().port);
  if (held == bound_.end()) return 0;
  for (const Tcp* other : held->second) {
    if (other == &socket || !other->is_listening()) continue;
    if (overlap(*other, socket, socket.bound().ip) &&
        !(other->shares_port() && socket.shares_port())) {
      return -EADDRINUSE;
    }
  }
  return 0;
}

void Node::unbind(Tcp& socket) noexcept {
  const auto held = bound_.find(socket.bound().port);
  if (held == bound_.end()) return;
  std::erase(held->second, &socket);
  if (held->second.empty()) bound_.erase(held);
}

int Node::choose_port(Flow& flow) noexcept {
  const auto count =
      static_cast<std::uint32_t>(options.ephemeral_last - options.ephemeral_first) + 1;
  const auto first = static_cast<std::uint32_t>(world_.random().below(count));
  for (std::uint32_t i = 0; i < count; ++i) {
    flow.local.port = static_cast<std::uint16_t>(options.ephemeral_first + (first + i) % count);
    // A connection to itself would be possible, and is nothing that anybody wants.
    if (flow.local == flow.remote || bound_.contains(flow.local.port)) continue;
    if (!flows_.contains(flow)) return 0;
  }
  return -EADDRNOTAVAIL;
}

void Node::remove_flow(const Flow& flow) noexcept {
  if (flows_.erase(flow) == 0) return;
  const auto users = using_.find(flow.local.port);
  if (--users->second == 0) using_.erase(users);
}

Tcp* Node::connection(const Flow& flow) const noexcept {
  const auto found = flows_.find(flow);
  return found == flows_.end() ? nullptr : found->second;
}

Tcp* Node::listener(const Endpoint& local, const Endpoint& remote) const noexcept {
  const auto held = bound_.find(local.port);
  if (held == bound_.end()) return nullptr;
  Tcp* best = nullptr;
  std::uint64_t sharing = 0;
  for (Tcp* socket : held->second) {
    if (!socket->is_listening() || !covers(*socket, local.ip)) continue;
    const bool exact = socket->bound().ip == local.ip;
    if (best == nullptr || (exact && best->bound().ip != local.ip)) {
      best = socket;
      sharing = 1;
    } else if (exact == (best->bound().ip == local.ip) && socket->shares_port()) {
      // Spread by a hash of the client, as Linux does.
      ++sharing;
      const std::uint64_t hash = FlowHash{}({local, remote}) * 0x9E3779B97F4A7C15 >> 20U;
      if (hash % sharing == 0) best = socket;
    }
  }
  return best;
}

void Node::forget_all() noexcept {
  flows_.clear();
  bound_.clear();
  datagrams_.clear();
  using_.clear();
  unix_names.clear();
  unix_datagrams.clear();
}

// ---- Packets ------------------------------------------------------------------------------------

void Node::arrived(const Packet& packet) noexcept {
  if (packet.protocol == Protocol::udp) return datagram_arrived(packet);
  if (Tcp* socket = connection({packet.to, packet.from})) {
    if (!socket->gives_way_to(packet)) return socket->arrived(packet);
    socket->end_time_wait();
  }
  if (packet.tcp.syn && !packet.tcp.ack && !packet.tcp.reset) {
    if (Tcp* socket = listener(packet.to, packet.from)) return socket->client_arrived(packet);
  }
  if (!packet.tcp.reset) Tcp::refuse(*this, packet);
}

}  // namespace ieum::detail::sim
