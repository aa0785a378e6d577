// The generator of the datagram benchmarks. It prints one line of JSON: how many datagrams the
// server dealt with in the measured time, what that cost it, what was lost and where.
//
//   load echo|sink --port P --server PID [--sockets N] [--depth N] [--bytes N] [--rate N]
//        [--segments] [--seconds S]
//
//   echo  DEPTH datagrams of each of N sockets under way; the next go when all are back
//   sink  RATE datagrams a second in bursts of 32
//   --segments  those of a burst go as one message (UDP_SEGMENT)
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include "load/meter.hpp"

namespace {

using bench::nanoseconds;

constexpr int burst = 32;
constexpr std::int64_t second = 1'000'000'000;

[[noreturn]] void die_of(const char* what) {
  std::fprintf(stderr, "load: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

struct Options {
  bool echo = true;
  int port = 0;
  int server = 0;
  int sockets = 1;
  int depth = 1;
  int bytes = 64;
  double rate = 50'000;
  bool segments = false;
  double seconds = 0.3;
};

Options parse(int argc, char** argv) {
  const auto refuse = [] {
    std::fputs(
        "usage: load echo|sink --port P --server PID [--sockets N] [--depth N] [--bytes N] "
        "[--rate N] [--segments] [--seconds S]\n",
        stderr);
    std::exit(2);
  };
  Options options;
  if (argc < 2) refuse();
  options.echo = std::string_view(argv[1]) == "echo";
  for (int i = 2; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--segments") {
      options.segments = true;
      continue;
    }
    if (++i == argc) refuse();
    if (name == "--port")
      options.port = std::atoi(argv[i]);
    else if (name == "--server")
      options.server = std::atoi(argv[i]);
    else if (name == "--sockets")
      options.sockets = std::atoi(argv[i]);
    else if (name == "--depth")
      options.depth = std::atoi(argv[i]);
    else if (name == "--bytes")
      options.bytes = std::atoi(argv[i]);
    else if (name == "--rate")
      options.rate = std::atof(argv[i]);
    else if (name == "--seconds")
      options.seconds = std::atof(argv[i]);
    else
      refuse();
  }
  if (options.port <= 0 || options.server <= 0 || options.bytes < 2 || options.depth < 1 ||
      options.depth * options.bytes > 60'000 || burst * options.bytes > 60'000) {
    refuse();
  }
  return options;
}

int open_socket(int port) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) die_of("socket");
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof to) < 0) die_of("connect");
  return socket;
}

/// Sends `count` datagrams.
class Sender {
 public:
  explicit Sender(const Options& options)
      : options_(options), data_(60'000, 'x'), messages_(60'000), parts_(60'000) {}

  void send(int socket, int count) {
    if (options_.segments && count > 1) return send_segments(socket, count);
    for (int i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(i);
      parts_[at] = {data_.data(), static_cast<std::size_t>(options_.bytes)};
      messages_[at] = {};
      messages_[at].msg_hdr.msg_iov = &parts_[at];
      messages_[at].msg_hdr.msg_iovlen = 1;
    }
    if (::sendmmsg(socket, messages_.data(), static_cast<unsigned>(count), 0) < 0) die_of("send");
  }

 private:
  void send_segments(int socket, int count) {
    iovec part{data_.data(),
               static_cast<std::size_t>(options_.bytes) * static_cast<std::size_t>(count)};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> room{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = room.data();
    header.msg_controllen = room.size();
    cmsghdr* control = CMSG_FIRSTHDR(&header);
    const auto bytes = static_cast<std::uint16_t>(options_.bytes);
    control->cmsg_level = IPPROTO_UDP;
    control->cmsg_type = UDP_SEGMENT;
    control->cmsg_len = CMSG_LEN(sizeof bytes);
    std::memcpy(CMSG_DATA(control), &bytes, sizeof bytes);
    if (::sendmsg(socket, &header, 0) < 0) die_of("send");
  }

  const Options& options_;
  std::vector<char> data_;
  std::vector<mmsghdr> messages_;
  std::vector<iovec> parts_;
};

struct Told {
  unsigned long long received = 0;
  unsigned dropped = 0;
};

/// What the server has received so far, and dropped.
Told ask(int port) {
  const int socket = open_socket(port);
  Told told;
  for (int i = 0; i < 100; ++i) {
    if (::send(socket, "?", 1, 0) < 0) die_of("ask the server");
    ::usleep(2000);
    std::array<char, 65> text{};
    if (::recv(socket, text.data(), text.size() - 1, 0) > 0 &&
        std::sscanf(text.data(), "%llu %u", &told.received, &told.dropped) == 2) {
      ::close(socket);
      return told;
    }
  }
  std::fputs("load: the server does not report\n", stderr);
  std::exit(1);
}

struct Flow {
  int socket = -1;
  int missing = 0;
  std::int64_t since = 0;
};

class Echo {
 public:
  explicit Echo(const Options& options)
      : options_(options), sender_(options), flows_(static_cast<std::size_t>(options.sockets)) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    for (Flow& flow : flows_) {
      flow.socket = open_socket(options.port);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = &flow;
      if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, flow.socket, &event) < 0) die_of("epoll_ctl");
    }
    for (Flow& flow : flows_) begin(flow);
  }

  /// Goes on until `end`; how many came back.
  std::uint64_t run(std::int64_t end) {
    std::uint64_t back = 0;
    std::array<epoll_event, 256> events;
    while (nanoseconds(CLOCK_MONOTONIC) < end) {
      const int count = ::epoll_wait(epoll_, events.data(), events.size(), 100);
      for (int i = 0; i < count; ++i) {
        auto& flow = *static_cast<Flow*>(events[static_cast<std::size_t>(i)].data.ptr);
        back += receive(flow);
        if (flow.missing <= 0) begin(flow);
      }
      if (count == 0) give_up();
    }
    return back;
  }
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  void begin(Flow& flow) {
    flow.missing = options_.depth;
    flow.since = nanoseconds(CLOCK_MONOTONIC);
    sender_.send(flow.socket, options_.depth);
  }
  std::uint64_t receive(Flow& flow) {
    std::uint64_t count = 0;
    while (flow.missing > 0) {
      const ssize_t bytes = ::recv(flow.socket, buffer_.data(), buffer_.size(), 0);
      if (bytes < 0) return count;
      if (bytes != options_.bytes) {
        std::fputs("load: what came back is not what was sent\n", stderr);
        std::exit(1);
      }
      --flow.missing;
      ++count;
    }
    return count;
  }
  /// Nothing comes any more: what is missing is lost.
  void give_up() {
    for (Flow& flow : flows_) {
      lost_ += static_cast<std::uint64_t>(flow.missing);
      begin(flow);
    }
  }

  const Options& options_;
  Sender sender_;
  std::vector<Flow> flows_;
  std::array<char, 65'536> buffer_{};
  int epoll_ = -1;
  std::uint64_t lost_ = 0;
};

/// Sends bursts at the rate until `end`; how many datagrams.
std::uint64_t pour(const Options& options, int socket, Sender& sender, std::int64_t end) {
  const auto pause = static_cast<std::int64_t>(burst / options.rate * 1e9);
  std::uint64_t sent = 0;
  std::int64_t next = nanoseconds(CLOCK_MONOTONIC);
  while (next < end) {
    sender.send(socket, burst);
    sent += burst;
    next += pause;
    const timespec at{.tv_sec = next / second, .tv_nsec = next % second};
    ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
  }
  return sent;
}

void report(double operations, double seconds, std::int64_t cpu, std::uint64_t lost,
            unsigned dropped) {
  std::printf(
      "{\"operations\": %.0f, \"seconds\": %.6f, \"server_cpu_ns\": %lld, "
      "\"lost\": %llu, \"dropped\": %u}\n",
      operations, seconds, static_cast<long long>(cpu), static_cast<unsigned long long>(lost),
      dropped);
}

void measure_echo(const Options& options) {
  const bench::CpuMeter cpu(options.server);
  Echo echo(options);
  echo.run(nanoseconds(CLOCK_MONOTONIC) + second / 20);
  const std::int64_t before = cpu.read();
  const std::int64_t began = nanoseconds(CLOCK_MONOTONIC);
  const std::uint64_t back = echo.run(began + static_cast<std::int64_t>(options.seconds * 1e9));
  const std::int64_t used = cpu.read() - before;
  const std::int64_t took = nanoseconds(CLOCK_MONOTONIC) - began;
  report(static_cast<double>(back), static_cast<double>(took) / 1e9, used, echo.lost(),
         ask(options.port).dropped);
}

void measure_sink(const Options& options) {
  const bench::CpuMeter cpu(options.server);
  const int socket = open_socket(options.port);
  Sender sender(options);
  pour(options, socket, sender, nanoseconds(CLOCK_MONOTONIC) + second / 20);
  const Told first = ask(options.port);
  const std::int64_t before = cpu.read();
  const std::int64_t began = nanoseconds(CLOCK_MONOTONIC);
  const std::uint64_t sent =
      pour(options, socket, sender, began + static_cast<std::int64_t>(options.seconds * 1e9));
  ::usleep(1000);
  const std::int64_t used = cpu.read() - before;
  const Told last = ask(options.port);
  const std::uint64_t got = last.received - first.received;
  report(static_cast<double>(got), static_cast<double>(nanoseconds(CLOCK_MONOTONIC) - began) / 1e9,
         used, sent - got, last.dropped - first.dropped);
}

}  // namespace

int main(int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  const Options options = parse(argc, argv);
  if (options.echo) {
    measure_echo(options);
  } else {
    measure_sink(options);
  }
}
