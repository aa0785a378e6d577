// The benchmark's server by hand, on epoll(7): level-triggered, recv(2) and send(2) at once, one
// buffer for all connections. What a send leaves over is kept until the socket takes it; meanwhile
// that connection is not read.
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "servers/server.hpp"

namespace {

struct Connection {
  int fd;
  std::uint32_t rest_size;
  char* rest;  // what was not sent yet; null: nothing
  std::uint32_t rest_begin;
};

std::array<char, bench::buffer_bytes> buffer;
int epoll_fd;
bool echoes;

void watch(Connection* connection, int what, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = connection;
  if (::epoll_ctl(epoll_fd, what, connection->fd, &event) < 0) bench::die("epoll_ctl", errno);
}

void end(Connection* connection) {
  ::close(connection->fd);
  std::free(connection->rest);
  std::free(connection);
}

bool failed_for_good() { return errno != EAGAIN && errno != EINTR; }

void accept_all(int listener) {
  for (;;) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == ECONNABORTED || errno == EINTR) continue;
      if (errno != EAGAIN) bench::die("accept", errno);
      return;
    }
    auto* connection = static_cast<Connection*>(std::calloc(1, sizeof(Connection)));
    if (connection == nullptr) bench::die("calloc", ENOMEM);
    connection->fd = fd;
    watch(connection, EPOLL_CTL_ADD, EPOLLIN);
  }
}

void read_from(Connection* connection) {
  const ssize_t count = ::recv(connection->fd, buffer.data(), buffer.size(), 0);
  if (count == 0 || (count < 0 && failed_for_good())) return end(connection);
  if (count < 0 || !echoes) return;
  ssize_t sent =
      ::send(connection->fd, buffer.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL);
  if (sent == count) return;
  if (sent < 0) {
    if (failed_for_good()) return end(connection);
    sent = 0;
  }
  connection->rest_begin = 0;
  connection->rest_size = static_cast<std::uint32_t>(count - sent);
  connection->rest = static_cast<char*>(std::malloc(connection->rest_size));
  if (connection->rest == nullptr) bench::die("malloc", ENOMEM);
  std::memcpy(connection->rest, buffer.data() + sent, connection->rest_size);
  watch(connection, EPOLL_CTL_MOD, EPOLLOUT);
}

void write_rest(Connection* connection) {
  const ssize_t sent = ::send(connection->fd, connection->rest + connection->rest_begin,
                              connection->rest_size - connection->rest_begin, MSG_NOSIGNAL);
  if (sent < 0) {
    if (failed_for_good()) end(connection);
    return;
  }
  connection->rest_begin += static_cast<std::uint32_t>(sent);
  if (connection->rest_begin < connection->rest_size) return;
  std::free(connection->rest);
  connection->rest = nullptr;
  watch(connection, EPOLL_CTL_MOD, EPOLLIN);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::parse(argc, argv);
  echoes = options.echo;
  epoll_fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) bench::die("epoll_create1", errno);
  Connection listener{};
  listener.fd = bench::listen(options, SOCK_NONBLOCK);
  watch(&listener, EPOLL_CTL_ADD, EPOLLIN);
  std::array<epoll_event, 1024> events;
  for (;;) {
    const int count = ::epoll_wait(epoll_fd, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      auto* connection = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (connection == &listener) {
        accept_all(listener.fd);
      } else if (connection->rest != nullptr) {
        write_rest(connection);
      } else {
        read_from(connection);
      }
    }
  }
}
