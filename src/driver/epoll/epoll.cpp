// The epoll driver: tries an operation at once, and waits for the descriptor's next edge if it
// would block. On the data path: the first file; recv(2) fills the operation's buffer.
#include "driver/epoll/epoll.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <climits>
#include <ctime>
#include <utility>

#include "driver/epoll/epoll_driver.hpp"

namespace ieum::detail {

std::unique_ptr<Driver> make_epoll_driver(unsigned buffers_max, int& error_number) noexcept {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  const int wake = epoll < 0 ? -1 : ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = static_cast<std::uint32_t>(wake);
  if (wake >= 0 && ::epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event) == 0) {
    return std::make_unique<epoll::EpollDriver>(epoll, wake, buffers_max);
  }
  error_number = errno;
  if (wake >= 0) ::close(wake);
  if (epoll >= 0) ::close(epoll);
  return nullptr;
}

namespace epoll {

using Kind = Operation::Kind;

// ---- Beginning ---------------------------------------------------------------------------------

bool EpollDriver::submit(Operation& operation) noexcept {
  if (operation.kind >= Kind::lease) [[unlikely]] {
    if (operation.kind == Kind::close) return done_with(operation, close(operation.handle));
    return leases_.begin(operation, leases_.must_wait(starved_.size()));
  }
  operation.moved = 0;
  Slot* known = slots_.find(operation.handle);
  if (known == nullptr) [[unlikely]] {
    // A foreign number may be anything: no table is made for one that is not open.
    if (::fcntl(operation.handle, F_GETFD) < 0) return done_with(operation, -errno);
    known = &slot(operation.handle);
  }
  Slot& at = *known;
  Operation*& place = is_in(operation) ? at.in : at.out;
  if (place != nullptr) return refuse_second(*place, operation);
  if (begin(operation, at)) return true;
  const bool is_watched = at.watched && at.level == 0 && !is_of_datagrams(operation);
  const int status = is_watched ? 0 : park(operation, at);
  if (status < 0) return done_with(operation, status);
  if (status > 0) return done_with(operation, 0);  // a regular file: always ready
  place = &operation;
  operation.state = Operation::State::pending;
  return false;
}

/// The first try, if it is worth one.
bool EpollDriver::begin(Operation& operation, Slot& at) noexcept {
  switch (operation.kind) {
    case Kind::receive: return at.readable && receive(operation, at);
    case Kind::send:
      if (!begin_send(operation)) return done_with(operation, 0);
      return at.writable && send(operation, at);
    case Kind::connect: return connect(operation, at);
    case Kind::receive_datagrams:
      return at.readiness.worth_trying() && receive_datagrams(operation, at);
    default: return (is_in(operation) ? at.readable : at.writable) && attempt(operation, at);
  }
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
    case Kind::lease:
    case Kind::close: break;
  }
  return done_with(operation, -EINVAL);
}

bool EpollDriver::receive(Operation& operation, Slot& at) noexcept {
  if (!operation.pooled) return read(operation, at);
  const bool others_wait = !starved_.empty() || !leases_.empty();
  const bool queues = others_wait && !retrying_ && leases_.must_wait(starved_.size());
  const std::uint32_t buffer = queues ? BufferPool::none : take_buffer(at);
  if (buffer == BufferPool::none) {
    if (!at.starved) starved_.push_back(operation.handle);
    at.starved = true;
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
  const std::uint32_t small = pool_.take(BufferPool::Size::small);
  return small != BufferPool::none ? small : pool_.take_extra(extra_max_);
}

bool EpollDriver::read(Operation& operation, Slot& at) noexcept {
  ssize_t count = 0;
  do {
    count = read_some(operation.handle, operation.data, operation.size, at.is_socket);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    if (breaks_connection(errno)) at.broken = static_cast<std::int16_t>(errno);
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
  for (;;) {
    const ssize_t count = send_left(operation, at.is_socket);
    if (count < 0) {
      if (errno == EINTR) continue;
      if (breaks_connection(errno)) at.broken = static_cast<std::int16_t>(errno);
      if (!would_block(errno)) return done_with(operation, -errno);
      at.writable = false;
      return !operation.whole && operation.moved > 0 &&
             done_with(operation, static_cast<std::int64_t>(operation.moved));
    }
    if (advance(operation, static_cast<std::size_t>(count)) || !operation.whole) break;
  }
  return done_with(operation, static_cast<std::int64_t>(operation.moved));
}

bool EpollDriver::accept(Operation& operation, Slot& at) noexcept {
  const int client = accept_now(operation.handle, at.foreign, *operation.address);
  if (client == -EAGAIN) return at.readable = false;
  if (client >= 0) fresh_slot(client, at.is_tcp, true);
  return done_with(operation, client);
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
  if (is_of_datagrams(operation) || at.level != 0) {
    // With what has been waiting for one event: a descriptor is registered in one way at a time.
    const bool in = is_in(operation) || at.in != nullptr;
    const bool out = !is_in(operation) || at.out != nullptr;
    return watch_datagrams(operation.handle, at,
                           at.level | (in ? EPOLLIN : 0U) | (out ? EPOLLOUT : 0U));
  }
  const bool foreign =
      operation.kind == Kind::wait_readable || operation.kind == Kind::wait_writable;
  if (!foreign || at.watched) return at.watched ? 0 : watch(operation.handle, at);
  (operation.kind == Kind::wait_readable ? at.in : at.out) = &operation;
  const int status = poll_foreign(operation.handle, at);
  if (status != 0) (operation.kind == Kind::wait_readable ? at.in : at.out) = nullptr;
  return status == -EPERM ? 1 : status;
}

// ---- Events ------------------------------------------------------------------------------------

/// Rounded up: a timer that has not come yet would make the loop spin until it has.
int EpollDriver::milliseconds(TimePoint::duration left) noexcept {
  const auto whole = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::min<std::int64_t>(whole, INT_MAX));
}

int EpollDriver::wait_for_events(TimePoint deadline) noexcept {
  timespec timeout{};
  const timespec* limit = &timeout;
  auto left = TimePoint::duration::zero();
  if (deadline == TimePoint::max()) {
    limit = nullptr;
  } else if (deadline != TimePoint::min()) {
    left = std::max(deadline - now(), TimePoint::duration::zero());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    timeout.tv_sec = seconds.count();
    timeout.tv_nsec = (left - seconds).count();
  }
  const auto room = static_cast<int>(events_.size());
  int count = -1;
  if (!lacks_pwait2_) [[likely]] {
    count = ::epoll_pwait2(epoll_, events_.data(), room, limit, nullptr);
    if (count >= 0) return count;
    if (errno != EINTR) lacks_pwait2_ = true;
  }
  if (lacks_pwait2_) {
    count = ::epoll_wait(epoll_, events_.data(), room, limit == nullptr ? -1 : milliseconds(left));
    if (count >= 0 || errno != EINTR) return count;
  }
  // We may have been stopped for long: what has come meanwhile comes before a deadline that has
  // passed.
  return ::epoll_wait(epoll_, events_.data(), room, 0);
}

void EpollDriver::wait(TimePoint deadline, OperationQueue& done) noexcept {
  const auto are_wanted = [&] { return !starved_.empty() || !leases_.empty(); };
  if (are_wanted()) [[unlikely]]
    hand_out_buffers();
  const bool waits = completed_.empty() && event_ == events_count_;
  if (are_wanted() && pool_.small_left() > 0) {  // there was no memory for one
    deadline = std::min(deadline, now() + no_memory_pause);
  }
  // First those that the turn before has left over.
  if (event_ == events_count_) {
    event_ = 0;
    const int count = wait_for_events(waits ? pool_.trim_before(deadline) : TimePoint::min());
    events_count_ = static_cast<std::size_t>(std::max(count, 0));
  }
  done.append(completed_);
  received_ = 0;
  while (event_ < events_count_ && received_ < turn_bytes_max) take_event(events_[event_++], done);
}

void EpollDriver::hand_out_buffers() noexcept {
  if (pool_.small_left() == 0) {
    extra_max_ = slots_.count_if([&](const Slot& at) { return sends_pooled(at.out, pool_); });
  }
  leases_.share(extra_max_, completed_, [&] { return LeaseQueue::Others{retry_starved()}; });
  extra_max_ = 0;
}

/// As many as there are buffers for: those that need none after all leave theirs to the next.
/// Whether there was one.
bool EpollDriver::retry_starved() noexcept {
  bool any = false;
  for (std::size_t left = starved_.size(); left > 0; --left) {
    if (pool_.small_left() == 0 && pool_.extra_left(extra_max_) == 0) break;
    const int handle = starved_.front();
    starved_.pop_front();
    slot(handle).starved = false;
    retrying_ = true;
    progress(slot(handle).in, slot(handle), completed_);
    retrying_ = false;
    any = true;
  }
  return any;
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
  if (in) progress(at.in, at, done);
  if (out) progress(at.out, at, done);
  if (at.polled) poll_foreign(handle, at);
}

void EpollDriver::progress(Operation*& pending, Slot& at, OperationQueue& done) noexcept {
  if (pending == nullptr || !attempt(*pending, at)) return;
  Operation& operation = *std::exchange(pending, nullptr);
  if (operation.kind == Kind::receive && operation.result > 0) {
    received_ += static_cast<std::size_t>(operation.result);
  }
  done.push(operation);
}

void EpollDriver::cancel(Operation& operation) noexcept {
  if (operation.kind == Kind::lease) return leases_.cancel(operation, completed_);
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

}  // namespace epoll
}  // namespace ieum::detail
