// The generator of the WebSocket benchmark, as bench/load is of the others: a closed loop on
// epoll(7) that checks every frame that comes back, and reads the server's CPU time at both ends of
// the measured time.
//
//   echo     DEPTH binary messages of BYTES under way on each of N connections; an operation is one
//   fanout   one of N connections sends a message of BYTES, and the next one once all N have it; an
//            operation is a message that has arrived
//   idle     N connections, one message each, that stay open until standard input ends
//   deflate  the same with permessage-deflate, and a message that is compressed both ways
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "load/connect.hpp"
#include "load/meter.hpp"
#include "load/options.hpp"

namespace {

using namespace bench;

constexpr int stalled_after_ms = 10'000;

struct Connection {
  int fd = -1;
  std::uint64_t sent = 0;  // bytes, since the handshake
  std::uint64_t received = 0;
  std::uint32_t events = 0;
};

std::string frame(std::string_view payload, unsigned first, bool masked) {
  std::string text(1, static_cast<char>(first));
  const unsigned mask = masked ? 0x80 : 0;
  const std::size_t size = payload.size();
  const int count = size < 126 ? 0 : size < 65536 ? 2 : 8;
  text += static_cast<char>((count == 0 ? size : count == 2 ? 126U : 127U) | mask);
  for (int i = count - 1; i >= 0; --i)
    text += static_cast<char>(size >> (8U * static_cast<unsigned>(i)));
  if (!masked) return text.append(payload);
  const std::string key = "\x11\x9f\x03\xe7";
  text += key;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(payload[i] ^ key[i % 4]);
  return text;
}

std::string compressed(std::string_view message) {
  z_stream z{};
  if (deflateInit2(&z, 6, Z_DEFLATED, -12, 5, Z_DEFAULT_STRATEGY) != Z_OK) die("zlib fails");
  std::string text(message.size() + 100, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(message.data()));
  z.avail_in = static_cast<uInt>(message.size());
  z.next_out = reinterpret_cast<Bytef*>(text.data());
  z.avail_out = static_cast<uInt>(text.size());
  ::deflate(&z, Z_SYNC_FLUSH);
  text.resize(text.size() - z.avail_out - 4);
  deflateEnd(&z);
  return text;
}

class Load {
 public:
  explicit Load(const LoadOptions& options)
      : options_(options),
        cpu_(options.server),
        piece_(std::size_t{1} << 18U),
        connections_(static_cast<std::size_t>(options.connections)) {
    std::minstd_rand random(1);
    std::string message(static_cast<std::size_t>(options.bytes), '\0');
    for (char& byte : message) byte = static_cast<char>(random() >> 8U);
    const std::string one = frame(message, 0x82, true);
    const std::string answer = frame(message, 0x82, false);
    for (int i = 0; i < options.depth; ++i) to_send_ += one;
    answer_bytes_ = answer.size();
    frame_bytes_ = one.size();
    // Answers one after another, so that a piece of any place can be compared at once.
    while (answers_.size() < answer.size() + piece_.size()) answers_ += answer;
    if (epoll_ < 0) die("epoll_create1 fails");
  }

  void run() {
    if (options_.mode == "idle" || options_.mode == "deflate") return idle();
    is_fanout_ = options_.mode == "fanout";
    if (!is_fanout_ && options_.mode != "echo") die("the mode is echo, fanout, idle or deflate");
    for (Connection& connection : connections_) {
      open(connection);
      ::fcntl(connection.fd, F_SETFL, O_NONBLOCK);
    }
    measure();
  }

 private:
  void open(Connection& connection) {
    connection = Connection{};
    connection.fd = connect_to_server(options_, opened_++, 0);
    std::string request =
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    if (options_.mode == "deflate") {
      request += "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    }
    send(connection, request + "\r\n");
    std::string answer;
    while (!answer.ends_with("\r\n\r\n")) {
      const ssize_t count = ::recv(connection.fd, piece_.data(), 1, 0);
      if (count <= 0) die("the server answers no handshake");
      answer += piece_[0];
    }
    if (!answer.starts_with("HTTP/1.1 101") ||
        answer.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == std::string::npos) {
      die("the server refuses the handshake");
    }
    if (options_.mode == "deflate" && answer.find("permessage-deflate") == std::string::npos) {
      die("the server does not compress");
    }
  }

  static void send(const Connection& connection, std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = ::send(connection.fd, text.data(), text.size(), MSG_NOSIGNAL);
      if (count < 0) die("the server has closed a connection");
      text.remove_prefix(static_cast<std::size_t>(count));
    }
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

  /// Sends until `messages` have gone since the handshake, or it takes no more.
  void send_until(Connection& connection, std::uint64_t messages) {
    const std::uint64_t until = messages * frame_bytes_;
    while (connection.sent < until) {
      const std::size_t at = connection.sent % frame_bytes_;
      const auto size = std::min<std::uint64_t>(until - connection.sent, to_send_.size() - at);
      const ssize_t count = ::send(connection.fd, &to_send_[at], size, MSG_NOSIGNAL);
      if (count < 0) {
        if (errno != EAGAIN) die("the server has closed a connection");
        return watch(connection, EPOLLIN | EPOLLOUT);
      }
      connection.sent += static_cast<std::uint64_t>(count);
    }
    watch(connection, EPOLLIN);
  }

  /// Gives how many messages it has completed.
  std::uint64_t receive(Connection& connection) {
    const ssize_t count = ::recv(connection.fd, piece_.data(), piece_.size(), 0);
    if (count < 0 && errno == EAGAIN) return 0;
    if (count <= 0) die("the server has closed a connection");
    const auto size = static_cast<std::size_t>(count);
    if (std::memcmp(piece_.data(), &answers_[connection.received % answer_bytes_], size) != 0) {
      die("what came back is not what was sent");
    }
    const std::uint64_t before = connection.received / answer_bytes_;
    connection.received += size;
    return connection.received / answer_bytes_ - before;
  }

  void on_event(Connection& connection, std::uint32_t events) {
    if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) done_ += receive(connection);
    if (is_fanout_) {
      const auto members = static_cast<std::uint64_t>(options_.connections);
      send_until(connections_[0], done_ / members + 1);
    } else {
      send_until(connection,
                 connection.received / answer_bytes_ + static_cast<std::uint64_t>(options_.depth));
    }
  }

  void turn() {
    std::array<epoll_event, 1024> events;
    const int count =
        ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), stalled_after_ms);
    if (count == 0) die("the server has stalled for 10 seconds");
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      on_event(*static_cast<Connection*>(event.data.ptr), event.events);
    }
  }

  void measure() {
    for (Connection& connection : connections_) watch(connection, EPOLLIN);
    if (is_fanout_) {
      send_until(connections_[0], 1);
    } else {
      for (Connection& connection : connections_) {
        send_until(connection, static_cast<std::uint64_t>(options_.depth));
      }
    }
    // What is under way at both ends of the measured time is an error: keep it small.
    const std::uint64_t least =
        is_fanout_ ? 30U * static_cast<std::uint64_t>(options_.connections)
                   : 30U * static_cast<std::uint64_t>(options_.connections * options_.depth);
    std::int64_t now = nanoseconds(CLOCK_MONOTONIC);
    const std::int64_t warm = now + static_cast<std::int64_t>(options_.warmup * 1e9);
    while (options_.operations == 0 && (now < warm || done_ < least / 10)) {
      turn();
      now = nanoseconds(CLOCK_MONOTONIC);
    }
    const std::int64_t began = now;
    const std::int64_t end = now + static_cast<std::int64_t>(options_.seconds * 1e9);
    const std::uint64_t before = done_;
    const std::int64_t own = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    const std::int64_t cpu = cpu_.read();
    while (options_.operations > 0
               ? done_ - before < static_cast<std::uint64_t>(options_.operations)
               : now < end || done_ - before < least) {
      turn();
      now = nanoseconds(CLOCK_MONOTONIC);
    }
    std::printf(
        "{\"operations\": %llu, \"seconds\": %.6f, \"server_cpu_ns\": %lld, "
        "\"generator_cpu_ns\": %lld}\n",
        static_cast<unsigned long long>(done_ - before), static_cast<double>(now - began) / 1e9,
        static_cast<long long>(cpu_.read() - cpu),
        static_cast<long long>(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - own));
  }

  /// The payload of one frame of the server's, whatever it is.
  void take_any(const Connection& connection) {
    const auto exactly = [&](std::size_t size) {
      for (std::size_t have = 0; have < size;) {
        const ssize_t count = ::recv(connection.fd, piece_.data() + have, size - have, 0);
        if (count <= 0) die("the server has closed a connection");
        have += static_cast<std::size_t>(count);
      }
    };
    exactly(2);
    std::size_t size = static_cast<unsigned char>(piece_[1]);
    if (size == 126) {
      exactly(2);
      size = static_cast<unsigned char>(piece_[0]) * 256U + static_cast<unsigned char>(piece_[1]);
    }
    exactly(size);
  }

  void idle() {
    std::string text;
    while (text.size() < 4000) text += "the quick brown fox " + std::to_string(text.size());
    const std::string message =
        options_.mode == "deflate" ? frame(compressed(text), 0xc2, true) : to_send_;
    for (Connection& connection : connections_) {
      open(connection);
      send(connection, message);
      take_any(connection);
    }
    std::puts("{\"ready\": true}");
    std::fflush(stdout);
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) {
    }
  }

  const LoadOptions options_;
  CpuMeter cpu_;
  std::string to_send_;
  std::string answers_;
  std::size_t frame_bytes_ = 0;
  std::size_t answer_bytes_ = 0;
  std::vector<char> piece_;
  std::vector<Connection> connections_;
  std::size_t opened_ = 0;
  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  bool is_fanout_ = false;
  std::uint64_t done_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  Load load(parse_load(argc, argv));
  load.run();
}
