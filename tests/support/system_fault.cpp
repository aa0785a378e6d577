// SystemFault: these definitions stand before those of the C library and of liburing for all that
// is linked into the test program, the library under test above all.
#include "support/system_fault.hpp"

#include <dlfcn.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#if defined(__SANITIZE_THREAD__)
#define IEUM_LEAVES_TRANSFERS
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IEUM_LEAVES_TRANSFERS
#endif
#endif

namespace ieum::test {
namespace {

struct Planted {
  std::atomic<int> number = 0;
  std::atomic<int> left = 0;
  std::atomic<int> spared = 0;
};
std::array<Planted, 13> planted;
std::atomic<std::int64_t> pwait2_calls = 0;
std::atomic<std::int64_t> pwait2_events = 0;

Planted& of(SystemFault::Call call) { return planted[static_cast<std::size_t>(call)]; }

/// The error that this call has to fail with, or 0.
int take(SystemFault::Call call) {
  Planted& fault = of(call);
  if (fault.spared > 0 && fault.spared.fetch_sub(1) > 0) return 0;
  int left = fault.left.load();
  while (left > 0 && !fault.left.compare_exchange_weak(left, left - 1)) {
  }
  return left > 0 ? fault.number.load() : 0;
}

template <class F>
F* original(const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

/// Makes the call, unless it has to fail.
template <class F, class... Arguments>
auto call(SystemFault::Call which, F* original, Arguments... arguments) {
  using Answer = decltype(original(arguments...));
  if (const int number = take(which); number != 0) {
    errno = number;
    return Answer{-1};
  }
  return original(arguments...);
}

// ---- io_uring -----------------------------------------------------------------------------------

std::mutex entries_mutex;
std::map<std::uint64_t, int> failing_entries;  // by user_data: what they complete with

std::optional<SystemFault::Call> call_of(const io_uring_sqe& entry) {
  switch (entry.opcode) {
    case IORING_OP_RECV: return SystemFault::Call::ring_receive;
    case IORING_OP_SEND:
    case IORING_OP_SENDMSG: return SystemFault::Call::ring_send;
    case IORING_OP_ASYNC_CANCEL: return SystemFault::Call::ring_cancel;
    default: return std::nullopt;
  }
}

/// Entries that are to fail become such as do nothing.
void before_submit(io_uring* ring) {
  for (unsigned i = ring->sq.sqe_head; i != ring->sq.sqe_tail; ++i) {
    io_uring_sqe& entry = ring->sq.sqes[i & *ring->sq.kring_mask];
    const std::optional<SystemFault::Call> call = call_of(entry);
    const int number = call ? take(*call) : 0;
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

SystemFault::SystemFault(Call call, int number, int times, int spared)
    : call_(call), times_(times) {
  of(call).number = number;
  of(call).spared = spared;
  of(call).left = times;
}
SystemFault::~SystemFault() { of(call_).left = 0; }
int SystemFault::failures() const noexcept { return times_ - of(call_).left; }

#ifdef IEUM_LEAVES_TRANSFERS
const bool SystemFault::reaches_transfers = false;
#else
const bool SystemFault::reaches_transfers = true;
#endif

namespace {
thread_local std::function<void()> before_tcp_info;
}

BeforeTcpInfo::BeforeTcpInfo(std::function<void()> happening) {
  before_tcp_info = std::move(happening);
}
BeforeTcpInfo::~BeforeTcpInfo() { before_tcp_info = nullptr; }
bool BeforeTcpInfo::has_happened() { return before_tcp_info == nullptr; }

std::int64_t epoll_pwait2_calls() noexcept { return pwait2_calls; }
std::int64_t epoll_events() noexcept { return pwait2_events; }

}  // namespace ieum::test

using ieum::test::SystemFault;

extern "C" {

int accept4(int descriptor, sockaddr* address, socklen_t* length, int flags) {
  static auto* const original = ieum::test::original<decltype(accept4)>("accept4");
  return ieum::test::call(SystemFault::Call::accept4, original, descriptor, address, length, flags);
}

int getsockopt(int descriptor, int level, int option, void* value, socklen_t* size) {
  static auto* const original = ieum::test::original<decltype(getsockopt)>("getsockopt");
  if (level == IPPROTO_TCP && option == TCP_INFO && ieum::test::before_tcp_info) {
    std::exchange(ieum::test::before_tcp_info, nullptr)();
  }
  return original(descriptor, level, option, value, size);
}

int epoll_pwait2(int epoll, epoll_event* events, int room, const timespec* limit,
                 const sigset_t* signals) {
  static auto* const original = ieum::test::original<decltype(epoll_pwait2)>("epoll_pwait2");
  ++ieum::test::pwait2_calls;
  const int count = ieum::test::call(SystemFault::Call::epoll_pwait2, original, epoll, events, room,
                                     limit, signals);
  if (count > 0) ieum::test::pwait2_events += count;
  return count;
}

ssize_t pwritev2(int descriptor, const iovec* parts, int count, off_t offset, int flags) {
  static auto* const original = ieum::test::original<decltype(pwritev2)>("pwritev2");
  return ieum::test::call(SystemFault::Call::pwritev2, original, descriptor, parts, count, offset,
                          flags);
}

int waitid(idtype_t kind, id_t id, siginfo_t* info, int options) {
  static auto* const original = ieum::test::original<decltype(waitid)>("waitid");
  return ieum::test::call(SystemFault::Call::wait_child, original, kind, id, info, options);
}

#ifndef IEUM_LEAVES_TRANSFERS
ssize_t recv(int descriptor, void* data, std::size_t size, int flags) {
  static auto* const original = ieum::test::original<decltype(recv)>("recv");
  return ieum::test::call(SystemFault::Call::receive, original, descriptor, data, size, flags);
}
ssize_t send(int descriptor, const void* data, std::size_t size, int flags) {
  static auto* const original = ieum::test::original<decltype(send)>("send");
  return ieum::test::call(SystemFault::Call::send, original, descriptor, data, size, flags);
}
ssize_t recvfrom(int descriptor, void* data, std::size_t size, int flags, sockaddr* address,
                 socklen_t* length) {
  static auto* const original = ieum::test::original<decltype(recvfrom)>("recvfrom");
  return ieum::test::call(SystemFault::Call::receive_from, original, descriptor, data, size, flags,
                          address, length);
}
ssize_t sendto(int descriptor, const void* data, std::size_t size, int flags,
               const sockaddr* address, socklen_t length) {
  static auto* const original = ieum::test::original<decltype(sendto)>("sendto");
  return ieum::test::call(SystemFault::Call::send_to, original, descriptor, data, size, flags,
                          address, length);
}
int recvmmsg(int descriptor, mmsghdr* messages, unsigned count, int flags, timespec* limit) {
  static auto* const original = ieum::test::original<decltype(recvmmsg)>("recvmmsg");
  return ieum::test::call(SystemFault::Call::receive_many, original, descriptor, messages, count,
                          flags, limit);
}
#endif

int io_uring_submit(io_uring* ring) {
  if (const int number = ieum::test::take(SystemFault::Call::ring_submit); number != 0) {
    return -number;
  }
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
