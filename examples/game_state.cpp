// A game's state, 60 times a second: only the newest counts. Over datagrams a lost one is soon
// replaced by a newer one; over TCP all that follows waits until it has been sent again.
//
//   game_state [SECONDS [DATAGRAM_PORT TCP_PORT]]      plays both on this host; by default 5
//   seconds
//
// It prints how old the state is that a player sees, looked at every millisecond: the median and
// the 99th percentile. On a way without loss both are the same; drop some packets of both ports to
// see the difference (tests/examples does, with nftables).
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include <ieum/ieum.hpp>

using namespace ieum;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

constexpr Duration tick = std::chrono::microseconds(16'667);
constexpr Duration glance = 1ms;

/// What the server knows of the world, as it goes over the wire.
struct State {
  std::int64_t made_at = 0;  // nanoseconds of the clock that both ends share: they are one host
  std::uint64_t number = 0;
  char players[240] = {};
};

ConstBuffer bytes_of(const State& state) { return std::as_bytes(std::span(&state, 1)); }

/// What a player has, and how old it was whenever it was looked at.
class Screen {
 public:
  /// An older state than the one shown, or half of one, is thrown away.
  void show(ConstBuffer data) {
    State state;
    if (data.size() != sizeof state) return;
    std::memcpy(&state, data.data(), sizeof state);
    if (state.number > shown_.number) shown_ = state;
  }
  Task<> look(Duration time) {
    const Clock::time_point end = Clock::now() + time;
    while (Clock::now() < end) {
      co_await sleep(glance);
      if (shown_.number == 0) continue;  // the first one has not come yet
      const auto now = Clock::now().time_since_epoch();
      ages_.push_back(std::chrono::duration_cast<Duration>(now).count() - shown_.made_at);
    }
  }
  void print(const char* what) {
    if (ages_.empty()) {
      std::printf("%s: nothing came\n", what);
      return;
    }
    std::ranges::sort(ages_);
    const auto at = [&](std::size_t percent) {
      return static_cast<double>(ages_[(ages_.size() - 1) * percent / 100]) / 1e6;
    };
    std::printf("%s: age of the state: median %.1f ms, 99%% %.1f ms\n", what, at(50), at(99));
    std::fflush(stdout);
  }

 private:
  State shown_;
  std::vector<std::int64_t> ages_;
};

/// Makes a state each tick and hands it on.
class World {
 public:
  Task<> run(SendQueue& to) {
    Clock::time_point next = Clock::now();
    for (;;) {
      State state;
      state.number = ++number_;
      const auto now = Clock::now().time_since_epoch();
      state.made_at = std::chrono::duration_cast<Duration>(now).count();
      to.try_push(Payload(bytes_of(state)));
      next += tick;
      co_await sleep(std::max<Duration>(next - Clock::now(), Duration::zero()));
    }
  }

 private:
  std::uint64_t number_ = 0;
};

// ---- Over datagrams -----------------------------------------------------------------------------

Task<> send_datagrams(SendQueue& queue, DatagramSocket& socket, Address player) {
  for (;;) {
    const Payload state = co_await queue.pop();
    co_await socket.send(state.bytes(), player);
  }
}

Task<> receive_datagrams(DatagramSocket& socket, Screen& screen) {
  std::array<std::byte, 2048> buffer;
  for (;;) {
    const Datagram datagram = co_await socket.receive(buffer);
    screen.show(datagram.data);
  }
}

Task<> play_over_datagrams(Duration time, std::uint16_t port) {
  DatagramSocket player = co_await DatagramSocket::bind(Address::ipv4_loopback(port));
  DatagramSocket server = co_await DatagramSocket::bind(Address::ipv4_loopback(0));
  SendQueue queue({.bytes_max = 4096, .when_full = WhenFull::keep_latest});
  World world;
  Screen screen;
  co_await with_group([&](Group& group) -> Task<> {
    group.start(world.run(queue));
    group.start(send_datagrams(queue, server, player.address()));
    group.start(receive_datagrams(player, screen));
    co_await screen.look(time);
    group.stop();
  });
  screen.print("datagrams");
}

// ---- Over TCP -----------------------------------------------------------------------------------

Task<> send_stream(SendQueue& queue, StreamSocket& socket) {
  for (;;) {
    const Payload state = co_await queue.pop();
    co_await socket.write_all(state.bytes());
  }
}

Task<> receive_stream(StreamSocket& socket, Screen& screen) {
  std::array<std::byte, sizeof(State)> buffer;
  for (;;) {
    co_await socket.read_exact(buffer);
    screen.show(buffer);
  }
}

Task<> play_over_tcp(Duration time, std::uint16_t port) {
  Listener listener = co_await Listener::bind(Address::ipv4_loopback(port));
  StreamSocket player = co_await StreamSocket::connect(listener.address());
  StreamSocket server = co_await listener.accept();
  SendQueue queue({.bytes_max = 4096, .when_full = WhenFull::keep_latest});
  World world;
  Screen screen;
  co_await with_group([&](Group& group) -> Task<> {
    group.start(world.run(queue));
    group.start(send_stream(queue, server));
    group.start(receive_stream(player, screen));
    co_await screen.look(time);
    group.stop();
  });
  screen.print("TCP");
}

Task<> play(Duration time, std::uint16_t datagram_port, std::uint16_t tcp_port) {
  co_await play_over_datagrams(time, datagram_port);
  co_await play_over_tcp(time, tcp_port);
}

int number(int argc, char** argv, int at, int otherwise) {
  if (argc > at) std::from_chars(argv[at], argv[at] + std::strlen(argv[at]), otherwise);
  return otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  const std::chrono::seconds time(number(argc, argv, 1, 5));
  return run_main(play(time, static_cast<std::uint16_t>(number(argc, argv, 2, 0)),
                       static_cast<std::uint16_t>(number(argc, argv, 3, 0))));
}
