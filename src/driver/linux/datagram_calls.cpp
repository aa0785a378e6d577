// DatagramCalls: recvmmsg(2), sendmmsg(2), and the control messages of ip(7), ipv6(7) and udp(7).
#include "driver/linux/datagram_calls.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "driver/linux/transfer.hpp"

namespace ieum::detail {

namespace {

/// The most that a message of several datagrams carries, over IPv6 too.
constexpr std::size_t message_bytes_max = 65'487;

bool is_multicast(const Address& address) noexcept {
  const std::string_view bytes = address.bytes();
  const auto first = static_cast<unsigned char>(bytes.empty() ? '\0' : bytes[0]);
  return address.family() == Family::ipv4   ? (first & 0xf0U) == 0xe0U
         : address.family() == Family::ipv6 ? first == 0xffU
                                            : false;
}

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

Address address_of(const in6_addr& ip, std::uint16_t port, std::uint32_t scope) noexcept {
  if (std::memcmp(ip.s6_addr, mapped_prefix.data(), mapped_prefix.size()) == 0) {
    return Address::ipv4({ip.s6_addr[12], ip.s6_addr[13], ip.s6_addr[14], ip.s6_addr[15]}, port);
  }
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(ip.s6_addr, bytes.begin());
  return Address::ipv6(bytes, port, scope);
}

Address address_of(const in_addr& ip, std::uint16_t port) noexcept {
  std::array<std::uint8_t, 4> bytes{};
  std::memcpy(bytes.data(), &ip, bytes.size());
  return Address::ipv4(bytes, port);
}

/// Link-local addresses and groups mean nothing without their interface.
bool needs_scope(const in6_addr& ip) noexcept {
  return IN6_IS_ADDR_LINKLOCAL(&ip) || IN6_IS_ADDR_MC_LINKLOCAL(&ip);
}

template <class T>
T content(const cmsghdr& control) noexcept {
  T value{};
  std::memcpy(&value, CMSG_DATA(const_cast<cmsghdr*>(&control)), sizeof value);
  return value;
}

void take_ipv4(const cmsghdr& control, Datagram& datagram, const DatagramState& state) noexcept {
  switch (control.cmsg_type) {
    case IP_PKTINFO: {
      const auto info = content<in_pktinfo>(control);
      datagram.interface = static_cast<std::uint32_t>(info.ipi_ifindex);
      // A broadcast's destination is nobody's address; the other field is what answers come from.
      const bool group = IN_MULTICAST(ntohl(info.ipi_addr.s_addr));
      datagram.local = address_of(group ? info.ipi_addr : info.ipi_spec_dst, state.local.port());
      return;
    }
    case IP_TTL: datagram.hop_limit = static_cast<std::uint8_t>(content<int>(control)); return;
    case IP_TOS: datagram.traffic_class = content<std::uint8_t>(control); return;
    default: return;
  }
}

void take_ipv6(const cmsghdr& control, Datagram& datagram, const DatagramState& state) noexcept {
  switch (control.cmsg_type) {
    case IPV6_PKTINFO: {
      const auto info = content<in6_pktinfo>(control);
      datagram.interface = info.ipi6_ifindex;
      datagram.local = address_of(info.ipi6_addr, state.local.port(),
                                  needs_scope(info.ipi6_addr) ? info.ipi6_ifindex : 0);
      return;
    }
    case IPV6_HOPLIMIT:
      datagram.hop_limit = static_cast<std::uint8_t>(content<int>(control));
      return;
    case IPV6_TCLASS:
      datagram.traffic_class = static_cast<std::uint8_t>(content<int>(control));
      return;
    default: return;
  }
}

void take_control(const cmsghdr& control, Datagram& datagram, const DatagramState& state) noexcept {
  if (control.cmsg_level == IPPROTO_IP) return take_ipv4(control, datagram, state);
  if (control.cmsg_level == IPPROTO_IPV6) return take_ipv6(control, datagram, state);
  if (control.cmsg_level == IPPROTO_UDP && control.cmsg_type == UDP_GRO) {
    datagram.segment_bytes = static_cast<std::uint16_t>(content<int>(control));
  }
  if (control.cmsg_level == SOL_SOCKET && control.cmsg_type == SCM_TIMESTAMPNS) {
    const auto time = content<timespec>(control);
    datagram.received_at = std::chrono::system_clock::time_point(
        std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
  }
}

/// What no datagram has brought yet.
void forget(Datagram& datagram, const DatagramState& state) noexcept {
  datagram.local = state.local;
  datagram.interface = 0;
  datagram.truncated = false;
  datagram.hop_limit = datagram.traffic_class = 0;
  datagram.segment_bytes = 0;
  datagram.received_at = {};
}

void count(Datagram& datagram, std::size_t bytes, DatagramState& state) noexcept {
  datagram.truncated = bytes > datagram.data.size();
  datagram.data = datagram.data.first(std::min(bytes, datagram.data.size()));
  ++state.counters.received;
  ++state.counters.received_calls;
  state.counters.received_bytes += datagram.data.size();
  if (datagram.truncated) ++state.counters.truncated;
}

std::span<Datagram> left(const Operation& operation) noexcept {
  return operation.transfer->datagrams.subspan(operation.moved);
}

bool same_way(const Datagram& one, const Datagram& other) noexcept {
  return one.interface == other.interface && one.peer == other.peer && one.local == other.local;
}

/// How many of `datagrams` go as one message.
std::size_t run_length(std::span<const Datagram> datagrams, const DatagramState& state) noexcept {
  const std::size_t bytes = datagrams[0].data.size();
  if (bytes == 0 || bytes > state.segment_bytes_max) return 1;
  const std::size_t most =
      std::min({datagrams.size(), DatagramCalls::segments_max, message_bytes_max / bytes});
  std::size_t length = 1;
  while (length < most) {
    const Datagram& next = datagrams[length];
    if (next.data.empty() || next.data.size() > bytes || !same_way(datagrams[0], next)) break;
    ++length;
    if (next.data.size() < bytes) break;  // only the last may be shorter
  }
  return std::max<std::size_t>(length, 1);
}

/// Whether it says from where, or by which interface, to send.
bool chooses_way(const Datagram& datagram, const DatagramState& state) noexcept {
  const bool group = is_multicast(datagram.peer);
  if (group && datagram.interface != 0) return true;
  return state.wildcard && datagram.local.is_ip() && !datagram.local.is_wildcard() &&
         !is_multicast(datagram.local);
}

template <class T>
void add_control(msghdr& header, int level, int type, const T& value) noexcept {
  auto* control = reinterpret_cast<cmsghdr*>(static_cast<std::byte*>(header.msg_control) +
                                             header.msg_controllen);
  control->cmsg_level = level;
  control->cmsg_type = type;
  control->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(control), &value, sizeof value);
  header.msg_controllen += CMSG_SPACE(sizeof value);
}

void add_way(msghdr& header, const Datagram& datagram) noexcept {
  const bool group = is_multicast(datagram.peer);
  const bool from = datagram.local.is_ip() && !is_multicast(datagram.local);
  const std::uint32_t interface = group ? datagram.interface : 0;
  if (datagram.peer.family() != Family::ipv6 &&
      (datagram.peer.is_ip() || datagram.local.family() == Family::ipv4)) {
    in_pktinfo info{};
    info.ipi_ifindex = static_cast<int>(interface);
    if (from && datagram.local.family() == Family::ipv4) {
      std::memcpy(&info.ipi_spec_dst, datagram.local.bytes().data(), sizeof info.ipi_spec_dst);
    }
    return add_control(header, IPPROTO_IP, IP_PKTINFO, info);
  }
  in6_pktinfo info{};
  info.ipi6_ifindex = interface != 0 ? interface : datagram.local.scope();
  if (from && datagram.local.family() == Family::ipv6) {
    std::memcpy(&info.ipi6_addr, datagram.local.bytes().data(), sizeof info.ipi6_addr);
  }
  add_control(header, IPPROTO_IPV6, IPV6_PKTINFO, info);
}

/// The system will not take several at once on this way: too large for its interface (EINVAL,
/// EMSGSIZE), or the interface cannot do it.
bool refuses_several(int number) noexcept {
  return number == EINVAL || number == EIO || number == EMSGSIZE || number == EOPNOTSUPP ||
         number == ENOPROTOOPT;
}

/// Calls in a row that fail with what may be about another datagram.
constexpr int tries_max = 4;

/// What the network may say of an earlier datagram.
bool is_of_the_network(int number) noexcept {
  switch (number) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENONET:
    case ENOPROTOOPT:
    case EPROTO:
    case EOPNOTSUPP: return true;
    default: return false;
  }
}

bool is_unconnected_unix(const Datagram& datagram) noexcept { return datagram.peer.is_unix(); }

}  // namespace

KernelAddress name_on(Family family, const Address& address) noexcept {
  if (family != Family::ipv6 || address.family() != Family::ipv4) return KernelAddress(address);
  std::array<std::uint8_t, 16> ip{};
  std::ranges::copy(mapped_prefix, ip.begin());
  std::ranges::copy(address.bytes(), ip.begin() + mapped_prefix.size());
  return KernelAddress(Address::ipv6(ip, address.port()));
}

Address unmapped(KernelAddress& name, socklen_t length) noexcept {
  if (length == 0) return {};  // a Unix socket without a name; the kernel writes nothing
  *name.length_in_out() = length;
  return name.address();
}

DatagramCalls::Room& DatagramCalls::room() {
  if (!room_) room_ = std::make_unique<Room>();
  return *room_;
}

// ---- Receiving ---------------------------------------------------------------------------------

bool DatagramCalls::receive(Operation& operation) noexcept {
  DatagramState& state = *operation.transfer->state;
  if (const int kept = std::exchange(state.number_kept, std::int16_t{0}); kept != 0) {
    return done_with(operation, -kept);
  }
  if (!state.errors.empty()) [[unlikely]] {
    if (const DatagramError* told = state.error_to_tell())
      return done_with(operation, -told->number);
  }
  const std::span<Datagram> datagrams = operation.transfer->datagrams;
  if (datagrams.size() == 1 && !state.details) return receive_one(operation);
  std::size_t total = 0;
  while (total < datagrams.size()) {
    const std::size_t asked = std::min(datagrams.size() - total, call_max);
    for (std::size_t i = 0; i < asked; ++i) prepare_receive(i, datagrams[total + i], state);
    // MSG_TRUNC: the true length of what did not fit.
    const int count = ::recvmmsg(operation.handle, room_->messages.data(),
                                 static_cast<unsigned>(asked), MSG_DONTWAIT | MSG_TRUNC, nullptr);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && total > 0) {
      // Of a socket that asks for errors it lies in the queue, too.
      const bool tells = !would_block(errno) && !state.reports_errors;
      if (tells) state.number_kept = static_cast<std::int16_t>(errno);
      break;
    }
    if (count < 0) return !would_block(errno) && done_with(operation, -errno);
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      take(i, datagrams[total + i], state);
    }
    total += static_cast<std::size_t>(count);
    if (static_cast<std::size_t>(count) < asked) break;
  }
  return done_with(operation, static_cast<std::int64_t>(total));
}

bool DatagramCalls::receive_one(Operation& operation) noexcept {
  DatagramState& state = *operation.transfer->state;
  Datagram& datagram = operation.transfer->datagrams[0];
  KernelAddress name;
  ssize_t bytes = 0;
  do {
    bytes = ::recvfrom(operation.handle, const_cast<std::byte*>(datagram.data.data()),
                       datagram.data.size(), MSG_DONTWAIT | MSG_TRUNC, name.data(),
                       name.length_in_out());
  } while (bytes < 0 && errno == EINTR);
  if (bytes < 0) return !would_block(errno) && done_with(operation, -errno);
  forget(datagram, state);
  datagram.peer = unmapped(name, *name.length_in_out());
  count(datagram, static_cast<std::size_t>(bytes), state);
  return done_with(operation, 1);
}

void DatagramCalls::prepare_receive(std::size_t at, Datagram& datagram,
                                    const DatagramState& state) noexcept {
  Room& room = this->room();
  room.parts[at] = {const_cast<std::byte*>(datagram.data.data()), datagram.data.size()};
  msghdr& header = room.messages[at].msg_hdr;
  header.msg_name = room.names[at].data();
  header.msg_namelen = sizeof(sockaddr_un);
  header.msg_iov = &room.parts[at];
  header.msg_iovlen = 1;
  header.msg_control = state.details ? room.controls[at].bytes.data() : nullptr;
  header.msg_controllen = state.details ? control_bytes : 0;
  header.msg_flags = 0;
}

void DatagramCalls::take(std::size_t at, Datagram& datagram, DatagramState& state) noexcept {
  mmsghdr& message = room_->messages[at];
  msghdr& header = message.msg_hdr;
  forget(datagram, state);
  datagram.peer = unmapped(room_->names[at], header.msg_namelen);
  count(datagram, message.msg_len, state);
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
       control = CMSG_NXTHDR(&header, control)) {
    take_control(*control, datagram, state);
  }
  if (datagram.segment_bytes >= datagram.data.size()) datagram.segment_bytes = 0;
}

// ---- Sending -----------------------------------------------------------------------------------

bool DatagramCalls::send(Operation& operation) noexcept {
  DatagramState& state = *operation.transfer->state;
  const std::span<Datagram> datagrams = operation.transfer->datagrams;
  int tries = 0;
  while (operation.moved < datagrams.size()) {
    const std::size_t messages = prepare_send(left(operation), state);
    const int sent = send_prepared(operation.handle, messages);
    if (sent >= 0) {
      for (std::size_t i = 0; i < static_cast<std::size_t>(sent); ++i) {
        operation.moved += room_->counts[i];
        state.counters.sent += room_->counts[i];
        state.counters.sent_bytes += room_->messages[i].msg_len;
        ++state.counters.sent_calls;
      }
      continue;
    }
    if (errno == EINTR) continue;
    if (would_block(errno) && !is_unconnected_unix(datagrams[operation.moved])) return false;
    if (room_->counts[0] > 1 && refuses_several(errno)) {
      const std::size_t bytes = datagrams[operation.moved].data.size();
      const bool too_large = errno == EINVAL || errno == EMSGSIZE;
      state.segment_bytes_max = too_large ? static_cast<std::uint16_t>(bytes - 1) : 0;
      ++state.counters.segmentation_refused;
      continue;
    }
    // About a former datagram: it lies in the error queue, where a receive will find it. If it
    // comes again and again, it is about this one.
    if (state.keeps_errors && is_of_the_network(errno) && ++tries < tries_max) continue;
    if (operation.moved > 0) break;  // it is told when the rest is sent again
    return done_with(operation, -errno);
  }
  return done_with(operation, static_cast<std::int64_t>(operation.moved));
}

int DatagramCalls::send_prepared(int handle, std::size_t messages) noexcept {
  constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  if (messages > 1) {
    return ::sendmmsg(handle, room_->messages.data(), static_cast<unsigned>(messages), flags);
  }
  mmsghdr& message = room_->messages[0];
  const msghdr& header = message.msg_hdr;
  const bool plain = header.msg_iovlen == 1 && header.msg_controllen == 0;
  const ssize_t bytes =
      plain ? ::sendto(handle, header.msg_iov->iov_base, header.msg_iov->iov_len, flags,
                       static_cast<const sockaddr*>(header.msg_name), header.msg_namelen)
            : ::sendmsg(handle, &header, flags);
  if (bytes < 0) return -1;
  message.msg_len = static_cast<unsigned>(bytes);
  return 1;
}

std::size_t DatagramCalls::prepare_send(std::span<const Datagram> datagrams,
                                        const DatagramState& state) noexcept {
  Room& room = this->room();
  std::size_t messages = 0;
  std::size_t used = 0;
  const std::size_t most = std::min(datagrams.size(), call_max);
  while (used < most) {
    const std::size_t length = run_length(datagrams.subspan(used, most - used), state);
    room.counts[messages] = length;
    prepare_message(messages, used, datagrams.subspan(used, length), state);
    ++messages;
    used += length;
  }
  return messages;
}

void DatagramCalls::prepare_message(std::size_t at, std::size_t part, std::span<const Datagram> run,
                                    const DatagramState& state) noexcept {
  Room& room = *room_;
  for (std::size_t i = 0; i < run.size(); ++i) {
    room.parts[part + i] = {const_cast<std::byte*>(run[i].data.data()), run[i].data.size()};
  }
  msghdr& header = room.messages[at].msg_hdr;
  header = msghdr{};
  header.msg_iov = &room.parts[part];
  header.msg_iovlen = run.size();
  if (run[0].peer.family() != Family::none) {
    room.names[at] = name_on(state.family, run[0].peer);
    header.msg_name = room.names[at].data();
    header.msg_namelen = room.names[at].length();
  }
  header.msg_control = room.controls[at].bytes.data();
  if (chooses_way(run[0], state)) add_way(header, run[0]);
  if (run.size() > 1) {
    add_control(header, IPPROTO_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(run[0].data.size()));
  }
  if (header.msg_controllen == 0) header.msg_control = nullptr;
}

}  // namespace ieum::detail
