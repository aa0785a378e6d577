// SystemFault: these definitions stand before those of the C library and of liburing for all that
// is linked into the test program, the library under test above all.
#include "support/system_fault.hpp"

#include <dlfcn.h>
#include <liburing.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>

namespace ieum::test {
namespace {

struct Planted {
  std::atomic<int> number = 0;
  std::atomic<int> left = 0;
};
std::array<Planted, 5> planted;
std::atomic<std::int64_t> pwait2_calls = 0;

Planted& of(SystemFault::Call call) { return planted[static_cast<std::size_t>(call)]; }

/// The error that this call has to fail with, or 0.
int take(SystemFault::Call call) {
  Planted& fault = of(call);
  int left = fault.left.load();
  while (left > 0 && !fault.left.compare_exchange_weak(left, left - 1)) {
  }
  return left > 0 ? fault.number.load() : 0;
}

template <class F>
F* original(const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

// ---- io_uring -----------------------------------------------------------------------------------

std::mutex entries_mutex;
std::map<std::uint64_t, int> failing_entries;  // by user_data: what they complete with

/// Entries that are to fail become such as do nothing.
void before_submit(io_uring* ring) {
  for (unsigned i = ring->sq.sqe_head; i != ring->sq.sqe_tail; ++i) {
    io_uring_sqe& entry = ring->sq.sqes[i & *ring->sq.kring_mask];
    const bool receives = entry.opcode == IORING_OP_RECV;
    if (!receives && entry.opcode != IORING_OP_SEND && entry.opcode != IORING_OP_SENDMSG) continue;
    const int number =
        take(receives ? SystemFault::Call::ring_receive : SystemFault::Call::ring_send);
    if (number == 0) continue;
    const std::uint64_t user_data = entry.user_data;
    std::memset(&entry, 0, sizeof entry);
    entry.opcode = IORING_OP_NOP;
    entry.user_data = user_data;
    const std::lock_guard lock(entries_mutex);
    failing_entries[user_data] = -number;
  }
}

void after_submit(io_uring* ring) {
  const std::lock_guard lock(entries_mutex);
  if (failing_entries.empty()) return;
  for (unsigned i = *ring->cq.khead; i != io_uring_smp_load_acquire(ring->cq.ktail); ++i) {
    io_uring_cqe& completion = ring->cq.cqes[i & *ring->cq.kring_mask];
    const auto found = failing_entries.find(completion.user_data);
    if (found == failing_entries.end()) continue;
    completion.res = found->second;
    failing_entries.erase(found);
  }
}

template <class F, class... Arguments>
int submit_with(const char* name, io_uring* ring, Arguments... arguments) {
  before_submit(ring);
  const int result = original<F>(name)(ring, arguments...);
  after_submit(ring);
  return result;
}

}  // namespace

SystemFault::SystemFault(Call call, int number, int times) : call_(call), times_(times) {
  of(call).number = number;
  of(call).left = times;
}
SystemFault::~SystemFault() { of(call_).left = 0; }
int SystemFault::failures() const noexcept { return times_ - of(call_).left; }

std::int64_t epoll_pwait2_calls() noexcept { return pwait2_calls; }

}  // namespace ieum::test

using ieum::test::SystemFault;

extern "C" {

int accept4(int descriptor, sockaddr* address, socklen_t* length, int flags) {
  if (const int number = ieum::test::take(SystemFault::Call::accept4); number != 0) {
    errno = number;
    return -1;
  }
  return ieum::test::original<decltype(accept4)>("accept4")(descriptor, address, length, flags);
}

int epoll_pwait2(int epoll, epoll_event* events, int room, const timespec* limit,
                 const sigset_t* signals) {
  ++ieum::test::pwait2_calls;
  if (const int number = ieum::test::take(SystemFault::Call::epoll_pwait2); number != 0) {
    errno = number;
    return -1;
  }
  return ieum::test::original<decltype(epoll_pwait2)>("epoll_pwait2")(epoll, events, room, limit,
                                                                      signals);
}

ssize_t pwritev2(int descriptor, const iovec* parts, int count, off_t offset, int flags) {
  if (const int number = ieum::test::take(SystemFault::Call::pwritev2); number != 0) {
    errno = number;
    return -1;
  }
  return ieum::test::original<decltype(pwritev2)>("pwritev2")(descriptor, parts, count, offset,
                                                              flags);
}

int io_uring_submit(io_uring* ring) {
  return ieum::test::submit_with<decltype(io_uring_submit)>("io_uring_submit", ring);
}
int io_uring_submit_and_wait(io_uring* ring, unsigned count) {
  return ieum::test::submit_with<decltype(io_uring_submit_and_wait)>("io_uring_submit_and_wait",
                                                                     ring, count);
}
int io_uring_submit_and_wait_timeout(io_uring* ring, io_uring_cqe** first, unsigned count,
                                     __kernel_timespec* limit, sigset_t* signals) {
  return ieum::test::submit_with<decltype(io_uring_submit_and_wait_timeout)>(
      "io_uring_submit_and_wait_timeout", ring, first, count, limit, signals);
}
int io_uring_submit_and_get_events(io_uring* ring) {
  return ieum::test::submit_with<decltype(io_uring_submit_and_get_events)>(
      "io_uring_submit_and_get_events", ring);
}
}
