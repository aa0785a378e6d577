// All sockets over netlink: one request for each protocol and family, whose answer comes in pieces
// of up to 32 KiB.
#include "net/table/socket_dump.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>
#include <thread>

#include <ieum/descriptor.hpp>

#include "base/tcp_info.hpp"
#include "net/netlink.hpp"

namespace ieum::detail {

namespace {

constexpr const char* operation = "sock_diag";
constexpr std::size_t answer_bytes = 65'536;  // the kernel gives 32 KiB at a time at most

std::span<const std::byte> bytes_of(const rtattr& attribute) noexcept {
  return {static_cast<const std::byte*>(RTA_DATA(&attribute)), RTA_PAYLOAD(&attribute)};
}

// ---- Memory -----------------------------------------------------------------------------------

void read_memory(const rtattr& attribute, SocketEntry& socket) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  std::memcpy(memory.data(), RTA_DATA(&attribute),
              std::min(sizeof memory, std::size_t{RTA_PAYLOAD(&attribute)}));
  socket.info.receive_buffer_bytes = memory[SK_MEMINFO_RCVBUF];
  socket.info.send_buffer_bytes = memory[SK_MEMINFO_SNDBUF];
  socket.drops = memory[SK_MEMINFO_DROPS];
}

// ---- TCP and UDP -------------------------------------------------------------------------------

Address address_of(int family, const __be32* words, __be16 port, std::uint32_t interface) {
  std::array<std::uint8_t, 16> ip{};
  std::memcpy(ip.data(), words, ip.size());
  constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (family == AF_INET) return Address::ipv4({ip[0], ip[1], ip[2], ip[3]}, ntohs(port));
  if (std::equal(mapped.begin(), mapped.end(), ip.begin())) {
    return Address::ipv4({ip[12], ip[13], ip[14], ip[15]}, ntohs(port));
  }
  const bool link_local = ip[0] == 0xfe && (ip[1] & 0xc0U) == 0x80;
  return Address::ipv6(ip, ntohs(port), link_local ? interface : 0);
}

SocketTimer timer_of(std::uint8_t kernel_timer) noexcept {
  switch (kernel_timer) {
    case 1: return SocketTimer::retransmission;
    case 2: return SocketTimer::keepalive;
    case 3: return SocketTimer::time_wait;
    case 4: return SocketTimer::zero_window_probe;
    default: return SocketTimer::none;
  }
}

/// The queues count a SYN of ours and a FIN of the peer's as a byte each, which are none to read or
/// to wait for.
void take_out_flags(SocketInfo& info) noexcept {
  switch (info.state) {
    case SocketState::syn_sent:
    case SocketState::syn_received: info.send_queue_bytes = 0; break;
    case SocketState::close_wait:
    case SocketState::closing:
    case SocketState::last_ack:
      if (info.receive_queue_bytes > 0) --info.receive_queue_bytes;
      break;
    default: break;
  }
}

void read_inet(const nlmsghdr* header, bool is_tcp, SocketEntry& socket) {
  const auto& message = *static_cast<const inet_diag_msg*>(NLMSG_DATA(header));
  SocketInfo& info = socket.info;
  info.kind = is_tcp ? SocketKind::tcp : SocketKind::udp;
  info.state = tcp_state(message.idiag_state);
  socket.unconnected = info.state == SocketState::closed;
  const inet_diag_sockid& id = message.id;
  info.local = address_of(message.idiag_family, id.idiag_src, id.idiag_sport, id.idiag_if);
  if (id.idiag_dport != 0) {
    info.peer = address_of(message.idiag_family, id.idiag_dst, id.idiag_dport, id.idiag_if);
  }
  info.receive_queue_bytes = message.idiag_rqueue;
  info.send_queue_bytes = message.idiag_wqueue;
  take_out_flags(info);
  socket.inode = message.idiag_inode;
  socket.uid = message.idiag_uid;
  socket.interface = id.idiag_if;
  socket.timer = timer_of(message.idiag_timer);
  if (socket.timer != SocketTimer::none) {
    socket.timer_left = std::chrono::milliseconds(message.idiag_expires);
  }
  socket.retransmits = message.idiag_retrans;
  bool takes_ipv4 = false;
  const rtattr* tcp = nullptr;
  const rtattr* algorithm = nullptr;
  for_each_attribute<inet_diag_msg>(header, [&](const rtattr& attribute) {
    switch (attribute.rta_type) {
      case INET_DIAG_SKV6ONLY: takes_ipv4 = value_of<std::uint8_t>(attribute) == 0; break;
      case INET_DIAG_SKMEMINFO: read_memory(attribute, socket); break;
      case INET_DIAG_INFO: tcp = &attribute; break;
      case INET_DIAG_CONG: algorithm = &attribute; break;
      default: break;
    }
  });
  if (info.local.family() == Family::ipv6 && info.local.is_wildcard()) {
    if (takes_ipv4) info.local = Address::any_family(info.local.port());
    socket.ipv6_only = !takes_ipv4;
  }
  if (!is_tcp) return;
  if (info.state == SocketState::listen) {
    // The queues of a listener are its backlog.
    info.kind = SocketKind::tcp_listener;
    info.backlog = {.waiting = message.idiag_rqueue, .max = message.idiag_wqueue};
    info.receive_queue_bytes = info.send_queue_bytes = 0;
  } else if (tcp != nullptr) {
    // The kernel's byte may be another one by now: the message and its attribute agree on the rest.
    const SocketState state = info.state;
    fill_tcp_info(bytes_of(*tcp), info);
    info.state = state;
    if (info.tcp && algorithm != nullptr) {
      const std::size_t size = std::min(std::size_t{RTA_PAYLOAD(algorithm)},
                                        std::size_t{TcpInfo::congestion_control_bytes_max});
      std::memcpy(info.tcp->congestion_control.data(), RTA_DATA(algorithm), size);
    }
  }
}

// ---- Unix --------------------------------------------------------------------------------------

/// Names may be empty, or hold what `Address` takes for a mistake: those are left out.
Address unix_address(std::string_view name) {
  if (name.empty()) return {};
  if (name.front() == '\0') return Address::unix_abstract(name.substr(1)).value_or(Address{});
  return Address::unix_path(name.substr(0, name.find('\0'))).value_or(Address{});
}

SocketKind unix_kind(std::uint8_t type, bool listens) noexcept {
  if (type == SOCK_DGRAM) return SocketKind::unix_datagram;
  return listens ? SocketKind::unix_listener : SocketKind::unix_stream;
}

SocketState unix_state(std::uint8_t kernel_state, unsigned shutdown) noexcept {
  constexpr unsigned receiving = 1;  // RCV_SHUTDOWN: the peer has finished
  constexpr unsigned sending = 2;    // SEND_SHUTDOWN: we have
  const SocketState state = tcp_state(kernel_state);
  if (state != SocketState::established || shutdown == 0) return state;
  if (shutdown == receiving) return SocketState::close_wait;
  return shutdown == sending ? SocketState::fin_wait_2 : SocketState::closed;
}

/// Gives the inodes of the clients that wait to be accepted.
std::span<const std::byte> read_unix(const nlmsghdr* header, SocketEntry& socket) {
  const auto& message = *static_cast<const unix_diag_msg*>(NLMSG_DATA(header));
  SocketInfo& info = socket.info;
  socket.inode = message.udiag_ino;
  const bool listens = tcp_state(message.udiag_state) == SocketState::listen;
  info.kind = unix_kind(message.udiag_type, listens);
  unsigned shutdown = 0;
  unix_diag_rqlen queue{};
  std::span<const std::byte> clients;
  for_each_attribute<unix_diag_msg>(header, [&](const rtattr& attribute) {
    switch (attribute.rta_type) {
      case UNIX_DIAG_NAME:
        info.local =
            unix_address({static_cast<const char*>(RTA_DATA(&attribute)), RTA_PAYLOAD(&attribute)});
        break;
      case UNIX_DIAG_PEER: socket.peer_inode = value_of<std::uint32_t>(attribute); break;
      case UNIX_DIAG_ICONS: clients = bytes_of(attribute); break;
      case UNIX_DIAG_RQLEN: queue = value_of<unix_diag_rqlen>(attribute); break;
      case UNIX_DIAG_MEMINFO: read_memory(attribute, socket); break;
      case UNIX_DIAG_SHUTDOWN: shutdown = value_of<std::uint8_t>(attribute); break;
      case UNIX_DIAG_UID: socket.uid = value_of<std::uint32_t>(attribute); break;
      default: break;
    }
  });
  info.state = unix_state(message.udiag_state, shutdown);
  socket.seqpacket = message.udiag_type == SOCK_SEQPACKET;
  socket.unconnected = tcp_state(message.udiag_state) == SocketState::closed;
  if (listens) {
    info.backlog = {.waiting = queue.udiag_rqueue, .max = queue.udiag_wqueue};
  } else {
    info.receive_queue_bytes = queue.udiag_rqueue;
    info.send_queue_bytes = queue.udiag_wqueue;
  }
  return clients;
}

// ---- All of them -------------------------------------------------------------------------------

class Dump {
 public:
  explicit Dump(const SocketTableOptions& options) : options_(options) {}

  Result<SocketDump> run() {
    netlink_ = Descriptor(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    int number = netlink_.is_open() ? 0 : errno;
    for (const int family : {AF_INET, AF_INET6}) {
      if (number == 0 && options_.tcp) number = inet(family, IPPROTO_TCP);
    }
    for (const int family : {AF_INET, AF_INET6}) {
      if (number == 0 && options_.udp) number = inet(family, IPPROTO_UDP);
    }
    if (number == 0 && options_.unix_sockets) number = unix_sockets();
    if (number != 0) return std::unexpected(Error::from_errno(number, operation));
    return std::move(dump_);
  }

 private:
  /// Where the next one is to be read to; null: there is no room.
  SocketEntry* next() {
    if (dump_.sockets.size() < options_.sockets_max) return &dump_.sockets.emplace_back();
    ++dump_.left_out;
    return nullptr;
  }

  int inet(int family, int protocol) {
    inet_diag_req_v2 request{};
    request.sdiag_family = static_cast<__u8>(family);
    request.sdiag_protocol = static_cast<__u8>(protocol);
    request.idiag_states = ~0U;
    request.idiag_ext = 1U << (INET_DIAG_SKMEMINFO - 1);
    if (protocol == IPPROTO_TCP) {
      request.idiag_ext |= (1U << (INET_DIAG_INFO - 1)) | (1U << (INET_DIAG_CONG - 1));
    }
    return list_sockets(netlink_, answer_, request, [&](const nlmsghdr* header) {
      if (SocketEntry* socket = next()) read_inet(header, protocol == IPPROTO_TCP, *socket);
    });
  }

  int unix_sockets() {
    unix_diag_req request{};
    request.sdiag_family = AF_UNIX;
    request.udiag_states = ~0U;
    constexpr std::uint32_t show_uid = 0x40;  // UDIAG_SHOW_UID of Linux 5.2
    request.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_ICONS | UDIAG_SHOW_RQLEN |
                         UDIAG_SHOW_MEMINFO | show_uid;
    return list_sockets(netlink_, answer_, request, [&](const nlmsghdr* header) {
      SocketEntry* socket = next();
      if (socket == nullptr) return;
      std::span<const std::byte> clients = read_unix(header, *socket);
      const auto listener = static_cast<std::uint32_t>(dump_.sockets.size() - 1);
      for (; clients.size() >= sizeof(std::uint32_t);
           clients = clients.subspan(sizeof(std::uint32_t))) {
        SocketDump::Waiting& one = dump_.waiting.emplace_back();
        std::memcpy(&one.client_inode, clients.data(), sizeof one.client_inode);
        one.listener = listener;
      }
    });
  }

  SocketTableOptions options_;
  Descriptor netlink_;
  std::vector<std::byte> answer_ = std::vector<std::byte>(answer_bytes);
  SocketDump dump_;
};

}  // namespace

Result<SocketDump> dump_sockets(const SocketTableOptions& options) {
  if (options.network_namespace < 0) return Dump(options).run();
  // A netlink socket belongs to the namespace of the thread that opens it. A thread of its own ends
  // in the other one, so that none of ours need find its way back.
  Result<SocketDump> dump = std::unexpected(Error(std::errc::operation_not_permitted, operation));
  std::thread([&] {
    if (::setns(options.network_namespace, CLONE_NEWNET) < 0) {
      dump = std::unexpected(Error::from_errno(errno, "enter the network namespace"));
    } else {
      dump = Dump(options).run();
    }
  }).join();
  return dump;
}

}  // namespace ieum::detail
