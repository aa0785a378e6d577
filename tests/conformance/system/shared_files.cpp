// Open files that others hold too, by a dup or in a forked child: what they do to them does not
// reach a loop that has let go of its number, nor stop one that still has its own.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

#include "conformance/conformance.hpp"
#include "conformance/waiting.hpp"
#include "support/system_fault.hpp"

namespace ieum::test {
namespace {

/// Counts, not processor time, which says little on a busy machine. Of io_uring there are none.
Task<> expect_quiet() {
  const std::int64_t before = epoll_pwait2_calls();
  co_await sleep(100ms);
  EXPECT_LT(epoll_pwait2_calls() - before, 20) << "the loop spins";
}

CO_TEST(SharedFile, of_a_closed_datagram_socket_costs_nothing) {
  Descriptor elsewhere;
  Address address;
  {
    DatagramSocket socket = co_await DatagramSocket::bind("127.0.0.1:0");
    address = socket.address();
    elsewhere = Descriptor(::fcntl(socket.native_handle(), F_DUPFD_CLOEXEC, 0));
    std::array<std::byte, 64> room;
    Result<Datagram> none = co_await attempt(with_timeout(5ms, socket.receive(room)));
    EXPECT_FALSE(none);
  }
  DatagramSocket sender = co_await DatagramSocket::bind("127.0.0.1:0");
  const std::byte byte{1};
  Datagram datagram;
  datagram.data = ConstBuffer(&byte, 1);
  datagram.peer = address;
  co_await sender.send(datagram);
  co_await expect_quiet();
}

CO_TEST(SharedFile, of_a_closed_stream_socket_costs_nothing) {
  Descriptor elsewhere;
  std::pair<StreamSocket, StreamSocket> pair = co_await StreamSocket::pair();
  {
    StreamSocket closed = std::move(pair.first);
    elsewhere = Descriptor(::fcntl(closed.native_handle(), F_DUPFD_CLOEXEC, 0));
    std::array<std::byte, 64> room;
    Result<std::size_t> none = co_await attempt(with_timeout(5ms, closed.read_some(room)));
    EXPECT_FALSE(none);
  }
  // Each of these would be an event of the file.
  const std::int64_t before = epoll_pwait2_calls();
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(::send(pair.second.native_handle(), "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL), 1);
    co_await sleep(1ms);
  }
  EXPECT_LT(epoll_pwait2_calls() - before, 75) << "it wakes the loop";
  std::array<char, 256> got;
  EXPECT_GT(::recv(elsewhere.get(), got.data(), got.size(), MSG_DONTWAIT), 0);
}

// Nobody but its owner knows that the number is gone.
CO_TEST(SharedFile, whose_owner_closed_it_while_it_was_waited_for_costs_nothing) {
  Pipe pipe;
  const Descriptor elsewhere(::fcntl(pipe.reader.get(), F_DUPFD_CLOEXEC, 0));
  auto wait = [&]() -> Task<> {
    Result<> ended = co_await attempt(wait_readable(pipe.reader.get()));
    EXPECT_TRUE(ended || ended.error() == std::errc::bad_file_descriptor)
        << ended.error().to_string();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(wait());
    co_await until_it_waits();
    pipe.reader.close();
    EXPECT_EQ(::write(pipe.writer.get(), "x", 1), 1);
    co_await expect_quiet();
    group.stop();
  };
  co_await with_group(body);
}

/// How many events epoll tells while the loop turns ten times, and no time passes.
Task<std::int64_t> events_of_ten_turns() {
  const std::int64_t before = epoll_events();
  for (int i = 0; i < 10; ++i) co_await yield();
  co_return epoll_events() - before;
}

CO_TEST(Quiet, a_datagram_that_nobody_asks_for_is_told_of_once) {
  DatagramSocket to = co_await DatagramSocket::bind("127.0.0.1:0");
  DatagramSocket from = co_await DatagramSocket::bind("127.0.0.1:0");
  std::array<std::byte, 16> room;
  Result<Datagram> none = co_await attempt(with_timeout(1ms, to.receive(room)));
  EXPECT_FALSE(none);
  co_await from.send("x", to.address());
  const std::int64_t events = co_await events_of_ten_turns();
  EXPECT_LE(events, 1);
  const Datagram late = co_await to.receive(room);
  EXPECT_EQ(late.data.size(), 1U);
}

CO_TEST(Quiet, room_for_datagrams_is_told_of_while_a_send_waits_for_it) {
  DatagramSocket to = co_await DatagramSocket::bind(any_address(Transport::unix_socket));
  DatagramSocket from = co_await DatagramSocket::connect(to.address());
  constexpr int count = 600;  // net.unix.max_dgram_qlen is 10 or 512
  auto sending = [&]() -> Task<> {
    for (int i = 0; i < count; ++i) co_await from.send("x");
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(sending());
    co_await until_it_waits();
    std::array<std::byte, 16> room;
    for (int i = 0; i < count; ++i) co_await to.receive(room);
  };
  co_await with_group(body);
  const std::int64_t events = co_await events_of_ten_turns();
  EXPECT_LE(events, 1);
}

CO_TEST(Quiet, a_socket_that_was_detached_is_told_of_no_more) {
  std::pair<StreamSocket, StreamSocket> pair = co_await StreamSocket::pair();
  std::array<std::byte, 16> room;
  Result<std::size_t> none = co_await attempt(with_timeout(1ms, pair.first.read_some(room)));
  EXPECT_FALSE(none);
  const DetachedSocket detached = co_await pair.first.detach();
  EXPECT_EQ(::send(pair.second.native_handle(), "x", 1, MSG_NOSIGNAL), 1);
  const std::int64_t events = co_await events_of_ten_turns();
  EXPECT_EQ(events, 0);
}

// The former owner's file is still registered under the number, because its owner closed it while
// it was waited for, and tells that there is room in it.
CO_TEST(SharedFile, whose_owner_closed_it_connects_no_later_owner_of_the_number) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  Listener full = co_await Listener::bind("127.0.0.1:0", {.backlog = 0});
  StreamSocket first = co_await StreamSocket::connect(full.address());
  Pipe pipe;
  const Descriptor elsewhere(::fcntl(pipe.writer.get(), F_DUPFD_CLOEXEC, 0));
  fill(pipe.writer.get());
  const int number = pipe.writer.get();
  auto wait = [&]() -> Task<> {
    Result<> ended = co_await attempt(wait_writable(number));
    EXPECT_FALSE(ended);
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(wait());
    co_await until_it_waits();
    pipe.writer.close();
    group.stop();
  };
  co_await with_group(body);
  StreamSocket second = co_await StreamSocket::connect(listener.address());
  EXPECT_EQ(second.native_handle(), number);
  co_await second.close();
  drain(pipe.reader.get());
  const Result<StreamSocket> third =
      co_await attempt(StreamSocket::connect(full.address(), {.timeout = 50ms}));
  CO_ASSERT(!third);
  EXPECT_EQ(third.error(), std::errc::timed_out);
}

/// Makes the open file a blocking one, as a program that shares it may at any time.
void make_blocking(int descriptor) {
  ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) & ~O_NONBLOCK);
}

/// Calls `rescue` after a while in which nothing should have to be rescued.
class Rescue {
 public:
  explicit Rescue(std::function<void()> rescue)
      : thread_([rescue = std::move(rescue)](const std::stop_token& stopped) {
          for (int i = 0; i < 1000 && !stopped.stop_requested(); ++i) {
            std::this_thread::sleep_for(10ms);
          }
          if (!stopped.stop_requested()) rescue();
        }) {}

 private:
  std::jthread thread_;
};

/// That the loop turns while `op` waits.
template <class A>
Task<> expect_the_loop_turns_beside(A op) {
  const auto begun = std::chrono::steady_clock::now();
  Result<> ended = co_await attempt(with_timeout(20ms, std::move(op)));
  CO_ASSERT(!ended);
  EXPECT_EQ(ended.error(), std::errc::timed_out);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s) << "the loop stood still";
}

CO_TEST(SharedFile, that_was_made_blocking_does_not_stop_the_loop_in_a_read) {
  std::pair<StreamSocket, StreamSocket> pair = co_await StreamSocket::pair();
  make_blocking(pair.first.native_handle());
  const int other = pair.second.native_handle();
  const Rescue rescue([other] { ::send(other, "x", 1, MSG_NOSIGNAL); });
  std::array<std::byte, 16> room;
  auto read = [&]() -> Task<> { static_cast<void>(co_await pair.first.read_some(room)); };
  co_await expect_the_loop_turns_beside(read());
  auto receive = [&]() -> Task<> { static_cast<void>(co_await pair.first.receive()); };
  co_await expect_the_loop_turns_beside(receive());
}

CO_TEST(SharedFile, that_was_made_blocking_does_not_stop_the_loop_in_a_write) {
  std::pair<StreamSocket, StreamSocket> pair = co_await StreamSocket::pair();
  make_blocking(pair.first.native_handle());
  const int other = pair.second.native_handle();
  const Rescue rescue([other] { ::shutdown(other, SHUT_RDWR); });
  const std::vector<std::byte> much(4'000'000);
  co_await expect_the_loop_turns_beside(pair.first.write_all(ConstBuffer(much)));
}

// As the standard input of two processes: both hear that there is something, one takes it.
CO_TEST(SharedFile, with_two_readers_of_a_blocking_socket_does_not_stop_the_one_who_comes_late) {
  std::array<int, 2> ends{};
  CO_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const Descriptor shared(ends[0]);
  const Descriptor writer(ends[1]);
  const Rescue rescue([&] { ::send(writer.get(), "x", 1, MSG_NOSIGNAL); });
  constexpr auto input = DescriptorStream::Direction::input;
  DescriptorStream first = co_await DescriptorStream::open(shared.get(), input);
  DescriptorStream second = co_await DescriptorStream::open(shared.get(), input);
  int bytes = 0;
  auto read = [&](DescriptorStream& from) -> Task<> {
    std::array<std::byte, 16> room;
    for (;;) {
      const std::size_t count = co_await from.read_some(room);
      bytes += static_cast<int>(count);
    }
  };
  auto both = [&](Group& group) -> Task<> {
    group.start(read(first));
    group.start(read(second));
    for (int i = 1; i <= 5; ++i) {
      EXPECT_EQ(::send(writer.get(), "x", 1, MSG_NOSIGNAL), 1);
      while (bytes < i) co_await yield();
    }
    co_await sleep(1h);
  };
  co_await expect_the_loop_turns_beside(with_group(both));
  EXPECT_EQ(bytes, 5);
}

// A forked child has the stream's own opening of the pipe. Before Linux 6.4 a pipe knew no
// RWF_NOWAIT.
CO_TEST(SharedFile, that_is_a_pipe_and_was_made_blocking_does_not_stop_the_loop_in_a_write) {
  Pipe pipe;
  int own = -1;
  {
    const Descriptor next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    own = next.get();
  }
  constexpr auto output = DescriptorStream::Direction::output;
  DescriptorStream stream = co_await DescriptorStream::open(pipe.writer.get(), output);
  CO_ASSERT((::fcntl(own, F_GETFL) & O_NONBLOCK) != 0);
  make_blocking(own);
  const SystemFault old_kernel(SystemFault::Call::pwritev2, EOPNOTSUPP, SystemFault::always);
  const std::vector<std::byte> much(1'000'000);
  const Rescue rescue([&] { pipe.reader.close(); });
  co_await expect_the_loop_turns_beside(stream.write_all(ConstBuffer(much)));
  EXPECT_GT(old_kernel.failures(), 0);
}

CO_TEST(SharedFile, that_is_a_listener_made_blocking_does_not_stop_the_loop_in_an_accept) {
  Listener bound = co_await Listener::bind("127.0.0.1:0");
  ieum::Descriptor copy(::fcntl(bound.native_handle(), F_DUPFD_CLOEXEC, 0));
  Listener listener = co_await Listener::adopt(std::move(copy));
  make_blocking(listener.native_handle());
  const Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Rescue rescue([&] {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(bound.address().port());
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::connect(client.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name);
  });
  auto accept = [&]() -> Task<> { static_cast<void>(co_await listener.accept()); };
  co_await expect_the_loop_turns_beside(accept());
}

// Of several processes that share it, another may be quicker.
CO_TEST(SharedFile, that_is_a_listener_made_blocking_does_not_wait_for_whom_another_has_taken) {
  Listener bound = co_await Listener::bind("127.0.0.1:0");
  ieum::Descriptor copy(::fcntl(bound.native_handle(), F_DUPFD_CLOEXEC, 0));
  Listener listener = co_await Listener::adopt(std::move(copy));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(bound.address().port());
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto connect = [&](const Descriptor& client) {
    ::connect(client.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name);
  };
  const Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Descriptor late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Rescue rescue([&] { connect(late); });
  auto accept = [&]() -> Task<> { static_cast<void>(co_await listener.accept()); };
  auto body = [&](Group& group) -> Task<> {
    group.start(accept());
    co_await sleep(5ms);
    make_blocking(listener.native_handle());
    connect(client);
    const Descriptor taken(::accept4(bound.native_handle(), nullptr, nullptr, SOCK_CLOEXEC));
    EXPECT_GE(taken.get(), 0);
    co_await sleep(1h);
  };
  co_await expect_the_loop_turns_beside(with_group(body));
}

CO_TEST(SharedFile, with_a_full_blocking_pipe_behind_it_does_not_stop_the_loop) {
  Pipe pipe;
  constexpr auto output = DescriptorStream::Direction::output;
  DescriptorStream stream = co_await DescriptorStream::open(pipe.writer.get(), output);
  const std::vector<std::byte> much(1'000'000);
  const Rescue rescue([&] { pipe.reader.close(); });
  co_await expect_the_loop_turns_beside(stream.write_all(ConstBuffer(much)));
  EXPECT_EQ(::fcntl(pipe.writer.get(), F_GETFL) & O_NONBLOCK, 0) << "its flags are others' too";
}

}  // namespace
}  // namespace ieum::test
