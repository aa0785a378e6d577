// Who has sockets open: /proc/PID/fd names the sockets by their inodes, /proc/PID/task/TID/syscall
// says what a thread is blocked in, /proc/PID/fdinfo what an epoll watches and which files an
// io_uring has registered. Reading these stops nobody. A process that ends meanwhile is left out.
#include "net/table/socket_holders.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include <ieum/descriptor.hpp>

#include "net/table/system_calls.hpp"

namespace ieum::detail {

namespace {

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

constexpr std::size_t command_line_max = 256;
constexpr std::string_view socket_link = "socket:[";

Directory open_directory(int at, const char* path) {
  const int descriptor = ::openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  Directory directory(descriptor < 0 ? nullptr : ::fdopendir(descriptor), &::closedir);
  if (!directory && descriptor >= 0) ::close(descriptor);
  return directory;
}

bool is_number(const char* name) noexcept {
  return std::isdigit(static_cast<unsigned char>(*name)) != 0;
}

/// The beginning of a small file, read at once.
std::string_view read_small(int at, const char* path, std::span<char> into) {
  const Descriptor file(::openat(at, path, O_RDONLY | O_CLOEXEC));
  const ssize_t length = file.is_open() ? ::read(file.number(), into.data(), into.size()) : -1;
  return {into.data(), length < 0 ? 0 : static_cast<std::size_t>(length)};
}

/// Calls `take(line)` for each line of a file of any length.
template <class F>
void for_each_line(int at, const char* path, F take) {
  const Descriptor file(::openat(at, path, O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return;
  std::vector<char> buffer(std::size_t{64} * 1024);
  std::size_t kept = 0;
  for (;;) {
    const ssize_t length = ::read(file.number(), buffer.data() + kept, buffer.size() - kept);
    if (length <= 0) return;
    std::string_view text(buffer.data(), kept + static_cast<std::size_t>(length));
    for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos;) {
      take(text.substr(0, end));
      text.remove_prefix(end + 1);
    }
    kept = text.size() < buffer.size() ? text.size() : 0;  // no line is that long
    std::memmove(buffer.data(), text.data(), kept);
  }
}

template <class T>
std::optional<T> number_in(std::string_view text, int base = 10) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  T value{};
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

/// The number after `name` in a line of fdinfo: "tfd:        5 events:       19 ...".
template <class T>
std::optional<T> field(std::string_view line, std::string_view name, int base) noexcept {
  const std::size_t at = line.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  return number_in<T>(line.substr(at + name.size()), base);
}

class Search {
 public:
  explicit Search(std::span<const SocketInode> sockets) : sockets_(sockets) {}

  SocketHolders run() && {
    const Directory proc = open_directory(AT_FDCWD, "/proc");
    if (!proc) return std::move(found_);
    while (const dirent* entry = ::readdir(proc.get())) {
      if (is_number(entry->d_name)) process(::dirfd(proc.get()), entry->d_name);
    }
    return std::move(found_);
  }

 private:
  /// The index of the socket with this inode.
  [[nodiscard]] std::optional<std::uint32_t> find(std::uint32_t inode) const {
    const auto at = std::ranges::lower_bound(sockets_, inode, {}, &SocketInode::inode);
    if (at == sockets_.end() || at->inode != inode) return std::nullopt;
    return at->socket;
  }

  void add(std::uint32_t socket, int descriptor) {
    if (found_.holders.size() >= SocketTable::holders_max) return;
    const auto process = static_cast<std::uint32_t>(found_.processes.size());
    found_.holders.push_back({.socket = socket, .process = process, .descriptor = descriptor});
  }

  /// Those of the process that is looked at, in the order of their descriptors once sorted.
  [[nodiscard]] std::span<SocketHolder> mine() { return std::span(found_.holders).subspan(first_); }
  SocketHolder* find_mine(int descriptor) {
    const auto all = mine();
    const auto at = std::ranges::lower_bound(all, descriptor, {}, &SocketHolder::descriptor);
    return at == all.end() || at->descriptor != descriptor ? nullptr : &*at;
  }

  void process(int proc, const char* pid) {
    const Descriptor home(::openat(proc, pid, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!home.is_open()) return;
    first_ = found_.holders.size();
    epolls_.clear();
    rings_.clear();
    if (!read_descriptors(home.number())) return;
    for (const int ring : rings_) read_ring(home.number(), ring);
    if (mine().empty()) return;
    std::ranges::sort(mine(), {}, &SocketHolder::descriptor);
    SocketProcess& process = found_.processes.emplace_back();
    process.pid = std::atoi(pid);
    process.uses_io_uring = !rings_.empty();
    describe(home.number(), process);
    for (const int epoll : epolls_) read_epoll(home.number(), epoll);
    read_threads(home.number(), process);
  }

  /// False: it may not be seen.
  bool read_descriptors(int home) {
    const Directory directory = open_directory(home, "fd");
    if (!directory) {
      if (errno == EACCES || errno == EPERM) ++found_.hidden_processes;
      return false;
    }
    const int at = ::dirfd(directory.get());
    while (const dirent* entry = ::readdir(directory.get())) {
      if (!is_number(entry->d_name)) continue;
      std::array<char, 64> target{};
      const ssize_t length = ::readlinkat(at, entry->d_name, target.data(), target.size());
      if (length <= 0) continue;
      const std::string_view link(target.data(), static_cast<std::size_t>(length));
      const int descriptor = std::atoi(entry->d_name);
      if (link.starts_with(socket_link)) {
        const auto inode = number_in<std::uint32_t>(link.substr(socket_link.size()));
        const auto socket = inode ? find(*inode) : std::nullopt;
        if (socket) add(*socket, descriptor);
      } else if (link == "anon_inode:[eventpoll]") {
        epolls_.push_back(descriptor);
      } else if (link == "anon_inode:[io_uring]") {
        rings_.push_back(descriptor);
      }
    }
    return true;
  }

  /// "    0: socket:[4711]" of "UserFiles:": registered files need no descriptor.
  void read_ring(int home, int descriptor) {
    for_each_line(home, fdinfo(descriptor).c_str(), [&](std::string_view line) {
      const std::size_t at = line.find(socket_link);
      if (at == std::string_view::npos) return;
      const auto inode = number_in<std::uint32_t>(line.substr(at + socket_link.size()));
      const auto socket = inode ? find(*inode) : std::nullopt;
      if (socket) add(*socket, -1);
    });
  }

  void read_epoll(int home, int descriptor) {
    for_each_line(home, fdinfo(descriptor).c_str(), [&](std::string_view line) {
      constexpr int hexadecimal = 16;
      if (!line.starts_with("tfd:")) return;
      const auto target = field<int>(line, "tfd:", 10);
      const auto events = field<std::uint32_t>(line, "events:", hexadecimal);
      const auto inode = field<std::uint32_t>(line, "ino:", hexadecimal);
      SocketHolder* holder = target && events ? find_mine(*target) : nullptr;
      // The number may be that of another file by now.
      if (holder == nullptr || (inode && find(*inode) != holder->socket)) return;
      holder->epoll_events = holder->epoll_events.value_or(0) | *events;
    });
  }

  static std::string fdinfo(int descriptor) { return "fdinfo/" + std::to_string(descriptor); }

  static void describe(int home, SocketProcess& process) {
    struct stat status{};
    if (::fstatat(home, "", &status, AT_EMPTY_PATH) == 0) process.uid = status.st_uid;
    std::array<char, command_line_max> text{};
    std::string_view name = read_small(home, "comm", text);
    process.name = name.substr(0, name.find('\n'));
    process.command_line = read_small(home, "cmdline", text);
    while (process.command_line.ends_with('\0')) process.command_line.pop_back();
    std::ranges::replace(process.command_line, '\0', ' ');
  }

  void read_threads(int home, SocketProcess& process) {
    const Directory directory = open_directory(home, "task");
    if (!directory) return;
    while (const dirent* entry = ::readdir(directory.get())) {
      if (!is_number(entry->d_name)) continue;
      const std::string path = std::string(entry->d_name) + "/syscall";
      std::array<char, 256> text{};
      read_thread(read_small(::dirfd(directory.get()), path.c_str(), text), process);
    }
  }

  /// "45 0x3 0x7ffd... (six arguments) STACK PROGRAM-COUNTER", "running", or "-1 ..." of a thread
  /// that is blocked in none.
  void read_thread(std::string_view line, SocketProcess& process) {
    if (line.empty()) return;
    process.calls_known = true;
    const auto number = number_in<long>(line);
    if (!number || *number < 0) return;
    std::array<std::uint64_t, 8> values{};
    for (std::uint64_t& value : values) {
      const std::size_t at = line.find(" 0x");
      if (at == std::string_view::npos) return;
      line.remove_prefix(at + 3);
      constexpr int hexadecimal = 16;
      value = number_in<std::uint64_t>(line, hexadecimal).value_or(0);
    }
    // A 32-bit program has other numbers; its stack lies below 4 GiB.
    constexpr std::size_t stack = 6;
    if (sizeof(long) > sizeof(int) && values[stack] >> 32U == 0) {
      process.calls_known = false;
      return;
    }
    const SystemCall call = find_system_call(*number);
    using Role = SystemCall::Role;
    if (process.blocked_in.empty()) process.blocked_in = call.name;
    process.polls = process.polls || (call.role == Role::poll && has_descriptors(call, values));
    process.uses_io_uring = process.uses_io_uring || call.role == Role::ring;
    if (call.role != Role::receive && call.role != Role::send) return;
    // sendfile and splice have a descriptor that they read from, too; the socket is either.
    if (SocketHolder* holder = find_mine(static_cast<int>(values.front()))) {
      holder->blocked_in = call.name;
    }
  }

  /// Without any, such a call is a sleep. Of select(2) the first argument is beyond the highest
  /// descriptor, of poll(2) the second counts them.
  static bool has_descriptors(const SystemCall& call, std::span<const std::uint64_t> arguments) {
    return arguments[call.name.ends_with("poll") ? 1 : 0] != 0;
  }

  std::span<const SocketInode> sockets_;
  SocketHolders found_;
  std::size_t first_ = 0;  // of the holders of the process that is looked at
  std::vector<int> epolls_;
  std::vector<int> rings_;
};

}  // namespace

SocketHolders find_holders(std::span<const SocketInode> sockets) { return Search(sockets).run(); }

}  // namespace ieum::detail
