// Moving bytes: gathering, writing without SIGPIPE, and what an error number means.
#include "driver/linux/transfer.hpp"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include <cerrno>
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

}  // namespace

std::span<const iovec> remaining(const Operation& operation, Parts& parts) noexcept {
  return remaining_pieces(operation, std::span<iovec>(parts),
                          [](std::byte* data, std::size_t size) { return iovec{data, size}; });
}

ssize_t send_parts(int handle, std::span<const iovec> parts, bool is_socket) noexcept {
  if (is_socket) {
    if (parts.size() == 1) return ::send(handle, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());
    message.msg_iovlen = parts.size();
    return ::sendmsg(handle, &message, MSG_NOSIGNAL);
  }
  WithoutSigpipe guard;
  const ssize_t count = ::writev(handle, parts.data(), static_cast<int>(parts.size()));
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
    case ENONET: return true;
    default: return false;
  }
}

}  // namespace ieum::detail
