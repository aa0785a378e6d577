// Socket options by their standard names, on sockets and listeners.
#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

EVERY_TRANSPORT(OptionsOver);

CO_TEST(Options, no_delay_is_on_at_both_ends_unless_refused) {
  Pair pair = co_await connected();
  const int at_client = co_await pair.client.option(SocketOption::tcp_nodelay);
  const int at_server = co_await pair.server.option(SocketOption::tcp_nodelay);
  EXPECT_NE(at_client, 0);
  EXPECT_NE(at_server, 0);
  Listener listener = co_await Listener::bind("127.0.0.1:0", {.no_delay = false});
  StreamSocket client = co_await StreamSocket::connect(listener.address(), {.no_delay = false});
  StreamSocket server = co_await listener.accept();
  const int client_delays = co_await client.option(SocketOption::tcp_nodelay);
  const int server_delays = co_await server.option(SocketOption::tcp_nodelay);
  EXPECT_EQ(client_delays, 0);
  EXPECT_EQ(server_delays, 0);
}

CO_TEST(Options, of_tcp_are_what_they_were_set_to) {
  Pair pair = co_await connected();
  struct Setting {
    SocketOption option;
    int value;
  };
  constexpr std::array settings{
      Setting{SocketOption::so_keepalive, 1},
      Setting{SocketOption::so_priority, 3},
      Setting{SocketOption::tcp_nodelay, 0},
      Setting{SocketOption::tcp_cork, 1},
      Setting{SocketOption::tcp_keepidle, 77},
      Setting{SocketOption::tcp_keepintvl, 7},
      Setting{SocketOption::tcp_keepcnt, 5},
      Setting{SocketOption::tcp_user_timeout, 12345},
      Setting{SocketOption::tcp_notsent_lowat, 16384},
      Setting{SocketOption::ip_tos, 0x10},
      Setting{SocketOption::ip_ttl, 33},
      Setting{SocketOption::so_reuseaddr, 1},
  };
  for (const Setting& setting : settings) {
    co_await pair.client.set_option(setting.option, setting.value);
    const int value = co_await pair.client.option(setting.option);
    EXPECT_EQ(value, setting.value) << static_cast<int>(setting.option);
  }
}

CO_TEST(Options, of_ipv6_are_what_they_were_set_to) {
  if (!has(Transport::ipv6)) co_return;
  Pair pair = co_await connected(Transport::ipv6);
  co_await pair.client.set_option(SocketOption::ipv6_tclass, 0x20);
  co_await pair.client.set_option(SocketOption::ipv6_unicast_hops, 9);
  const int traffic_class = co_await pair.client.option(SocketOption::ipv6_tclass);
  const int hops = co_await pair.client.option(SocketOption::ipv6_unicast_hops);
  EXPECT_EQ(traffic_class, 0x20);
  EXPECT_EQ(hops, 9);
}

CO_TEST_P(OptionsOver, buffers_are_at_least_as_large_as_asked_for) {
  Pair pair = co_await connected(transport);
  for (const SocketOption option : {SocketOption::so_sndbuf, SocketOption::so_rcvbuf}) {
    co_await pair.client.set_option(option, 40'000);
    const int bytes = co_await pair.client.option(option);
    EXPECT_GE(bytes, 40'000);  // Linux doubles it (socket(7))
  }
}

CO_TEST_P(OptionsOver, errors_name_the_operation_and_the_address) {
  Pair pair = co_await connected(transport);
  const std::string address = pair.client.peer_address().to_string();
  const Result<> set = pair.client.set_option(SocketOption::so_error, 1);
  CO_ASSERT(!set);
  EXPECT_EQ(set.error().to_string(), "set socket option " + address + ": protocol not available");
  const int pending = co_await pair.client.option(SocketOption::so_error);
  EXPECT_EQ(pending, 0);
}

/// Its idle time and interval in seconds, its count, and whether it is on.
Task<std::string> keepalive_of(StreamSocket& socket) {
  const int idle = co_await socket.option(SocketOption::tcp_keepidle);
  const int interval = co_await socket.option(SocketOption::tcp_keepintvl);
  const int count = co_await socket.option(SocketOption::tcp_keepcnt);
  const int on = co_await socket.option(SocketOption::so_keepalive);
  co_return std::to_string(idle) + " " + std::to_string(interval) + " " + std::to_string(count) +
      (on != 0 ? " on" : " off");
}

CO_TEST(Options, of_keepalive_are_set_together) {
  const Keepalive keepalive{.idle = 77s, .interval = 7s, .count = 5};
  ListenOptions listen;
  listen.keepalive = keepalive;
  Listener listener = co_await Listener::bind("127.0.0.1:0", listen);
  ConnectOptions connect;
  connect.keepalive = Keepalive();
  StreamSocket client = co_await StreamSocket::connect(listener.address(), connect);
  StreamSocket server = co_await listener.accept();
  const std::string at_server = co_await keepalive_of(server);
  EXPECT_EQ(at_server, "77 7 5 on");
  const std::string at_client = co_await keepalive_of(client);
  EXPECT_EQ(at_client, "60 10 6 on");
  co_await client.set_keepalive(keepalive);
  const std::string changed = co_await keepalive_of(client);
  EXPECT_EQ(changed, "77 7 5 on");
}

CO_TEST(Options, of_keepalive_are_refused_where_they_cannot_be) {
  Pair tcp = co_await connected();
  const Keepalive bad[] = {{.idle = 0s},
                           {.interval = 40'000s},
                           {.count = 0},
                           {.count = 1000},
                           {.idle = std::chrono::seconds::max()}};
  for (const Keepalive& keepalive : bad) {
    const Result<> set = tcp.client.set_keepalive(keepalive);
    CO_ASSERT(!set);
    EXPECT_EQ(set.error(), std::errc::invalid_argument);
    const int on = co_await tcp.client.option(SocketOption::so_keepalive);
    EXPECT_EQ(on, 0);
  }
  Pair local = co_await connected(Transport::unix_socket);
  EXPECT_FALSE(local.client.set_keepalive(Keepalive()));
}

CO_TEST(Options, of_another_family_are_refused) {
  Pair pair = co_await connected(Transport::unix_socket);
  EXPECT_FALSE(pair.client.set_option(SocketOption::tcp_nodelay, 1));
  EXPECT_FALSE(pair.client.option(SocketOption::ip_ttl));
  Pair tcp = co_await connected();
  const Result<> value = tcp.client.set_option(SocketOption::ip_ttl, 1000);
  CO_ASSERT(!value);
  EXPECT_EQ(value.error(), std::errc::invalid_argument);
}

CO_TEST(Options, of_a_listener_go_to_the_sockets_that_it_accepts) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  co_await listener.set_option(SocketOption::so_keepalive, 1);
  const int of_listener = co_await listener.option(SocketOption::so_keepalive);
  EXPECT_EQ(of_listener, 1);
  StreamSocket client = co_await StreamSocket::connect(listener.address());
  StreamSocket server = co_await listener.accept();
  const int of_server = co_await server.option(SocketOption::so_keepalive);
  EXPECT_EQ(of_server, 1);
  const std::string address = listener.address().to_string();
  co_await listener.close();
  const Result<int> closed = listener.option(SocketOption::so_keepalive);
  CO_ASSERT(!closed);
  EXPECT_EQ(closed.error().to_string(), "get socket option " + address + ": bad file descriptor");
}

}  // namespace
}  // namespace ieum::test
