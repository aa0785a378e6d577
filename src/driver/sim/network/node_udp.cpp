// Node: the ports of datagram sockets.
#include <algorithm>
#include <cerrno>

#include "driver/sim/network/node.hpp"
#include "driver/sim/network/world.hpp"
#include "driver/sim/socket/udp.hpp"

namespace ieum::detail::sim {

namespace {

bool overlap(const Udp& one, const Ip& ip, bool ipv6_only) noexcept {
  const Ip& other = one.bound().ip;
  if (other == ip) return true;
  if (other.is_ipv4() == ip.is_ipv4()) return other.is_wildcard() || ip.is_wildcard();
  const bool six_is_only = other.is_ipv4() ? ipv6_only : one.is_ipv6_only();
  return (other.is_ipv4() ? ip : other).is_wildcard() && !six_is_only;
}

}  // namespace

int Node::bind(Udp& socket, Endpoint& at) noexcept {
  if (!at.ip.is_wildcard() && !at.ip.is_group() && !at.ip.is_broadcast() && !has(at.ip)) {
    return -EADDRNOTAVAIL;
  }
  if (at.port == 0) {
    const auto count =
        static_cast<std::uint32_t>(options.ephemeral_last - options.ephemeral_first) + 1;
    const auto first = static_cast<std::uint32_t>(world_.random().below(count));
    for (std::uint32_t i = 0; i < count && at.port == 0; ++i) {
      const auto port = static_cast<std::uint16_t>(options.ephemeral_first + (first + i) % count);
      if (!datagrams_.contains(port)) at.port = port;
    }
    if (at.port == 0) return -EADDRINUSE;
  }
  for (const Udp* other : datagrams_[at.port]) {
    if (other->shares() && socket.shares()) continue;
    if (overlap(*other, at.ip, socket.is_ipv6_only())) return -EADDRINUSE;
  }
  datagrams_[at.port].push_back(&socket);
  return 0;
}

void Node::unbind(Udp& socket) noexcept {
  const auto held = datagrams_.find(socket.bound().port);
  if (held == datagrams_.end()) return;
  std::erase(held->second, &socket);
  if (held->second.empty()) datagrams_.erase(held);
}

bool Node::has_member(const Endpoint& group, const Ip& source) const noexcept {
  const auto held = datagrams_.find(group.port);
  return held != datagrams_.end() && std::ranges::any_of(held->second, [&](const Udp* socket) {
           return socket->is_member(group.ip, source);
         });
}

void Node::datagram_arrived(const Packet& packet) noexcept {
  const auto held = datagrams_.find(packet.to.port);
  Udp* best = nullptr;
  int fit = 0;
  const bool to_many = packet.to.ip.is_group() || packet.to.ip.is_broadcast();
  if (held != datagrams_.end()) {
    for (Udp* socket : held->second) {
      if (packet.is_refusal && socket->bound().port == packet.to.port) {
        socket->was_refused(packet);
        continue;
      }
      const int fits = socket->fits(packet);
      if (to_many && fits > 0) {
        socket->arrived(packet);
      } else if (fits > 0 && fits >= fit) {  // the last one that was bound, as Linux
        best = socket;
        fit = fits;
      }
    }
  }
  if (best != nullptr) return best->arrived(packet);
  if (to_many || packet.is_refusal) return;
  // ICMP: port unreachable.
  std::unique_ptr<Packet> refusal = world_.make_packet();
  refusal->protocol = Protocol::udp;
  refusal->is_refusal = true;
  refusal->from = packet.to;
  refusal->to = packet.from;
  refusal->from_node = packet.to_node;
  refusal->to_node = packet.from_node;
  world_.send(std::move(refusal));
}

}  // namespace ieum::detail::sim
