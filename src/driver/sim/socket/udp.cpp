// Udp: receiving and sending.
#include "driver/sim/socket/udp.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "driver/operations.hpp"
#include "driver/sim/host_driver.hpp"

namespace ieum::detail::sim {

namespace {

constexpr std::size_t ipv4_bytes_max = Datagram::bytes_max;
constexpr std::size_t ipv6_bytes_max = Datagram::bytes_max + 20;
constexpr int never_cut = 2;  // IP_PMTUDISC_DO

Address as_address(const Endpoint& endpoint) noexcept {
  return endpoint.address(endpoint.ip.is_ipv4() ? Family::ipv4 : Family::ipv6);
}

}  // namespace

// ---- Receiving ----------------------------------------------------------------------------------

bool Udp::receive_datagrams(Operation& operation) noexcept {
  DatagramState& state = *operation.transfer->state;
  if (error_ != 0) return done_with(operation, -std::exchange(error_, 0));
  if (queue_.empty()) return false;
  std::size_t count = 0;
  for (Datagram& datagram : operation.transfer->datagrams) {
    if (queue_.empty()) break;
    fill(datagram, queue_.front(), state);
    queued_bytes_ -= queue_.front().data.size() + overhead_bytes;
    queue_.pop_front();
    ++count;
  }
  return done_with(operation, static_cast<std::int64_t>(count));
}

void Udp::fill(Datagram& datagram, const Received& received, DatagramState& state) const noexcept {
  const ConstBuffer room = datagram.data;
  const std::size_t bytes = std::min(received.data.size(), room.size());
  auto* into = const_cast<std::byte*>(room.data());  // the caller's room
  std::ranges::copy_n(received.data.begin(), static_cast<std::ptrdiff_t>(bytes), into);
  datagram.data = room.first(bytes);
  datagram.truncated = bytes < received.data.size();
  datagram.peer = as_address(received.from);
  datagram.local = state.local;
  if (state.wildcard) {
    Ip to = received.to;
    // A broadcast's destination is nobody's address: the one that answers come from instead.
    if (to.is_broadcast()) node().source_for(received.from.ip, to);
    datagram.local = as_address({to, state.local.port()});
  }
  datagram.interface = 0;
  if (state.wildcard) {
    datagram.interface = received.over_loopback ? loopback_interface : network_interface;
  }
  const bool wants_hops =
      value_for(received.from.ip, SocketOption::ip_recvttl, SocketOption::ipv6_recvhoplimit) != 0;
  const bool wants_class =
      value_for(received.from.ip, SocketOption::ip_recvtos, SocketOption::ipv6_recvtclass) != 0;
  datagram.hop_limit = wants_hops ? received.hop_limit : std::uint8_t{0};
  datagram.traffic_class = wants_class ? received.traffic_class : std::uint8_t{0};
  datagram.segment_bytes = 0;
  datagram.received_at = {};
  if (value(SocketOption::so_timestampns) != 0) {
    using Clock = std::chrono::system_clock;
    datagram.received_at =
        Clock::time_point(std::chrono::duration_cast<Clock::duration>(Duration(received.at)));
  }
  ++state.counters.received;
  ++state.counters.received_calls;
  state.counters.received_bytes += bytes;
  if (datagram.truncated) ++state.counters.truncated;
}

bool Udp::is_member(const Ip& group, const Ip& source) const noexcept {
  return std::ranges::any_of(groups_, [&](const Group& joined) {
    return joined.ip == group && (joined.source == Ip{} || joined.source == source);
  });
}

int Udp::fits(const Packet& packet) const noexcept {
  const Ip& to = packet.to.ip;
  if (has_peer_ && packet.from != peer_) return 0;
  if (to.is_group() && !is_member(to, packet.from.ip)) return 0;
  if (to.is_ipv4() != local_.ip.is_ipv4() && (!to.is_ipv4() || is_ipv6_only())) return 0;
  const bool exact = local_.ip == to;
  const bool any = local_.ip.is_wildcard() || to.is_broadcast();
  if (!exact && !any) return 0;
  return 1 + (exact ? 1 : 0) + (has_peer_ ? 2 : 0);
}

void Udp::arrived(const Packet& packet) noexcept {
  const std::size_t room = static_cast<std::size_t>(value(SocketOption::so_rcvbuf));
  const std::size_t bytes = packet.data.size() + overhead_bytes;
  if (queued_bytes_ + bytes > room) {
    ++dropped_;
    return trace(SimEvent::What::overflowed, static_cast<std::int64_t>(packet.data.size()));
  }
  queued_bytes_ += bytes;
  queue_.push_back({.from = packet.from,
                    .to = packet.to.ip,
                    .hop_limit = packet.hop_limit,
                    .traffic_class = packet.traffic_class,
                    .over_loopback = packet.from_node == packet.to_node,
                    .at = node().wall_time(world().now()),
                    .data = packet.data});
  wake_in();
}

void Udp::was_refused(const Packet& packet) noexcept {
  const bool reports =
      value_for(packet.from.ip, SocketOption::ip_recverr, SocketOption::ipv6_recverr) != 0;
  if (!reports && (!has_peer_ || packet.from != peer_)) return;
  error_ = ECONNREFUSED;
  if (reports && errors_.size() < errors_max) {
    errors_.push_back({.number = ECONNREFUSED,
                       .peer = as_address(packet.from),
                       .reporter = as_address({packet.from.ip, 0}),
                       .mtu = 0});
  }
  wake_in();
}

int Udp::take_error(DatagramError& error) noexcept {
  if (errors_.empty()) return 0;
  error = errors_.front();
  errors_.pop_front();
  error_ = errors_.empty() ? 0 : errors_.front().number;  // as Linux raises the next
  return 1;
}

// ---- Sending ------------------------------------------------------------------------------------

bool Udp::send_datagrams(Operation& operation) noexcept {
  // Without reports the error of an earlier one is told by whatever comes next.
  if (error_ != 0 && errors_.empty()) return done_with(operation, -std::exchange(error_, 0));
  return send_rest(operation);
}

/// Fills in whom the packet is for, where it comes from, and what is allowed of it.
int Udp::way_to(const Datagram& datagram, const DatagramState& state, Packet& packet) noexcept {
  const bool named = datagram.peer.family() != Family::none;
  if (!named && !has_peer_) return -EDESTADDRREQ;
  if (named && !datagram.peer.is_ip()) return -EAFNOSUPPORT;
  packet.to = named ? Endpoint::of(datagram.peer) : peer_;
  const bool ipv4 = packet.to.ip.is_ipv4();
  if (family() == Family::ipv4 && !ipv4) return -EAFNOSUPPORT;
  if (family() == Family::ipv6 && ipv4 && is_ipv6_only()) return -ENETUNREACH;
  if (packet.to.port == 0) return -EINVAL;
  if (packet.to.ip.is_wildcard()) {
    packet.to.ip = Ip::of(ipv4 ? Address::ipv4_loopback(0) : Address::ipv6_loopback(0));
  }
  if (packet.to.ip.is_broadcast() && value(SocketOption::so_broadcast) == 0) return -EACCES;
  if (datagram.data.size() > (ipv4 ? ipv4_bytes_max : ipv6_bytes_max)) return -EMSGSIZE;
  packet.from = local_;
  const bool is_ours = !local_.ip.is_wildcard() && !local_.ip.is_group();
  if (is_ours && !local_.ip.is_broadcast()) return 0;
  const Ip chosen = Ip::of(datagram.local);
  const bool chooses = state.wildcard && datagram.local.is_ip() && !chosen.is_wildcard() &&
                       !chosen.is_group() && chosen.is_ipv4() == ipv4;
  if (chooses && !node().has(chosen)) return -EINVAL;
  if (chooses) {
    packet.from.ip = chosen;
    return 0;
  }
  return node().source_for(packet.to.ip, packet.from.ip) ? 0 : -ENETUNREACH;
}

int Udp::send_one(const Datagram& datagram, const DatagramState& state) noexcept {
  if (!bound_) {
    if (const int status = bind_to_any(); status < 0) return status;
  }
  Packet packet;
  packet.protocol = Protocol::udp;
  packet.socket = number;
  packet.from_node = node().index();
  if (const int status = way_to(datagram, state, packet); status < 0) return status;
  const Ip& to = packet.to.ip;
  packet.data.assign(datagram.data.begin(), datagram.data.end());
  packet.traffic_class =
      static_cast<std::uint8_t>(value_for(to, SocketOption::ip_tos, SocketOption::ipv6_tclass));
  packet.hop_limit = static_cast<std::uint8_t>(
      to.is_group()
          ? value_for(to, SocketOption::ip_multicast_ttl, SocketOption::ipv6_multicast_hops)
          : value_for(to, SocketOption::ip_ttl, SocketOption::ipv6_unicast_hops));
  packet.may_be_cut =
      value_for(to, SocketOption::ip_mtu_discover, SocketOption::ipv6_mtu_discover) != never_cut;
  if (to.is_group() || to.is_broadcast()) {
    send_to_group(packet);
    return 0;
  }
  const Node* const there = node().has(to) ? &node() : world().node_with(to);
  if (there == nullptr) {
    trace(SimEvent::What::cut, packet.bytes());  // nobody has that address, and nobody says so
    return 0;
  }
  if (!packet.may_be_cut && packet.bytes() > world().link(node().index(), there->index()).mtu()) {
    return -EMSGSIZE;
  }
  send_copy(packet, there->index());
  return 0;
}

void Udp::send_copy(const Packet& packet, std::uint32_t to) noexcept {
  std::unique_ptr<Packet> copy = world().make_packet();
  *copy = packet;
  copy->to_node = to;
  world().send(std::move(copy));
}

/// To every host that has somebody who listens, over its own link.
void Udp::send_to_group(const Packet& packet) noexcept {
  const bool to_ourselves =
      packet.to.ip.is_broadcast() || value_for(packet.to.ip, SocketOption::ip_multicast_loop,
                                               SocketOption::ipv6_multicast_loop) != 0;
  for (std::uint32_t i = 0; i < world().node_count(); ++i) {
    const bool ours = i == node().index();
    if (ours ? !to_ourselves : packet.hop_limit == 0) continue;
    if (packet.to.ip.is_group() && !world().node(i).has_member(packet.to, packet.from.ip)) continue;
    send_copy(packet, i);
  }
}

}  // namespace ieum::detail::sim
