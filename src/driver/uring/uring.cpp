// The io_uring driver: an operation is an entry in the submission queue; what a turn has queued
// goes out, and what has completed comes back, with one system call. On the data path: the first
// file; the kernel fills the operation's buffer.
#include "driver/uring/uring.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <algorithm>
#include <span>
#include <utility>

#include "driver/uring/uring_driver.hpp"

namespace ieum::detail {

std::unique_ptr<Driver> make_uring_driver(const DriverOptions& options, DriverChoice& choice) {
  const int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) {
    choice = {errno, "eventfd"};
    return nullptr;
  }
  auto driver = std::make_unique<uring::UringDriver>(wake, options.receive_buffers_max);
  const int status = driver->open_ring(options.ring_entries, choice.reason);
  if (status == 0) return driver;
  choice.error_number = -status;
  return nullptr;
}

namespace uring {

using Kind = Operation::Kind;

namespace {

constexpr std::size_t messages_kept_max = 128;

}  // namespace

UringDriver::~UringDriver() {
  while (messages_ != nullptr) delete std::exchange(messages_, messages_->next);
  ::close(wake_);
}

// ---- Beginning ---------------------------------------------------------------------------------

namespace {

/// A send of so much is tried at once: with many of them, those that waited for the turn's end
/// would have left the processor's caches by then, and copying is most of what they cost.
bool is_large(const Operation& send) noexcept {
  constexpr std::size_t large = std::size_t{64} * 1024;
  if (send.parts == nullptr) return send.size >= large;
  const std::span<const ConstBuffer> parts(send.parts, send.size);
  return std::ranges::any_of(parts, [](ConstBuffer part) { return part.size() >= large; });
}

}  // namespace

bool UringDriver::submit(Operation& operation) noexcept {
  if (operation.kind >= Kind::lease) [[unlikely]] {
    if (operation.kind == Kind::close) return close(operation);
    return leases_.begin(operation, leases_.must_wait(starved_direct_.size()));
  }
  Slot* known = slots_.find(operation.handle);
  if (known == nullptr) [[unlikely]] {
    // A foreign number may be anything: no table is made for one that is not open.
    if (::fcntl(operation.handle, F_GETFD) < 0) return done_with(operation, -errno);
    known = &slot(operation.handle);
  }
  Slot& at = *known;
  operation.moved = 0;
  operation.cancel_as = 0;
  operation.parked_in = in_ring;
  Operation*& place = is_in(operation) ? at.in : at.out;
  if (place != nullptr) return refuse_second(*place, operation);
  const bool is_for_ring =
      at.is_socket &&
      (operation.kind == Kind::receive ||
       (operation.kind == Kind::send && !is_large(operation) && begin_send(operation)));
  if (!is_for_ring && is_done_at_once(operation, at)) return true;
  place = &operation;
  operation.state = Operation::State::pending;
  start(operation, at);
  return false;
}

bool UringDriver::is_done_at_once(Operation& operation, Slot& at) noexcept {
  switch (operation.kind) {
    case Kind::receive: return !at.is_socket && read_now(operation, at);
    case Kind::send:
      if (!begin_send(operation)) return done_with(operation, 0);
      return write_now(operation, at);
    case Kind::accept: return at.readiness.worth_trying() && accept_one(operation, at);
    case Kind::connect: {
      // A Unix socket connects at once or not at all; in the ring a thread would wait for room in
      // the listener's backlog.
      if (!operation.address->is_unix()) return false;
      const KernelAddress to(*operation.address);
      const int status = ::connect(operation.handle, to.data(), to.length());
      return done_with(operation, status == 0 ? 0 : -errno);
    }
    case Kind::send_datagrams: return datagrams_.send(operation);
    case Kind::receive_datagrams:
      return at.readiness.worth_trying() && move_datagrams(operation, at);
    default: return false;
  }
}

/// Brings a pending operation on its way: into the ring, or the backlog.
void UringDriver::start(Operation& operation, Slot& at) noexcept {
  io_uring_sqe* entry = ring_.entry();
  if (entry == nullptr) return backlog_.push(operation);
  operation.memory = nullptr;
  if (operation.kind == Kind::receive) {
    prepare_receive(*entry, operation, at);
  } else if (operation.kind == Kind::send) {
    prepare_send(*entry, operation, at);
  } else {
    prepare_other(*entry, operation);
  }
  io_uring_sqe_set_data(entry, &operation);
}

void UringDriver::prepare_other(io_uring_sqe& entry, Operation& operation) noexcept {
  switch (operation.kind) {
    case Kind::connect: {
      KernelAddress& to = message(operation).address;
      to = KernelAddress(*operation.address);
      return io_uring_prep_connect(&entry, operation.handle, to.data(), to.length());
    }
    case Kind::accept:
    case Kind::receive_datagrams:
    case Kind::wait_readable:
      return io_uring_prep_poll_add(&entry, operation.handle, POLLIN | POLLRDHUP);
    case Kind::send_datagrams:
    case Kind::wait_writable: return io_uring_prep_poll_add(&entry, operation.handle, POLLOUT);
    default: return io_uring_prep_nop(&entry);
  }
}

void UringDriver::prepare_receive(io_uring_sqe& entry, Operation& operation,
                                  const Slot& at) noexcept {
  if (polls_first(operation, at)) {
    return io_uring_prep_poll_add(&entry, operation.handle, POLLIN | POLLRDHUP);
  }
  if (operation.pooled) {
    io_uring_prep_recv(&entry, operation.handle, nullptr, 0, 0);
    entry.flags |= IOSQE_BUFFER_SELECT;
    entry.buf_group = BufferRings::group(size_for(at));
  } else {
    io_uring_prep_recv(&entry, operation.handle, operation.data,
                       std::min(operation.size, call_bytes_max), 0);
  }
  // Not tried first unless we know better: mostly nothing has come yet.
  if (!at.more) entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
}

void UringDriver::prepare_send(io_uring_sqe& entry, Operation& operation, const Slot& at) noexcept {
  if (!at.is_socket) return io_uring_prep_poll_add(&entry, operation.handle, POLLOUT);
  // Not MSG_WAITALL: the kernel would answer with what had gone before a reset, and keep the reset
  // to itself.
  constexpr int flags = MSG_NOSIGNAL;
  if (operation.parts == nullptr) {
    return io_uring_prep_send(&entry, operation.handle, operation.data + operation.moved,
                              std::min(operation.size - operation.moved, call_bytes_max), flags);
  }
  Message& gathered = message(operation);
  const std::span<const iovec> parts = remaining(operation, gathered.parts);
  gathered.header = msghdr{};
  gathered.header.msg_iov = gathered.parts.data();
  gathered.header.msg_iovlen = parts.size();
  io_uring_prep_sendmsg(&entry, operation.handle, &gathered.header, flags);
}

/// The operation's, until it has ended.
Message& UringDriver::message(Operation& operation) {
  Message* taken = messages_;
  if (taken != nullptr) {
    messages_ = taken->next;
    --messages_kept_;
  } else {
    taken = new Message;
  }
  operation.memory = taken;
  return *taken;
}

void UringDriver::reuse_message(Operation& operation) noexcept {
  auto* const used = static_cast<Message*>(std::exchange(operation.memory, nullptr));
  if (messages_kept_ == messages_kept_max) {  // many had something to send at once
    delete used;
    return;
  }
  used->next = std::exchange(messages_, used);
  ++messages_kept_;
}

// ---- The end of one ----------------------------------------------------------------------------

void UringDriver::wait(TimePoint deadline, OperationQueue& done) noexcept {
  ring_.enable();
  if (!wake_armed_) arm_wake();
  while (!cancels_owed_.empty() &&
         cancel_entry(reinterpret_cast<std::uint64_t>(cancels_owed_.back()))) {
    cancels_owed_.pop_back();
  }
  extra_max_ = 0;
  if (!backlog_.empty() || is_any_starved()) [[unlikely]]
    restart_parked();

  done.append(completed_);
  bool hands_on = false;
  if (is_any_starved()) [[unlikely]] {
    // A buffer that the restarted have no use for is the next one's.
    hands_on = (!starved_.empty() && buffers_.small_ready() > 0) ||
               (!starved_direct_.empty() && direct_.small_left() > 0);
    const bool lacks_memory =
        (!starved_.empty() && buffers_.small_ready() == 0 && buffers_.small_left() > 0) ||
        (!leases_.empty() && direct_.small_left() > 0);
    if (lacks_memory) deadline = std::min(deadline, now() + no_memory_pause);
  }
  const bool sleeps =
      done.empty() && wake_armed_ && backlog_.empty() && cancels_owed_.empty() && !hands_on;
  if (sleeps) deadline = direct_.trim_before(buffers_.pool().trim_before(deadline));
  ring_.wait(sleeps ? deadline : TimePoint::min());
  std::size_t received = 0;
  ring_.reap([&](const io_uring_cqe& completion) {
    if (has_received(completion)) {
      if (received >= turn_bytes_max) return false;
      received += static_cast<std::size_t>(completion.res);
    }
    take(completion, done);
    return true;
  });
  done.append(completed_);
}

/// What found no entry, and of what found no buffer as many as there are buffers now.
void UringDriver::restart_parked() noexcept {
  ParkedList again{in_backlog};
  while (Operation* operation = backlog_.pop()) again.push(*operation);
  if (is_any_starved()) restart_starved(again);
  while (Operation* operation = again.pop()) start(*operation, slot(operation->handle));
}

void UringDriver::restart_starved(ParkedList& again) noexcept {
  if (buffers_.small_left() == 0 || direct_.small_left() == 0) extra_max_ = stalled_sends();
  if (buffers_.small_left() == 0) {
    buffers_.add_extra(starved_.size(), extra_max_);
  } else {
    buffers_.refill(BufferPool::Size::small);
  }
  // Not more than find a buffer: each that finds none costs an entry, and is here again next turn.
  for (std::size_t left = buffers_.small_ready(); left > 0 && !starved_.empty(); --left) {
    again.push(*starved_.pop());
  }
  leases_.share(extra_max_, completed_, [&] {
    std::size_t left = direct_.small_left();
    if (left == 0) left = direct_.extra_left(extra_max_);
    const bool any = left > 0 && !starved_direct_.empty();
    for (; left > 0 && !starved_direct_.empty(); --left) again.push(*starved_direct_.pop());
    return LeaseQueue::Others{any, left};
  });
}

std::size_t UringDriver::stalled_sends() const noexcept {
  const auto stalls = [&](const Slot& at) {
    return sends_pooled(at.out, buffers_.pool(), direct_);
  };
  return slots_.count_if(stalls);
}

void UringDriver::arm_wake() noexcept {
  io_uring_sqe* entry = ring_.entry();
  if (entry == nullptr) return;  // the next wait tries again, and this one does not sleep
  // One completion for each time that somebody wakes us; the counter need not be read.
  io_uring_prep_poll_multishot(entry, wake_, POLLIN);
  io_uring_sqe_set_data64(entry, static_cast<std::uint64_t>(Tag::wake));
  wake_armed_ = true;
}

bool UringDriver::has_received(const io_uring_cqe& completion) noexcept {
  const auto tag = static_cast<Tag>(completion.user_data & ((1U << tag_bits) - 1));
  return completion.res > 0 && tag == Tag::operation &&
         reinterpret_cast<const Operation*>(completion.user_data)->kind == Kind::receive;
}

void UringDriver::take(const io_uring_cqe& completion, OperationQueue& done) noexcept {
  switch (static_cast<Tag>(completion.user_data & ((1U << tag_bits) - 1))) {
    case Tag::operation:
      return ended(*reinterpret_cast<Operation*>(completion.user_data), completion.res,
                   completion.flags, done);
    case Tag::wake:
      if ((completion.flags & IORING_CQE_F_MORE) == 0) wake_armed_ = false;
      return;
    case Tag::nothing: return;
  }
}

namespace {

/// A terminal, or a FIFO that is open in both directions, has two queues of those who wait. A wake
/// of one of them without an event (a terminal's settings have changed) makes the kernel arm the
/// poll anew, which it refuses with EINVAL, as the second queue is still noted from the first time.
bool loses_polls(int handle) noexcept {
  struct stat status{};
  return ::fstat(handle, &status) == 0 &&
         (S_ISFIFO(status.st_mode) || (S_ISCHR(status.st_mode) && ::isatty(handle) == 1));
}

}  // namespace

/// All that was waited for has come, or has gone: mostly. The rest is `ended_otherwise`.
void UringDriver::ended(Operation& operation, int result, unsigned flags,
                        OperationQueue& done) noexcept {
  Slot& at = slot(operation.handle);
  if (operation.kind == Kind::receive) {
    const bool has_data = operation.pooled ? (flags & IORING_CQE_F_BUFFER) != 0 : at.is_socket;
    if (result <= 0 || !has_data) return ended_otherwise(operation, at, result, flags, done);
    received(operation, at, result, flags);
    return finish(operation, at, done);
  }
  const bool all_has_gone = operation.kind == Kind::send && at.is_socket &&
                            operation.parts == nullptr && result > 0 &&
                            operation.size - operation.moved == static_cast<std::size_t>(result);
  if (!all_has_gone) return ended_otherwise(operation, at, result, flags, done);
  operation.moved = operation.size;
  operation.result = static_cast<std::int64_t>(operation.size);
  finish(operation, at, done);
}

void UringDriver::ended_otherwise(Operation& operation, Slot& at, int result, unsigned flags,
                                  OperationQueue& done) noexcept {
  if (operation.memory != nullptr) reuse_message(operation);
  if (result == -EINVAL && !at.is_socket && loses_polls(operation.handle)) result = -EAGAIN;
  bool over = true;  // or to be started again
  switch (operation.kind) {
    case Kind::receive: over = receive_ended(operation, at, result, flags); break;
    case Kind::send: over = send_ended(operation, at, result); break;
    case Kind::accept: over = accept_ended(operation, at, result); break;
    case Kind::receive_datagrams:
    case Kind::send_datagrams: over = datagrams_ended(operation, at, result); break;
    case Kind::wait_readable:
    case Kind::wait_writable:
      operation.result = result >= 0 && (result & POLLNVAL) != 0 ? -EBADF : std::min(result, 0);
      break;
    default: operation.result = result;
  }
  if (operation.parked_in != in_ring) return;  // starved
  // A thread of the kernel's that was interrupted, or a poll that lost a race.
  const bool again = operation.kind == Kind::receive || operation.kind == Kind::send ||
                     operation.kind == Kind::wait_readable || operation.kind == Kind::wait_writable;
  if (again && (operation.result == -EINTR || operation.result == -EAGAIN)) over = false;
  if (!over && operation.cancel_as == 0) return start(operation, at);
  if (operation.cancel_as != 0 && (!over || operation.result == -ECANCELED)) {
    operation.result = operation.cancel_as;
  }
  finish(operation, at, done);
}

/// Something has come, into the caller's memory or a buffer that the kernel has taken.
void UringDriver::received(Operation& operation, Slot& at, int result, unsigned flags) noexcept {
  operation.result = result;
  at.more = (flags & IORING_CQE_F_SOCK_NONEMPTY) != 0;
  if (!operation.pooled) return;
  operation.buffer = buffers_.taken(size_for(at), static_cast<std::uint16_t>(flags >> 16U));
  operation.data = buffers_.pool().data(operation.buffer);
  at.bulk = result >= static_cast<int>(BufferPool::small_bytes);
}

/// Nothing has come. True if the receive is over, with its result; false if it must be started
/// again or starves.
bool UringDriver::receive_ended(Operation& operation, Slot& at, int result,
                                unsigned flags) noexcept {
  if (result >= 0 && !operation.pooled && !at.is_socket) return read_now(operation, at);
  if (operation.pooled) {
    if ((flags & IORING_CQE_F_BUFFER) != 0) {
      give_back(buffers_.taken(size_for(at), static_cast<std::uint16_t>(flags >> 16U)));
    } else if (result >= 0 && polls_first(operation, at)) {
      return read_now(operation, at);
    } else if (result == -ENOBUFS) {
      return starve(operation, at);
    }
  }
  operation.result = result;
  if (result < 0 && breaks_connection(-result)) at.broken = static_cast<std::int16_t>(-result);
  if (result == 0 && at.broken != 0) operation.result = -at.broken;
  return true;
}

/// No buffer was to be had: parks, until there is a small one. False: it is not over.
bool UringDriver::starve(Operation& operation, Slot& at) noexcept {
  at.more = true;                                         // there is something to receive
  if (at.bulk) buffers_.refill(BufferPool::Size::large);  // for later ones
  at.bulk = false;
  if (operation.cancel_as == 0) starved_.push(operation);
  return false;
}

bool UringDriver::send_ended(Operation& operation, Slot& at, int result) noexcept {
  if (result >= 0 && !at.is_socket) return write_now(operation, at);
  if (result < 0) {
    if (breaks_connection(-result)) at.broken = static_cast<std::int16_t>(-result);
    return done_with(operation, result);
  }
  if (!advance(operation, static_cast<std::size_t>(result)) && operation.whole) return false;
  return done_with(operation, static_cast<std::int64_t>(operation.moved));
}

/// One try, of a pipe, a terminal, or a socket whose pooled receive the kernel gives no ring for.
bool UringDriver::read_now(Operation& operation, Slot& at) noexcept {
  std::uint32_t buffer = BufferPool::none;
  if (operation.pooled) {
    buffer = direct_.take(BufferPool::Size::small);
    if (buffer == BufferPool::none) buffer = direct_.take_extra(extra_max_);
    if (buffer == BufferPool::none) {
      if (operation.state == Operation::State::pending && operation.cancel_as == 0) {
        starved_direct_.push(operation);
      }
      return false;
    }
    operation.data = direct_.data(buffer);
    operation.size = BufferPool::small_bytes;
    operation.buffer = buffer | direct_bit;
  }
  ssize_t count = 0;
  do {
    count = read_some(operation.handle, operation.data, operation.size, at.is_socket);
  } while (count < 0 && errno == EINTR);
  const int number = count < 0 ? errno : 0;
  if (count <= 0 && buffer != BufferPool::none) direct_.give_back(buffer);
  if (would_block(number)) return false;
  if (breaks_connection(number)) at.broken = static_cast<std::int16_t>(number);
  if (count == 0 && at.broken != 0) return done_with(operation, -at.broken);
  return done_with(operation, count < 0 ? -number : count);
}

/// As much as the pipe, the terminal or the socket takes now.
bool UringDriver::write_now(Operation& operation, Slot& at) noexcept {
  for (;;) {
    const ssize_t count = send_left(operation, at.is_socket);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && !would_block(errno)) {
      if (breaks_connection(errno)) at.broken = static_cast<std::int16_t>(errno);
      return done_with(operation, -errno);
    }
    if (count < 0) {
      return !operation.whole && operation.moved > 0 &&
             done_with(operation, static_cast<std::int64_t>(operation.moved));
    }
    if (advance(operation, static_cast<std::size_t>(count)) || !operation.whole) break;
  }
  return done_with(operation, static_cast<std::int64_t>(operation.moved));
}

// ---- Receive buffers ---------------------------------------------------------------------------

void UringDriver::give_back(std::uint32_t buffer) noexcept {
  if ((buffer & direct_bit) != 0) {
    direct_.give_back(buffer & ~direct_bit);
  } else {
    buffers_.give_back(buffer);
  }
}

}  // namespace uring
}  // namespace ieum::detail
