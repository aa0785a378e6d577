// The TLS benchmark's server by hand: OpenSSL on descriptors, on epoll(7), level-triggered, one
// buffer for all connections. What a write leaves over is kept until the socket takes it; meanwhile
// that connection is not read.
#include <openssl/err.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>

#include "tls_servers/tls_server.hpp"

namespace {

struct Connection {
  int fd = -1;
  SSL* ssl = nullptr;
  std::uint32_t events = EPOLLIN;
  std::string rest{};  // what was not written yet
};

std::array<char, bench::buffer_bytes> buffer;
int epoll_fd;
bool echoes;

void control(Connection* connection, int what, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = connection;
  connection->events = events;
  if (::epoll_ctl(epoll_fd, what, connection->fd, &event) < 0) bench::die("epoll_ctl", errno);
}

void watch(Connection* connection, std::uint32_t events) {
  if (connection->events != events) control(connection, EPOLL_CTL_MOD, events);
}

void accept_all(int listener, SSL_CTX* context) {
  for (;;) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == ECONNABORTED || errno == EINTR) continue;
      if (errno != EAGAIN) bench::die("accept", errno);
      return;
    }
    auto* const connection = new Connection;
    connection->fd = fd;
    connection->ssl = SSL_new(context);
    if (connection->ssl == nullptr || SSL_set_fd(connection->ssl, fd) != 1) {
      bench::die("SSL_new", ENOMEM);
    }
    SSL_set_accept_state(connection->ssl);
    control(connection, EPOLL_CTL_ADD, EPOLLIN);
  }
}

void end(Connection* connection) {
  SSL_free(connection->ssl);
  ::close(connection->fd);
  delete connection;
}

/// False: the connection is at its end.
bool waits(Connection* connection, int answer) {
  const int why = SSL_get_error(connection->ssl, answer);
  if (why == SSL_ERROR_WANT_READ) {
    watch(connection, EPOLLIN);
    return true;
  }
  if (why == SSL_ERROR_WANT_WRITE) {
    watch(connection, EPOLLOUT);
    return true;
  }
  if (why == SSL_ERROR_ZERO_RETURN) SSL_shutdown(connection->ssl);
  return false;
}

/// False: as above, or it waits, for which `rest` is there.
bool write(Connection* connection, const char* data, std::size_t size, bool& is_open) {
  while (size > 0) {
    std::size_t count = 0;
    const int answer = SSL_write_ex(connection->ssl, data, size, &count);
    if (answer != 1) {
      is_open = waits(connection, answer);
      connection->rest = std::string(data, size);
      return false;
    }
    data += count;
    size -= count;
  }
  connection->rest.clear();
  watch(connection, EPOLLIN);
  return true;
}

void serve(Connection* connection) {
  ERR_clear_error();
  bool is_open = true;
  if (!connection->rest.empty()) {
    const std::string rest = std::move(connection->rest);
    if (!write(connection, rest.data(), rest.size(), is_open)) {
      if (!is_open) end(connection);
      return;
    }
  }
  do {
    std::size_t count = 0;
    const int answer = SSL_read_ex(connection->ssl, buffer.data(), buffer.size(), &count);
    if (answer != 1) {
      if (!waits(connection, answer)) end(connection);
      return;
    }
    if (echoes && !write(connection, buffer.data(), count, is_open)) {
      if (!is_open) end(connection);
      return;
    }
  } while (SSL_has_pending(connection->ssl) == 1);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::parse(argc, argv);
  echoes = options.echo;
  ::signal(SIGPIPE, SIG_IGN);
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  bench::configure_tls(context);
  epoll_fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) bench::die("epoll_create1", errno);
  Connection listener;
  listener.fd = bench::listen(options, SOCK_NONBLOCK);
  control(&listener, EPOLL_CTL_ADD, EPOLLIN);
  std::array<epoll_event, 1024> events;
  for (;;) {
    const int count = ::epoll_wait(epoll_fd, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      auto* const connection =
          static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (connection == &listener) {
        accept_all(listener.fd, context);
      } else {
        serve(connection);
      }
    }
  }
}
