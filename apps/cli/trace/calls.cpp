#include "trace/calls.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>

#include <fmt/format.h>

namespace ieum::cli::trace {

namespace {

using enum CallKind;

constexpr Call calls[] = {
    {SYS_socket, "socket", create},
    {SYS_socketpair, "socketpair", create_pair},
    {SYS_bind, "bind", bind},
    {SYS_listen, "listen", listen},
#ifdef SYS_accept
    {SYS_accept, "accept", accept},
#endif
    {SYS_accept4, "accept4", accept},
    {SYS_connect, "connect", connect},
    {SYS_shutdown, "shutdown", shut_down},
    {SYS_sendto, "sendto", send, Buffers::plain},
    {SYS_recvfrom, "recvfrom", receive, Buffers::plain},
    {SYS_sendmsg, "sendmsg", send, Buffers::message},
    {SYS_recvmsg, "recvmsg", receive, Buffers::message},
    {SYS_sendmmsg, "sendmmsg", send, Buffers::messages},
    {SYS_recvmmsg, "recvmmsg", receive, Buffers::messages},
    {SYS_write, "write", send, Buffers::plain},
    {SYS_read, "read", receive, Buffers::plain},
    {SYS_writev, "writev", send, Buffers::vector},
    {SYS_readv, "readv", receive, Buffers::vector},
    {SYS_sendfile, "sendfile", send},
    {SYS_splice, "splice", send},
    {SYS_setsockopt, "setsockopt", set_option},
    {SYS_getsockopt, "getsockopt", get_option},
    {SYS_close, "close", close},
#ifdef SYS_dup2
    {SYS_dup2, "dup2", duplicate},
#endif
    {SYS_dup3, "dup3", duplicate},
    {SYS_io_uring_setup, "io_uring_setup", ring},
};

struct Option {
  int level;
  int option;
  std::string_view name;
};
constexpr std::array options{
    Option{SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR"},
    Option{SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT"},
    Option{SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE"},
    Option{SOL_SOCKET, SO_LINGER, "SO_LINGER"},
    Option{SOL_SOCKET, SO_BROADCAST, "SO_BROADCAST"},
    Option{SOL_SOCKET, SO_SNDBUF, "SO_SNDBUF"},
    Option{SOL_SOCKET, SO_RCVBUF, "SO_RCVBUF"},
    Option{SOL_SOCKET, SO_RCVTIMEO, "SO_RCVTIMEO"},
    Option{SOL_SOCKET, SO_SNDTIMEO, "SO_SNDTIMEO"},
    Option{SOL_SOCKET, SO_ERROR, "SO_ERROR"},
    Option{IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY"},
    Option{IPPROTO_TCP, TCP_CORK, "TCP_CORK"},
    Option{IPPROTO_TCP, TCP_QUICKACK, "TCP_QUICKACK"},
    Option{IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY"},
};

}  // namespace

std::span<const Call> traced_calls() noexcept { return calls; }

const Call* find_call(long number) noexcept {
  const auto* const found = std::ranges::find(calls, number, &Call::number);
  return found == std::ranges::end(calls) ? nullptr : found;
}

const Call* find_call(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(calls, name, &Call::name);
  return found == std::ranges::end(calls) ? nullptr : found;
}

std::string_view option_name(int level, int option) noexcept {
  const auto* const found = std::ranges::find_if(
      options, [&](const Option& one) { return one.level == level && one.option == option; });
  return found == options.end() ? std::string_view{} : found->name;
}

std::string error_name(std::int64_t number) {
  if (number > 0 && number <= INT_MAX) {
    if (const char* name = ::strerrorname_np(static_cast<int>(number))) return name;
  }
  return fmt::format("error {}", number);
}

std::string signal_name(std::int64_t number) {
  if (number > 0 && number <= INT_MAX) {
    if (const char* name = ::sigabbrev_np(static_cast<int>(number))) {
      return fmt::format("SIG{}", name);
    }
  }
  return fmt::format("signal {}", number);
}

}  // namespace ieum::cli::trace
