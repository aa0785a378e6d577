// Who holds an address: finds the listening socket's inode in /proc/net, then the process that has
// it open in /proc/PID/fd. Runs once, when a bind was refused.
#include "net/port_owner.hpp"

#include <dirent.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>

#include "net/socket_file.hpp"

namespace ieum::detail {

namespace {

using File = std::unique_ptr<FILE, int (*)(FILE*)>;
using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;
using Inodes = std::set<unsigned long>;

constexpr unsigned listening = 0x0A;  // TCP_LISTEN

// An address as /proc/net/tcp and tcp6 write it: words of four bytes in the machine's order.
Address address_of(std::string_view hex, std::uint16_t port) {
  std::array<std::uint8_t, 16> ip{};
  for (std::size_t at = 0; at + 8 <= hex.size() && at < 32; at += 8) {
    std::uint32_t word = 0;
    std::from_chars(hex.data() + at, hex.data() + at + 8, word, 16);
    std::memcpy(ip.data() + at / 2, &word, sizeof word);
  }
  if (hex.size() == 8) return Address::ipv4({ip[0], ip[1], ip[2], ip[3]}, port);
  return Address::ipv6(ip, port);
}

// Whether a socket that listens at `held` keeps another from `wanted`, of the same port.
bool excludes(const Address& held, const Address& wanted) {
  if (held.family() == wanted.family()) {
    return held.bytes() == wanted.bytes() || held.is_wildcard() || wanted.is_wildcard();
  }
  return (held.family() == Family::ipv6 ? held : wanted).is_wildcard();  // it takes IPv4 as well
}

// Lines of /proc/net/tcp, of those that listen, and of udp: "sl: LOCAL:PORT REMOTE:PORT STATE tx:rx
// tr:when retr uid timeout INODE".
void find_port(const char* path, bool datagrams, const Address& wanted, Inodes& inodes) {
  const File file(std::fopen(path, "re"), &std::fclose);
  if (!file) return;
  std::array<char, 512> line{};
  while (std::fgets(line.data(), static_cast<int>(line.size()), file.get()) != nullptr) {
    std::array<char, 33> ip{};
    unsigned port = 0;
    unsigned state = 0;
    unsigned long inode = 0;
    const int fields = std::sscanf(
        line.data(), " %*d: %32[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*s %*s %lu",
        ip.data(), &port, &state, &inode);
    if (fields == 4 && port == wanted.port() && (datagrams || state == listening) &&
        excludes(address_of(ip.data(), wanted.port()), wanted)) {
      inodes.insert(inode);
    }
  }
}

// Lines of /proc/net/unix: "Num: RefCount Protocol Flags Type St INODE Path".
// `accepting`: those that listen; else all that are not connected.
void find_unix(const std::string& name, bool accepting, Inodes& inodes) {
  constexpr unsigned accepting_flag = 0x10000;  // __SO_ACCEPTCON
  constexpr unsigned unconnected = 1;           // SS_UNCONNECTED
  const File file(std::fopen("/proc/thread-self/net/unix", "re"), &std::fclose);
  if (!file) return;
  std::array<char, 512> line{};
  while (std::fgets(line.data(), static_cast<int>(line.size()), file.get()) != nullptr) {
    unsigned flags = 0;
    unsigned state = 0;
    unsigned long inode = 0;
    std::array<char, 256> path{};
    if (std::sscanf(line.data(), "%*s %*s %*s %x %*s %x %lu %255[^\n]", &flags, &state, &inode,
                    path.data()) == 4 &&
        (accepting ? (flags & accepting_flag) != 0 : state == unconnected) && name == path.data()) {
      inodes.insert(inode);
    }
  }
}

bool has_open(const std::string& process, const Inodes& inodes) {
  const std::string descriptors = "/proc/" + process + "/fd";
  const Directory directory(opendir(descriptors.c_str()), &closedir);
  if (!directory) return false;
  while (const dirent* entry = readdir(directory.get())) {
    std::array<char, 64> target{};
    const std::string path = descriptors + "/" + entry->d_name;
    if (readlink(path.c_str(), target.data(), target.size() - 1) <= 0) continue;
    unsigned long inode = 0;
    if (std::sscanf(target.data(), "socket:[%lu]", &inode) == 1 && inodes.contains(inode))
      return true;
  }
  return false;
}

std::string name_of(const std::string& process) {
  const File file(std::fopen(("/proc/" + process + "/comm").c_str(), "re"), &std::fclose);
  std::array<char, 32> name{};
  if (!file || std::fgets(name.data(), static_cast<int>(name.size()), file.get()) == nullptr)
    return "?";
  name[std::strcspn(name.data(), "\n")] = '\0';
  return name.data();
}

}  // namespace

namespace {

std::string holder(const Address& address, bool datagrams) {
  Inodes inodes;
  if (address.is_ip()) {
    // Of this thread: it may be in a network namespace of its own. Its own family first: a socket
    // on [::] may be one for IPv6 alone.
    const bool ipv4 = address.family() == Family::ipv4;
    const std::string table = std::string("/proc/thread-self/net/") + (datagrams ? "udp" : "tcp");
    const std::string table6 = table + "6";
    find_port((ipv4 ? table : table6).c_str(), datagrams, address, inodes);
    if (inodes.empty()) find_port((ipv4 ? table6 : table).c_str(), datagrams, address, inodes);
  } else {
    const bool path = address.family() == Family::unix_path;
    find_unix((path ? "" : "@") + std::string(address.bytes()), !datagrams, inodes);
    if (inodes.empty() && path) {
      if (socket_file(address) == SocketFile{}) return "what is there is no socket";
      if (nobody_listens(address)) return "nobody listens there: remove the stale file";
    }
  }
  if (inodes.empty()) return {};

  const Directory processes(opendir("/proc"), &closedir);
  if (!processes) return {};
  while (const dirent* entry = readdir(processes.get())) {
    const std::string process = entry->d_name;
    if (std::isdigit(static_cast<unsigned char>(process[0])) == 0 || !has_open(process, inodes))
      continue;
    return "held by " + name_of(process) + " (pid " + process + ")";
  }
  return {};
}

}  // namespace

std::string who_holds(const Address& address) { return holder(address, false); }

std::string who_holds_datagrams(const Address& address) { return holder(address, true); }

std::string held_by_this_process() {
  return "held by " + name_of("self") + " (pid " + std::to_string(::getpid()) + ")";
}

bool is_bound(const Address& path) {
  Inodes inodes;
  find_unix(std::string(path.bytes()), false, inodes);
  return !inodes.empty();
}

}  // namespace ieum::detail
