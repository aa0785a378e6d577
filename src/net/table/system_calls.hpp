// The system calls that a program waits for sockets in, by their numbers in /proc/PID/task/TID/
// syscall.
#pragma once

#include <cstdint>
#include <string_view>

namespace ieum::detail {

struct SystemCall {
  enum class Role : std::uint8_t {
    receive,  ///< reads or accepts with the descriptor that is its first argument
    send,     ///< writes or connects with it
    poll,     ///< waits for descriptors that are in the program's memory
    epoll,    ///< waits for those of an epoll
    ring,     ///< waits for an io_uring
    other,
  };
  long number = -1;
  std::string_view name{};
  Role role = Role::other;
};

/// The name is empty, and the role `other`, if it is none of those that programs often wait in.
SystemCall find_system_call(long number) noexcept;
/// Of a name that `find_system_call` has given.
SystemCall::Role role_of(std::string_view name) noexcept;

}  // namespace ieum::detail
