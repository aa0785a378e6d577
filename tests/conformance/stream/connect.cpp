// Connecting: what it gives, and each way in which it fails, with operation and address.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

EVERY_TRANSPORT(ConnectOver);

/// How connecting fails, as a sentence.
template <class To>
Task<std::string> failure_of(To to, ConnectOptions options = {}) {
  Result<StreamSocket> socket = co_await attempt(StreamSocket::connect(to, options));
  if (socket) co_return std::string("it connected");
  co_return socket.error().to_string();
}

CO_TEST_P(ConnectOver, gives_a_socket_that_knows_both_addresses) {
  Listener listener = co_await Listener::bind(any_address(transport));
  StreamSocket client = co_await StreamSocket::connect(listener.address());
  StreamSocket server = co_await listener.accept();
  EXPECT_EQ(client.peer_address(), listener.address());
  const Address of_client = co_await client.local_address();
  const Address of_server = co_await server.local_address();
  EXPECT_EQ(of_server, listener.address());
  EXPECT_EQ(server.peer_address(), of_client);
  co_await client.write_all("hello");
  const std::string text = co_await read_text(server, 5);
  EXPECT_EQ(text, "hello");
}

CO_TEST_P(ConnectOver, takes_an_address_as_text_that_ends_with_the_call) {
  Listener listener = co_await Listener::bind(any_address(transport));
  auto connecting = StreamSocket::connect(std::string(listener.address().to_string()));
  StreamSocket client = co_await std::move(connecting);
  EXPECT_TRUE(client.is_open());
}

CO_TEST_P(ConnectOver, refused) {
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address nobody = listener.address();
  co_await listener.close();
  const std::string failure = co_await failure_of(nobody);
  EXPECT_EQ(failure, "connect " + nobody.to_string() + ": connection refused");
}

CO_TEST_P(ConnectOver, within_a_limit_that_is_not_reached) {
  Listener listener = co_await Listener::bind(any_address(transport));
  StreamSocket client = co_await StreamSocket::connect(listener.address(), {.timeout = 60s});
  EXPECT_TRUE(client.is_open());
}

CO_TEST(Connect, to_a_unix_path_that_does_not_exist) {
  const TemporaryDirectory directory;
  const std::string to = "unix:" + directory.path("none");
  const std::string failure = co_await failure_of(to);
  EXPECT_EQ(failure, "connect " + to + ": no such file or directory");
}

CO_TEST(Connect, to_a_unix_path_that_is_no_socket) {
  const TemporaryDirectory directory;
  const std::string path = directory.path("file");
  {
    std::ofstream file(path);
    file << "text";
  }
  const std::string failure = co_await failure_of("unix:" + path);
  EXPECT_EQ(failure, "connect unix:" + path + ": connection refused");
}

CO_TEST(Connect, to_no_address) {
  const std::string failure = co_await failure_of(Address{});
  EXPECT_EQ(failure, "connect: address family not supported by protocol");
}

CO_TEST(Connect, to_a_text_that_is_no_address) {
  const std::string failure = co_await failure_of("127.0.0.1");
  EXPECT_EQ(failure, "parse address: invalid argument: \"127.0.0.1\" has no port: write HOST:PORT");
}

CO_TEST(Connect, from_a_source_port_of_choice) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  Listener other = co_await Listener::bind("127.0.0.1:0");
  const Address source = other.address();
  co_await other.close();
  StreamSocket client = co_await StreamSocket::connect(listener.address(), {.source = source});
  StreamSocket server = co_await listener.accept();
  EXPECT_EQ(server.peer_address(), source);
}

CO_TEST(Connect, from_a_source_address_with_any_port) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address source = Address::ipv4({127, 0, 0, 9}, 0);
  StreamSocket client = co_await StreamSocket::connect(listener.address(), {.source = source});
  StreamSocket server = co_await listener.accept();
  Address expected = source;
  expected.set_port(server.peer_address().port());
  EXPECT_EQ(server.peer_address(), expected);
}

CO_TEST(Connect, from_a_source_address_that_is_not_ours) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address source = Address::ipv4({192, 0, 2, 1}, 0);  // RFC 5737: of nobody
  const std::string failure = co_await failure_of(listener.address(), {.source = source});
  EXPECT_EQ(failure, "bind 192.0.2.1:0: cannot assign requested address");
}

CO_TEST(Connect, from_a_source_of_another_family) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address source = Address::ipv6_loopback(0);
  const std::string failure = co_await failure_of(listener.address(), {.source = source});
  EXPECT_EQ(failure, "bind [::1]:0: address family not supported by protocol");
}

CO_TEST(Connect, from_a_source_port_that_is_taken) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const Address source = listener.address();
  const std::string failure = co_await failure_of(listener.address(), {.source = source});
  EXPECT_EQ(failure, "bind " + source.to_string() + ": address already in use");
}

CO_TEST(Connect, without_a_descriptor_to_spare) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const Descriptor next(::open("/dev/null", O_RDONLY | O_CLOEXEC));  // the lowest free number
  rlimit now = before;
  now.rlim_cur = static_cast<rlim_t>(next.get()) + 1;
  setrlimit(RLIMIT_NOFILE, &now);
  const std::string failure = co_await failure_of(listener.address());
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(failure, "connect " + listener.address().to_string() + ": too many open files");
}

CO_TEST(Connect, twice_at_once_in_a_race) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  Listener closed = co_await Listener::bind("127.0.0.1:0");
  const Address nobody = closed.address();
  co_await closed.close();
  std::vector<Task<StreamSocket>> tries;
  tries.push_back(StreamSocket::connect(nobody));
  tries.push_back(StreamSocket::connect(listener.address()));
  StreamSocket client = co_await race(std::move(tries));
  EXPECT_EQ(client.peer_address(), listener.address());
}

// ---- In a network namespace ---------------------------------------------------------------------

// What is routed to the loopback interface without being an address of it is never answered.
constexpr std::string_view silent_network = "ip route add 198.51.100.0/24 dev lo";

TEST(ConnectInNamespace, without_a_route) {
  const std::string reason = in_network_namespace("", [] {
    const auto failure = run_alone(failure_of("198.51.100.7:9"));
    EXPECT_EQ(failure.value(), "connect 198.51.100.7:9: network is unreachable");
    const auto failure6 = run_alone(failure_of("[2001:db8::7]:9"));
    EXPECT_EQ(failure6.value(), "connect [2001:db8::7]:9: network is unreachable");
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(ConnectInNamespace, over_a_route_that_says_no) {
  const std::string reason = in_network_namespace(
      "ip route add unreachable 198.51.100.0/24; ip route add prohibit 203.0.113.0/24", [] {
        const auto unreachable = run_alone(failure_of("198.51.100.7:9"));
        EXPECT_EQ(unreachable.value(), "connect 198.51.100.7:9: no route to host");
        const auto prohibited = run_alone(failure_of("203.0.113.7:9"));
        EXPECT_EQ(prohibited.value(), "connect 203.0.113.7:9: permission denied");
      });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(ConnectInNamespace, to_a_silent_address_within_a_limit) {
  const std::string reason = in_network_namespace(silent_network, [] {
    const auto failure = run_alone(failure_of("198.51.100.7:9", {.timeout = 50ms}));
    EXPECT_EQ(failure.value(), "connect 198.51.100.7:9: timed out after 50 ms");
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(ConnectInNamespace, to_a_silent_address_within_a_deadline_round_it) {
  const std::string reason = in_network_namespace(silent_network, [] {
    const auto connecting = [](Duration own, Duration outer) {
      return with_timeout(outer, StreamSocket::connect("198.51.100.7:9", {.timeout = own}));
    };
    const auto outer_is_nearer = run_alone(connecting(1h, 50ms));
    EXPECT_EQ(outer_is_nearer.error().to_string(), "connect 198.51.100.7:9: timed out after 50 ms");
    const auto own_is_nearer = run_alone(connecting(40ms, 1h));
    EXPECT_EQ(own_is_nearer.error().to_string(), "connect 198.51.100.7:9: timed out after 40 ms");
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(ConnectInNamespace, to_a_silent_address_until_stopped) {
  const std::string reason = in_network_namespace(silent_network, [] {
    const std::unique_ptr<Runtime> runtime = make_runtime();
    auto running = runtime->start(StreamSocket::connect("198.51.100.7:9"));
    while (runtime->pending_operations() == 0) runtime->turn();
    running.stop();
    while (!running.done()) runtime->turn();
    EXPECT_EQ(running.take().error().to_string(), "connect 198.51.100.7:9: canceled");
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

// The system's own limit: about 3 s with a single retry.
TEST(ConnectInNamespace, to_a_silent_address_until_the_system_gives_up) {
  const std::string reason = in_network_namespace(silent_network, [] {
    {
      std::ofstream retries("/proc/sys/net/ipv4/tcp_syn_retries");
      retries << 1;
      std::ofstream linear("/proc/sys/net/ipv4/tcp_syn_linear_timeouts");
      linear << 0;
    }
    const auto failure = run_alone(failure_of("198.51.100.7:9"));
    EXPECT_EQ(failure.value(), "connect 198.51.100.7:9: timed out");
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

Task<> connect_until_no_port_is_left() {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  std::vector<StreamSocket> clients;
  for (;;) {
    Result<StreamSocket> client = co_await attempt(StreamSocket::connect(listener.address()));
    if (!client) {
      EXPECT_EQ(client.error().to_string(),
                "connect " + listener.address().to_string() + ": cannot assign requested address");
      break;
    }
    clients.push_back(std::move(*client));
    CO_ASSERT(clients.size() <= 8);
  }
  EXPECT_GE(clients.size(), 7U);  // one of the eight may be the listener's own
  StreamSocket freed = std::move(clients.back());
  clients.pop_back();
  co_await freed.reset();
  StreamSocket client = co_await StreamSocket::connect(listener.address());
}

TEST(ConnectInNamespace, until_no_port_is_left) {
  const std::string reason = in_network_namespace("", [] {
    {
      std::ofstream range("/proc/sys/net/ipv4/ip_local_port_range");
      range << "50000 50007";
    }
    expect_success_in_time(connect_until_no_port_is_left());
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

}  // namespace
}  // namespace ieum::test
