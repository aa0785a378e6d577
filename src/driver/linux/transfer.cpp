// Moving bytes: gathering, writing without SIGPIPE, and what an error number means.
#include "driver/linux/transfer.hpp"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace ieum {

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

const char* name_of(Operation::Kind kind) noexcept {
  switch (kind) {
    case Operation::Kind::receive: return "a read";
    case Operation::Kind::send: return "a write";
    case Operation::Kind::accept: return "an accept";
    case Operation::Kind::connect: return "a connect";
    case Operation::Kind::receive_datagrams: return "a receive";
    case Operation::Kind::send_datagrams: return "a send";
    case Operation::Kind::wait_readable: return "a wait until readable";
    case Operation::Kind::wait_writable: return "a wait until writable";
    case Operation::Kind::none:
    case Operation::Kind::close: break;
  }
  return "an operation";
}

}  // namespace

std::span<const iovec> remaining(const Operation& operation, Parts& parts) noexcept {
  if (operation.parts == nullptr) {
    parts[0] = {operation.data + operation.moved, operation.size - operation.moved};
    return std::span(parts).first(1);
  }
  std::size_t skip = operation.moved;
  std::size_t count = 0;
  for (std::size_t i = 0; i < operation.size && count < parts.size(); ++i) {
    const ConstBuffer part = operation.parts[i];
    if (skip >= part.size()) {
      skip -= part.size();
      continue;
    }
    parts[count++] = {const_cast<std::byte*>(part.data()) + skip, part.size() - skip};
    skip = 0;
  }
  return std::span(parts).first(count);
}

std::size_t total_bytes(const Operation& operation) noexcept {
  if (operation.parts == nullptr) return operation.size;
  std::size_t total = 0;
  for (std::size_t i = 0; i < operation.size; ++i) total += operation.parts[i].size();
  return total;
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

bool breaks_connection(int number) noexcept {
  switch (number) {
    case ECONNRESET:
    case ECONNABORTED:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH: return true;
    default: return false;
  }
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

void refuse_second(const Operation& pending, const Operation& second) noexcept {
  std::fprintf(stderr,
               "ieum: %s was begun on descriptor %d while %s is pending on it: at most one "
               "operation a direction a socket; await the first one before\n",
               name_of(second.kind), second.handle, name_of(pending.kind));
  std::abort();
}

}  // namespace ieum
