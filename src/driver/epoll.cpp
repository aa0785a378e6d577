// The epoll driver: tries an operation at once, and waits for the descriptor's next edge if it
// would block. On a byte's way: the first file; recv(2) fills the operation's buffer.
#include "driver/epoll.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <ctime>
#include <utility>
#include <vector>

#include <ieum/detail/assert.hpp>

#include "driver/kernel.hpp"

namespace ieum {

namespace {

using Kind = Operation::Kind;

/// What the driver knows of a descriptor; found by its number.
struct Slot {
  Operation* in = nullptr;  // the pending operation of each direction
  Operation* out = nullptr;
  std::uint32_t generation = 0;  // tells a reused number's events from its former owner's
  bool watched = false;          // registered for edges, both directions, until it is closed
  bool polled = false;           // a foreign descriptor, registered for one event
  bool readable = true;          // worth trying: no EAGAIN since the last edge
  bool writable = true;
  bool ended = false;   // the peer has finished, or an error waits to be read
  bool is_tcp = false;  // a short read means that nothing is left
  bool is_socket = false;
  bool urgent = false;  // TCP's urgent mark was seen: reads stop short of it
  int broken = 0;       // the error that ended the connection, once it was told
};

/// Blocks SIGPIPE for this thread while it writes to a pipe, and takes back what came of it.
class WithoutSigpipe {
 public:
  WithoutSigpipe() noexcept {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;
  ~WithoutSigpipe() {
    if (broken_ && !was_pending_) {
      const timespec at_once{};
      while (sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  void broken() noexcept { broken_ = true; }

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
  bool broken_ = false;
};

using Parts = std::array<iovec, 64>;

/// What is left of a send, as far as it fits into one call.
std::span<const iovec> remaining(const Operation& operation, Parts& parts) noexcept {
  if (operation.parts == nullptr) {
    parts[0] = {operation.data + operation.moved, operation.size - operation.moved};
    return std::span(parts).first(1);
  }
  std::size_t skip = operation.moved;
  std::size_t count = 0;
  for (std::size_t i = 0; i < operation.size && count < parts.size(); ++i) {
    const ConstBuffer part = operation.parts[i];
    if (skip >= part.size()) {
      skip -= part.size();
      continue;
    }
    parts[count++] = {const_cast<std::byte*>(part.data()) + skip, part.size() - skip};
    skip = 0;
  }
  return std::span(parts).first(count);
}

std::size_t total_bytes(const Operation& operation) noexcept {
  if (operation.parts == nullptr) return operation.size;
  std::size_t total = 0;
  for (std::size_t i = 0; i < operation.size; ++i) total += operation.parts[i].size();
  return total;
}

ssize_t send_parts(int handle, std::span<const iovec> parts, bool is_socket) noexcept {
  if (is_socket) {
    if (parts.size() == 1) return ::send(handle, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());
    message.msg_iovlen = parts.size();
    return ::sendmsg(handle, &message, MSG_NOSIGNAL);
  }
  WithoutSigpipe guard;
  const ssize_t count = ::writev(handle, parts.data(), static_cast<int>(parts.size()));
  if (count < 0 && errno == EPIPE) {
    guard.broken();
    errno = EPIPE;
  }
  return count;
}

/// Errors of the connection, not of the call. The kernel tells them once and then shows an orderly
/// end, which would make what was cut off look whole.
bool breaks_connection(int number) noexcept {
  switch (number) {
    case ECONNRESET:
    case ECONNABORTED:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH: return true;
    default: return false;
  }
}

bool would_block(int number) noexcept { return number == EAGAIN || number == EWOULDBLOCK; }

/// accept(2): the client has gone again, or its network has; there may be another one.
bool is_about_one_client(int number) noexcept {
  switch (number) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET: return true;
    default: return false;
  }
}

class EpollDriver final : public KernelDriver {
 public:
  EpollDriver(int epoll, int wake) noexcept : epoll_(epoll), wake_(wake) {}
  ~EpollDriver() override {
    ::close(wake_);
    ::close(epoll_);
  }

  [[nodiscard]] const char* name() const noexcept override { return "epoll"; }

  bool submit(Operation& operation) noexcept override;
  void cancel(Operation& operation) noexcept override;
  void wait(TimePoint deadline, OperationQueue& done) noexcept override;
  void wake() noexcept override {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
  }

  int open(Family family, SocketType type) noexcept override;
  int adopt(int descriptor) noexcept override;
  int release(int handle) noexcept override;
  int shutdown(int handle, Half half) noexcept override;
  void discard(int handle) noexcept override { close(handle); }

 private:
  static constexpr std::size_t events_max = 256;

  static bool is_in(Kind kind) noexcept {
    return kind == Kind::receive || kind == Kind::accept || kind == Kind::wait_readable;
  }
  Slot& slot(int handle) {
    if (static_cast<std::size_t>(handle) >= slots_.size()) {
      slots_.resize(std::max<std::size_t>(static_cast<std::size_t>(handle) + 1, slots_.size() * 2));
    }
    return slots_[static_cast<std::size_t>(handle)];
  }
  void fresh_slot(int handle, bool is_tcp, bool is_socket) {
    Slot& fresh = slot(handle);
    IEUM_ASSERT(
        fresh.in == nullptr && fresh.out == nullptr,
        "a descriptor was closed behind the driver's back while an operation waited for it");
    fresh = Slot{.generation = fresh.generation, .is_tcp = is_tcp, .is_socket = is_socket};
  }

  /// Tries `operation` now; false if it would block.
  bool attempt(Operation& operation, Slot& at) noexcept;
  static bool receive(Operation& operation, Slot& at) noexcept;
  static bool send(Operation& operation, Slot& at) noexcept;
  bool accept(Operation& operation, Slot& at) noexcept;
  static bool connect(Operation& operation, Slot& at) noexcept;
  static bool is_ready(Operation& operation) noexcept;
  static bool finish_connect(Operation& operation) noexcept;

  int park(Operation& operation, Slot& at) noexcept;
  int watch(int handle, Slot& at) noexcept;
  int poll_foreign(int handle, Slot& at) noexcept;
  int close(int handle) noexcept;
  int wait_for_events(TimePoint deadline) noexcept;
  void take_event(const epoll_event& event, OperationQueue& done) noexcept;
  void progress(Operation*& pending, Slot& at, bool ready, OperationQueue& done) noexcept;

  const int epoll_;
  const int wake_;
  std::vector<Slot> slots_;
  OperationQueue completed_;
  std::array<epoll_event, events_max> events_{};
};

bool done_with(Operation& operation, std::int64_t result) noexcept {
  operation.result = result;
  return true;
}

bool EpollDriver::submit(Operation& operation) noexcept {
  if (operation.kind == Kind::close) return done_with(operation, close(operation.handle));
  operation.moved = 0;
  // A foreign number may be anything: no table is made for one that is not open.
  if (static_cast<std::size_t>(operation.handle) >= slots_.size() &&
      ::fcntl(operation.handle, F_GETFD) < 0) {
    return done_with(operation, -errno);
  }
  Slot& at = slot(operation.handle);
  Operation*& place = is_in(operation.kind) ? at.in : at.out;
  IEUM_ASSERT(place == nullptr, "a second operation of one direction on one socket");
  const bool worth_trying = is_in(operation.kind) ? at.readable : at.writable;
  if (operation.kind == Kind::connect) {
    if (connect(operation, at)) return true;
  } else if (worth_trying && attempt(operation, at)) {
    return true;
  }
  const int status = park(operation, at);
  if (status < 0) return done_with(operation, status);
  if (status > 0) return done_with(operation, 0);  // a regular file: always ready
  place = &operation;
  operation.state = Operation::State::pending;
  return false;
}

bool EpollDriver::attempt(Operation& operation, Slot& at) noexcept {
  switch (operation.kind) {
    case Kind::receive: return receive(operation, at);
    case Kind::send: return send(operation, at);
    case Kind::accept: return accept(operation, at);
    case Kind::connect: return finish_connect(operation);
    case Kind::wait_readable:
    case Kind::wait_writable: return is_ready(operation);
    case Kind::none:
    case Kind::close: break;
  }
  return done_with(operation, -EINVAL);
}

bool EpollDriver::receive(Operation& operation, Slot& at) noexcept {
  ssize_t count = 0;
  do {
    count = ::read(operation.handle, operation.data, operation.size);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    if (breaks_connection(errno)) at.broken = errno;
    if (!would_block(errno)) return done_with(operation, -errno);
    at.readable = false;
    return false;
  }
  if (count == 0 && at.broken != 0) return done_with(operation, -at.broken);
  // epoll(7): for TCP a short read means that the next data makes a new edge. Once the peer's end
  // is known there will be none, so that the read after this one must be tried.
  if (static_cast<std::size_t>(count) < operation.size && at.is_tcp && at.watched && !at.ended &&
      !at.urgent) {
    at.readable = false;
  }
  return done_with(operation, count);
}

bool EpollDriver::send(Operation& operation, Slot& at) noexcept {
  const std::size_t total = total_bytes(operation);
  Parts parts;
  while (operation.moved < total) {
    const ssize_t count = send_parts(operation.handle, remaining(operation, parts), at.is_socket);
    if (count < 0) {
      if (errno == EINTR) continue;
      if (breaks_connection(errno)) at.broken = errno;
      if (!would_block(errno)) return done_with(operation, -errno);
      at.writable = false;
      return !operation.whole && operation.moved > 0 &&
             done_with(operation, static_cast<std::int64_t>(operation.moved));
    }
    operation.moved += static_cast<std::size_t>(count);
    if (!operation.whole) break;
  }
  return done_with(operation, static_cast<std::int64_t>(operation.moved));
}

bool EpollDriver::accept(Operation& operation, Slot& at) noexcept {
  for (;;) {
    KernelAddress peer;
    const int handle = ::accept4(operation.handle, peer.data(), peer.length_in_out(),
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (handle >= 0) {
      const bool is_tcp = at.is_tcp;  // `at` moves if the table grows
      fresh_slot(handle, is_tcp, true);
      *operation.address = peer.address();
      return done_with(operation, handle);
    }
    if (is_about_one_client(errno)) continue;
    if (!would_block(errno)) return done_with(operation, -errno);
    at.readable = false;
    return false;
  }
}

bool EpollDriver::connect(Operation& operation, Slot& at) noexcept {
  const KernelAddress to(*operation.address);
  if (::connect(operation.handle, to.data(), to.length()) == 0) return done_with(operation, 0);
  if (errno != EINPROGRESS && errno != EINTR) return done_with(operation, -errno);
  at.writable = false;
  return false;
}

bool EpollDriver::finish_connect(Operation& operation) noexcept {
  int failure = 0;
  socklen_t size = sizeof failure;
  if (::getsockopt(operation.handle, SOL_SOCKET, SO_ERROR, &failure, &size) < 0) failure = errno;
  return done_with(operation, -failure);
}

bool EpollDriver::is_ready(Operation& operation) noexcept {
  const auto events = static_cast<short>(operation.kind == Kind::wait_readable ? POLLIN : POLLOUT);
  pollfd descriptor{.fd = operation.handle, .events = events, .revents = 0};
  if (::poll(&descriptor, 1, 0) == 0) return false;
  // Any other error is an answer too: the next call tells it.
  return done_with(operation, (descriptor.revents & POLLNVAL) != 0 ? -EBADF : 0);
}

/// Makes events come for what `operation` waits for: 0, or 1 if it is always ready, or an errno.
int EpollDriver::park(Operation& operation, Slot& at) noexcept {
  const bool foreign =
      operation.kind == Kind::wait_readable || operation.kind == Kind::wait_writable;
  if (!foreign || at.watched) return at.watched ? 0 : watch(operation.handle, at);
  (operation.kind == Kind::wait_readable ? at.in : at.out) = &operation;
  const int status = poll_foreign(operation.handle, at);
  if (status != 0) (operation.kind == Kind::wait_readable ? at.in : at.out) = nullptr;
  return status == -EPERM ? 1 : status;
}

int EpollDriver::watch(int handle, Slot& at) noexcept {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
  event.data.u64 = static_cast<std::uint32_t>(handle) | std::uint64_t{at.generation} << 32U;
  int status = ::epoll_ctl(epoll_, at.polled ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, handle, &event);
  // A former owner of the number had the same file, which others have kept open.
  if (status < 0 && errno == EEXIST) status = ::epoll_ctl(epoll_, EPOLL_CTL_MOD, handle, &event);
  if (status < 0) return -errno;
  at.polled = false;
  at.watched = true;
  return 0;
}

int EpollDriver::poll_foreign(int handle, Slot& at) noexcept {
  epoll_event event{};
  event.events =
      (at.in != nullptr ? EPOLLIN | EPOLLRDHUP : 0U) | (at.out != nullptr ? EPOLLOUT : 0U);
  event.data.u64 = static_cast<std::uint32_t>(handle) | std::uint64_t{at.generation} << 32U;
  if (event.events == 0) {
    at.polled = false;
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, handle, nullptr);  // its owner may have closed it already
    return 0;
  }
  int status = ::epoll_ctl(epoll_, at.polled ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, handle, &event);
  if (status < 0 && (errno == ENOENT || errno == EEXIST)) {
    status = ::epoll_ctl(epoll_, errno == ENOENT ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, handle, &event);
  }
  if (status < 0) return -errno;
  at.polled = true;
  return 0;
}

void EpollDriver::cancel(Operation& operation) noexcept {
  Slot& at = slot(operation.handle);
  Operation*& place = is_in(operation.kind) ? at.in : at.out;
  if (place != &operation) return;
  place = nullptr;
  if (at.polled) poll_foreign(operation.handle, at);
  operation.result = -ECANCELED;
  completed_.push(operation);
}

int EpollDriver::close(int handle) noexcept {
  if (handle < 0) return -EBADF;
  Slot& at = slot(handle);
  for (Operation* pending : {at.in, at.out}) {
    if (pending != nullptr) cancel(*pending);
  }
  fresh_slot(handle, false, false);
  ++at.generation;
  return ::close(handle) < 0 && errno != EINTR ? -errno : 0;
}

int EpollDriver::open(Family family, SocketType type) noexcept {
  const int handle = KernelDriver::open(family, type);
  const bool is_tcp =
      type == SocketType::stream && (family == Family::ipv4 || family == Family::ipv6);
  if (handle >= 0) fresh_slot(handle, is_tcp, true);
  return handle;
}

int EpollDriver::shutdown(int handle, Half half) noexcept {
  const int status = KernelDriver::shutdown(handle, half);
  // The kernel wakes a pending receive, but for Unix sockets not a pending send.
  Operation* sending = slot(handle).out;
  if (status >= 0 && half != Half::receiving && sending != nullptr) {
    cancel(*sending);
    sending->result = -EPIPE;
  }
  return status;
}

int EpollDriver::adopt(int descriptor) noexcept {
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0) return -errno;
  if ((flags & O_NONBLOCK) == 0) return -EINVAL;
  // Not SO_ERROR: that would take the error of a broken connection away from a read.
  int protocol = 0;
  socklen_t size = sizeof protocol;
  const bool is_socket = ::getsockopt(descriptor, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0;
  fresh_slot(descriptor, is_socket && protocol == IPPROTO_TCP, is_socket);
  return descriptor;
}

int EpollDriver::release(int handle) noexcept {
  Slot& at = slot(handle);
  IEUM_ASSERT(at.in == nullptr && at.out == nullptr,
              "a socket is detached while an operation on it is pending");
  if (at.broken != 0) return -at.broken;
  if (at.watched || at.polled) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, handle, nullptr);
  fresh_slot(handle, false, false);
  ++at.generation;
  return handle;
}

int EpollDriver::wait_for_events(TimePoint deadline) noexcept {
  timespec timeout{};
  const timespec* limit = &timeout;
  if (deadline == TimePoint::max()) {
    limit = nullptr;
  } else if (deadline != TimePoint::min()) {
    const auto left = std::max(deadline - now(), TimePoint::duration::zero());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    timeout.tv_sec = seconds.count();
    timeout.tv_nsec = (left - seconds).count();
  }
  return ::epoll_pwait2(epoll_, events_.data(), static_cast<int>(events_.size()), limit, nullptr);
}

void EpollDriver::wait(TimePoint deadline, OperationQueue& done) noexcept {
  const int count = wait_for_events(completed_.empty() ? deadline : TimePoint::min());
  done.append(completed_);
  for (int i = 0; i < count; ++i) take_event(events_[static_cast<std::size_t>(i)], done);
}

void EpollDriver::take_event(const epoll_event& event, OperationQueue& done) noexcept {
  const auto handle = static_cast<int>(event.data.u64 & UINT32_MAX);
  if (handle == wake_) return;  // edge-triggered: the counter need not be read
  Slot& at = slot(handle);
  if (at.generation != event.data.u64 >> 32U) return;  // of a former owner of the number
  const bool failed = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
  const bool in = failed || (event.events & (EPOLLIN | EPOLLRDHUP)) != 0;
  const bool out = failed || (event.events & EPOLLOUT) != 0;
  if (failed || (event.events & EPOLLRDHUP) != 0) at.ended = true;
  if ((event.events & EPOLLPRI) != 0) at.urgent = true;
  if (in) at.readable = true;
  if (out) at.writable = true;
  progress(at.in, at, in, done);
  // Accepting may have made the table grow.
  Slot& now_at = slot(handle);
  progress(now_at.out, now_at, out, done);
  if (now_at.polled) poll_foreign(handle, now_at);
}

void EpollDriver::progress(Operation*& pending, Slot& at, bool ready,
                           OperationQueue& done) noexcept {
  if (!ready || pending == nullptr) return;
  Operation& operation = *pending;
  pending = nullptr;  // before the attempt: an accept may move the table
  if (attempt(operation, at)) {
    done.push(operation);
  } else {
    (is_in(operation.kind) ? slot(operation.handle).in : slot(operation.handle).out) = &operation;
  }
}

}  // namespace

std::unique_ptr<Driver> make_epoll_driver(int& error_number) noexcept {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  const int wake = epoll < 0 ? -1 : ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = static_cast<std::uint32_t>(wake);
  if (wake >= 0 && ::epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event) == 0) {
    return std::make_unique<EpollDriver>(epoll, wake);
  }
  error_number = errno;
  if (wake >= 0) ::close(wake);
  if (epoll >= 0) ::close(epoll);
  return nullptr;
}

}  // namespace ieum
