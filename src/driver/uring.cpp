// The io_uring driver: an operation is an entry in the submission queue; what a turn has queued
// goes out, and what has completed comes back, with one system call. On a byte's way: the first
// file; the kernel fills the operation's buffer.
#include "driver/uring.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include <ieum/detail/assert.hpp>

#include "driver/kernel.hpp"
#include "driver/kernel_io.hpp"
#include "driver/uring_buffers.hpp"
#include "driver/uring_ring.hpp"

namespace ieum {

namespace {

using Kind = Operation::Kind;

/// What is not in the ring waits in one of these (`Operation::parked_in`), through `next`.
class ParkedList {
 public:
  explicit ParkedList(std::uint8_t number) noexcept : number_(number) {}
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  void push(Operation& operation) noexcept {
    operation.parked_in = number_;
    operation.next = nullptr;
    *end_ = &operation;
    end_ = &operation.next;
  }
  Operation* pop() noexcept {
    Operation* operation = first_;
    if (operation != nullptr) remove(*operation);
    return operation;
  }
  void remove(Operation& operation) noexcept {
    Operation** link = &first_;
    while (*link != &operation) link = &(*link)->next;
    *link = operation.next;
    if (end_ == &operation.next) end_ = link;
    operation.parked_in = 0;
  }

 private:
  Operation* first_ = nullptr;
  Operation** end_ = &first_;
  std::uint8_t number_;
};

constexpr std::uint8_t in_ring = 0;
constexpr std::uint8_t in_backlog = 1;   // no entry was to be had
constexpr std::uint8_t in_starved = 2;   // no receive buffer was
constexpr std::uint8_t at_listener = 3;  // an accept: the listener's multishot serves it

/// In a buffer's id: it is of the pool for what the driver reads itself.
constexpr std::uint32_t direct_bit = std::uint32_t{1} << 30U;

/// What an entry points to while the kernel has not copied it.
struct Message {
  Message* next = nullptr;
  msghdr header{};
  Parts parts{};
  KernelAddress address;
};

/// A listener's multishot accept, and who it brought before anybody asked.
struct Accepting {
  bool armed = false;
  bool ending = false;       // its cancellation was asked for
  bool served = false;       // brought somebody in this turn
  std::vector<int> waiting;  // oldest first
};

/// What the driver knows of a descriptor; found by its number.
struct Slot {
  Operation* in = nullptr;  // the pending operation of each direction
  Operation* out = nullptr;
  Operation* closing = nullptr;  // the close that waits for them
  Message* message = nullptr;    // of `out`
  Accepting* accepting = nullptr;
  std::uint32_t generation = 0;  // tells a reused number's accepts from its former owner's
  std::int16_t broken = 0;       // the error that ended the connection, once it was told
  bool is_socket = false;
  bool more = false;       // the last receive left something: no need to poll first
  bool bulk = false;       // the last pooled receive filled a small buffer
  bool discarded = false;  // to be closed when nothing is pending any more
};

/// What a completion belongs to: the low bits of `user_data`, which are 0 in an operation's
/// address.
enum class Tag : std::uint64_t { operation = 0, accept = 1, wake = 2, nothing = 3 };
constexpr std::uint64_t tag_bits = 3;
constexpr std::uint32_t generation_max = (std::uint32_t{1} << 29U) - 1;

constexpr std::uint64_t accept_data(int handle, std::uint32_t generation) noexcept {
  return static_cast<std::uint64_t>(Tag::accept) | std::uint64_t{generation} << tag_bits |
         std::uint64_t{static_cast<std::uint32_t>(handle)} << 32U;
}

/// Lengths in an entry have 32 bits; the kernel moves less than 2 GiB in one call anyway.
constexpr std::size_t call_bytes_max = std::size_t{1} << 30U;

void close_with_reset(int descriptor) noexcept {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(descriptor);
}

class UringDriver final : public KernelDriver {
 public:
  UringDriver(int wake, unsigned buffers_max) noexcept
      : wake_(wake), direct_(buffers_max), buffers_(ring_, buffers_max) {}
  ~UringDriver() override;

  int open_ring(unsigned entries, std::string& reason) { return ring_.open(entries, reason); }

  [[nodiscard]] const char* name() const noexcept override { return "io_uring"; }

  bool submit(Operation& operation) noexcept override;
  void cancel(Operation& operation) noexcept override { ask_to_cancel(operation, -ECANCELED); }
  void wait(TimePoint deadline, OperationQueue& done) noexcept override;
  void wake() noexcept override {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
  }

  bool lease(Buffer& buffer) noexcept override;
  void give_back(std::uint32_t buffer) noexcept override;

  int open(Family family, SocketType type) noexcept override;
  int open_pair(int& first, int& second) noexcept override;
  int adopt(int descriptor) noexcept override;
  int shutdown(int handle, Half half) noexcept override;
  void discard(int handle) noexcept override;
  int release(int handle) noexcept override;
  std::int64_t receive_descriptors(int handle, std::span<std::byte> into,
                                   std::span<int> descriptors,
                                   std::size_t& count) noexcept override;
  [[nodiscard]] Pending pending(int handle) const noexcept override {
    if (static_cast<std::size_t>(handle) >= slots_.size()) return {};
    const Slot& at = slots_[static_cast<std::size_t>(handle)];
    return {.receive = at.in != nullptr, .send = at.out != nullptr};
  }

 private:
  Slot& slot(int handle) {
    if (static_cast<std::size_t>(handle) >= slots_.size()) {
      slots_.resize(std::max<std::size_t>(static_cast<std::size_t>(handle) + 1, slots_.size() * 2));
    }
    return slots_[static_cast<std::size_t>(handle)];
  }
  void fresh_slot(int handle, bool is_socket) {
    Slot& fresh = slot(handle);
    IEUM_ASSERT(
        fresh.in == nullptr && fresh.out == nullptr && fresh.message == nullptr &&
            fresh.accepting == nullptr,
        "a descriptor was closed behind the driver's back while an operation waited for it");
    fresh = Slot{.generation = fresh.generation, .is_socket = is_socket};
  }
  static bool is_idle(const Slot& at) noexcept {
    return at.in == nullptr && at.out == nullptr &&
           (at.accepting == nullptr || !at.accepting->armed);
  }
  /// Whether the driver waits until the descriptor is ready and then moves the bytes itself.
  bool polls_first(const Operation& operation, const Slot& at) noexcept {
    return !at.is_socket || (operation.pooled && !buffers_.provide(size_for(at)));
  }
  static BufferPool::Size size_for(const Slot& at) noexcept {
    return at.bulk ? BufferPool::Size::large : BufferPool::Size::small;
  }

  // Beginning an operation.
  bool is_done_at_once(Operation& operation, Slot& at) noexcept;
  void start(Operation& operation, Slot& at) noexcept;
  void prepare(io_uring_sqe& entry, Operation& operation, Slot& at) noexcept;
  void prepare_receive(io_uring_sqe& entry, Operation& operation, const Slot& at) noexcept;
  void prepare_send(io_uring_sqe& entry, Operation& operation, Slot& at) noexcept;
  Message& message(Slot& at);
  void reuse_message(Slot& at) noexcept;

  // Its end.
  void take(const io_uring_cqe& completion, OperationQueue& done) noexcept;
  void ended(Operation& operation, int result, unsigned flags, OperationQueue& done) noexcept;
  bool receive_ended(Operation& operation, Slot& at, int result, unsigned flags) noexcept;
  bool send_ended(Operation& operation, Slot& at, int result) noexcept;
  bool move_bytes(Operation& operation, Slot& at) noexcept;
  bool read_now(Operation& operation, Slot& at) noexcept;
  static bool write_now(Operation& operation, Slot& at) noexcept;
  bool starve(Operation& operation, Slot& at) noexcept;
  void restart_parked() noexcept;
  void finish(Operation& operation, OperationQueue& done) noexcept;

  // Accepting.
  void arm_accept(int handle, Slot& at) noexcept;
  void disarm_accept(int handle, Slot& at) noexcept;
  void accept_ended(const io_uring_cqe& completion, OperationQueue& done) noexcept;
  void deliver(Operation& operation, int client) noexcept;
  void disarm_unwanted() noexcept;

  // Stopping and closing.
  void ask_to_cancel(Operation& operation, int as) noexcept;
  bool cancel_entry(std::uint64_t user_data) noexcept;
  bool close(Operation& operation) noexcept;
  void begin_close(int handle) noexcept;
  int close_now(int handle) noexcept;
  void arm_wake() noexcept;

  const int wake_;
  bool wake_armed_ = false;
  std::vector<Slot> slots_;
  OperationQueue completed_;
  ParkedList backlog_{in_backlog};
  ParkedList starved_{in_starved};
  bool retry_ = false;                    // the starved: a buffer has been given back
  std::vector<Operation*> cancels_owed_;  // that no entry was to be had for
  std::vector<int> served_;               // listeners that brought somebody in this turn
  Message* messages_ = nullptr;           // for reuse
  BufferPool direct_;                     // for what is read without the ring
  BufferRings buffers_;
  Ring ring_;  // last, so that it is closed first: the kernel lets go of the buffers
};

UringDriver::~UringDriver() {
  if (ring_.is_open()) {
    // Clients that a listener brought after the last wait.
    ring_.reap([](const io_uring_cqe& completion) {
      const bool accepted = (completion.user_data & 7U) == static_cast<std::uint64_t>(Tag::accept);
      if (accepted && completion.res >= 0) close_with_reset(completion.res);
    });
  }
  while (messages_ != nullptr) delete std::exchange(messages_, messages_->next);
  ::close(wake_);
}

// ---- Beginning ---------------------------------------------------------------------------------

bool UringDriver::submit(Operation& operation) noexcept {
  if (operation.kind == Kind::close) return close(operation);
  // A foreign number may be anything: no table is made for one that is not open.
  if (static_cast<std::size_t>(operation.handle) >= slots_.size() &&
      ::fcntl(operation.handle, F_GETFD) < 0) {
    return done_with(operation, -errno);
  }
  operation.moved = 0;
  operation.cancel_as = 0;
  operation.parked_in = in_ring;
  Slot& at = slot(operation.handle);
  Operation*& place = is_in(operation) ? at.in : at.out;
  if (place != nullptr) refuse_second(*place, operation);
  if (is_done_at_once(operation, at)) return true;
  place = &operation;
  operation.state = Operation::State::pending;
  start(operation, at);
  return false;
}

bool UringDriver::is_done_at_once(Operation& operation, Slot& at) noexcept {
  switch (operation.kind) {
    case Kind::receive: return !at.is_socket && read_now(operation, at);
    case Kind::send:
      if (total_bytes(operation) == 0) return done_with(operation, 0);
      return !at.is_socket && write_now(operation, at);
    case Kind::accept:
      if (at.accepting == nullptr || at.accepting->waiting.empty()) return false;
      deliver(operation, at.accepting->waiting.front());
      at.accepting->waiting.erase(at.accepting->waiting.begin());
      return true;
    case Kind::connect: {
      // A Unix socket connects at once or not at all; in the ring a thread would wait for room in
      // the listener's backlog.
      if (!operation.address->is_unix()) return false;
      const KernelAddress to(*operation.address);
      const int status = ::connect(operation.handle, to.data(), to.length());
      return done_with(operation, status == 0 ? 0 : -errno);
    }
    default: return false;
  }
}

/// Brings a pending operation on its way: into the ring, or the backlog.
void UringDriver::start(Operation& operation, Slot& at) noexcept {
  if (operation.kind == Kind::accept) {
    operation.parked_in = at_listener;
    return arm_accept(operation.handle, at);
  }
  io_uring_sqe* entry = ring_.entry();
  if (entry == nullptr) return backlog_.push(operation);
  prepare(*entry, operation, at);
  io_uring_sqe_set_data(entry, &operation);
}

void UringDriver::prepare(io_uring_sqe& entry, Operation& operation, Slot& at) noexcept {
  switch (operation.kind) {
    case Kind::receive: return prepare_receive(entry, operation, at);
    case Kind::send: return prepare_send(entry, operation, at);
    case Kind::connect: {
      KernelAddress& to = message(at).address;
      to = KernelAddress(*operation.address);
      return io_uring_prep_connect(&entry, operation.handle, to.data(), to.length());
    }
    case Kind::wait_readable:
      return io_uring_prep_poll_add(&entry, operation.handle, POLLIN | POLLRDHUP);
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

void UringDriver::prepare_send(io_uring_sqe& entry, Operation& operation, Slot& at) noexcept {
  if (!at.is_socket) return io_uring_prep_poll_add(&entry, operation.handle, POLLOUT);
  // Not MSG_WAITALL: the kernel would answer with what had gone before a reset, and keep the reset
  // to itself.
  constexpr int flags = MSG_NOSIGNAL;
  if (operation.parts == nullptr) {
    return io_uring_prep_send(&entry, operation.handle, operation.data + operation.moved,
                              std::min(operation.size - operation.moved, call_bytes_max), flags);
  }
  Message& gathered = message(at);
  const std::span<const iovec> parts = remaining(operation, gathered.parts);
  gathered.header = msghdr{};
  gathered.header.msg_iov = gathered.parts.data();
  gathered.header.msg_iovlen = parts.size();
  io_uring_prep_sendmsg(&entry, operation.handle, &gathered.header, flags);
}

Message& UringDriver::message(Slot& at) {
  if (at.message == nullptr) {
    at.message = messages_ != nullptr ? std::exchange(messages_, messages_->next) : new Message;
  }
  return *at.message;
}

void UringDriver::reuse_message(Slot& at) noexcept {
  if (at.message == nullptr) return;
  at.message->next = std::exchange(messages_, at.message);
  at.message = nullptr;
}

// ---- The end of one ----------------------------------------------------------------------------

void UringDriver::wait(TimePoint deadline, OperationQueue& done) noexcept {
  ring_.enable();
  if (!wake_armed_) arm_wake();
  if (!served_.empty()) disarm_unwanted();
  while (!cancels_owed_.empty() &&
         cancel_entry(reinterpret_cast<std::uint64_t>(cancels_owed_.back()))) {
    cancels_owed_.pop_back();
  }
  restart_parked();

  done.append(completed_);
  const bool sleeps =
      done.empty() && wake_armed_ && backlog_.empty() && cancels_owed_.empty() && served_.empty();
  ring_.wait(sleeps ? deadline : TimePoint::min());
  ring_.reap([&](const io_uring_cqe& completion) { take(completion, done); });
  done.append(completed_);
}

/// What found no entry, and, once a buffer has been given back, what found no buffer: all of it,
/// since the first may turn out to need none.
void UringDriver::restart_parked() noexcept {
  ParkedList again{in_backlog};
  while (Operation* operation = backlog_.pop()) again.push(*operation);
  if (std::exchange(retry_, false)) {
    while (Operation* operation = starved_.pop()) again.push(*operation);
  }
  while (Operation* operation = again.pop()) start(*operation, slot(operation->handle));
}

void UringDriver::arm_wake() noexcept {
  io_uring_sqe* entry = ring_.entry();
  if (entry == nullptr) return;  // the next wait tries again, and this one does not sleep
  // One completion for each time that somebody wakes us; the counter need not be read.
  io_uring_prep_poll_multishot(entry, wake_, POLLIN);
  io_uring_sqe_set_data64(entry, static_cast<std::uint64_t>(Tag::wake));
  wake_armed_ = true;
}

void UringDriver::take(const io_uring_cqe& completion, OperationQueue& done) noexcept {
  switch (static_cast<Tag>(completion.user_data & ((1U << tag_bits) - 1))) {
    case Tag::operation:
      return ended(*reinterpret_cast<Operation*>(completion.user_data), completion.res,
                   completion.flags, done);
    case Tag::accept: return accept_ended(completion, done);
    case Tag::wake:
      if ((completion.flags & IORING_CQE_F_MORE) == 0) wake_armed_ = false;
      return;
    case Tag::nothing: return;
  }
}

void UringDriver::ended(Operation& operation, int result, unsigned flags,
                        OperationQueue& done) noexcept {
  Slot& at = slot(operation.handle);
  if (!is_in(operation)) reuse_message(at);
  bool over = true;  // or to be started again
  switch (operation.kind) {
    case Kind::receive: over = receive_ended(operation, at, result, flags); break;
    case Kind::send: over = send_ended(operation, at, result); break;
    case Kind::wait_readable:
    case Kind::wait_writable:
      operation.result = result >= 0 && (result & POLLNVAL) != 0 ? -EBADF : std::min(result, 0);
      break;
    default: operation.result = result;
  }
  if (operation.parked_in != in_ring) return;  // starved
  // A thread of the kernel's that was interrupted, or a poll that lost a race.
  const bool moves = operation.kind == Kind::receive || operation.kind == Kind::send;
  if (moves && (operation.result == -EINTR || operation.result == -EAGAIN)) over = false;
  if (!over && operation.cancel_as == 0) return start(operation, at);
  if (operation.cancel_as != 0 && (!over || operation.result == -ECANCELED)) {
    operation.result = operation.cancel_as;
  }
  finish(operation, done);
}

/// True if the receive is over, with its result; false if it must be started again or starves.
bool UringDriver::receive_ended(Operation& operation, Slot& at, int result,
                                unsigned flags) noexcept {
  if (result >= 0 && !operation.pooled && !at.is_socket) return read_now(operation, at);
  std::uint32_t buffer = BufferPool::none;
  if (operation.pooled) {
    if ((flags & IORING_CQE_F_BUFFER) != 0) {
      buffer = buffers_.taken(size_for(at), static_cast<std::uint16_t>(flags >> 16U));
    } else if (result >= 0 && polls_first(operation, at)) {
      return read_now(operation, at);
    } else if (result == -ENOBUFS) {
      return starve(operation, at);
    }
  }
  operation.result = result;
  if (result > 0) {
    at.more = (flags & IORING_CQE_F_SOCK_NONEMPTY) != 0;
    if (!operation.pooled) return true;
    operation.buffer = buffer;
    operation.data = buffers_.pool().data(buffer);
    at.bulk = result >= static_cast<int>(BufferPool::small_bytes);
    return true;
  }
  if (buffer != BufferPool::none) give_back(buffer);
  if (result < 0 && breaks_connection(-result)) at.broken = static_cast<std::int16_t>(-result);
  if (result == 0 && at.broken != 0) operation.result = -at.broken;
  return true;
}

/// No buffer was to be had: false after seeing to it that there is one, or else parks.
bool UringDriver::starve(Operation& operation, Slot& at) noexcept {
  at.more = true;  // there is something to receive
  if (buffers_.refill(size_for(at))) return false;
  if (at.bulk) {
    at.bulk = false;
    return false;
  }
  if (operation.cancel_as == 0) starved_.push(operation);
  return false;
}

bool UringDriver::send_ended(Operation& operation, Slot& at, int result) noexcept {
  if (result >= 0 && !at.is_socket) return write_now(operation, at);
  if (result < 0) {
    if (breaks_connection(-result)) at.broken = static_cast<std::int16_t>(-result);
    return done_with(operation, result);
  }
  operation.moved += static_cast<std::size_t>(result);
  if (operation.whole && operation.moved < total_bytes(operation)) return false;
  return done_with(operation, static_cast<std::int64_t>(operation.moved));
}

/// One try, of a pipe, a terminal, or a socket whose pooled receive the kernel gives no ring for.
bool UringDriver::read_now(Operation& operation, Slot& at) noexcept {
  std::uint32_t buffer = BufferPool::none;
  if (operation.pooled) {
    buffer = direct_.take(BufferPool::Size::small);
    if (buffer == BufferPool::none) {
      if (operation.state == Operation::State::pending && operation.cancel_as == 0) {
        starved_.push(operation);
      }
      return false;
    }
    operation.data = direct_.data(buffer);
    operation.size = BufferPool::small_bytes;
    operation.buffer = buffer | direct_bit;
  }
  ssize_t count = 0;
  do {
    count = ::read(operation.handle, operation.data, operation.size);
  } while (count < 0 && errno == EINTR);
  const int number = count < 0 ? errno : 0;
  if (count <= 0 && buffer != BufferPool::none) direct_.give_back(buffer);
  if (would_block(number)) return false;
  if (breaks_connection(number)) at.broken = static_cast<std::int16_t>(number);
  if (count == 0 && at.broken != 0) return done_with(operation, -at.broken);
  return done_with(operation, count < 0 ? -number : count);
}

/// As much as the pipe or terminal takes now.
bool UringDriver::write_now(Operation& operation, Slot& at) noexcept {
  const std::size_t total = total_bytes(operation);
  Parts parts;
  while (operation.moved < total) {
    const ssize_t count = send_parts(operation.handle, remaining(operation, parts), at.is_socket);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && !would_block(errno)) return done_with(operation, -errno);
    if (count < 0) {
      return !operation.whole && operation.moved > 0 &&
             done_with(operation, static_cast<std::int64_t>(operation.moved));
    }
    operation.moved += static_cast<std::size_t>(count);
    if (!operation.whole) break;
  }
  return done_with(operation, static_cast<std::int64_t>(operation.moved));
}

void UringDriver::finish(Operation& operation, OperationQueue& done) noexcept {
  const int handle = operation.handle;
  Slot& at = slot(handle);
  (is_in(operation) ? at.in : at.out) = nullptr;
  if (!cancels_owed_.empty()) std::erase(cancels_owed_, &operation);
  done.push(operation);
  if ((at.closing == nullptr && !at.discarded) || !is_idle(at)) return;
  Operation* closing = at.closing;
  const int status = close_now(handle);
  if (closing == nullptr) return;
  closing->result = status;
  done.push(*closing);
}

// ---- Receive buffers ---------------------------------------------------------------------------

bool UringDriver::lease(Buffer& buffer) noexcept {
  const std::uint32_t id = direct_.take(BufferPool::Size::small);
  if (id == BufferPool::none) return false;
  buffer = {direct_.data(id), BufferPool::small_bytes, id | direct_bit};
  return true;
}

void UringDriver::give_back(std::uint32_t buffer) noexcept {
  if ((buffer & direct_bit) != 0) {
    direct_.give_back(buffer & ~direct_bit);
  } else {
    buffers_.give_back(buffer);
  }
  retry_ = !starved_.empty();
}

// ---- Accepting ---------------------------------------------------------------------------------

void UringDriver::arm_accept(int handle, Slot& at) noexcept {
  if (at.accepting == nullptr) at.accepting = new Accepting;
  if (at.accepting->armed) return;  // or about to end, and then armed again
  io_uring_sqe* entry = ring_.entry();
  if (entry == nullptr) {
    Operation& operation = *at.in;
    return backlog_.push(operation);
  }
  io_uring_prep_multishot_accept(entry, handle, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  io_uring_sqe_set_data64(entry, accept_data(handle, at.generation));
  at.accepting->armed = true;
  at.accepting->ending = false;
}

void UringDriver::disarm_accept(int handle, Slot& at) noexcept {
  if (at.accepting == nullptr || !at.accepting->armed || at.accepting->ending) return;
  at.accepting->ending = cancel_entry(accept_data(handle, at.generation));
  if (!at.accepting->ending) served_.push_back(handle);  // the next wait tries again
}

/// A listener that nobody awaits any more leaves its clients in the backlog.
void UringDriver::disarm_unwanted() noexcept {
  for (const int handle : std::exchange(served_, {})) {
    Slot& at = slot(handle);
    if (at.accepting == nullptr) continue;
    at.accepting->served = false;
    if (at.in == nullptr) disarm_accept(handle, at);
  }
}

void UringDriver::accept_ended(const io_uring_cqe& completion, OperationQueue& done) noexcept {
  const auto handle = static_cast<int>(completion.user_data >> 32U);
  const int client = completion.res;
  if (client >= 0) fresh_slot(client, true);
  Slot& at = slot(handle);
  if (accept_data(handle, at.generation) != completion.user_data) {
    if (client >= 0) {  // the listener has been closed meanwhile
      fresh_slot(client, false);
      close_with_reset(client);
    }
    return;
  }
  Accepting& accepting = *at.accepting;
  if ((completion.flags & IORING_CQE_F_MORE) == 0) accepting.armed = accepting.ending = false;
  if (!accepting.served) {
    accepting.served = true;
    served_.push_back(handle);
  }
  Operation* pending = at.in;
  if (client >= 0 && pending == nullptr) {
    accepting.waiting.push_back(client);
  } else if (pending != nullptr && client >= 0) {
    deliver(*pending, client);
    return finish(*pending, done);
  } else if (pending != nullptr && client != -ECANCELED && !is_about_one_client(-client)) {
    pending->result = client;
    return finish(*pending, done);
  }
  if (at.closing != nullptr || at.discarded) {
    if (!is_idle(at)) return;
    Operation* closing = at.closing;
    const int status = close_now(handle);
    if (closing == nullptr) return;
    closing->result = status;
    return done.push(*closing);
  }
  if (pending != nullptr) arm_accept(handle, at);
}

void UringDriver::deliver(Operation& operation, int client) noexcept {
  *operation.address = Address{};  // of one who has gone again
  peer_address(client, *operation.address);
  operation.result = client;
}

// ---- Stopping and closing ----------------------------------------------------------------------

void UringDriver::ask_to_cancel(Operation& operation, int as) noexcept {
  if (operation.state != Operation::State::pending || operation.cancel_as != 0) return;
  operation.cancel_as = static_cast<std::int16_t>(as);
  if (operation.parked_in == in_ring) {
    const auto user_data = reinterpret_cast<std::uint64_t>(&operation);
    if (!cancel_entry(user_data)) cancels_owed_.push_back(&operation);
    return;
  }
  if (operation.parked_in == in_backlog) backlog_.remove(operation);
  if (operation.parked_in == in_starved) starved_.remove(operation);
  operation.result = as;
  if (operation.kind == Kind::accept) {
    Slot& at = slot(operation.handle);
    if (at.accepting != nullptr && !std::exchange(at.accepting->served, true)) {
      served_.push_back(operation.handle);
    }
  }
  finish(operation, completed_);
}

bool UringDriver::cancel_entry(std::uint64_t user_data) noexcept {
  io_uring_sqe* entry = ring_.entry();
  if (entry == nullptr) return false;
  io_uring_prep_cancel64(entry, user_data, 0);
  entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(entry, static_cast<std::uint64_t>(Tag::nothing));
  return true;
}

bool UringDriver::close(Operation& operation) noexcept {
  const int handle = operation.handle;
  if (handle < 0) return done_with(operation, -EBADF);
  Slot& at = slot(handle);
  if (is_idle(at)) return done_with(operation, close_now(handle));
  at.closing = &operation;
  operation.state = Operation::State::pending;
  operation.cancel_as = -ECANCELED;  // a close cannot be canceled
  begin_close(handle);
  return false;
}

void UringDriver::discard(int handle) noexcept {
  Slot& at = slot(handle);
  if (at.in == nullptr && at.out == nullptr && at.accepting != nullptr && at.accepting->armed) {
    // Nobody can wait for the accept's end: gone now, so that the port is free at once.
    disarm_accept(handle, at);
    if (at.accepting->ending) {
      ring_.flush();
      at.accepting->armed = false;  // what it still brings is of an old generation
    }
  }
  if (is_idle(at)) {
    close_now(handle);
  } else {
    at.discarded = true;
    begin_close(handle);
  }
}

int UringDriver::release(int handle) noexcept {
  Slot& at = slot(handle);
  IEUM_ASSERT(at.in == nullptr && at.out == nullptr,
              "a socket is detached while an operation on it is pending");
  if (at.broken != 0) return -at.broken;
  if (at.accepting != nullptr) {
    // Who has come already comes out first.
    disarm_accept(handle, at);
    ring_.flush();
    ring_.reap([&](const io_uring_cqe& completion) { take(completion, completed_); });
    Slot& now_at = slot(handle);  // the table may have grown
    if (now_at.accepting->armed || !now_at.accepting->waiting.empty()) return -EBUSY;
    delete std::exchange(now_at.accepting, nullptr);
  }
  Slot& left = slot(handle);
  left.generation = (left.generation + 1) & generation_max;
  fresh_slot(handle, false);
  return handle;
}

void UringDriver::begin_close(int handle) noexcept {
  disarm_accept(handle, slot(handle));
  if (Operation* in = slot(handle).in) ask_to_cancel(*in, -ECANCELED);
  if (Operation* out = slot(handle).out) ask_to_cancel(*out, -ECANCELED);
}

int UringDriver::close_now(int handle) noexcept {
  Slot& at = slot(handle);
  if (at.accepting != nullptr) {
    for (const int client : at.accepting->waiting) {
      fresh_slot(client, false);  // no new slot: `at` stays where it is
      close_with_reset(client);
    }
    delete std::exchange(at.accepting, nullptr);
  }
  at.generation = (at.generation + 1) & generation_max;
  fresh_slot(handle, false);
  return ::close(handle) < 0 && errno != EINTR ? -errno : 0;
}

int UringDriver::open(Family family, SocketType type) noexcept {
  const int handle = KernelDriver::open(family, type);
  if (handle >= 0) fresh_slot(handle, true);
  return handle;
}

int UringDriver::open_pair(int& first, int& second) noexcept {
  const int status = KernelDriver::open_pair(first, second);
  if (status < 0) return status;
  fresh_slot(first, true);
  fresh_slot(second, true);
  return status;
}

int UringDriver::shutdown(int handle, Half half) noexcept {
  const int status = KernelDriver::shutdown(handle, half);
  // The kernel wakes a pending receive, but for Unix sockets not a pending send.
  Operation* sending = slot(handle).out;
  if (status >= 0 && half != Half::receiving && sending != nullptr) ask_to_cancel(*sending, -EPIPE);
  return status;
}

int UringDriver::adopt(int descriptor) noexcept {
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0) return -errno;
  if ((flags & O_NONBLOCK) == 0) return -EINVAL;
  fresh_slot(descriptor, is_socket(descriptor));
  return descriptor;
}

std::int64_t UringDriver::receive_descriptors(int handle, std::span<std::byte> into,
                                              std::span<int> descriptors,
                                              std::size_t& count) noexcept {
  const std::int64_t bytes = KernelDriver::receive_descriptors(handle, into, descriptors, count);
  Slot& at = slot(handle);
  if (bytes < 0 && breaks_connection(static_cast<int>(-bytes))) {
    at.broken = static_cast<std::int16_t>(-bytes);
  }
  return bytes == 0 && at.broken != 0 ? -at.broken : bytes;
}

}  // namespace

std::unique_ptr<Driver> make_uring_driver(const DriverOptions& options, DriverChoice& choice) {
  const int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) {
    choice = {errno, "eventfd"};
    return nullptr;
  }
  auto driver = std::make_unique<UringDriver>(wake, options.receive_buffers_max);
  const int status = driver->open_ring(options.ring_entries, choice.reason);
  if (status == 0) return driver;
  choice.error_number = -status;
  return nullptr;
}

}  // namespace ieum
