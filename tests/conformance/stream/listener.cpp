// Listening: ports, who holds a taken one, both families on one socket, sharing, the backlog.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "conformance/conformance.hpp"
#include "support/child.hpp"

namespace ieum::test {
namespace {

EVERY_TRANSPORT(ListenerOn);

std::string failure_of(const Address& address, const ListenOptions& options = {}) {
  const Result<Listener> listener = Listener::bind(address, options);
  return listener ? "it listens" : listener.error().to_string();
}

/// Binding there fails, and it can be found out who holds it.
Task<> expect_taken(Address address, pid_t holder) {
  EXPECT_EQ(failure_of(address), "listen " + address.to_string() + ": address already in use");
  const std::optional<PortOwner> owner = co_await find_port_owner(address);
  CO_ASSERT(owner);
  EXPECT_EQ(owner->to_string(), held_by(holder));
}

/// A child process that listens on `ip`, some port, until it is killed. Gives the port.
class ListeningChild {
 public:
  explicit ListeningChild(std::uint32_t ip)
      : child_([this, ip] {
          const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
          sockaddr_in name{};
          name.sin_family = AF_INET;
          name.sin_addr.s_addr = htonl(ip);
          socklen_t length = sizeof name;
          auto* any = reinterpret_cast<sockaddr*>(&name);
          if (::bind(socket, any, sizeof name) < 0 || ::listen(socket, 5) < 0) return 1;
          ::getsockname(socket, any, &length);
          const std::uint16_t port = ntohs(name.sin_port);
          if (::write(pipe_.writer.get(), &port, sizeof port) != sizeof port) return 1;
          for (;;) ::pause();
        }) {
    if (::read(pipe_.reader.get(), &port_, sizeof port_) != sizeof port_) port_ = 0;
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }

 private:
  Pipe pipe_;
  std::uint16_t port_ = 0;
  ForkedChild child_;
};

CO_TEST_P(ListenerOn, is_refused_what_another_listens_on) {
  Listener listener = co_await Listener::bind(any_address(transport));
  co_await expect_taken(listener.address(), getpid());
}

CO_TEST_P(ListenerOn, can_listen_again_after_a_close_with_a_connection_left) {
  Listener listener = co_await Listener::bind(any_address(transport));
  const Address address = listener.address();
  StreamSocket client = co_await StreamSocket::connect(address);
  StreamSocket server = co_await listener.accept();
  co_await listener.close();
  co_await server.close();  // this side closes first: its port stays in TIME_WAIT
  const std::string rest = co_await read_to_end(client);
  EXPECT_EQ(rest, "");
  co_await client.close();
  Listener again = co_await Listener::bind(address);
  EXPECT_EQ(again.address(), address);
}

CO_TEST_P(ListenerOn, accepts_many_on_one_address) {
  Listener listener = co_await Listener::bind(any_address(transport));
  std::vector<StreamSocket> clients;
  std::vector<StreamSocket> servers;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(co_await StreamSocket::connect(listener.address()));
  }
  for (int i = 0; i < 50; ++i) servers.push_back(co_await listener.accept());
  for (std::size_t i = 0; i < 50; ++i) {
    const std::string text = std::to_string(i + 100);
    co_await servers[i].write_all(text);
    const std::string got = co_await read_text(clients[i], 3);
    EXPECT_EQ(got, text);  // the backlog is a queue
  }
}

CO_TEST_P(ListenerOn, resets_or_ends_those_in_the_backlog_when_it_closes) {
  Listener listener = co_await Listener::bind(any_address(transport));
  StreamSocket client = co_await StreamSocket::connect(listener.address());
  co_await listener.close();
  EXPECT_FALSE(listener.is_open());
  std::array<std::byte, 8> buffer;
  Result<std::size_t> count = co_await attempt(client.read_some(buffer));
  CO_ASSERT(!count);
  EXPECT_EQ(count.error(), std::errc::connection_reset);
}

CO_TEST_P(ListenerOn, fails_to_accept_once_closed) {
  Listener listener = co_await Listener::bind(any_address(transport));
  const std::string address = listener.address().to_string();
  co_await listener.close();
  Result<StreamSocket> client = co_await attempt(listener.accept());
  CO_ASSERT(!client);
  EXPECT_EQ(client.error().to_string(), "accept " + address + ": bad file descriptor");
  Result<> closed = co_await attempt(listener.close());
  CO_ASSERT(!closed);
  EXPECT_EQ(closed.error().to_string(), "close " + address + ": bad file descriptor");
}

CO_TEST_P(ListenerOn, ends_a_pending_accept_when_it_closes) {
  Listener listener = co_await Listener::bind(any_address(transport));
  const std::string address = listener.address().to_string();
  std::string ended;
  auto accepting = [&]() -> Task<> {
    Result<StreamSocket> client = co_await attempt(listener.accept());
    ended = client ? "accepted" : client.error().to_string();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(accepting());
    co_await yield();
    co_await yield();
    co_await listener.close();
  };
  co_await with_group(body);
  EXPECT_EQ(ended, "accept " + address + ": canceled");
}

CO_TEST(Listener, tells_the_port_that_the_system_chose) {
  Listener first = co_await Listener::bind("127.0.0.1:0");
  Listener second = co_await Listener::bind("127.0.0.1:0");
  EXPECT_NE(first.address().port(), 0);
  EXPECT_NE(first.address().port(), second.address().port());
  EXPECT_EQ(first.address(), Address::ipv4_loopback(first.address().port()));
}

TEST(Listener, outside_of_any_task_belongs_to_the_threads_runtime) {
  Result<Listener> listener = Listener::bind("127.0.0.1:0");
  ASSERT_TRUE(listener) << listener.error().to_string();
  Result<StreamSocket> client = run(StreamSocket::connect(listener->address()));
  ASSERT_TRUE(client) << client.error().to_string();
  Result<StreamSocket> server = run(listener->accept());
  ASSERT_TRUE(server) << server.error().to_string();
  ASSERT_TRUE(run(client->write_all("hello")));
  EXPECT_EQ(run(read_text(*server, 5)).value(), "hello");
}

TEST(Listener, names_the_other_process_that_holds_the_port) {
  const ListeningChild child(INADDR_LOOPBACK);
  ASSERT_NE(child.port(), 0);
  const Address address = Address::ipv4_loopback(child.port());
  expect_success(expect_taken(address, child.pid()));
}

TEST(Listener, names_the_holder_of_this_address_not_of_the_same_port_elsewhere) {
  const ListeningChild elsewhere(INADDR_LOOPBACK + 1);
  ASSERT_NE(elsewhere.port(), 0);
  const Address address = Address::ipv4_loopback(elsewhere.port());
  Result<Listener> ours = Listener::bind(address);
  ASSERT_TRUE(ours) << ours.error().to_string();
  expect_success(expect_taken(address, getpid()));
  const Address other = Address::ipv4({127, 0, 0, 2}, elsewhere.port());
  expect_success(expect_taken(other, elsewhere.pid()));
}

CO_TEST(Listener, on_the_wildcard_and_on_a_specific_address_exclude_each_other) {
  Listener wildcard = co_await Listener::bind("0.0.0.0:0");
  const Address specific = Address::ipv4_loopback(wildcard.address().port());
  EXPECT_TRUE(wildcard.address().is_wildcard());
  co_await expect_taken(specific, getpid());
  const Address all = wildcard.address();
  co_await wildcard.close();
  Listener listener = co_await Listener::bind(specific);
  co_await expect_taken(all, getpid());
}

CO_TEST(Listener, on_the_ipv6_wildcard_takes_clients_of_both_families) {
  if (!has(Transport::ipv6)) co_return;
  Listener listener = co_await Listener::bind("*:0");
  const std::uint16_t port = listener.address().port();
  EXPECT_EQ(listener.address(), Address::ipv6({}, port));
  StreamSocket client4 = co_await StreamSocket::connect(Address::ipv4_loopback(port));
  StreamSocket server4 = co_await listener.accept();
  StreamSocket client6 = co_await StreamSocket::connect(Address::ipv6_loopback(port));
  StreamSocket server6 = co_await listener.accept();
  const Address local6 = co_await client6.local_address();
  EXPECT_EQ(server6.peer_address(), local6);
  const Address local4 = co_await client4.local_address();
  EXPECT_EQ(server4.peer_address().port(), local4.port());
  const Address ipv4 = Address::ipv4_loopback(port);
  co_await expect_taken(ipv4, getpid());
}

CO_TEST(Listener, on_the_ipv6_wildcard_alone_refuses_ipv4_clients) {
  if (!has(Transport::ipv6)) co_return;
  // No port that the system chooses: in IPv4 a client of another program may have the same, or get
  // it while this runs, and keeps it in TIME_WAIT.
  const std::uint16_t port = free_port();
  Listener listener = co_await Listener::bind(Address::ipv6({}, port), {.ipv6_only = true});
  Result<StreamSocket> client =
      co_await attempt(StreamSocket::connect(Address::ipv4_loopback(port)));
  CO_ASSERT(!client);
  EXPECT_EQ(client.error(), std::errc::connection_refused);
  Listener beside = co_await Listener::bind(Address::ipv4({}, port));
  StreamSocket client4 = co_await StreamSocket::connect(Address::ipv4_loopback(port));
  StreamSocket server4 = co_await beside.accept();
}

Task<> count_clients(Listener& listener, int& count, int& missing, Event& all) {
  for (;;) {
    StreamSocket client = co_await listener.accept();
    ++count;
    if (--missing == 0) all.set();
  }
}

CO_TEST(Listener, shares_its_port_with_another_by_reuse_port) {
  Listener first = co_await Listener::bind("127.0.0.1:0", {.reuse_port = true});
  Listener second = co_await Listener::bind(first.address(), {.reuse_port = true});
  co_await expect_taken(first.address(), getpid());
  int at_first = 0;
  int at_second = 0;
  int missing = 64;
  Event all;
  auto body = [&](Group& group) -> Task<> {
    group.start(count_clients(first, at_first, missing, all));
    group.start(count_clients(second, at_second, missing, all));
    for (int i = 0; i < 64; ++i) {
      StreamSocket client = co_await StreamSocket::connect(first.address());
    }
    co_await all.wait();
    group.stop();
  };
  co_await with_group(body);
  // By a hash of the ports: none of 64 with one of them is as likely as 2 to the power of -63.
  EXPECT_GT(at_first, 0);
  EXPECT_GT(at_second, 0);
  EXPECT_EQ(at_first + at_second, 64);
}

CO_TEST(Listener, makes_clients_beyond_its_backlog_wait) {
  Listener listener = co_await Listener::bind("127.0.0.1:0", {.backlog = 0});
  // A backlog of n takes n + 1 (listen(2)).
  StreamSocket first = co_await StreamSocket::connect(listener.address());
  Result<StreamSocket> second =
      co_await attempt(StreamSocket::connect(listener.address(), {.timeout = 50ms}));
  CO_ASSERT(!second);
  EXPECT_EQ(second.error().to_string(),
            "connect " + listener.address().to_string() + ": timed out after 50 ms");
  bool connected = false;
  auto third = [&]() -> Task<> {
    StreamSocket client = co_await StreamSocket::connect(listener.address());
    connected = true;
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(third());
    co_await sleep(20ms);
    EXPECT_FALSE(connected);
    StreamSocket accepted = co_await listener.accept();  // the client's next try is after a second
  };
  co_await with_group(body);
  EXPECT_TRUE(connected);
}

CO_TEST(Listener, on_a_unix_socket_makes_clients_beyond_its_backlog_wait) {
  Listener listener = co_await Listener::bind(any_address(Transport::unix_socket), {.backlog = 0});
  StreamSocket first = co_await StreamSocket::connect(listener.address());
  Result<StreamSocket> second =
      co_await attempt(StreamSocket::connect(listener.address(), {.timeout = 50ms}));
  CO_ASSERT(!second);
  EXPECT_EQ(second.error(), std::errc::timed_out);
  EXPECT_EQ(second.error().to_string(),
            "connect " + listener.address().to_string() + ": timed out after 50 ms");
  bool connected = false;
  auto third = [&]() -> Task<> {
    StreamSocket client = co_await StreamSocket::connect(listener.address());
    connected = true;
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(third());
    co_await sleep(20ms);
    EXPECT_FALSE(connected);
    StreamSocket accepted = co_await listener.accept();
  };
  co_await with_group(body);
  EXPECT_TRUE(connected);
}

CO_TEST(Listener, on_an_address_that_is_not_ours) {
  EXPECT_EQ(failure_of(Address::ipv4({192, 0, 2, 1}, 0)),
            "listen 192.0.2.1:0: cannot assign requested address");
  EXPECT_EQ(failure_of(Address{}), "listen: address family not supported by protocol");
  co_return;
}

CO_TEST(Listener, moved_over_another_closes_that) {
  Listener first = co_await Listener::bind("127.0.0.1:0");
  Listener second = co_await Listener::bind("127.0.0.1:0");
  const Address former = first.address();
  const Address kept = second.address();
  first = std::move(second);
  EXPECT_EQ(first.address(), kept);
  EXPECT_FALSE(second.is_open());
  Listener again = co_await Listener::bind(former);
  StreamSocket client = co_await StreamSocket::connect(kept);
}

TEST(ListenerInNamespace, on_a_port_that_needs_root) {
  const std::string reason = in_network_namespace("", [] {
    // The bare system call changes this thread alone.
    ASSERT_EQ(::syscall(SYS_setresuid, 65534, 65534, 65534), 0);
    const std::unique_ptr<Runtime> runtime = make_runtime();
    const auto binding = []() -> Task<std::string> {
      co_return failure_of(Address::ipv4_loopback(7));
    };
    EXPECT_EQ(run(*runtime, binding()).value(),
              "listen 127.0.0.1:7: permission denied: ports below 1024 need root or "
              "CAP_NET_BIND_SERVICE");
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(ListenerInNamespace, names_the_holder_of_a_port_in_the_threads_namespace) {
  const std::string reason = in_network_namespace("", [] {
    const auto binding = []() -> Task<> {
      Listener listener = co_await Listener::bind("127.0.0.1:0");
      co_await expect_taken(listener.address(), getpid());
    };
    expect_success(binding());
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

CO_TEST(Listener, on_both_families_tells_an_ipv4_client_by_its_ipv4_address) {
  if (!has(Transport::ipv6)) co_return;
  Listener listener = co_await Listener::bind("[::]:0");
  const Address to = Address::ipv4_loopback(listener.address().port());
  StreamSocket client = co_await StreamSocket::connect(to);
  StreamSocket server = co_await listener.accept();
  EXPECT_EQ(server.peer_address(), *client.local_address());
  EXPECT_EQ(*server.local_address(), to);
}

}  // namespace
}  // namespace ieum::test
