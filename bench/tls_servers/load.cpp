// The generator of the TLS benchmarks, as bench/load is of the others: a closed loop on epoll(7)
// that checks every byte, and reads the server's CPU time at both ends of the measured time.
//
//   echo     a message of BYTES under way on each of N connections; an operation is a message
//   connect  N at a time: connect, shake hands, one message, farewell; an operation is all of that
//   bulk     N connections send as fast as they can; an operation is a MiB
//   idle     N connections, one message each, that stay open until standard input ends
//
// All with TLS 1.3 and one cipher; a session is never resumed.
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <random>
#include <vector>

#include "load/connect.hpp"
#include "load/meter.hpp"
#include "load/options.hpp"

namespace {

using namespace bench;

constexpr std::size_t bytes_max = 65536;
constexpr int stalled_after_ms = 10'000;

struct Connection {
  int fd = -1;
  SSL* ssl = nullptr;
  std::size_t sent = 0;  // of a message
  std::size_t received = 0;
  std::uint32_t events = 0;
};

class Load {
 public:
  explicit Load(const LoadOptions& options)
      : options_(options),
        cpu_(options.server),
        bytes_(static_cast<std::size_t>(options.bytes)),
        message_(bytes_max),
        piece_(bytes_max),
        connections_(static_cast<std::size_t>(options.connections)) {
    std::minstd_rand random(1);
    for (char& byte : message_) byte = static_cast<char>(random() >> 8U);
    SSL_CTX_set_min_proto_version(context_, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(context_, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                   SSL_MODE_RELEASE_BUFFERS);
    if (epoll_ < 0) die("epoll_create1 fails");
  }

  void run() {
    if (options_.mode == "idle") return idle();
    for (Connection& connection : connections_) open(connection);
    is_bulk_ = options_.mode == "bulk";
    reconnects_ = options_.mode == "connect";
    if (!is_bulk_ && !reconnects_ && options_.mode != "echo") {
      die("the mode is echo, connect, bulk or idle");
    }
    measure();
  }

 private:
  void open(Connection& connection) {
    connection = Connection{};
    connection.fd = connect_to_server(options_, opened_++, 0);
    ::fcntl(connection.fd, F_SETFL, O_NONBLOCK);
    connection.ssl = SSL_new(context_);
    SSL_set_fd(connection.ssl, connection.fd);
    SSL_set_connect_state(connection.ssl);
  }

  void watch(Connection& connection, std::uint32_t events) {
    if (connection.events == events) return;
    epoll_event event{};
    event.events = events;
    event.data.ptr = &connection;
    const int what = connection.events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (::epoll_ctl(epoll_, what, connection.fd, &event) < 0) die("epoll_ctl fails");
    connection.events = events;
  }

  void wait_for(Connection& connection, int answer) {
    switch (SSL_get_error(connection.ssl, answer)) {
      case SSL_ERROR_WANT_READ: return watch(connection, EPOLLIN);
      case SSL_ERROR_WANT_WRITE: return watch(connection, EPOLLIN | EPOLLOUT);
      case SSL_ERROR_ZERO_RETURN: die("the server has said farewell");
      default: die("TLS fails");
    }
  }

  /// As far as it goes without waiting.
  void go_on(Connection& connection) {
    ERR_clear_error();
    for (;;) {
      std::size_t count = 0;
      if (is_bulk_ || connection.sent < bytes_) {
        const std::size_t size = is_bulk_ ? bytes_max : bytes_ - connection.sent;
        const int answer = SSL_write_ex(connection.ssl, &message_[connection.sent], size, &count);
        if (answer != 1) return wait_for(connection, answer);
        if (is_bulk_) {
          done_ += static_cast<double>(count) / (1 << 20);
          return watch(connection, EPOLLIN | EPOLLOUT);  // others have their turn
        }
        connection.sent += count;
        continue;
      }
      const int answer = SSL_read_ex(connection.ssl, piece_.data(), piece_.size(), &count);
      if (answer != 1) return wait_for(connection, answer);
      if (connection.received + count > bytes_ ||
          std::memcmp(piece_.data(), &message_[connection.received], count) != 0) {
        die("what came back is not what was sent");
      }
      connection.received += count;
      if (connection.received < bytes_) continue;
      connection.sent = connection.received = 0;
      done_ += 1;
      if (options_.mode == "idle") return;
      if (!reconnects_) continue;
      SSL_shutdown(connection.ssl);
      SSL_free(connection.ssl);
      ::close(connection.fd);
      open(connection);
    }
  }

  void turn() {
    std::array<epoll_event, 1024> events;
    const int count =
        ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), stalled_after_ms);
    if (count == 0) die("the server has stalled for 10 seconds");
    for (int i = 0; i < count; ++i) {
      go_on(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
    }
  }

  void measure() {
    for (Connection& connection : connections_) {
      watch(connection, EPOLLIN);
      go_on(connection);
    }
    const double least = is_bulk_ ? 0 : reconnects_ ? 20 : 10.0 * options_.connections;
    std::int64_t now = nanoseconds(CLOCK_MONOTONIC);
    const std::int64_t warm = now + static_cast<std::int64_t>(options_.warmup * 1e9);
    while (now < warm || done_ < least) {
      turn();
      now = nanoseconds(CLOCK_MONOTONIC);
    }
    const std::int64_t began = now;
    const std::int64_t end = now + static_cast<std::int64_t>(options_.seconds * 1e9);
    const double before = done_;
    const std::int64_t own = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    const std::int64_t cpu = cpu_.read();
    while (now < end || done_ - before < least) {
      turn();
      now = nanoseconds(CLOCK_MONOTONIC);
    }
    std::printf(
        "{\"operations\": %.3f, \"seconds\": %.6f, \"server_cpu_ns\": %lld, "
        "\"generator_cpu_ns\": %lld}\n",
        done_ - before, static_cast<double>(now - began) / 1e9,
        static_cast<long long>(cpu_.read() - cpu),
        static_cast<long long>(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - own));
  }

  void idle() {
    for (Connection& connection : connections_) {
      const double before = done_;
      open(connection);  // one after the other: a handshake has a deadline
      watch(connection, EPOLLIN);
      go_on(connection);
      while (done_ == before) turn();
    }
    std::puts("{\"ready\": true}");
    std::fflush(stdout);
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) {
    }
  }

  const LoadOptions options_;
  CpuMeter cpu_;
  std::size_t bytes_;
  std::vector<char> message_;
  std::vector<char> piece_;
  std::vector<Connection> connections_;
  SSL_CTX* const context_ = SSL_CTX_new(TLS_client_method());
  std::size_t opened_ = 0;
  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  bool is_bulk_ = false;
  bool reconnects_ = false;
  double done_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::signal(SIGPIPE, SIG_IGN);
  Load load(parse_load(argc, argv));
  load.run();
}
