// Who holds an address: asks the kernel for the sockets that are in the way (sock_diag(7)), then
// looks for the processes that have them open in /proc/PID/fd.
#include <ieum/port_owner.hpp>

#include <arpa/inet.h>
#include <dirent.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <vector>

#include <ieum/descriptor.hpp>
#include <ieum/offload.hpp>

#include "base/driver.hpp"
#include "base/words.hpp"
#include "net/netlink.hpp"
#include "net/socket_file.hpp"
#include "runtime/this_loop.hpp"

namespace ieum {

namespace {

using File = std::unique_ptr<FILE, int (*)(FILE*)>;
using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;
using Inodes = std::set<unsigned long>;

constexpr std::uint8_t state_established = 1;  // TCP_ESTABLISHED
constexpr std::uint8_t state_listen = 10;      // TCP_LISTEN

/// What is wanted, and the netlink socket, which belongs to the network namespace of the thread
/// that has opened it.
struct Search {
  Address wanted;
  detail::SocketType type = detail::SocketType::stream;
  detail::SocketFile file;  // of a Unix path
  Descriptor netlink;
};

using detail::for_each_attribute;
using detail::value_of;

template <class T>
const T& payload_of(const nlmsghdr* header) noexcept {
  return *static_cast<const T*>(NLMSG_DATA(header));
}

/// Calls `take(header)` for each entry of what the request lists; of a failure, for none.
template <class Body, class F>
void list(const Search& search, const Body& body, F take) {
  alignas(nlmsghdr) std::array<std::byte, 32768> answer{};
  static_cast<void>(detail::list_sockets(search.netlink, answer, body, take));
}

// ---- The sockets -------------------------------------------------------------------------------

Address address_of(const inet_diag_msg& socket) {
  const std::uint16_t port = ntohs(socket.id.idiag_sport);
  if (socket.idiag_family == AF_INET) {
    std::array<std::uint8_t, 4> ip{};
    std::memcpy(ip.data(), socket.id.idiag_src, ip.size());
    return Address::ipv4(ip, port);
  }
  std::array<std::uint8_t, 16> ip{};
  std::memcpy(ip.data(), socket.id.idiag_src, ip.size());
  return Address::ipv6(ip, port, socket.id.idiag_if);
}

/// Whether a socket at `held` certainly keeps another from `wanted`, of the same port.
bool excludes(const Address& held, bool held_takes_ipv4, const Address& wanted) {
  if (held.family() == wanted.family()) {
    const bool same_interface =
        held.scope() == wanted.scope() || held.scope() == 0 || wanted.scope() == 0;
    return (held.bytes() == wanted.bytes() && same_interface) || held.is_wildcard() ||
           wanted.is_wildcard();
  }
  // Of a wanted [::] it is not known here whether it is for IPv6 alone.
  return held.family() == Family::ipv6 ? held.is_wildcard() && held_takes_ipv4
                                       : wanted.is_any_family();
}

void find_ip_sockets(const Search& search, int family, Inodes& inodes) {
  const bool stream = search.type == detail::SocketType::stream;
  inet_diag_req_v2 request{};
  request.sdiag_family = static_cast<__u8>(family);
  request.sdiag_protocol = stream ? IPPROTO_TCP : IPPROTO_UDP;
  request.idiag_states = stream ? 1U << state_listen : ~0U;
  request.id.idiag_sport = htons(search.wanted.port());
  list(search, request, [&](const nlmsghdr* header) {
    const auto& socket = payload_of<inet_diag_msg>(header);
    bool takes_ipv4 = false;
    for_each_attribute<inet_diag_msg>(header, [&](const rtattr& attribute) {
      if (attribute.rta_type == INET_DIAG_SKV6ONLY) {
        takes_ipv4 = value_of<std::uint8_t>(attribute) == 0;
      }
    });
    const Address held = address_of(socket);
    if (held.port() == search.wanted.port() && excludes(held, takes_ipv4, search.wanted)) {
      inodes.insert(socket.idiag_inode);
    }
  });
}

void find_unix_sockets(const Search& search, Inodes& inodes) {
  const std::string abstract = std::string(1, '\0').append(search.wanted.bytes());
  const int type = search.type == detail::SocketType::stream ? SOCK_STREAM : SOCK_DGRAM;
  unix_diag_req request{};
  request.sdiag_family = AF_UNIX;
  request.udiag_states = ~0U;
  request.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS;
  list(search, request, [&](const nlmsghdr* header) {
    const auto& socket = payload_of<unix_diag_msg>(header);
    // Accepted sockets have the name of their listener.
    if (socket.udiag_state == state_established && socket.udiag_type != SOCK_DGRAM) return;
    bool holds = false;
    for_each_attribute<unix_diag_msg>(header, [&](const rtattr& attribute) {
      if (attribute.rta_type == UNIX_DIAG_NAME && search.wanted.family() == Family::unix_abstract) {
        const std::string_view name(static_cast<const char*>(RTA_DATA(&attribute)),
                                    RTA_PAYLOAD(&attribute));
        holds = name == abstract && socket.udiag_type == type;
      } else if (attribute.rta_type == UNIX_DIAG_VFS && search.file != detail::SocketFile{}) {
        const auto vfs = value_of<unix_diag_vfs>(attribute);
        constexpr unsigned minor_bits = 20;  // of the kernel's own device numbers
        const auto device = static_cast<dev_t>(search.file.device);
        holds = vfs.udiag_vfs_ino == static_cast<std::uint32_t>(search.file.inode) &&
                vfs.udiag_vfs_dev == ((major(device) << minor_bits) | minor(device));
      }
    });
    if (holds) inodes.insert(socket.udiag_ino);
  });
}

Inodes find_sockets(const Search& search) {
  Inodes inodes;
  if (!search.netlink.is_open()) return inodes;
  if (search.wanted.is_unix()) {
    find_unix_sockets(search, inodes);
  } else {
    for (const int family : {AF_INET, AF_INET6}) find_ip_sockets(search, family, inodes);
  }
  inodes.erase(0);  // of a connection that nobody has accepted
  return inodes;
}

// ---- The processes -----------------------------------------------------------------------------

struct Holder {
  int pid = 0;
  int parent = 0;
  std::string program;
};

std::vector<int> processes() {
  std::vector<int> pids;
  const Directory directory(opendir("/proc"), &closedir);
  if (!directory) return pids;
  while (const dirent* entry = readdir(directory.get())) {
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])) == 0) continue;
    pids.push_back(std::atoi(entry->d_name));
  }
  return pids;
}

bool has_open(int pid, const Inodes& inodes) {
  const Directory directory(opendir(("/proc/" + std::to_string(pid) + "/fd").c_str()), &closedir);
  if (!directory) return false;
  while (const dirent* entry = readdir(directory.get())) {
    std::array<char, 64> target{};
    if (::readlinkat(dirfd(directory.get()), entry->d_name, target.data(), target.size() - 1) <= 0)
      continue;
    unsigned long inode = 0;
    if (std::sscanf(target.data(), "socket:[%lu]", &inode) == 1 && inodes.contains(inode))
      return true;
  }
  return false;
}

/// From /proc/PID/stat: "PID (NAME) STATE PARENT …"; a name may hold anything.
Holder holder_of(int pid) {
  Holder holder{pid, 0, "?"};
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const File file(std::fopen(path.c_str(), "re"), &std::fclose);
  std::array<char, 512> buffer{};
  if (!file || std::fread(buffer.data(), 1, buffer.size() - 1, file.get()) == 0) return holder;
  const std::string_view line(buffer.data());
  const std::size_t begin = line.find('(');
  const std::size_t end = line.rfind(')');
  if (begin == std::string_view::npos || end == std::string_view::npos) return holder;
  holder.program = line.substr(begin + 1, end - begin - 1);
  std::sscanf(line.substr(end + 1).data(), " %*c %d", &holder.parent);
  return holder;
}

/// The one of `holders` that the others descend from.
std::optional<PortOwner> first_of(const std::vector<Holder>& holders) {
  std::set<int> pids;
  for (const Holder& holder : holders) pids.insert(holder.pid);
  const Holder* first = nullptr;
  for (const Holder& holder : holders) {
    if (pids.contains(holder.parent)) continue;
    if (first != nullptr) return std::nullopt;
    first = &holder;
  }
  if (first == nullptr) return std::nullopt;
  return PortOwner{.pid = first->pid, .program = first->program};
}

/// Of a simulated network: whoever holds an address, it is this process.
std::optional<PortOwner> find_in_simulation(detail::Driver& driver, const Address& address,
                                            detail::SocketType type) {
  const int handle = driver.open(address.family(), type);
  if (handle < 0) return std::nullopt;
  const int status = driver.bind(handle, address);
  driver.discard(handle);
  if (status != -EADDRINUSE) return std::nullopt;
  return PortOwner{.pid = ::getpid(), .program = holder_of(::getpid()).program};
}

/// Each is looked at as a whole: a stop waits for so many at most.
constexpr std::size_t processes_at_once = 16;

Task<std::optional<PortOwner>> find_owner(Address address, detail::SocketType type) {
  detail::Driver& driver = (co_await detail::this_loop())->driver();
  if (driver.is_simulated()) co_return find_in_simulation(driver, address, type);
  Search search{address, type, detail::socket_file(address),
                Descriptor(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG))};
  auto sockets = offload([&search] { return find_sockets(search); });
  const Inodes inodes = co_await std::move(sockets);
  std::vector<Holder> holders;
  if (inodes.empty()) co_return std::nullopt;
  auto listing = offload(processes);
  const std::vector<int> pids = co_await std::move(listing);
  for (std::size_t begin = 0; begin < pids.size(); begin += processes_at_once) {
    auto look = offload([&pids, &inodes, &holders, begin] {
      for (std::size_t i = begin; i < std::min(begin + processes_at_once, pids.size()); ++i) {
        if (has_open(pids[i], inodes)) holders.push_back(holder_of(pids[i]));
      }
    });
    co_await std::move(look);
  }
  co_return first_of(holders);
}

}  // namespace

std::string PortOwner::to_string() const {
  std::array<char, 64> shown{};
  std::string_view name = program;
  const std::size_t length = detail::copy_printable(name, shown);
  return detail::words("held by ", std::string_view(shown.data(), length), " (pid ", pid, ")");
}

Task<std::optional<PortOwner>> find_port_owner(Address address) {
  return find_owner(address, detail::SocketType::stream);
}

Task<std::optional<PortOwner>> find_datagram_port_owner(Address address) {
  return find_owner(address, detail::SocketType::datagram);
}

}  // namespace ieum
