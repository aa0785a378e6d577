// Moving bytes: gathering, writing without SIGPIPE, and what an error number means.
#include "driver/linux/transfer.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <ctime>

namespace ieum::detail {

namespace {

/// Blocks SIGPIPE for this thread while it writes to a pipe, and takes back what came of it.
class WithoutSigpipe {
 public:
  WithoutSigpipe() noexcept {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;
  ~WithoutSigpipe() {
    if (broken_ && !was_pending_) {
      const timespec at_once{};
      while (sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  void broken() noexcept { broken_ = true; }

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
  bool broken_ = false;
};

/// The kernel, or this kind of file, does not know RWF_NOWAIT.
bool lacks_nowait(int number) noexcept { return number == EOPNOTSUPP || number == ENOSYS; }

/// Or errno says that it would block.
bool is_ready_now(int handle, short events) noexcept {
  pollfd descriptor{.fd = handle, .events = events, .revents = 0};
  if (::poll(&descriptor, 1, 0) != 0) return true;  // an error is told by the call itself
  errno = EAGAIN;
  return false;
}

/// What is ready has room for PIPE_BUF bytes: of a file that somebody has made a blocking one, more
/// would wait for a reader.
ssize_t write_ready(int handle, std::span<const iovec> parts) noexcept {
  if ((::fcntl(handle, F_GETFL) & O_NONBLOCK) != 0) {
    return ::writev(handle, parts.data(), static_cast<int>(parts.size()));
  }
  return ::write(handle, parts[0].iov_base, std::min(parts[0].iov_len, std::size_t{PIPE_BUF}));
}

}  // namespace

std::span<const iovec> remaining(const Operation& operation, Parts& parts) noexcept {
  return remaining_pieces(operation, std::span<iovec>(parts),
                          [](std::byte* data, std::size_t size) { return iovec{data, size}; });
}

ssize_t read_file(int handle, std::byte* data, std::size_t size) noexcept {
  const iovec part{data, size};
  ssize_t count = ::preadv2(handle, &part, 1, -1, RWF_NOWAIT);
  if (count >= 0 || !lacks_nowait(errno)) return count;
  count = ::recv(handle, data, size, MSG_DONTWAIT);  // a foreign socket
  if (count >= 0 || errno != ENOTSOCK) return count;
  return is_ready_now(handle, POLLIN) ? ::read(handle, data, size) : -1;
}

ssize_t send_parts(const Operation& operation, bool is_socket) noexcept {
  constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  const int handle = operation.handle;
  Parts pieces;
  const std::span<const iovec> parts = remaining(operation, pieces);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  if (is_socket) return ::sendmsg(handle, &message, flags);
  WithoutSigpipe guard;
  const auto size = static_cast<int>(parts.size());
  ssize_t count = ::pwritev2(handle, parts.data(), size, -1, RWF_NOWAIT);
  if (count < 0 && lacks_nowait(errno)) count = ::sendmsg(handle, &message, flags);
  if (count < 0 && errno == ENOTSOCK) {
    count = is_ready_now(handle, POLLOUT) ? write_ready(handle, parts) : -1;
  }
  if (count < 0 && errno == EPIPE) {
    guard.broken();
    errno = EPIPE;
  }
  return count;
}

bool is_socket(int descriptor) noexcept {
  int type = 0;  // not SO_ERROR: that would take the error away from a read
  socklen_t size = sizeof type;
  return ::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

bool is_tcp(int descriptor) noexcept {
  int protocol = 0;
  socklen_t size = sizeof protocol;
  return ::getsockopt(descriptor, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
         protocol == IPPROTO_TCP;
}

bool would_block(int number) noexcept { return number == EAGAIN || number == EWOULDBLOCK; }

bool is_about_one_client(int number) noexcept {
  switch (number) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EOPNOTSUPP:
    case EPERM: return true;
    default: return false;
  }
}

}  // namespace ieum::detail
