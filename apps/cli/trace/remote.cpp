#include "trace/remote.hpp"

#include <dirent.h>
#include <netinet/in.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string_view>

#include <fmt/format.h>

#include <ieum/result.hpp>
#include <ieum/socket_table.hpp>

#include "inspect/findings.hpp"

namespace ieum::cli::trace {

namespace {

/// Numbers that name the entries of a folder of /proc.
std::vector<int> numbers_in(const std::string& path, std::size_t count_max) {
  std::vector<int> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), ::closedir);
  if (!folder) return numbers;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name(static_cast<const char*>(entry->d_name));
    int number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc{} && end == name.data() + name.size()) numbers.push_back(number);
    if (numbers.size() >= count_max) break;
  }
  return numbers;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string content(4096, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(file.gcount()));
  return content;
}

}  // namespace

bool read_memory(int pid, std::uint64_t address, void* to, std::size_t bytes) {
  const iovec local{to, bytes};
  const iovec remote{reinterpret_cast<void*>(address), bytes};
  return ::process_vm_readv(pid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(bytes);
}

std::string read_bytes(int pid, std::uint64_t address, std::size_t bytes) {
  std::string text(bytes, '\0');
  const iovec local{text.data(), bytes};
  const iovec remote{reinterpret_cast<void*>(address), bytes};
  const ssize_t count = bytes == 0 ? 0 : ::process_vm_readv(pid, &local, 1, &remote, 1, 0);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, count)));
  return text;
}

std::uint64_t socket_at(int pid, int fd) {
  constexpr std::string_view prefix = "socket:[";
  std::array<char, 64> path{};
  fmt::format_to_n(path.data(), path.size() - 1, "/proc/{}/fd/{}", pid, fd);
  std::array<char, 64> target{};
  const ssize_t bytes = ::readlink(path.data(), target.data(), target.size());
  if (bytes <= static_cast<ssize_t>(prefix.size())) return 0;
  const std::string_view text(target.data(), static_cast<std::size_t>(bytes));
  if (!text.starts_with(prefix)) return 0;
  std::uint64_t inode = 0;
  std::from_chars(text.data() + prefix.size(), text.data() + text.size(), inode);
  return inode;
}

int find_descriptor(int pid, std::uint64_t socket) {
  constexpr std::size_t looked_at_max = 4096;
  for (const int fd : numbers_in(fmt::format("/proc/{}/fd", pid), looked_at_max)) {
    if (socket_at(pid, fd) == socket) return fd;
  }
  return -1;
}

Descriptor borrow_descriptor(int pid, int fd) {
  const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process.is_open()) return {};
  return Descriptor(static_cast<int>(::syscall(SYS_pidfd_getfd, process.number(), fd, 0)));
}

int process_of(int tid) {
  const std::string status = content_of(fmt::format("/proc/{}/status", tid));
  constexpr std::string_view key = "\nTgid:\t";
  const std::size_t at = status.find(key);
  int pid = tid;
  if (at != std::string::npos) {
    std::from_chars(status.data() + at + key.size(), status.data() + status.size(), pid);
  }
  return pid;
}

std::vector<int> threads_of(int pid) {
  constexpr std::size_t threads_max = 65'536;
  return numbers_in(fmt::format("/proc/{}/task", pid), threads_max);
}

std::string title_of_process(int pid) {
  SocketProcess process;
  process.command_line = content_of(fmt::format("/proc/{}/cmdline", pid));
  while (process.command_line.ends_with('\0')) process.command_line.pop_back();
  std::ranges::replace(process.command_line, '\0', ' ');
  process.name = content_of(fmt::format("/proc/{}/comm", pid));
  while (process.name.ends_with('\n')) process.name.pop_back();
  return title_of(process);
}

Address to_address(const sockaddr_storage& storage, std::size_t bytes) {
  if (storage.ss_family == AF_INET && bytes >= sizeof(sockaddr_in)) {
    sockaddr_in ip{};
    std::memcpy(&ip, &storage, sizeof ip);
    std::array<std::uint8_t, 4> parts{};
    std::memcpy(parts.data(), &ip.sin_addr, parts.size());
    return Address::ipv4(parts, ntohs(ip.sin_port));
  }
  if (storage.ss_family == AF_INET6 && bytes >= sizeof(sockaddr_in6)) {
    sockaddr_in6 ip{};
    std::memcpy(&ip, &storage, sizeof ip);
    std::array<std::uint8_t, 16> parts{};
    std::memcpy(parts.data(), &ip.sin6_addr, parts.size());
    if (IN6_IS_ADDR_V4MAPPED(&ip.sin6_addr)) {
      return Address::ipv4({parts[12], parts[13], parts[14], parts[15]}, ntohs(ip.sin6_port));
    }
    return Address::ipv6(parts, ntohs(ip.sin6_port), ip.sin6_scope_id);
  }
  if (storage.ss_family == AF_UNIX && bytes > offsetof(sockaddr_un, sun_path)) {
    sockaddr_un local{};
    std::memcpy(&local, &storage, std::min(bytes, sizeof local));
    const std::string_view name(static_cast<const char*>(local.sun_path),
                                std::min(bytes, sizeof local) - offsetof(sockaddr_un, sun_path));
    const Result<Address> address = name.front() == '\0'
                                        ? Address::unix_abstract(name.substr(1))
                                        : Address::unix_path(name.substr(0, name.find('\0')));
    return address ? *address : Address{};
  }
  return {};
}

std::string address_at(int pid, std::uint64_t address, std::size_t bytes) {
  sockaddr_storage storage{};
  if (address == 0 || bytes == 0 || bytes > sizeof storage) return {};
  if (!read_memory(pid, address, &storage, bytes)) return {};
  return to_address(storage, bytes).to_string();
}

}  // namespace ieum::cli::trace
