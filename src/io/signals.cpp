// Signals: a handler that marks the signal in a table of plain atomics and wakes an eventfd. Not
// signalfd(2): that needs the signal blocked in every thread, and children would inherit the block.
#include <ieum/signals.hpp>

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <utility>

#include <ieum/detail/handle_io.hpp>

#include "base/driver.hpp"
#include "runtime/this_loop.hpp"

namespace ieum {

namespace {

constexpr int numbers_end = 64;

/// What the handler touches: nothing but lock-free atomics and write(2).
struct Slot {
  std::atomic<std::uint64_t> wanted = 0;  // a bit for each signal number; 0: a free slot
  std::atomic<std::uint64_t> arrived = 0;
  std::atomic<int> event = -1;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

std::array<Slot, Signals::objects_max> slots;
std::atomic<int> handlers_running = 0;

std::mutex table_mutex;  // of the two below, and of taking slots
std::array<int, numbers_end> catchers{};
std::array<struct sigaction, numbers_end> former_actions{};

void on_signal(int number) {
  const int saved = errno;
  handlers_running.fetch_add(1);
  const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(number);
  for (Slot& slot : slots) {
    if ((slot.wanted.load() & bit) == 0) continue;
    slot.arrived.fetch_or(bit);
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(slot.event.load(), &one, sizeof one);
  }
  handlers_running.fetch_sub(1);
  errno = saved;
}

/// Installs the handler for the first catcher of `number`; 0 or an errno. The mutex is held.
int add_catcher(int number) {
  const auto at = static_cast<std::size_t>(number);
  if (catchers[at] == 0) {
    struct sigaction action{};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    if (::sigaction(number, &action, &former_actions[at]) < 0) return errno;
  }
  ++catchers[at];
  return 0;
}

void remove_catchers(std::uint64_t wanted) {
  for (; wanted != 0; wanted &= wanted - 1) {
    const int number = std::countr_zero(wanted);
    const auto at = static_cast<std::size_t>(number);
    if (--catchers[at] == 0) ::sigaction(number, &former_actions[at], nullptr);
  }
}

// ---- fork(2) -----------------------------------------------------------------------------------
// What the parent catches does in the child what it did before. Signals wait meanwhile: one that is
// for the child alone must not be taken for the parent's.

sigset_t mask_before_fork{};  // the mutex is held

void before_fork() {
  table_mutex.lock();
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &mask_before_fork);
}

void after_fork() {
  const sigset_t mask = mask_before_fork;
  table_mutex.unlock();
  ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
}

void after_fork_in_child() {
  for (Slot& slot : slots) {
    slot.wanted = 0;
    slot.arrived = 0;
    slot.event = -1;
  }
  handlers_running = 0;  // those of the parent's other threads
  for (int number = 1; number < numbers_end; ++number) {
    const auto at = static_cast<std::size_t>(number);
    if (std::exchange(catchers[at], 0) > 0) ::sigaction(number, &former_actions[at], nullptr);
  }
  after_fork();
}

}  // namespace

Result<Signals> Signals::create_for(std::span<const int> numbers) {
  const auto failed = [](int number) { return fail(Error::from_errno(number, "catch signals")); };
  const Result<detail::Loop*> this_loop = detail::this_loop();
  if (!this_loop) return fail(this_loop.error());
  detail::Loop& loop = **this_loop;
  [[maybe_unused]] static const int told_of_forks =
      ::pthread_atfork(before_fork, after_fork, after_fork_in_child);
  const std::lock_guard lock(table_mutex);
  std::size_t free = 0;
  while (free < slots.size() && slots[free].wanted != 0) ++free;
  if (free == slots.size()) return failed(EAGAIN);

  std::uint64_t wanted = 0;
  for (const int number : numbers) {
    if (number < 1 || number >= numbers_end) return failed(EINVAL);
    wanted |= std::uint64_t{1} << static_cast<unsigned>(number);
  }
  if (wanted == 0) return failed(EINVAL);

  const int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0) return failed(errno);
  if (const int status = loop.driver().adopt(event); status < 0) {
    ::close(event);
    return failed(-status);
  }

  slots[free].event = event;
  slots[free].arrived = 0;
  slots[free].wanted = wanted;  // from here on the handler may use the slot
  std::uint64_t added = 0;
  for (std::uint64_t rest = wanted; rest != 0; rest &= rest - 1) {
    const int number = std::countr_zero(rest);
    if (const int error_number = add_catcher(number); error_number != 0) {
      remove_catchers(added);
      slots[free].wanted = 0;
      loop.driver().discard(event);
      return failed(error_number);
    }
    added |= std::uint64_t{1} << static_cast<unsigned>(number);
  }
  return Signals(loop, static_cast<int>(free), event);
}

Signals::~Signals() {
  if (slot_ < 0) return;
  if (!loop_->is_left_behind()) {  // a child's slots are its own
    const std::lock_guard lock(table_mutex);
    Slot& slot = slots[static_cast<std::size_t>(slot_)];
    remove_catchers(slot.wanted.exchange(0));
    while (handlers_running.load() != 0) {  // in another thread: it may still write to the eventfd
    }
  }
  loop_->driver().discard(handle_);
}

detail::ConsumingTask<int> Signals::next() { return detail::ConsumingTask<int>(take()); }

Task<int> Signals::take() {
  Slot& slot = slots[static_cast<std::size_t>(slot_)];
  for (;;) {
    if (const std::uint64_t arrived = slot.arrived.load(); arrived != 0) {
      const int number = std::countr_zero(arrived);
      slot.arrived.fetch_and(~(std::uint64_t{1} << static_cast<unsigned>(number)));
      co_return number;
    }
    std::uint64_t count = 0;
    detail::HandleIo<std::size_t> waiting({.kind = detail::Operation::Kind::receive,
                                           .handle = handle_,
                                           .loop = loop_,
                                           .name = "wait for signal",
                                           .data = reinterpret_cast<std::byte*>(&count),
                                           .size = sizeof count});
    co_await std::move(waiting);
  }
}

}  // namespace ieum
