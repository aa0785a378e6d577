// SocketTable: all TCP, UDP and Unix sockets of this machine, of whichever process, with those who
// have them open. Read from sock_diag(7) and proc(5): no process is stopped, traced or changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/operation.hpp>
#include <ieum/result.hpp>
#include <ieum/socket_info.hpp>

#pragma GCC visibility push(default)
namespace ieum {

/// What a timer of a TCP socket is for.
enum class SocketTimer : std::uint8_t {
  none,
  retransmission,
  keepalive,  ///< also what ends a FIN-WAIT-2 that no program holds
  time_wait,
  zero_window_probe,
};
/// "retransmission", "keepalive", "time-wait", "zero-window probe"; empty: none.
[[nodiscard]] std::string_view to_string(SocketTimer timer) noexcept;

/// A process that has sockets open.
struct SocketProcess {
  int pid = 0;
  std::uint32_t uid = 0;     ///< its user
  std::string name;          ///< as the process has named itself, any bytes (PR_SET_NAME)
  std::string command_line;  ///< its words joined by spaces, any bytes; cut after 256
  /// It has an io_uring: /proc does not show which reads, accepts and writes are pending there, so
  /// of its sockets nothing may be said to be not pending.
  bool uses_io_uring = false;
  /// The threads' system calls could be read. If not, what it is blocked in is not known
  /// (ptrace_scope, another user).
  bool calls_known = false;
  /// A thread waits in poll(2) or select(2), whose descriptors /proc does not show.
  bool polls = false;
  /// What a thread is blocked in: the first one, which is the main one if that is blocked.
  /// "clock_nanosleep"; a name from this program, never null; empty: none is, or not known.
  std::string_view blocked_in{};
};

/// One descriptor that is a socket.
struct SocketHolder {
  std::uint32_t socket = 0;   ///< the index of its entry
  std::uint32_t process = 0;  ///< the index of its process
  /// -1: it is none, but a file registered with the process's io_uring.
  int descriptor = -1;
  /// The system call that a thread is blocked in with this descriptor: "recvfrom", "accept4".
  /// Empty: none is, or not known.
  std::string_view blocked_in{};
  /// What an epoll(7) of the process is asked to watch for, as EPOLLIN and the like; absent: it is
  /// in none.
  std::optional<std::uint32_t> epoll_events{};
};

/// One socket. In `info`, `receiving` and `sending` say what a thread of a holder is blocked in, or
/// what an epoll is asked for; `error_waiting`, `tcp->no_delay` and `tcp->cork` are not known.
struct SocketEntry {
  SocketInfo info;
  std::uint32_t inode =
      0;                  ///< as in "socket:[INODE]"; 0: no program has it open (yet, or any more)
  std::uint32_t uid = 0;  ///< who made it
  std::uint32_t interface = 0;  ///< IP: the index of the only one that it is bound to, or 0
  SocketTimer timer = SocketTimer::none;
  Duration timer_left{};          ///< until it fires
  std::uint32_t retransmits = 0;  ///< or probes, without an answer; of a SYN-RECEIVED too
  std::uint64_t drops = 0;  ///< UDP: datagrams thrown away, as the queue was full or they broken
  bool ipv6_only = false;   ///< a [::] that takes no IPv4
  bool seqpacket = false;   ///< Unix: of the type SOCK_SEQPACKET
  /// Not connected and not listening: it never was, or sends datagrams to anybody.
  bool unconnected = false;
  /// Unix: the inode of the other end, 0 if it has none, or nobody has accepted that.
  std::uint32_t peer_inode = 0;

  // Indexes in the table; `npos`: there is none.
  static constexpr std::uint32_t npos = ~std::uint32_t{0};
  /// The other end of the connection, if that is here too.
  std::uint32_t other_end = npos;
  /// The listener whose backlog it waits in, or, of a SYN-SENT, asks to be let into. TCP: the
  /// server's end is an entry of its own until it is accepted; Unix: only the client is one.
  std::uint32_t listener = npos;

  /// TCP: no program has accepted it yet, it waits in its listener's backlog.
  [[nodiscard]] bool is_unaccepted() const noexcept {
    return inode == 0 && listener != npos &&
           (info.state == SocketState::established || info.state == SocketState::close_wait);
  }
};

struct SocketTableOptions {
  static constexpr std::size_t sockets_max_default = 262'144;

  bool tcp = true;
  bool udp = true;
  bool unix_sockets = true;
  /// Look for who has them open. Without it only the kernel is asked.
  bool holders = true;
  /// A descriptor of the network namespace to look into (/proc/PID/ns/net, /run/netns/NAME), which
  /// stays the caller's; -1: the calling thread's.
  int network_namespace = -1;
  /// At most so many sockets are kept, each takes about 1 KiB; further ones are counted.
  std::size_t sockets_max = sockets_max_default;
};

/// A snapshot. What changes while it is taken may be seen as before or after; a process that ends
/// meanwhile is no error.
class SocketTable {
 public:
  /// At most so many descriptors are kept for all of the sockets; further ones are left out.
  static constexpr std::size_t holders_max = 1'048'576;

  /// Takes a snapshot, and returns when it is complete: about 10 µs for each socket and each
  /// descriptor of each process. In a task write `co_await offload([] { return
  /// SocketTable::read(); })`. Needs no rights; without those of root the holders of other users'
  /// sockets stay hidden. It starts a thread if `network_namespace` is given. Errors:
  /// `operation_not_permitted` and the like (of entering the namespace: CAP_SYS_ADMIN),
  /// `no_such_file_or_directory` (a kernel without sock_diag for one of the protocols),
  /// `too_many_files_open`.
  [[nodiscard]] static Result<SocketTable> read(const SocketTableOptions& options = {});

  /// In the order TCP, UDP, Unix.
  [[nodiscard]] std::span<const SocketEntry> sockets() const noexcept { return sockets_; }
  [[nodiscard]] std::span<const SocketProcess> processes() const noexcept { return processes_; }
  /// Who has the socket with this index open; empty if nobody has, or those are hidden.
  [[nodiscard]] std::span<const SocketHolder> holders(std::size_t socket) const noexcept;

  /// Processes whose descriptors we have no right to see.
  [[nodiscard]] std::size_t hidden_processes() const noexcept { return hidden_processes_; }
  /// Sockets beyond `sockets_max`.
  [[nodiscard]] std::size_t left_out() const noexcept { return left_out_; }

 private:
  std::vector<SocketEntry> sockets_;
  std::vector<SocketProcess> processes_;
  std::vector<SocketHolder> holders_;  // in the order of `socket`
  std::vector<std::uint32_t> first_holder_;
  std::size_t hidden_processes_ = 0;
  std::size_t left_out_ = 0;
};

}  // namespace ieum
#pragma GCC visibility pop
