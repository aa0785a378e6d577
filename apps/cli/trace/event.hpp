// Event: one thing that a trace has seen, as a recording keeps it. The recorder makes events, in
// order; a ladder is drawn from nothing else, so that a recording shows what was shown live.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/socket_info.hpp>

namespace ieum::cli::trace {

using Time = std::chrono::microseconds;

enum class EventKind : std::uint8_t {
  begin,    ///< the first one: `text` is the time of day, `data` the command in a few words
  start,    ///< a command is launched, or a running program attached: `text` is its command line
  exec,     ///< a process has become another program: `text`
  fork,     ///< `pid` has the child `other_pid`
  call,     ///< a system call on a socket has returned
  waiting,  ///< a call that sends or connects has been entered and does not return
  state,    ///< the states of a TCP connection have changed between calls
  stall,    ///< `text` says why nothing moves
  exit,     ///< a process has ended: `result` is its status, or minus the signal that killed it
  note,     ///< `text` is something to know
  name,     ///< the program has learnt that the host `text` has `address`, whose port is 0
  end,      ///< the last one
};
[[nodiscard]] std::string_view to_string(EventKind kind) noexcept;

/// From when to when a call was under way: what it does happened somewhere in between.
struct Span {
  Time begin{};
  Time end{};
};

/// What the kernel says of a TCP connection, both ends of which may be on this machine.
struct PairStates {
  std::optional<SocketState> before{};  ///< of this end when the call began
  std::optional<SocketState> own{};     ///< of this end
  std::optional<SocketState> peer{};    ///< of the other end
  std::uint64_t unread = 0;             ///< bytes that wait here to be read, before the call
  std::uint64_t unsent = 0;  ///< bytes that the system holds back although the peer would take them
};

struct Event {
  EventKind kind = EventKind::note;
  Time at{};    ///< since the trace began. Of what sends or ends: when it was called, else returned
  Time took{};  ///< how long a call lasted
  int pid = 0;
  int tid = 0;
  int other_pid = 0;  ///< fork: the child; stall: the other one that waits; close: who still has it
  std::string text{};

  // Of calls, and of the states of a connection.
  std::string call{};       ///< "recvfrom"
  std::int64_t result = 0;  ///< or minus errno
  int fd = -1;
  std::uint64_t socket = 0;  ///< its inode
  std::string protocol{};    ///< "tcp", "udp", "unix", "unix-datagram", "raw"
  std::string local{};       ///< its address, and that of the peer
  std::string peer{};
  std::uint64_t peer_socket = 0;  ///< Unix: the inode of the other end
  int other_fd = -1;              ///< accept, socketpair: the new (or second) descriptor
  std::uint64_t other_socket = 0;
  std::string other_local{};
  std::string other_peer{};
  std::string address{};      ///< the address that was given or that a datagram came from
  std::int64_t asked = -1;    ///< bytes that were offered or asked for; listen: the backlog
  std::string data{};         ///< the beginning of the bytes, escaped
  std::string option{};       ///< "TCP_NODELAY"
  std::int64_t value = 0;     ///< its value; shutdown: 0 to 2 as SHUT_RD and so on
  std::uint32_t part = 0;     ///< of several messages in one call: which, from 1
  std::uint32_t parts = 0;    ///< and of how many
  std::vector<int> passed{};  ///< descriptors that go along (SCM_RIGHTS)
  bool peeks = false;         ///< MSG_PEEK: what was read stays
  bool truncated = false;     ///< a datagram was longer than the buffer
  bool is_held = false;       ///< close: others have the socket open
  bool aborts = false;        ///< close: SO_LINGER with a time of 0 is set
  /// It acts at once, but `at` is when it returned: it took long, and was told to wait before.
  bool is_late = false;
  PairStates states{};
};

[[nodiscard]] Span span_of(const Event& call);
[[nodiscard]] bool is_datagram(const Event& call);

/// One line of a recording.
[[nodiscard]] std::string to_json(const Event& event);
/// Reads one; none if it is no event.
[[nodiscard]] std::optional<Event> parse_event(std::string_view line);

/// Who takes events, in order.
using EventSink = std::function<void(const Event&)>;

}  // namespace ieum::cli::trace
