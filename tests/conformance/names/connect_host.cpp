// Connecting to a host and a port that come from elsewhere, and to one of several addresses.
#include <filesystem>
#include <random>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

template <class... Arguments>
Task<std::string> failure_of(Arguments... arguments) {
  Result<StreamSocket> socket = co_await attempt(StreamSocket::connect(arguments...));
  if (socket) co_return "it connected to " + socket->peer_address().to_string();
  co_return socket.error().to_string();
}

/// A port of 127.0.0.1 where nobody listens.
Task<std::uint16_t> closed_port() {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  co_return listener.address().port();
}

CO_TEST(ConnectHost, by_name_and_by_address) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const std::uint16_t port = listener.address().port();
  const StreamSocket by_name = co_await StreamSocket::connect("localhost", port);
  EXPECT_EQ(by_name.peer_address(), listener.address());
  const StreamSocket by_address = co_await StreamSocket::connect("127.0.0.1", int{port});
  EXPECT_EQ(by_address.peer_address(), listener.address());
  const HostPort place = co_await HostPort::parse("localhost:" + std::to_string(port));
  ConnectOptions options;
  options.timeout = 10s;
  const StreamSocket by_both = co_await StreamSocket::connect(place, options);
  EXPECT_EQ(by_both.peer_address(), listener.address());
}

CO_TEST(ConnectHost, by_an_ipv6_address_with_brackets_or_without) {
  if (!has(Transport::ipv6)) co_return;
  Listener listener = co_await Listener::bind("[::1]:0");
  const std::uint16_t port = listener.address().port();
  const StreamSocket bare = co_await StreamSocket::connect("::1", port);
  EXPECT_EQ(bare.peer_address(), listener.address());
  const StreamSocket within = co_await StreamSocket::connect("[::1]", port);
  EXPECT_EQ(within.peer_address(), listener.address());
}

CO_TEST(ConnectHost, takes_a_text_that_ends_with_the_call) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  auto connecting = StreamSocket::connect(std::string("localhost"), listener.address().port());
  const StreamSocket client = co_await std::move(connecting);
  EXPECT_TRUE(client.is_open());
}

CO_TEST(ConnectHost, never_reaches_a_unix_socket) {
  const TemporaryDirectory directory;
  const std::string path = directory.path("private");
  const Address address = co_await Address::unix_path(path + ":80");
  Listener secret = co_await Listener::bind(address);
  Listener abstract = co_await Listener::bind("unix:@ieum-secret:80");
  const std::vector<std::string> hosts = {
      "unix:" + path,        "unix:" + path + "%00", path, "unix:@ieum-secret", "@ieum-secret",
      "[unix:" + path + "]", "unix:" + path + ":80"};
  for (const std::string& host : hosts) {
    const Result<StreamSocket> socket = co_await attempt(StreamSocket::connect(host, 80));
    CO_ASSERT(!socket);
    EXPECT_EQ(socket.error(), Errc::name_invalid) << socket.error().to_string();
    const Result<HostPort> place = HostPort::parse(host + ":80");
    EXPECT_FALSE(place) << host;
  }
  const std::string failure = co_await failure_of(std::string("unix:/run/x"), 80);
  EXPECT_EQ(failure,
            "resolve unix:/run/x: this can be no name: it has a colon, and is no IPv6 address");
}

CO_TEST(ConnectHost, refuses_a_port_that_is_none) {
  const std::string wraps = co_await failure_of(std::string("localhost"), 65536 + 80);
  EXPECT_EQ(wraps,
            "parse address: invalid argument: \"65616\" is no port: they go from 0 to 65535");
  const std::string negative = co_await failure_of(std::string("localhost"), -1);
  EXPECT_EQ(negative,
            "parse address: invalid argument: \"-1\" is no port: they go from 0 to 65535");
  const Result<StreamSocket> zero = co_await attempt(StreamSocket::connect("127.0.0.1", 0));
  EXPECT_FALSE(zero);
}

CO_TEST(ConnectHost, to_no_host) {
  const std::string failure = co_await failure_of(HostPort());
  EXPECT_EQ(failure, "resolve: this can be no name: it is empty");
}

CO_TEST(ConnectOneOf, the_first_that_answers) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const std::uint16_t nobody = co_await closed_port();
  std::vector<Address> addresses = {Address::ipv4_loopback(nobody), listener.address()};
  ConnectOptions options;
  options.attempt_delay = 2s;  // not waited for: the first is refused
  const StreamSocket client = co_await StreamSocket::connect(addresses, options);
  EXPECT_EQ(client.peer_address(), listener.address());
  auto connecting = StreamSocket::connect(addresses, options);
  addresses.clear();  // they were copied
  const StreamSocket second = co_await std::move(connecting);
  EXPECT_EQ(second.peer_address(), listener.address());
}

CO_TEST(ConnectOneOf, in_the_order_that_was_given) {
  Listener first = co_await Listener::bind("127.0.0.1:0");
  Listener second = co_await Listener::bind("127.0.0.1:0");
  const std::vector<Address> addresses = {second.address(), first.address()};
  const StreamSocket client = co_await StreamSocket::connect(addresses);
  EXPECT_EQ(client.peer_address(), second.address());
}

CO_TEST(ConnectOneOf, of_several_that_fail_says_how_many) {
  const std::uint16_t nobody = co_await closed_port();
  const Address address = Address::ipv4_loopback(nobody);
  const std::vector<Address> two = {address, Address::ipv4({127, 0, 0, 2}, nobody)};
  const Result<StreamSocket> both = co_await attempt(StreamSocket::connect(two));
  CO_ASSERT(!both);
  EXPECT_EQ(both.error(), std::errc::connection_refused);
  EXPECT_EQ(both.error().detail(), "tried 2 addresses");
  const std::vector<Address> one = {address};
  const Result<StreamSocket> alone = co_await attempt(StreamSocket::connect(one));
  CO_ASSERT(!alone);
  EXPECT_EQ(alone.error().to_string(), "connect " + address.to_string() + ": connection refused");
}

CO_TEST(ConnectOneOf, of_none_or_of_none_that_fits) {
  const std::string none = co_await failure_of(std::vector<Address>());
  EXPECT_EQ(none, "connect: invalid argument: there is no address to connect to");
  const std::vector<Address> ipv4 = {Address::ipv4_loopback(9)};
  ConnectOptions options;
  options.family = Family::ipv6;
  const std::string family = co_await failure_of(ipv4, options);
  EXPECT_EQ(family,
            "connect: address family not supported by protocol: none of the addresses is of the "
            "family that the options ask for");
}

// ---- Reaching oneself --------------------------------------------------------------------------

/// Connects from the very address that it connects to, as the system's choice of ports does now and
/// then.
Task<> expect_refused_when_it_reaches_itself(Address to) {
  const std::uint16_t port = co_await closed_port();
  to.set_port(port);
  ConnectOptions options;
  options.source = to;
  Result<StreamSocket> socket = co_await attempt(StreamSocket::connect(to, options));
  CO_ASSERT(!socket);
  EXPECT_EQ(socket.error(), std::errc::connection_refused) << socket.error().to_string();
  EXPECT_EQ(socket.error().address(), to);
  // Nothing is left that would be in the way of a server.
  Listener listener = co_await Listener::bind(to);
}

CO_TEST(ConnectToItself, is_refused) {
  co_await expect_refused_when_it_reaches_itself(Address::ipv4_loopback(0));
}

CO_TEST(ConnectToItself, is_refused_by_ipv6) {
  if (!has(Transport::ipv6)) co_return;
  co_await expect_refused_when_it_reaches_itself(Address::ipv6_loopback(0));
}

CO_TEST(ConnectToItself, is_refused_at_the_wildcard) {
  const std::uint16_t port = co_await closed_port();
  ConnectOptions options;
  options.source = Address::ipv4_loopback(port);
  const Result<StreamSocket> socket =
      co_await attempt(StreamSocket::connect(Address::ipv4({}, port), options));
  CO_ASSERT(!socket);
  EXPECT_EQ(socket.error(), std::errc::connection_refused) << socket.error().to_string();
}

/// At 127.0.0.2, with a port that the system gives nobody, so that it is free at 127.0.0.1 too: of
/// those that it gives, one may belong to a connection that has just ended.
Task<Listener> listener_at_a_port_of_no_client() {
  std::mt19937_64 random(seed());
  for (;;) {
    const auto port = static_cast<std::uint16_t>(15'000 + random() % 15'000);
    Result<Listener> listener =
        co_await attempt(Listener::bind(Address::ipv4({127, 0, 0, 2}, port)));
    if (listener) co_return *std::move(listener);
  }
}

CO_TEST(ConnectToItself, is_refused_by_name_and_the_next_address_is_tried) {
  const Listener listener = co_await listener_at_a_port_of_no_client();
  const std::uint16_t port = listener.address().port();
  ConnectOptions options;
  options.source = Address::ipv4_loopback(port);
  const std::vector<Address> addresses = {options.source, listener.address()};
  const Result<StreamSocket> by_name =
      co_await attempt(StreamSocket::connect("localhost", port, options));
  CO_ASSERT(!by_name);
  EXPECT_EQ(by_name.error(), std::errc::connection_refused) << by_name.error().to_string();
  const StreamSocket next = co_await StreamSocket::connect(addresses, options);
  EXPECT_EQ(next.peer_address(), listener.address());
}

// ---- Sources -----------------------------------------------------------------------------------

CO_TEST(ConnectFrom, a_source_does_not_hide_why_its_family_failed) {
  const std::uint16_t port = co_await closed_port();
  ConnectOptions options;
  options.source = Address::ipv4_loopback(0);
  const std::string failure =
      co_await failure_of(HostPort(*HostPort::make("localhost", port)), options);
  EXPECT_EQ(failure, "connect 127.0.0.1:" + std::to_string(port) +
                         ": connection refused: the only address of localhost");
}

CO_TEST(ConnectFrom, a_source_of_another_family_is_refused) {
  ConnectOptions options;
  options.source = Address::ipv4_loopback(0);
  const std::string other = co_await failure_of(Address::ipv6_loopback(9), options);
  EXPECT_EQ(other, "bind 127.0.0.1:0: address family not supported by protocol");
  options.family = Family::ipv6;
  const std::string both = co_await failure_of(*HostPort::make("localhost", 9), options);
  EXPECT_EQ(both,
            "connect localhost:9: address family not supported by protocol: the source is of "
            "another family than the options ask for");
}

CO_TEST(ConnectFrom, a_port_of_any_family) {
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const std::uint16_t port = co_await closed_port();
  ConnectOptions options;
  options.source = Address::any_family(port);
  const StreamSocket client = co_await StreamSocket::connect(listener.address(), options);
  const Address local = co_await client.local_address();
  EXPECT_EQ(local, Address::ipv4_loopback(port));
}

}  // namespace
}  // namespace ieum::test
