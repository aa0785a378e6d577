// Server, serve: a listener's clients, each in a task of its own, owned until it ends.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include <ieum/event.hpp>
#include <ieum/group.hpp>
#include <ieum/listener.hpp>

#pragma GCC visibility push(default)
namespace ieum {

struct ServeOptions {
  /// Sessions at a time; further clients wait in the listener's backlog.
  std::size_t sessions_max = 10'000;
  /// Descriptors that a session holds, its own socket included: a proxy's is 2. With more than one,
  /// no more sessions are taken in than there are descriptors for (RLIMIT_NOFILE, getrlimit(2),
  /// less 64 for all else), so that what they open does not fail: further clients wait as well.
  std::size_t descriptors_each = 1;
  /// When accepting fails, as for want of descriptors or memory: how long until it is tried again,
  /// unless a session ends before.
  AnyDuration retry_pause = std::chrono::milliseconds(100);
  /// A session whose socket has moved no byte, in either direction, for this long is stopped: it
  /// ends with `timed_out`, "idle for 30 s". Zero: it may be silent for ever. Handlers need do
  /// nothing for it. What counts is the socket that the handler was given: a session that waits
  /// for something else, or has closed or detached it, is idle too. A write that a slow peer is
  /// taking moves bytes; a peer that stops taking them is noticed within twice the limit.
  AnyDuration idle_limit{};
};

/// What `Server::drain` did.
struct DrainReport {
  std::size_t finished = 0;  ///< sessions that ended by themselves
  std::size_t cut = 0;       ///< sessions that were stopped at the deadline
  std::size_t idle = 0;      ///< sessions that `ServeOptions::idle_limit` ended before it
};

/// How a session ended, for `Server::on_session_end`.
struct SessionEnd {
  Address peer;
  const Error* error = nullptr;  ///< null if it succeeded or threw
  std::exception_ptr exception;  ///< null unless it threw
  bool idle = false;             ///< `ServeOptions::idle_limit` asked it to stop
};

struct ServerCounters {
  std::uint64_t accepted = 0;
  std::uint64_t failed = 0;             ///< sessions that ended with an error of another kind
  std::uint64_t threw = 0;              ///< sessions that ended with an exception
  std::uint64_t idle = 0;               ///< sessions that `ServeOptions::idle_limit` ended
  std::uint64_t refused_by_system = 0;  ///< times that accepting failed and was tried again
};

namespace detail {

/// Counted on one thread, read on any, never ahead of what was counted before.
class Counter {
 public:
  void operator++() noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_acquire);
  }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

struct ServerCounts {
  Counter accepted;
  Counter failed;
  Counter threw;
  Counter idle;
  Counter refused_by_system;
  Counter ended;
  [[nodiscard]] ServerCounters read() const noexcept {
    return {accepted.value(), failed.value(), threw.value(), idle.value(),
            refused_by_system.value()};
  }
};

}  // namespace detail

/// A session of a server's, as its handler sees it. Lives as long as the session; belongs to the
/// runtime's thread.
class ServerSession {
 public:
  ServerSession(const ServerSession&) = delete;
  ServerSession& operator=(const ServerSession&) = delete;

  /// Once the session's task has ended well, the session goes on as `next`, which may hand over
  /// again. Of the task before nothing is left then, so that one protocol can give way to another
  /// without lying beneath it for the rest of the session. To limits, `drain` and `on_session_end`
  /// it is one session. Of several calls the last one counts; `next` is destroyed, and never runs,
  /// if the task fails or throws.
  void continue_with(Task<> next);

 protected:
  ServerSession() noexcept = default;
  ~ServerSession() = default;
};

/// What a server runs for each client: a function of a `StreamSocket`, or of that and the
/// `ServerSession&`, that is a `Task<>`. Copyable, if the function is.
class SessionHandler {
 public:
  template <class F>
    requires std::is_invocable_r_v<Task<>, F&, StreamSocket, ServerSession&>
  SessionHandler(F handle) : handle_(std::move(handle)) {}
  template <class F>
    requires(!std::is_same_v<F, SessionHandler> && std::is_invocable_r_v<Task<>, F&, StreamSocket>)
  SessionHandler(F handle)
      : handle_([handle = std::move(handle)](StreamSocket socket, ServerSession&) mutable {
          return handle(std::move(socket));
        }) {}

  [[nodiscard]] Task<> operator()(StreamSocket socket, ServerSession& session) const {
    return handle_(std::move(socket), session);
  }

 private:
  std::function<Task<>(StreamSocket, ServerSession&)> handle_;
};

/// Serves a listener: accepts, runs `handler(socket)` for each client in a task of its own, and
/// owns these sessions. A session's failure ends that session only. Limits their number; when
/// accepting fails, as when descriptors or memory run out, it pauses for a while, keeps serving,
/// and goes on. All members belong to the runtime's thread.
class Server {
 public:
  /// `handler` is kept for the server's life: a lambda with captures is safe.
  using Handler = SessionHandler;

  Server(Listener listener, Handler handler, const ServeOptions& options = {});
  /// Before `run` only.
  Server(Server&& other) noexcept;
  Server& operator=(Server&&) = delete;

  /// Serves until drained (then it succeeds, once the last session has ended) or stopped (then the
  /// sessions are stopped too: `operation_canceled`). Call it once. Fails if the listener is none
  /// any more: `bad_file_descriptor`, `invalid_argument`, `not_a_socket`.
  [[nodiscard]] Task<> run();

  /// Closes the listener, waits at most `limit` for the sessions to end by themselves, then asks
  /// the rest to stop and waits for them. `run` ends with it. Clients in the backlog are reset.
  [[nodiscard]] Task<DrainReport> drain(AnyDuration limit);

  /// Set before `run`. By default an exception is told on standard error, an error is not: a
  /// vanished peer is no news. `report` must not throw.
  void on_session_end(std::function<void(const SessionEnd&)> report) {
    report_ = std::move(report);
  }

  /// True from the moment that `drain` was called: a session may ask, and finish early.
  [[nodiscard]] bool draining() const noexcept { return draining_; }
  [[nodiscard]] std::size_t sessions() const noexcept { return sessions_; }
  [[nodiscard]] ServerCounters counters() const noexcept { return counts_->read(); }
  [[nodiscard]] const Listener& listener() const noexcept { return listener_; }

 private:
  friend class CoresServer;
  friend class ServerSession;
  Task<> accept_clients(Group& accepting);
  Task<> serve_in(Group& group);
  class Session;
  class WatchedSession;
  void begin_session(StreamSocket socket);
  void session_ended(const SessionEnd& end);

  Listener listener_;
  Handler handler_;
  ServeOptions options_;
  std::size_t sessions_max_;
  std::function<void(const SessionEnd&)> report_;
  detail::ServerCounts own_counts_;
  detail::ServerCounts* counts_ = &own_counts_;  // or those of a server on several cores
  Group* group_ = nullptr;                       // of the sessions, while running
  Group* accepting_ = nullptr;                   // of the accepting, while it goes on
  std::size_t sessions_ = 0;
  // What sessions go on as; not in each of them, as few have any.
  std::unordered_map<const ServerSession*, Task<>> handed_over_;
  bool draining_ = false;
  bool began_ = false;
  Event one_ended_;
  Event all_ended_;
};

/// `Server::run` for programs that end by being stopped:
///
///     Listener listener = co_await Listener::bind("127.0.0.1:7000");
///     co_await serve(std::move(listener), echo);
[[nodiscard]] Task<> serve(Listener listener, Server::Handler handler, ServeOptions options = {});

}  // namespace ieum
#pragma GCC visibility pop
