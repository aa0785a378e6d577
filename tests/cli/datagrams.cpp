// `ieum connect` and `ieum listen` with datagrams, beside ncat and socat.
#include "cli/datagrams.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <csignal>
#include <random>

#include "support/network_namespace.hpp"

namespace ieum::test {
namespace {

std::string udp(std::uint16_t port) { return "udp://" + at(port); }

/// A Unix datagram socket of the test itself, which sends larger ones than others.
class UnixSocket {
 public:
  explicit UnixSocket(const std::string& path = {})
      : descriptor_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const int buffer = 4 << 20;
    ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    const timeval limit{.tv_sec = patience.count(), .tv_usec = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (path.empty()) return;
    const sockaddr_un name = name_of(path);
    EXPECT_EQ(::bind(descriptor_, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  }
  UnixSocket(const UnixSocket&) = delete;
  UnixSocket& operator=(const UnixSocket&) = delete;
  ~UnixSocket() { ::close(descriptor_); }

  /// Whether the system took it.
  [[nodiscard]] bool send(std::string_view data, const std::string& path) const {
    const sockaddr_un name = name_of(path);
    return ::sendto(descriptor_, data.data(), data.size(), 0,
                    reinterpret_cast<const sockaddr*>(&name), sizeof name) >= 0;
  }
  [[nodiscard]] std::string receive() const {
    std::string room(std::size_t{1} << 20, '\0');
    const ssize_t count = ::recv(descriptor_, room.data(), room.size(), 0);
    EXPECT_GE(count, 0) << "no datagram came";
    room.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    return room;
  }

 private:
  static sockaddr_un name_of(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    return name;
  }

  int descriptor_;
};

TEST(Datagrams, two_of_us_talk) {
  Child listener(ieum_command({"listen", "-v", "udp://127.0.0.1:0"}));
  listener.read_error_until("bound to ");
  std::string address = listener.read_error_until("\n");
  address.pop_back();
  listener.read_error_until("waiting for datagrams");
  Child client(ieum_command({"connect", "--linger", "20", "-v", "udp://" + address}));
  client.write("question\n");
  EXPECT_EQ(listener.read_until("question\n"), "question\n");
  listener.write("answer\n");
  EXPECT_EQ(client.read_until("answer\n"), "answer\n");
  client.read_error_until("created a UDP (IPv4) socket");
  client.read_error_until("the peer is " + address);
  client.signal(SIGINT);
  EXPECT_EQ(client.wait(), 130);
  listener.signal(SIGTERM);
  EXPECT_EQ(listener.wait(), 143);
}

TEST(Datagrams, a_name_is_tried_by_all_its_addresses) {
  const std::string port = std::to_string(free_udp_port());
  Child server(ieum_command({"listen", "-k", "--echo", "-v", "udp://[::1]:" + port}));
  server.read_error_until("waiting for datagrams");
  Child client(
      shell("{ echo one; sleep 0.2; echo two; } | \"$0\" connect -v udp://localhost:$1", {port}));
  EXPECT_EQ(client.wait(), 0);
  const std::string said = client.error_output();
  EXPECT_EQ(client.read_all(), "one\ntwo\n") << said;
  EXPECT_TRUE(said.contains("127.0.0.1:" + port + ": connection refused")) << said;
  EXPECT_TRUE(said.contains("the peer is [::1]:" + port)) << said;
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 143);
}

TEST(Datagrams, a_name_that_refuses_by_all_its_addresses_is_not_connected) {
  Child client(
      shell("echo one | \"$0\" connect udp://localhost:$1", {std::to_string(free_udp_port())}));
  EXPECT_EQ(client.wait(), 7);
  EXPECT_TRUE(client.error_output().contains("nothing receives datagrams there"));
}

TEST(Datagrams, after_the_end_of_input_answers_are_awaited) {
  Child server(ieum_command({"listen", "-k", "--echo", "udp://127.0.0.1:0"}), Input::nothing());
  server.read_error_until("receiving on ");
  std::string address = server.read_error_until("\n");
  address.pop_back();
  Child client(ieum_command({"connect", "--lines", "udp://" + address}));
  client.write("one\ntwo\n");
  client.close_input();
  EXPECT_EQ(client.read_all(), "one\ntwo\n");
  EXPECT_EQ(client.wait(), 0);
  Child sender(ieum_command({"connect", "--on-eof=close", "--json", "udp://" + address}));
  sender.write("x");
  sender.close_input();
  EXPECT_EQ(sender.wait(), 0);
  EXPECT_EQ(number_in(sender.error_output(), "closed", "datagrams_sent"), 1U);
}

TEST(Datagrams, what_waits_for_our_output_is_no_silence) {
  const TestSocket server;
  Child client(
      shell(R"("$0" connect --linger 200ms "udp://$1" | (sleep 1; cat))", {server.where()}));
  client.write("question\n");
  client.close_input();
  std::uint16_t from = 0;
  EXPECT_EQ(server.receive(&from), "question\n");
  std::string expected;
  for (const char letter : {'a', 'b', 'c'}) {  // a pipe holds 64 KiB
    const std::string answer(40'000, letter);
    server.send(answer, from);
    expected += answer;
  }
  const std::string all = client.read_all();
  EXPECT_EQ(all.size(), expected.size());
  EXPECT_TRUE(all == expected);
  EXPECT_EQ(client.wait(), 0);
}

TEST(Datagrams, a_refused_port_is_reported) {
  Child client(ieum_command({"connect", udp(free_udp_port())}));
  client.write("anybody?\n");
  EXPECT_EQ(client.wait(), 7);
  const std::string errors = client.error_output();
  EXPECT_NE(errors.find("nothing receives datagrams there"), std::string::npos) << errors;
  EXPECT_EQ(std::ranges::count(errors, '\n'), 1) << errors;
}

TEST(Datagrams, silence_ends_with_28) {
  Child listener(ieum_command({"listen", "-i", "100ms", "udp://127.0.0.1:0"}), Input::nothing());
  EXPECT_EQ(listener.wait(), 28);
}

TEST(Datagrams, ncat_hears_us_and_is_heard) {
  if (!has_program("ncat")) GTEST_SKIP() << "this needs ncat";
  const std::uint16_t port = free_udp_port();
  Child ncat({"ncat", "-u", "-l", "127.0.0.1", std::to_string(port)});
  wait_until_bound(port);
  Child client(ieum_command({"connect", "--on-eof=keep", udp(port)}));
  client.write("to ncat\n");
  EXPECT_EQ(ncat.read_until("\n"), "to ncat\n");
  ncat.write("to ieum\n");
  EXPECT_EQ(client.read_until("\n"), "to ieum\n");

  const std::uint16_t other = free_udp_port();
  Child listener(ieum_command({"listen", "-v", udp(other)}));
  listener.read_error_until("waiting for datagrams");
  Child sender({"ncat", "-u", "127.0.0.1", std::to_string(other)});
  sender.write("from ncat\n");
  EXPECT_EQ(listener.read_until("\n"), "from ncat\n");
  listener.write("from ieum\n");
  EXPECT_EQ(sender.read_until("\n"), "from ieum\n");
}

TEST(Datagrams, socat_over_unix_sockets) {
  if (!has_program("socat")) GTEST_SKIP() << "this needs socat";
  const TemporaryDirectory directory;
  const std::string ours = directory.path("ours");
  const std::string theirs = directory.path("theirs");
  Child listener(ieum_command({"listen", "-v", "unix-dgram:" + ours}));
  listener.read_error_until("waiting for datagrams");
  Child socat({"socat", "-", "UNIX-SENDTO:" + ours + ",bind=" + theirs});
  socat.write("from socat\n");
  EXPECT_EQ(listener.read_until("\n"), "from socat\n");
  listener.write("from ieum\n");
  EXPECT_EQ(socat.read_until("\n"), "from ieum\n");
  listener.signal(SIGINT);
  EXPECT_EQ(listener.wait(), 130);
  EXPECT_NE(::access(ours.c_str(), F_OK), 0) << "the socket file is left";

  const std::string sink = directory.path("sink");
  Child receiver({"socat", "-u", "UNIX-RECV:" + sink, "-"});
  while (::access(sink.c_str(), F_OK) != 0 && receiver.runs()) ::usleep(5000);
  Child client(ieum_command({"connect", "--on-eof=close", "unix-dgram:" + sink}));
  client.write("to socat\n");
  client.close_input();
  EXPECT_EQ(receiver.read_until("\n"), "to socat\n");
  EXPECT_EQ(client.wait(), 0);
  Child refused(ieum_command({"connect", "unix-dgram:" + directory.path("nobody")}));
  EXPECT_EQ(refused.wait(), 7);
}

TEST(Datagrams, each_read_is_one_of_at_most_so_many_bytes) {
  const std::uint16_t port = free_udp_port();
  Child listener(ieum_command({"listen", "-vv", udp(port)}), Input::nothing());
  listener.read_error_until("waiting for datagrams");
  const TemporaryFile file(std::string(2500, 'x'));
  Child client(ieum_command({"connect", "--size", "1000", "--on-eof=close", udp(port)}),
               Input::file(file.path()));
  EXPECT_EQ(client.wait(), 0);
  listener.read_error_until("received a datagram of 1000 bytes");
  listener.read_error_until("received a datagram of 1000 bytes");
  listener.read_error_until("received a datagram of 500 bytes");
}

TEST(Datagrams, one_that_is_too_long_is_reported) {
  const TemporaryDirectory directory;
  const std::string path = directory.path("sink");
  Child listener(ieum_command({"listen", "-v", "unix-dgram:" + path}), Input::nothing());
  listener.read_error_until("waiting for datagrams");
  const UnixSocket socket;
  if (!socket.send(std::string(std::size_t{300} * 1024, 'y'), path)) {
    GTEST_SKIP() << "the system does not take a datagram of 300 KiB";
  }
  listener.read_error_until("was larger than 262144 bytes: its end is lost");
}

TEST(Datagrams, an_echo_is_whole_or_there_is_none) {
  const TemporaryDirectory directory;
  const std::string path = directory.path("echo");
  Child server(ieum_command({"listen", "-k", "--echo", "--json", "unix-dgram:" + path}),
               Input::nothing());
  server.read_error_until("\"waiting\"");
  const UnixSocket socket(directory.path("client"));
  std::string large(100'000, 'x');
  for (std::size_t i = 0; i < large.size(); i += 1000) large[i] = static_cast<char>('a' + i % 26);
  ASSERT_TRUE(socket.send(large, path));
  EXPECT_TRUE(socket.receive() == large);
  const bool takes_too_large = socket.send(std::string(std::size_t{300} * 1024, 'y'), path);
  ASSERT_TRUE(socket.send("small", path));
  EXPECT_EQ(socket.receive(), "small");
  server.signal(SIGINT);
  EXPECT_EQ(server.wait(), 130);
  if (!takes_too_large) GTEST_SKIP() << "the system does not take a datagram of 300 KiB";
  EXPECT_EQ(number_in(server.error_output(), "too_large", "datagrams"), 1U);
}

TEST(Datagrams, others_than_the_first_are_ignored_and_counted) {
  const std::uint16_t port = free_udp_port();
  Child listener(ieum_command({"listen", "-v", udp(port)}), Input::nothing());
  listener.read_error_until("waiting for datagrams");
  Child first(ieum_command({"connect", "--on-eof=keep", udp(port)}));
  first.write("first\n");
  listener.read_until("first\n");
  Child other(ieum_command({"connect", "--on-eof=close", udp(port)}));
  other.write("other\n");
  other.close_input();
  EXPECT_EQ(other.wait(), 0);
  first.write("again\n");
  EXPECT_EQ(listener.read_until("again\n"), "again\n");
  listener.signal(SIGINT);
  EXPECT_EQ(listener.wait(), 130);
  EXPECT_NE(listener.error_output().find("ignored 1 datagram from others than"), std::string::npos);
}

TEST(Datagrams, what_a_command_cannot_mean_is_refused) {
  Child listener(ieum_command({"listen", "-k", "--exec", "date", "--lines", "udp://127.0.0.1:0"}));
  EXPECT_EQ(listener.wait(), 2);
  EXPECT_NE(listener.error_output().find("--lines has no effect with --exec"), std::string::npos);
}

TEST(Datagrams, answers_come_from_the_right_address) {
  const std::string reason = in_network_namespace(
      "ip link add d0 type veth peer name d1; ip link set d1 up; ip addr add 10.9.0.1/24 dev d0; "
      "ip addr add 10.9.0.2/24 dev d0; "
      "ip link set d0 up",
      [] {
        std::uint16_t port = 7000;  // a ring that was killed frees its own a little later
        for (const char* command : {"echo", "talk"}) {
          const std::string at_port = std::to_string(port++);
          std::vector<std::string> words{"listen", "-v", "udp://*:" + at_port};
          if (std::string_view(command) == "echo") words.insert(words.end(), {"-k", "--echo"});
          Child server(ieum_command(words));
          server.read_error_until("waiting for datagrams");
          // A connected socket hears its peer's address alone.
          Child client(ieum_command({"connect", "--on-eof=keep", "udp://10.9.0.2:" + at_port}));
          client.write("hello\n");
          if (std::string_view(command) == "talk") server.write("hello\n");
          EXPECT_EQ(client.read_until("hello\n"), "hello\n") << command;
        }
      });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

/// Sends random sizes from many sockets; gives how many bytes were sent and came back.
Task<std::pair<std::uint64_t, std::uint64_t>> flood(Address to, unsigned seed, int rounds) {
  constexpr std::size_t peers = 200;
  std::mt19937 random(seed);
  std::vector<DatagramSocket> sockets;
  for (std::size_t i = 0; i < peers; ++i) {
    sockets.push_back(co_await DatagramSocket::connect(to));
  }
  std::vector<std::byte> data(60'000);
  std::uint64_t sent = 0;
  for (int round = 0; round < rounds; ++round) {
    DatagramSocket& socket = sockets[random() % peers];
    const std::size_t size = random() % 8 == 0 ? random() % data.size() : random() % 1400;
    co_await socket.send(ConstBuffer(data).first(size));
    sent += size;
  }
  std::uint64_t back = 0;
  std::vector<std::byte> room(65'536);
  for (DatagramSocket& socket : sockets) {
    for (;;) {
      const Result<Datagram> datagram =
          co_await attempt(with_timeout(std::chrono::milliseconds(5), socket.receive(room)));
      if (!datagram) break;
      back += datagram->data.size();
    }
  }
  std::pair<std::uint64_t, std::uint64_t> both{sent, back};
  co_return both;
}

TEST(Datagrams, an_echo_server_lives_through_a_flood) {
  const std::uint16_t port = free_udp_port();
  Child server(ieum_command({"listen", "-k", "--echo", "--json", udp(port)}), Input::nothing());
  server.read_error_until("\"waiting\"");
  const auto random_seed = static_cast<unsigned>(seed());
  SCOPED_TRACE(random_seed);
  const std::size_t before = server.memory_bytes();
  const auto moved =
      run_alone(flood(Address::ipv4_loopback(port), random_seed, long_form() ? 100'000 : 10'000));
  ASSERT_TRUE(moved) << moved.error().to_string();
  EXPECT_GT(moved->second, 0U);
  EXPECT_LE(moved->second, moved->first);
  constexpr std::size_t mebibyte = 1 << 20;
  // A sanitizer keeps 256 MiB of what is freed.
  constexpr std::size_t grows_at_most = (sanitized ? 320 : 16) * mebibyte;
  EXPECT_LT(server.memory_bytes(), before + grows_at_most);
  Child client(ieum_command({"connect", "--on-eof=keep", udp(port)}));
  client.write("still there?\n");
  EXPECT_EQ(client.read_until("\n"), "still there?\n");
  server.signal(SIGINT);
  EXPECT_EQ(server.wait(), 130);
  const std::string events = server.error_output();
  EXPECT_LE(number_in(events, "closed", "sent"), number_in(events, "closed", "received"));
  EXPECT_LE(number_in(events, "closed", "received"), moved->first + 13);
}

}  // namespace
}  // namespace ieum::test
