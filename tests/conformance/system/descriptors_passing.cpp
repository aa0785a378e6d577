// Descriptors that go through a Unix socket, and sockets made of descriptors from elsewhere.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

using SocketPair = std::pair<StreamSocket, StreamSocket>;

/// Which file a descriptor has open.
std::pair<dev_t, ino_t> file_of(int descriptor) {
  struct stat status{};
  EXPECT_EQ(::fstat(descriptor, &status), 0);
  return {status.st_dev, status.st_ino};
}

std::vector<Pipe> some_pipes(std::size_t count) { return std::vector<Pipe>(count); }

std::vector<int> readers_of(const std::vector<Pipe>& pipes) {
  std::vector<int> numbers;
  numbers.reserve(pipes.size());
  for (const Pipe& pipe : pipes) numbers.push_back(pipe.reader.get());
  return numbers;
}

Task<std::string> failure_of_send(StreamSocket& socket, std::string_view data,
                                  std::span<const int> descriptors) {
  Result<> sent = co_await attempt(socket.send_descriptors(bytes_of(data), descriptors));
  co_return sent ? std::string("it was sent") : sent.error().to_string();
}

Task<std::string> failure_of_receive(StreamSocket& socket, std::size_t descriptors_max) {
  std::array<std::byte, 16> buffer;
  Result<ReceivedDescriptors> received =
      co_await attempt(socket.receive_descriptors(buffer, descriptors_max));
  co_return received ? std::string("it was received") : received.error().to_string();
}

Task<> pass(std::size_t count) {
  SocketPair pair = co_await StreamSocket::pair();
  const std::vector<Pipe> pipes = some_pipes(count);
  const std::vector<int> numbers = readers_of(pipes);
  co_await pair.first.send_descriptors(bytes_of("hello"), numbers);
  std::string text(64, '\0');
  const ReceivedDescriptors received = co_await pair.second.receive_descriptors(bytes_of(text));
  EXPECT_EQ(text.substr(0, received.bytes), "hello");
  CO_ASSERT(received.descriptors.size() == count);
  for (std::size_t i = 0; i < count; ++i) {
    const int number = received.descriptors[i].number();
    EXPECT_NE(number, numbers[i]);
    EXPECT_EQ(file_of(number), file_of(numbers[i]));
    EXPECT_EQ(::fcntl(number, F_GETFD), FD_CLOEXEC);
  }
}

CO_TEST(DescriptorsPassing, one) { co_await pass(1); }
CO_TEST(DescriptorsPassing, none_is_a_write) { co_await pass(0); }
CO_TEST(DescriptorsPassing, as_many_as_can_be) {
  const ManyDescriptors many;
  co_await pass(descriptors_passed_max);
}

CO_TEST(DescriptorsPassing, too_many_are_refused) {
  SocketPair pair = co_await StreamSocket::pair();
  const std::vector<int> numbers(descriptors_passed_max + 1, 0);
  const std::string failure = co_await failure_of_send(pair.first, "x", numbers);
  EXPECT_EQ(failure, "send descriptors: limit exceeded: at most 253 go at once, not 254");
  co_await pair.first.shutdown_write();
  const std::string nothing = co_await read_to_end(pair.second);
  EXPECT_EQ(nothing, "");
}

CO_TEST(DescriptorsPassing, refuses_bad_input) {
  SocketPair pair = co_await StreamSocket::pair();
  const std::array<int, 1> good{0};
  std::string failure = co_await failure_of_send(pair.first, "", good);
  EXPECT_EQ(failure, "send descriptors: invalid argument: they need at least one byte to go with");
  const std::array<int, 2> bad{0, 1000000};
  failure = co_await failure_of_send(pair.first, "x", bad);
  EXPECT_EQ(failure, "send descriptors: bad file descriptor");
  const std::array<int, 1> negative{-1};
  failure = co_await failure_of_send(pair.first, "x", negative);
  EXPECT_EQ(failure, "send descriptors: bad file descriptor");

  Pair tcp = co_await connected(Transport::ipv4);
  const std::string unsupported = tcp.client.peer_address().to_string() +
                                  ": operation not supported: only Unix sockets can do it";
  failure = co_await failure_of_send(tcp.client, "x", good);
  EXPECT_EQ(failure, "send descriptors " + unsupported);
  failure = co_await failure_of_receive(tcp.client, 1);
  EXPECT_EQ(failure, "receive descriptors " + unsupported);

  co_await pair.second.close();
  failure = co_await failure_of_send(pair.first, "x", good);
  EXPECT_EQ(failure, "send descriptors: broken pipe");
  failure = co_await failure_of_send(pair.second, "x", good);
  EXPECT_EQ(failure, "send descriptors: bad file descriptor");
  failure = co_await failure_of_receive(pair.second, 1);
  EXPECT_EQ(failure, "receive descriptors: bad file descriptor");
}

CO_TEST(DescriptorsPassing, gives_the_peers_end) {
  SocketPair pair = co_await StreamSocket::pair();
  co_await pair.first.shutdown_write();
  std::array<std::byte, 16> buffer;
  const ReceivedDescriptors received = co_await pair.second.receive_descriptors(buffer);
  EXPECT_EQ(received.bytes, 0U);
  EXPECT_TRUE(received.descriptors.empty());
}

CO_TEST(DescriptorsPassing, tells_a_broken_connection_as_every_later_read_does) {
  SocketPair pair = co_await StreamSocket::pair();
  co_await pair.first.write_all("never read");
  co_await pair.second.close();
  const std::string failure = co_await failure_of_receive(pair.first, 1);
  EXPECT_EQ(failure, "receive descriptors: connection reset by peer");
  std::array<std::byte, 16> buffer;
  Result<std::size_t> read = co_await attempt(pair.first.read_some(buffer));
  CO_ASSERT(!read);
  EXPECT_EQ(read.error(), std::errc::connection_reset);
  const std::string again = co_await failure_of_receive(pair.first, 1);
  EXPECT_EQ(again, failure);
}

CO_TEST(DescriptorsPassing, closes_those_that_were_not_wanted_and_says_so) {
  const std::array<std::size_t, 2> numbers_wanted{2, 0};
  for (const std::size_t wanted : numbers_wanted) {
    SocketPair pair = co_await StreamSocket::pair();
    const std::vector<Pipe> pipes = some_pipes(3);
    const int before = open_descriptors();
    co_await pair.first.send_descriptors(bytes_of("x"), readers_of(pipes));
    const std::string failure = co_await failure_of_receive(pair.second, wanted);
    EXPECT_EQ(failure, "receive descriptors: limit exceeded: more than " + std::to_string(wanted) +
                           " came, all closed");
    EXPECT_EQ(open_descriptors(), before);
    co_await pair.first.write_all("later");  // the connection is whole
    const std::string later = co_await read_text(pair.second, 5);
    EXPECT_EQ(later, "later");
  }
}

CO_TEST(DescriptorsPassing, closes_all_when_the_system_cannot_open_some) {
  SocketPair pair = co_await StreamSocket::pair();
  const std::vector<Pipe> pipes = some_pipes(4);
  co_await pair.first.send_descriptors(bytes_of("x"), readers_of(pipes));
  const int before = open_descriptors();
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  rlimit low = limit;
  const Descriptor next(::dup(0));  // the lowest free number: room for two more
  low.rlim_cur = static_cast<rlim_t>(next.get()) + 3;
  setrlimit(RLIMIT_NOFILE, &low);
  const std::string failure = co_await failure_of_receive(pair.second, 4);
  setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_EQ(failure, "receive descriptors: too many open files");
  EXPECT_EQ(open_descriptors(), before + 1);
}

CO_TEST(DescriptorsPassing, go_with_the_first_byte_of_much_data) {
  SocketPair pair = co_await StreamSocket::pair();
  const Pipe pipe;
  const std::array<int, 1> numbers{pipe.reader.get()};
  const std::vector<std::byte> data = random_bytes(std::size_t{2} << 20U, seed());
  std::vector<std::byte> got;
  std::size_t descriptors = 0;
  auto receive_all = [&]() -> Task<> {
    std::vector<std::byte> buffer(std::size_t{64} * 1024);
    while (got.size() < data.size()) {
      const ReceivedDescriptors received = co_await pair.second.receive_descriptors(buffer);
      CO_ASSERT(received.bytes > 0);
      EXPECT_EQ(received.descriptors.size(), got.empty() ? 1U : 0U);
      descriptors += received.descriptors.size();
      got.insert(got.end(), buffer.begin(),
                 buffer.begin() + static_cast<std::ptrdiff_t>(received.bytes));
    }
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(receive_all());
    co_await pair.first.send_descriptors(data, numbers);
  };
  co_await with_group(body);
  EXPECT_TRUE(got == data);
  EXPECT_EQ(descriptors, 1U);
}

CO_TEST(DescriptorsPassing, waits_for_room_and_for_arrival) {
  SocketPair pair = co_await StreamSocket::pair();
  const Pipe pipe;
  const std::array<int, 1> numbers{pipe.reader.get()};
  std::array<std::byte, 16> buffer;
  for (int i = 0; i < 2; ++i) {
    Result<ReceivedDescriptors> early =
        co_await attempt(with_timeout(2ms, pair.second.receive_descriptors(buffer)));
    CO_ASSERT(!early);
    EXPECT_EQ(early.error().to_string(), "receive descriptors: timed out after 2 ms");
    const std::size_t filled = fill(pair.first.native_handle());
    Result<> full =
        co_await attempt(with_timeout(2ms, pair.first.send_descriptors(bytes_of("x"), numbers)));
    CO_ASSERT(!full);
    EXPECT_EQ(full.error().to_string(), "send descriptors: timed out after 2 ms");
    auto body = [&](Group& group) -> Task<> {
      group.start(pair.first.send_descriptors(bytes_of("x"), numbers));
      co_await yield();
      co_await yield();
      EXPECT_EQ(drain(pair.second.native_handle()), filled);
      const ReceivedDescriptors received = co_await pair.second.receive_descriptors(buffer);
      EXPECT_EQ(received.bytes, 1U);
      EXPECT_EQ(received.descriptors.size(), 1U);
    };
    co_await with_group(body);
  }
  auto body = [&](Group& group) -> Task<> {
    group.start(pair.first.send_descriptors(bytes_of("last"), numbers));
    const ReceivedDescriptors received = co_await pair.second.receive_descriptors(buffer);
    EXPECT_EQ(received.bytes, 4U);
    EXPECT_EQ(received.descriptors.size(), 1U);
  };
  co_await with_group(body);
  co_await pair.first.write_all("plain");
  const std::string plain = co_await read_text(pair.second, 5);
  EXPECT_EQ(plain, "plain");
}

CO_TEST(DescriptorsPassing, are_closed_by_a_plain_read) {
  SocketPair pair = co_await StreamSocket::pair();
  Pipe pipe;
  const std::array<int, 1> numbers{pipe.writer.get()};
  co_await pair.first.send_descriptors(bytes_of("x"), numbers);
  pipe.writer.close();
  const std::string text = co_await read_text(pair.second, 1);
  EXPECT_EQ(text, "x");
  char byte = 0;
  EXPECT_EQ(::read(pipe.reader.get(), &byte, 1), 0);  // nobody holds the other end
}

CO_TEST(DescriptorsPassing, are_closed_with_a_socket_that_nobody_read) {
  Pipe pipe;
  {
    SocketPair pair = co_await StreamSocket::pair();
    const std::array<int, 1> numbers{pipe.writer.get()};
    co_await pair.first.send_descriptors(bytes_of("x"), numbers);
    pipe.writer.close();
  }
  co_await wait_readable(pipe.reader.get());
  char byte = 0;
  EXPECT_EQ(::read(pipe.reader.get(), &byte, 1), 0);
}

CO_TEST(DescriptorsPassing, keep_the_order_of_their_messages) {
  SocketPair pair = co_await StreamSocket::pair();
  const std::vector<Pipe> pipes = some_pipes(20);
  for (const Pipe& pipe : pipes) {
    const std::array<int, 1> numbers{pipe.reader.get()};
    co_await pair.first.send_descriptors(bytes_of("ab"), numbers);
  }
  std::size_t bytes = 0;
  std::size_t next = 0;
  std::array<std::byte, 64> buffer;
  while (bytes < 2 * pipes.size()) {
    const ReceivedDescriptors received = co_await pair.second.receive_descriptors(buffer);
    bytes += received.bytes;
    for (const ieum::Descriptor& descriptor : received.descriptors) {
      CO_ASSERT(next < pipes.size());
      EXPECT_EQ(file_of(descriptor.number()), file_of(pipes[next++].reader.get()));
    }
    EXPECT_LE(received.descriptors.size(), 1U);
  }
  EXPECT_EQ(next, pipes.size());
}

CO_TEST(DescriptorsPassing, ignores_what_else_a_foreign_socket_is_set_to_tell) {
  SocketPair pair = co_await StreamSocket::pair();
  const int on = 1;
  constexpr int so_passpidfd = 76;  // SO_PASSPIDFD, Linux 6.5: a descriptor nobody asked for
  ::setsockopt(pair.second.native_handle(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  ::setsockopt(pair.second.native_handle(), SOL_SOCKET, so_passpidfd, &on, sizeof on);
  const Pipe pipe;
  const std::array<int, 1> numbers{pipe.reader.get()};
  co_await pair.first.send_descriptors(bytes_of("x"), numbers);
  std::array<std::byte, 16> buffer;
  const ReceivedDescriptors received = co_await pair.second.receive_descriptors(buffer, 1);
  CO_ASSERT(received.descriptors.size() == 1);
  EXPECT_EQ(file_of(received.descriptors[0].number()), file_of(pipe.reader.get()));
}

// ---- Sockets from elsewhere ---------------------------------------------------------------------

/// In the child: receives a descriptor by calls of its own, and echoes on it until its end.
int echo_on_a_passed_socket(int from) {
  std::array<char, 64> data{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  iovec part{data.data(), data.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(from, &message, 0) < 1 || CMSG_FIRSTHDR(&message) == nullptr) return 1;
  int socket = -1;
  std::memcpy(&socket, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof socket);
  ::fcntl(socket, F_SETFL, 0);  // it came as a non-blocking one
  for (;;) {
    const ssize_t count = ::read(socket, data.data(), data.size());
    if (count <= 0) return count == 0 ? 0 : 2;
    if (::write(socket, data.data(), static_cast<std::size_t>(count)) != count) return 3;
  }
}

CO_TEST(DescriptorsPassing, hands_a_tcp_connection_to_a_child_process) {
  std::array<int, 2> ends{};
  CO_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  ForkedChild child([&] { return echo_on_a_passed_socket(ends[1]); });
  ::close(ends[1]);
  StreamSocket to_child = co_await StreamSocket::adopt(ieum::Descriptor(ends[0]));
  EXPECT_EQ(::fcntl(ends[0], F_GETFD), FD_CLOEXEC);
  EXPECT_NE(::fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);

  Pair tcp = co_await connected(Transport::ipv4);
  co_await tcp.server.write_all("from us, ");
  const std::array<int, 1> numbers{tcp.server.native_handle()};
  co_await to_child.send_descriptors(bytes_of("take it"), numbers);
  co_await tcp.server.close();
  co_await tcp.client.write_all("from the child");
  co_await tcp.client.shutdown_write();
  const std::string text = co_await read_to_end(tcp.client);
  EXPECT_EQ(text, "from us, from the child");
  EXPECT_EQ(child.wait(), 0);
}

CO_TEST(Adopt, a_received_connection) {
  SocketPair pair = co_await StreamSocket::pair();
  const std::array transports{Transport::ipv4, Transport::unix_socket};
  for (const Transport transport : transports) {
    Pair connection = co_await connected(transport);
    const std::array<int, 1> numbers{connection.server.native_handle()};
    co_await pair.first.send_descriptors(bytes_of("x"), numbers);
    co_await connection.server.close();
    std::array<std::byte, 1> buffer;
    ReceivedDescriptors received = co_await pair.second.receive_descriptors(buffer);
    CO_ASSERT(received.descriptors.size() == 1);
    StreamSocket server = co_await StreamSocket::adopt(std::move(received.descriptors[0]));
    if (transport == Transport::ipv4) {
      const Address client = co_await connection.client.local_address();
      EXPECT_EQ(server.peer_address(), client);
    }
    // Waits in both directions, as every socket does.
    auto body = [&](Group& group) -> Task<> {
      group.start(echo(std::move(server)));
      for (int i = 0; i < 3; ++i) {
        co_await connection.client.write_all("hello");
        const std::string text = co_await read_text(connection.client, 5);
        EXPECT_EQ(text, "hello");
      }
      co_await connection.client.shutdown_write();
      const std::string end = co_await read_to_end(connection.client);
      EXPECT_EQ(end, "");
    };
    co_await with_group(body);
  }
}

CO_TEST(Adopt, a_listener_from_elsewhere) {
  ieum::Descriptor raw(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CO_ASSERT(::bind(raw.number(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
  CO_ASSERT(::listen(raw.number(), 5) == 0);
  Listener listener = co_await Listener::adopt(std::move(raw));
  EXPECT_NE(listener.address().port(), 0);
  for (int i = 0; i < 2; ++i) {
    Result<StreamSocket> nobody = co_await attempt(with_timeout(2ms, listener.accept()));
    EXPECT_FALSE(nobody);
    StreamSocket client = co_await StreamSocket::connect(listener.address());
    StreamSocket server = co_await listener.accept();
    co_await server.write_all("welcome");
    const std::string text = co_await read_text(client, 7);
    EXPECT_EQ(text, "welcome");
  }
}

// Whoever shares the open socket goes on with it as it was: a shell, inetd, another process.
CO_TEST(Adopt, a_socket_that_blocked_blocks_again_for_others_once_it_is_closed) {
  std::array<int, 2> ends{};
  CO_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const ieum::Descriptor far(ends[1]);
  const ieum::Descriptor shared(::fcntl(ends[0], F_DUPFD_CLOEXEC, 0));
  {
    StreamSocket socket = co_await StreamSocket::adopt(ieum::Descriptor(ends[0]));
    std::array<std::byte, 1> buffer;
    const Result<std::size_t> nothing =
        co_await attempt(with_timeout(100ms, socket.read_some(buffer)));
    EXPECT_FALSE(nothing);
    co_await socket.close();
  }
  EXPECT_EQ(::fcntl(shared.number(), F_GETFL) & O_NONBLOCK, 0);
}

CO_TEST(Adopt, a_socket_that_blocked_blocks_again_once_it_is_destroyed) {
  std::array<int, 2> ends{};
  CO_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const ieum::Descriptor far(ends[1]);
  const ieum::Descriptor shared(::fcntl(ends[0], F_DUPFD_CLOEXEC, 0));
  {
    StreamSocket socket = co_await StreamSocket::adopt(ieum::Descriptor(ends[0]));
  }
  EXPECT_EQ(::fcntl(shared.number(), F_GETFL) & O_NONBLOCK, 0);
}

CO_TEST(Adopt, a_socket_that_did_not_block_goes_on_not_blocking) {
  std::array<int, 2> ends{};
  CO_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0);
  const ieum::Descriptor far(ends[1]);
  const ieum::Descriptor shared(::fcntl(ends[0], F_DUPFD_CLOEXEC, 0));
  StreamSocket socket = co_await StreamSocket::adopt(ieum::Descriptor(ends[0]));
  co_await socket.close();
  EXPECT_NE(::fcntl(shared.number(), F_GETFL) & O_NONBLOCK, 0);
}

CO_TEST(Adopt, a_listener_that_blocked_blocks_again_once_it_is_closed) {
  ieum::Descriptor raw(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CO_ASSERT(::listen(raw.number(), 5) == 0);
  const ieum::Descriptor shared(::fcntl(raw.number(), F_DUPFD_CLOEXEC, 0));
  Listener listener = co_await Listener::adopt(std::move(raw));
  co_await listener.close();
  EXPECT_EQ(::fcntl(shared.number(), F_GETFL) & O_NONBLOCK, 0);
}

std::string failure_of_adopting(ieum::Descriptor descriptor, bool listens = false) {
  if (listens) {
    const Result<Listener> listener = Listener::adopt(std::move(descriptor));
    return listener ? "it was adopted" : listener.error().to_string();
  }
  const Result<StreamSocket> socket = StreamSocket::adopt(std::move(descriptor));
  return socket ? "it was adopted" : socket.error().to_string();
}

CO_TEST(Adopt, refuses_and_closes_what_is_no_connected_stream_socket) {
  const auto socket = [](int family, int type) {
    return ieum::Descriptor(::socket(family, type | SOCK_CLOEXEC, 0));
  };
  const std::string connection = "adopt socket: ";
  EXPECT_EQ(failure_of_adopting(ieum::Descriptor()), connection + "bad file descriptor");
  EXPECT_EQ(failure_of_adopting(ieum::Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC))),
            connection + "socket operation on non-socket");
  EXPECT_EQ(failure_of_adopting(socket(AF_INET, SOCK_DGRAM)),
            connection + "protocol wrong type for socket: it is no stream socket");
  EXPECT_EQ(failure_of_adopting(socket(AF_NETLINK, SOCK_RAW)),
            connection + "address family not supported by protocol");
  EXPECT_EQ(failure_of_adopting(socket(AF_INET, SOCK_STREAM)),
            connection + "transport endpoint is not connected");
  EXPECT_EQ(failure_of_adopting(socket(AF_UNIX, SOCK_STREAM)),
            connection + "transport endpoint is not connected");
  ieum::Descriptor listening = socket(AF_INET, SOCK_STREAM);
  CO_ASSERT(::listen(listening.number(), 1) == 0);
  EXPECT_EQ(failure_of_adopting(std::move(listening)),
            connection + "invalid argument: it listens: use Listener::adopt");
  EXPECT_EQ(failure_of_adopting(socket(AF_INET, SOCK_STREAM), true),
            "adopt listener: invalid argument: it does not listen");
  EXPECT_EQ(failure_of_adopting(ieum::Descriptor(), true), "adopt listener: bad file descriptor");
  co_return;  // that each was closed, the test's end finds
}

TEST(Descriptor, owns_its_number) {
  ieum::Descriptor none;
  EXPECT_FALSE(none.is_open());
  none.close();
  ieum::Descriptor first(::dup(0));
  const int number = first.number();
  ASSERT_GE(number, 0);
  ieum::Descriptor second = std::move(first);
  EXPECT_FALSE(first.is_open());  // NOLINT: what was moved from holds nothing
  EXPECT_EQ(second.number(), number);
  second = ieum::Descriptor(::dup(0));  // closes the former one
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
  const int released = second.release();
  EXPECT_FALSE(second.is_open());
  EXPECT_EQ(::close(released), 0);
}

}  // namespace
}  // namespace ieum::test
