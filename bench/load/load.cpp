// The generator of the benchmarks: a closed loop on epoll(7) that keeps a server busy, checks every
// byte that comes back, and reads the server's CPU time at both ends of the measured time. It
// prints one line of JSON: what was done in that time, and what it cost the server.
//
//   echo     DEPTH messages of BYTES under way on each of N connections; an operation is a message
//   connect  N at a time: connect, send BYTES, read them back, close; an operation is all of that
//   bulk     N connections send as fast as they can; an operation is a MiB
//   idle     N connections, one message each, that stay open until standard input ends
//   abort    N connections, each reset in the middle of its message; says nothing
//   http     DEPTH requests for PATH under way on each of N connections; an operation is a response
//            with BYTES, which are those of http_programs/pattern.hpp
//   http-idle  N connections, one such request each, that stay open until standard input ends
//
// Each connection sends from its own place in a table that repeats with a prime period, so that
// bytes of another connection, or of another place, do not pass for its own.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "http_programs/pattern.hpp"
#include "load/connect.hpp"
#include "load/meter.hpp"
#include "load/options.hpp"

namespace {

using namespace bench;

constexpr std::size_t period = 32749;  // a prime
constexpr std::size_t piece_max = 65536;
constexpr int stalled_after_ms = 10'000;

struct Connection {
  int fd = -1;
  std::size_t phase = 0;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint32_t events = 0;
  // Of HTTP:
  std::string head;
  std::uint64_t left = 0;  // of a body
};

class Load {
 public:
  explicit Load(const LoadOptions& options)
      : options_(options), cpu_(options.server), table_(period + piece_max), piece_(piece_max) {
    std::minstd_rand random(1);
    for (std::size_t i = 0; i < table_.size(); ++i) {
      table_[i] = i < period ? static_cast<char>(random() >> 8U) : table_[i - period];
    }
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) die_of("epoll_create1");
    connections_.resize(static_cast<std::size_t>(options.connections));
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      connections_[i].phase = i * 7919 % period;
    }
  }

  void run() {
    if (options_.mode == "echo") return echo();
    if (options_.mode == "connect") return connect_echo_close();
    if (options_.mode == "bulk") return bulk();
    if (options_.mode == "idle") return idle();
    if (options_.mode == "abort") return abort();
    if (options_.mode == "http") return http();
    if (options_.mode == "http-idle") return http_idle();
    die("there is no such mode");
  }

 private:
  // ---- Sockets ----------------------------------------------------------------------------------

  /// A socket that connects to the server; `flags` as in socket(2).
  void open(Connection& connection, int flags) {
    connection.fd = connect_to_server(options_, opened_++, flags);
    connection.sent = connection.received = 0;
    connection.events = 0;
  }

  /// All connections, one after the other so that no backlog overflows.
  void open_all() {
    for (Connection& connection : connections_) {
      open(connection, 0);
      ::fcntl(connection.fd, F_SETFL, O_NONBLOCK);
    }
  }

  void watch(Connection& connection, std::uint32_t events) {
    if (connection.events == events) return;
    epoll_event event{};
    event.events = events;
    event.data.ptr = &connection;
    const int what = connection.events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (::epoll_ctl(epoll_, what, connection.fd, &event) < 0) die_of("epoll_ctl");
    connection.events = events;
  }

  const char* bytes_at(const Connection& connection, std::uint64_t position) const {
    return &table_[(connection.phase + position) % period];
  }

  /// Sends until `until` bytes have gone since the connection was made, or it takes no more.
  void send_until(Connection& connection, std::uint64_t until) {
    while (connection.sent < until) {
      const auto size = std::min<std::uint64_t>(until - connection.sent, piece_max);
      const ssize_t count =
          ::send(connection.fd, bytes_at(connection, connection.sent), size, MSG_NOSIGNAL);
      if (count < 0) {
        if (errno != EAGAIN) die_of("send");
        return watch(connection, EPOLLIN | EPOLLOUT);
      }
      connection.sent += static_cast<std::uint64_t>(count);
    }
    watch(connection, EPOLLIN);
  }

  void receive(Connection& connection) {
    const ssize_t count = ::recv(connection.fd, piece_.data(), piece_.size(), 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) die_of("receive");
    if (count == 0) die("the server has closed a connection");
    const auto size = static_cast<std::size_t>(count);
    if (connection.received + size > connection.sent ||
        std::memcmp(piece_.data(), bytes_at(connection, connection.received), size) != 0) {
      die("what came back is not what was sent");
    }
    connection.received += size;
  }

  // ---- Measuring --------------------------------------------------------------------------------

  /// Calls `on_event(connection, events)` until the measured time is over. `moved()` says how many
  /// operations were done so far.
  template <class OnEvent, class Moved>
  void loop(OnEvent on_event, Moved moved) {
    std::array<epoll_event, 1024> events;
    const std::int64_t began = nanoseconds(CLOCK_MONOTONIC);
    const std::int64_t warm =
        began + (options_.operations > 0 ? 0 : static_cast<std::int64_t>(options_.warmup * 1e9));
    std::int64_t end = warm + static_cast<std::int64_t>(options_.seconds * 1e9);
    bool measuring = false;
    double before = 0;
    for (;;) {
      const std::int64_t now = nanoseconds(CLOCK_MONOTONIC);
      const double done = moved();
      if (!measuring && now >= warm) {
        measuring = true;
        end += now - warm;
        before = done;
        begin(now);
      }
      if (measuring &&
          (options_.operations > 0 ? done - before >= static_cast<double>(options_.operations)
                                   : now >= end && done - before >= least_)) {
        return report(now, done - before);
      }
      const int count =
          ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), stalled_after_ms);
      if (count == 0) die("the server has stalled for 10 seconds");
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        on_event(*static_cast<Connection*>(event.data.ptr), event.events);
      }
    }
  }

  void begin(std::int64_t now) {
    if (options_.count_calls) {
      calls_.emplace(options_.server, "raw_syscalls/sys_enter");
      entries_.emplace(options_.server, "io_uring/io_uring_submit_req");
      polls_.emplace(options_.server, "io_uring/io_uring_poll_arm");
    }
    began_ = now;
    own_before_ = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    cpu_before_ = cpu_.read();
  }

  void report(std::int64_t now, double operations) {
    const std::int64_t cpu = cpu_.read() - cpu_before_;
    const std::int64_t own = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - own_before_;
    std::printf(
        "{\"operations\": %.3f, \"seconds\": %.6f, \"server_cpu_ns\": %lld, "
        "\"generator_cpu_ns\": %lld",
        operations, static_cast<double>(now - began_) / 1e9, static_cast<long long>(cpu),
        static_cast<long long>(own));
    report_count("system_calls", calls_);
    report_count("ring_entries", entries_);
    report_count("poll_arms", polls_);
    std::puts("}");
  }

  static void report_count(const char* name, const std::optional<TracepointMeter>& meter) {
    if (!meter) return;
    if (meter->problem().empty()) {
      std::printf(", \"%s\": %lld", name, static_cast<long long>(meter->read()));
    } else {
      std::printf(", \"no_%s\": \"%s\"", name, meter->problem().c_str());
    }
  }

  // ---- The modes --------------------------------------------------------------------------------

  void echo() {
    const auto bytes = static_cast<std::uint64_t>(options_.bytes);
    const auto depth = static_cast<std::uint64_t>(options_.depth);
    std::uint64_t done = 0;
    // What is under way at both ends of the measured time is an error: keep it small.
    least_ = 30.0 * options_.connections * options_.depth;
    open_all();
    for (Connection& connection : connections_) send_until(connection, depth * bytes);
    loop(
        [&](Connection& connection, std::uint32_t events) {
          if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) {
            const std::uint64_t before = connection.received / bytes;
            receive(connection);
            done += connection.received / bytes - before;
          }
          send_until(connection, (connection.received / bytes + depth) * bytes);
        },
        [&] { return static_cast<double>(done); });
  }

  void connect_echo_close() {
    const auto bytes = static_cast<std::uint64_t>(options_.bytes);
    std::uint64_t done = 0;
    const auto connect = [this](Connection& connection) {
      open(connection, SOCK_NONBLOCK);
      watch(connection, EPOLLOUT);
    };
    for (Connection& connection : connections_) connect(connection);
    loop(
        [&](Connection& connection, std::uint32_t /*events*/) {
          if (connection.sent < bytes) {
            send_until(connection, bytes);  // tells a connect that failed, too
            return;
          }
          receive(connection);
          if (connection.received < bytes) return;
          ::close(connection.fd);
          ++done;
          connect(connection);
        },
        [&] { return static_cast<double>(done); });
  }

  void bulk() {
    open_all();
    for (Connection& connection : connections_) watch(connection, EPOLLOUT);
    loop(
        [&](Connection& connection, std::uint32_t events) {
          if ((events & (EPOLLERR | EPOLLHUP)) != 0) die("the server has closed a connection");
          const ssize_t count =
              ::send(connection.fd, bytes_at(connection, connection.sent), piece_max, MSG_NOSIGNAL);
          if (count < 0 && errno != EAGAIN) die_of("send");
          if (count > 0) connection.sent += static_cast<std::uint64_t>(count);
        },
        [&] {
          std::uint64_t total = 0;
          for (const Connection& connection : connections_) total += connection.sent;
          return static_cast<double>(total) / (1 << 20);
        });
  }

  void exchange_one(Connection& connection) {
    const auto bytes = static_cast<std::uint64_t>(options_.bytes);
    send_until(connection, bytes);
    while (connection.received < bytes) receive(connection);
  }

  void idle() {
    for (Connection& connection : connections_) {
      open(connection, 0);
      exchange_one(connection);
    }
    wait_for_end();
  }

  /// Says that all is ready, and waits until standard input ends.
  static void wait_for_end() {
    std::puts("{\"ready\": true}");
    std::fflush(stdout);
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) {
    }
  }

  void abort() {
    for (Connection& connection : connections_) {
      open(connection, 0);
      send_until(connection, static_cast<std::uint64_t>(options_.bytes));
      const linger at_once{.l_onoff = 1, .l_linger = 0};
      ::setsockopt(connection.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      ::close(connection.fd);
    }
  }

  // ---- HTTP -------------------------------------------------------------------------------------

  void prepare_http() {
    const std::string request =
        std::string("GET ") + options_.path +
        " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n";
    for (int i = 0; i < options_.depth; ++i) requests_ += request;
    body_ = body_of(static_cast<std::size_t>(options_.bytes));
    piece_.resize(std::max(piece_.size(), body_.size() + 65536));
  }

  /// Sends `count` requests, at most DEPTH.
  void ask(Connection& connection, std::uint64_t count) {
    const std::size_t size = requests_.size() / static_cast<std::size_t>(options_.depth) *
                             static_cast<std::size_t>(count);
    // A few hundred bytes always find room.
    if (::send(connection.fd, requests_.data(), size, MSG_NOSIGNAL) != static_cast<ssize_t>(size)) {
      die_of("send");
    }
    watch(connection, EPOLLIN);
  }

  void take_head(Connection& connection) {
    constexpr std::string_view name = "\r\ncontent-length: ";
    std::string& head = connection.head;
    for (char& c : head) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    }
    const std::size_t at = head.find(name);
    if (!head.starts_with("http/1.1 200 ") || at == head.npos) die("this is no response");
    connection.left = std::strtoull(head.c_str() + at + name.size(), nullptr, 10);
    if (connection.left != body_.size()) die("the response has another length");
    head.clear();
  }

  /// Gives how many responses have ended.
  std::uint64_t receive_http(Connection& connection) {
    const ssize_t count = ::recv(connection.fd, piece_.data(), piece_.size(), 0);
    if (count < 0 && errno == EAGAIN) return 0;
    if (count < 0) die_of("receive");
    if (count == 0) die("the server has closed a connection");
    std::string_view come(piece_.data(), static_cast<std::size_t>(count));
    std::uint64_t ended = 0;
    while (!come.empty()) {
      if (connection.left == 0) {
        const std::size_t before = connection.head.size();
        connection.head += come.substr(0, 1024);
        const std::size_t end = connection.head.find("\r\n\r\n");
        if (end == std::string::npos) {
          if (connection.head.size() > 1024) die("this is no head");
          come.remove_prefix(connection.head.size() - before);
          continue;
        }
        connection.head.resize(end + 4);
        come.remove_prefix(end + 4 - before);
        take_head(connection);
      }
      const std::size_t size = std::min<std::uint64_t>(connection.left, come.size());
      if (std::memcmp(come.data(), body_.data() + (body_.size() - connection.left), size) != 0) {
        die("a body is not what it is to be");
      }
      come.remove_prefix(size);
      connection.left -= size;
      if (connection.left == 0) ++ended;
    }
    return ended;
  }

  void http() {
    std::uint64_t done = 0;
    least_ = 30.0 * options_.connections * options_.depth;
    prepare_http();
    open_all();
    for (Connection& connection : connections_) {
      ask(connection, static_cast<std::uint64_t>(options_.depth));
    }
    loop(
        [&](Connection& connection, std::uint32_t /*events*/) {
          const std::uint64_t ended = receive_http(connection);
          done += ended;
          if (ended > 0) ask(connection, ended);
        },
        [&] { return static_cast<double>(done); });
  }

  void http_idle() {
    prepare_http();
    for (Connection& connection : connections_) {
      open(connection, 0);
      ask(connection, 1);
      while (receive_http(connection) == 0) {
      }
    }
    wait_for_end();
  }

  const LoadOptions options_;
  CpuMeter cpu_;
  std::optional<TracepointMeter> calls_;
  std::optional<TracepointMeter> entries_;
  std::optional<TracepointMeter> polls_;
  std::vector<char> table_;
  std::vector<char> piece_;
  std::string requests_;  // DEPTH of them
  std::string body_;
  std::vector<Connection> connections_;
  std::size_t opened_ = 0;
  int epoll_ = -1;
  double least_ = 0;  // operations to measure, however long it takes
  std::int64_t began_ = 0;
  std::int64_t own_before_ = 0;
  std::int64_t cpu_before_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  Load load(parse_load(argc, argv));
  load.run();
}
