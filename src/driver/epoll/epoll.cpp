// The epoll driver: tries an operation at once, and waits for the descriptor's next edge if it
// would block. On the data path: the first file; recv(2) fills the operation's buffer.
#include "driver/epoll/epoll.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <utility>
#include <vector>

#include <ieum/detail/assert.hpp>

#include "driver/buffer_pool.hpp"
#include "driver/linux/datagram_calls.hpp"
#include "driver/linux/linux_driver.hpp"
#include "driver/linux/transfer.hpp"

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
  bool urgent = false;             // TCP's urgent mark was seen: reads stop short of it
  bool starved = false;            // waits for a receive buffer
  bool bulk = false;               // the last pooled receive filled a small buffer
  int broken = 0;                  // the error that ended the connection, once it was told
  ReadinessPredictor readiness{};  // of a datagram socket
  std::uint32_t level = 0;         // a datagram socket: what it is registered for, level-triggered
  bool shared = false;  // others have the file too: epoll does not forget it when we close it
};

class EpollDriver final : public LinuxDriver {
 public:
  EpollDriver(int epoll, int wake, unsigned buffers_max) noexcept
      : epoll_(epoll), wake_(wake), pool_(buffers_max) {}
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

  bool lease(Buffer& buffer) noexcept override;
  void give_back(std::uint32_t buffer) noexcept override {
    pool_.give_back(buffer);
    retry_ = !starved_.empty();
  }

  int open(Family family, SocketType type) noexcept override;
  int open_pair(int& first, int& second) noexcept override;
  int adopt(int descriptor) noexcept override;
  int release(int handle) noexcept override;
  int shutdown(int handle, Half half) noexcept override;
  std::int64_t send_descriptors(int handle, ConstBuffer data,
                                std::span<const int> descriptors) noexcept override;
  std::int64_t receive_descriptors(int handle, std::span<std::byte> into,
                                   std::span<int> descriptors,
                                   std::size_t& count) noexcept override;
  void discard(int handle) noexcept override { close(handle); }
  [[nodiscard]] Pending pending(int handle) const noexcept override {
    if (static_cast<std::size_t>(handle) >= slots_.size()) return {};
    const Slot& at = slots_[static_cast<std::size_t>(handle)];
    return {.receive = at.in != nullptr, .send = at.out != nullptr};
  }

 private:
  static constexpr std::size_t events_max = 256;

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
  bool receive(Operation& operation, Slot& at) noexcept;
  static bool read(Operation& operation, Slot& at) noexcept;
  std::uint32_t take_buffer(Slot& at) noexcept;
  static bool send(Operation& operation, Slot& at) noexcept;
  bool accept(Operation& operation, Slot& at) noexcept;
  bool receive_datagrams(Operation& operation, Slot& at) noexcept;
  bool send_datagrams(Operation& operation, Slot& at) noexcept;
  int watch_datagrams(int handle, Slot& at, std::uint32_t events) noexcept;
  void take_datagram_event(int handle, bool in, bool out, bool failed,
                           OperationQueue& done) noexcept;
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
  void retry_starved(OperationQueue& done) noexcept;

  const int epoll_;
  const int wake_;
  std::vector<Slot> slots_;
  OperationQueue completed_;
  BufferPool pool_;
  DatagramCalls datagrams_;
  std::vector<int> starved_;  // handles whose pooled receive found no buffer
  bool retry_ = false;        // and one has been released
  std::array<epoll_event, events_max> events_{};
};

bool EpollDriver::submit(Operation& operation) noexcept {
  if (operation.kind == Kind::close) return done_with(operation, close(operation.handle));
  operation.moved = 0;
  // A foreign number may be anything: no table is made for one that is not open.
  if (static_cast<std::size_t>(operation.handle) >= slots_.size() &&
      ::fcntl(operation.handle, F_GETFD) < 0) {
    return done_with(operation, -errno);
  }
  Slot& at = slot(operation.handle);
  Operation*& place = is_in(operation) ? at.in : at.out;
  if (place != nullptr) refuse_second(*place, operation);
  const bool worth_trying = operation.kind == Kind::receive_datagrams ? at.readiness.worth_trying()
                            : is_in(operation)                        ? at.readable
                                                                      : at.writable;
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
    case Kind::receive_datagrams: return receive_datagrams(operation, at);
    case Kind::send_datagrams: return send_datagrams(operation, at);
    case Kind::wait_readable:
    case Kind::wait_writable: return is_ready(operation);
    case Kind::none:
    case Kind::close: break;
  }
  return done_with(operation, -EINVAL);
}

bool EpollDriver::receive(Operation& operation, Slot& at) noexcept {
  if (!operation.pooled) return read(operation, at);
  const std::uint32_t buffer = take_buffer(at);
  if (buffer == BufferPool::none) {
    if (!std::exchange(at.starved, true)) starved_.push_back(operation.handle);
    return false;
  }
  operation.data = pool_.data(buffer);
  operation.size = BufferPool::bytes_of(BufferPool::size_of(buffer));
  operation.buffer = buffer;
  const bool done = read(operation, at);
  if (done && operation.result > 0) {
    at.bulk = operation.result >= static_cast<std::int64_t>(BufferPool::small_bytes);
  } else {
    pool_.give_back(buffer);
  }
  return done;
}

std::uint32_t EpollDriver::take_buffer(Slot& at) noexcept {
  if (at.bulk) {
    const std::uint32_t large = pool_.take(BufferPool::Size::large);
    if (large != BufferPool::none) return large;
  }
  return pool_.take(BufferPool::Size::small);
}

bool EpollDriver::lease(Buffer& buffer) noexcept {
  const std::uint32_t id = pool_.take(BufferPool::Size::small);
  if (id == BufferPool::none) return false;
  buffer = {pool_.data(id), BufferPool::small_bytes, id};
  return true;
}

bool EpollDriver::read(Operation& operation, Slot& at) noexcept {
  ssize_t count = 0;
  do {
    // recv(2) is nearer to a socket than read(2).
    count = at.is_socket ? ::recv(operation.handle, operation.data, operation.size, 0)
                         : ::read(operation.handle, operation.data, operation.size);
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

bool EpollDriver::receive_datagrams(Operation& operation, Slot& at) noexcept {
  const bool waited = operation.state == Operation::State::pending;
  if (!datagrams_.receive(operation)) {
    at.readiness.found_none();
    return false;
  }
  const auto wanted = static_cast<std::int64_t>(operation.transfer->datagrams.size());
  at.readiness.received(waited, operation.result > 0 && operation.result < wanted);
  return true;
}

bool EpollDriver::send_datagrams(Operation& operation, Slot& at) noexcept {
  if (!datagrams_.send(operation)) return at.writable = false;
  at.writable = true;
  return true;
}

/// Datagram sockets are registered level-triggered: a receive need not be tried until it finds
/// nothing before it may wait. Room to send is asked for only while a send waits for it.
int EpollDriver::watch_datagrams(int handle, Slot& at, std::uint32_t events) noexcept {
  if (events == at.level) return 0;
  epoll_event event{};
  event.events = events;
  event.data.u64 = static_cast<std::uint32_t>(handle) | std::uint64_t{at.generation} << 32U;
  const int what = at.level == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  int status = ::epoll_ctl(epoll_, what, handle, &event);
  // A former owner of the number had the same file, which others have kept open.
  if (status < 0 && errno == EEXIST) status = ::epoll_ctl(epoll_, EPOLL_CTL_MOD, handle, &event);
  if (status < 0) return -errno;
  at.level = events;
  return 0;
}

void EpollDriver::take_datagram_event(int handle, bool in, bool out, bool failed,
                                      OperationQueue& done) noexcept {
  Slot& at = slot(handle);
  // Nobody asks for what has come: it would be told for ever.
  if (in && at.in == nullptr) watch_datagrams(handle, at, at.level & EPOLLOUT);
  progress(at.in, at, in, done);
  if (failed && at.in != nullptr && take_error_for(*at.in))
    done.push(*std::exchange(at.in, nullptr));
  progress(at.out, at, out, done);
  if (failed && at.in == nullptr && at.out != nullptr) take_error_for(*at.out);
  if (at.out == nullptr) watch_datagrams(handle, at, at.level & EPOLLIN);
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
  if (is_of_datagrams(operation)) {
    const std::uint32_t wanted = is_in(operation) ? EPOLLIN : EPOLLOUT;
    return watch_datagrams(operation.handle, at, at.level | wanted);
  }
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
  Operation*& place = is_in(operation) ? at.in : at.out;
  if (place != &operation) return;
  place = nullptr;
  if (at.polled) poll_foreign(operation.handle, at);
  if (at.level != 0 && at.out == nullptr) {
    watch_datagrams(operation.handle, at, at.level & EPOLLIN);
  }
  operation.result = canceled(operation, -ECANCELED);
  completed_.push(operation);
}

int EpollDriver::close(int handle) noexcept {
  if (handle < 0) return -EBADF;
  Slot& at = slot(handle);
  for (Operation* pending : {at.in, at.out}) {
    if (pending != nullptr) cancel(*pending);
  }
  if (at.shared && (at.watched || at.polled || at.level != 0))
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, handle, nullptr);
  fresh_slot(handle, false, false);
  ++at.generation;
  return ::close(handle) < 0 && errno != EINTR ? -errno : 0;
}

int EpollDriver::open(Family family, SocketType type) noexcept {
  const int handle = LinuxDriver::open(family, type);
  const bool is_tcp =
      type == SocketType::stream && (family == Family::ipv4 || family == Family::ipv6);
  if (handle >= 0) fresh_slot(handle, is_tcp, true);
  return handle;
}

int EpollDriver::open_pair(int& first, int& second) noexcept {
  const int status = LinuxDriver::open_pair(first, second);
  if (status < 0) return status;
  fresh_slot(first, false, true);
  fresh_slot(second, false, true);
  return status;
}

int EpollDriver::shutdown(int handle, Half half) noexcept {
  const int status = LinuxDriver::shutdown(handle, half);
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
  fresh_slot(descriptor, is_tcp(descriptor), is_socket(descriptor));
  slot(descriptor).shared = true;
  return descriptor;
}

std::int64_t EpollDriver::send_descriptors(int handle, ConstBuffer data,
                                           std::span<const int> descriptors) noexcept {
  const std::int64_t count = LinuxDriver::send_descriptors(handle, data, descriptors);
  if (count < 0) return count;
  for (const int descriptor : descriptors) {
    if (static_cast<std::size_t>(descriptor) < slots_.size()) slot(descriptor).shared = true;
  }
  return count;
}

std::int64_t EpollDriver::receive_descriptors(int handle, std::span<std::byte> into,
                                              std::span<int> descriptors,
                                              std::size_t& count) noexcept {
  const std::int64_t bytes = LinuxDriver::receive_descriptors(handle, into, descriptors, count);
  Slot& at = slot(handle);
  if (bytes < 0 && breaks_connection(static_cast<int>(-bytes)))
    at.broken = static_cast<int>(-bytes);
  return bytes == 0 && at.broken != 0 ? -at.broken : bytes;
}

int EpollDriver::release(int handle) noexcept {
  Slot& at = slot(handle);
  IEUM_ASSERT(at.in == nullptr && at.out == nullptr,
              "a socket is detached while an operation on it is pending");
  if (at.broken != 0) return -at.broken;
  if (at.watched || at.polled || at.level != 0) {
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, handle, nullptr);
  }
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
  const bool waits = completed_.empty() && !retry_;
  const int count = wait_for_events(waits ? deadline : TimePoint::min());
  done.append(completed_);
  for (int i = 0; i < count; ++i) take_event(events_[static_cast<std::size_t>(i)], done);
  if (retry_) retry_starved(done);
}

void EpollDriver::retry_starved(OperationQueue& done) noexcept {
  retry_ = false;
  for (const int handle : std::exchange(starved_, {})) {
    slot(handle).starved = false;
    progress(slot(handle).in, slot(handle), true, done);
  }
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
  if (at.level != 0) return take_datagram_event(handle, in, out, failed, done);
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
    (is_in(operation) ? slot(operation.handle).in : slot(operation.handle).out) = &operation;
  }
}

}  // namespace

std::unique_ptr<Driver> make_epoll_driver(unsigned buffers_max, int& error_number) noexcept {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  const int wake = epoll < 0 ? -1 : ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = static_cast<std::uint32_t>(wake);
  if (wake >= 0 && ::epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event) == 0) {
    return std::make_unique<EpollDriver>(epoll, wake, buffers_max);
  }
  error_number = errno;
  if (wake >= 0) ::close(wake);
  if (epoll >= 0) ::close(epoll);
  return nullptr;
}

}  // namespace ieum
