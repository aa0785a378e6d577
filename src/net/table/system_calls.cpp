#include "net/table/system_calls.hpp"

#include <sys/syscall.h>

#include <algorithm>
#include <array>

namespace ieum::detail {

namespace {

using Role = SystemCall::Role;

constexpr std::array calls{
    SystemCall{SYS_read, "read", Role::receive},
    SystemCall{SYS_readv, "readv", Role::receive},
    SystemCall{SYS_recvfrom, "recvfrom", Role::receive},
    SystemCall{SYS_recvmsg, "recvmsg", Role::receive},
    SystemCall{SYS_recvmmsg, "recvmmsg", Role::receive},
    SystemCall{SYS_accept, "accept", Role::receive},
    SystemCall{SYS_accept4, "accept4", Role::receive},
    SystemCall{SYS_splice, "splice", Role::receive},
    SystemCall{SYS_write, "write", Role::send},
    SystemCall{SYS_writev, "writev", Role::send},
    SystemCall{SYS_sendto, "sendto", Role::send},
    SystemCall{SYS_sendmsg, "sendmsg", Role::send},
    SystemCall{SYS_sendmmsg, "sendmmsg", Role::send},
    SystemCall{SYS_sendfile, "sendfile", Role::send},
    SystemCall{SYS_connect, "connect", Role::send},
    SystemCall{SYS_close, "close", Role::send},  // SO_LINGER
#ifdef SYS_poll
    SystemCall{SYS_poll, "poll", Role::poll},
    SystemCall{SYS_select, "select", Role::poll},
    SystemCall{SYS_epoll_wait, "epoll_wait", Role::epoll},
    SystemCall{SYS_pause, "pause", Role::other},
#endif
    SystemCall{SYS_ppoll, "ppoll", Role::poll},
    SystemCall{SYS_pselect6, "pselect6", Role::poll},
    SystemCall{SYS_epoll_pwait, "epoll_pwait", Role::epoll},
#ifdef SYS_epoll_pwait2
    SystemCall{SYS_epoll_pwait2, "epoll_pwait2", Role::epoll},
#endif
#ifdef SYS_io_uring_enter
    SystemCall{SYS_io_uring_enter, "io_uring_enter", Role::ring},
#endif
    SystemCall{SYS_futex, "futex"},
    SystemCall{SYS_nanosleep, "nanosleep"},
    SystemCall{SYS_clock_nanosleep, "clock_nanosleep"},
    SystemCall{SYS_wait4, "wait4"},
    SystemCall{SYS_waitid, "waitid"},
    SystemCall{SYS_rt_sigtimedwait, "rt_sigtimedwait"},
    SystemCall{SYS_rt_sigsuspend, "rt_sigsuspend"},
    SystemCall{SYS_flock, "flock"},
    SystemCall{SYS_fcntl, "fcntl"},
    SystemCall{SYS_fsync, "fsync"},
    SystemCall{SYS_fdatasync, "fdatasync"},
};

}  // namespace

SystemCall find_system_call(long number) noexcept {
  const auto* found = std::ranges::find(calls, number, &SystemCall::number);
  return found == calls.end() ? SystemCall{.number = number} : *found;
}

SystemCall::Role role_of(std::string_view name) noexcept {
  if (name.empty()) return Role::other;
  const auto* found = std::ranges::find(calls, name, &SystemCall::name);
  return found == calls.end() ? Role::other : found->role;
}

}  // namespace ieum::detail
