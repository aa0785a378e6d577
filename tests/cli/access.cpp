// Who may come in: --allow and --deny; and --broker, by which those who are in hear each other.
#include <csignal>

#include "cli/clients.hpp"
#include "cli/datagrams.hpp"

namespace ieum::test {
namespace {

/// What a client from `source` gets from an echo server; "refused" if it is kept out.
Task<std::string> ask_from(std::string source, std::string to) {
  ConnectOptions options;
  const std::string place = source + ":0";
  options.source = co_await Address::parse(place);
  // Whoever is refused at once may learn it while it connects.
  Result<StreamSocket> connected = co_await attempt(StreamSocket::connect(to, options));
  if (!connected && connected.error() == std::errc::connection_reset) {
    co_return std::string("refused");
  }
  StreamSocket peer = co_await std::move(connected);
  const Result<> sent = co_await attempt(peer.write_all("hello"));
  if (sent) {
    const Result<> shut_down = co_await attempt(peer.shutdown_write());
    static_cast<void>(shut_down);
  }
  const Result<std::string> reply = co_await attempt(read_to_end(peer));
  co_await peer.close();
  co_return reply&& sent && !reply->empty() ? *reply : std::string("refused");
}

TEST(Access, OnlyThoseWhoAreAllowedAreServed) {
  Child server(ieum_command(
      {"listen", "-k", "--echo", "-v", "--allow", "127.0.0.4/31,127.0.0.9", "127.0.0.1:0"}));
  std::string address = where_it_listens(server);
  address.resize(address.find(' '));
  EXPECT_EQ(succeed(ask_from("127.0.0.4", address)), "hello");
  EXPECT_EQ(succeed(ask_from("127.0.0.5", address)), "hello");
  EXPECT_EQ(succeed(ask_from("127.0.0.6", address)), "refused");
  EXPECT_EQ(succeed(ask_from("127.0.0.9", address)), "hello");
  server.read_error_until("refused 127.0.0.6:");
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 143);
  EXPECT_TRUE(server.error_output().contains("3 clients served")) << server.error_output();
}

TEST(Access, WhoIsDeniedIsNotServedThoughAllowed) {
  Child server(ieum_command({"listen", "-k", "--echo", "--allow", "127.0.0.0/8", "--deny",
                             "127.0.0.5,127.0.0.6", "127.0.0.1:0"}));
  const std::string address = where_it_listens(server);
  EXPECT_EQ(succeed(ask_from("127.0.0.4", address)), "hello");
  EXPECT_EQ(succeed(ask_from("127.0.0.6", address)), "refused");
}

TEST(Access, AServerOfOneClientWaitsForOneWhoIsAllowed) {
  Child server(ieum_command({"listen", "--echo", "--deny", "127.0.0.6", "127.0.0.1:0"}));
  const std::string address = where_it_listens(server);
  EXPECT_EQ(succeed(ask_from("127.0.0.6", address)), "refused");
  EXPECT_EQ(succeed(ask_from("127.0.0.7", address)), "hello");
  EXPECT_EQ(server.wait(), 0);
}

TEST(Access, NamesAreLookedUp) {
  Child server(ieum_command({"listen", "-k", "--echo", "--allow", "localhost", "127.0.0.1:0"}));
  const std::string address = where_it_listens(server);
  EXPECT_EQ(succeed(ask_from("127.0.0.1", address)), "hello");
  EXPECT_EQ(succeed(ask_from("127.0.0.2", address)), "refused");
  Child unknown(ieum_command({"listen", "--deny", "nosuch.invalid", "127.0.0.1:0"}));
  EXPECT_EQ(unknown.wait(), 6);
  EXPECT_TRUE(unknown.error_output().contains("nosuch.invalid"));
}

TEST(Access, AnIpv4ClientOfAnIpv6ListenerIsThatOfItsIpv4Address) {
  Child server(ieum_command({"listen", "-k", "--echo", "--allow", "127.0.0.4", "[::]:0"}));
  const std::string port = port_of(where_it_listens(server));
  EXPECT_EQ(succeed(ask_from("127.0.0.4", "127.0.0.1:" + port)), "hello");
  EXPECT_EQ(succeed(ask_from("127.0.0.5", "127.0.0.1:" + port)), "refused");
}

TEST(Access, DatagramsOfOthersAreNotHeard) {
  Child server(ieum_command({"listen", "-k", "-v", "--deny", "127.0.0.6", "udp://127.0.0.1:0"}));
  server.read_error_until("bound to ");
  std::string address = server.read_error_until("\n");
  address.pop_back();
  Child denied(ieum_command({"connect", "-s", "127.0.0.6", "udp://" + address}));
  denied.write("denied\n");
  denied.close_input();
  EXPECT_EQ(denied.wait(), 0);  // it has been sent
  Child heard(ieum_command({"connect", "-s", "127.0.0.7", "udp://" + address}));
  heard.write("heard\n");
  EXPECT_EQ(server.read_until("\n"), "heard\n");
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 143);
}

TEST(Access, AnEchoOfDatagramsAnswersOnlyThoseWhoAreAllowed) {
  const TestSocket socket;  // on 127.0.0.1
  Child server(
      ieum_command({"listen", "-k", "-v", "--echo", "--allow", "127.0.0.7", "udp://127.0.0.1:0"}));
  server.read_error_until("bound to ");
  std::string address = server.read_error_until("\n");
  address.pop_back();
  socket.send("refused", static_cast<std::uint16_t>(std::stoi(port_of(address))));
  Child client(ieum_command({"connect", "-s", "127.0.0.7", "udp://" + address}));
  client.write("answered\n");
  EXPECT_EQ(client.read_until("\n"), "answered\n");
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 143);
  EXPECT_TRUE(server.error_output().contains("refused 1 datagram (--allow, --deny)"));
}

TEST(Access, WhatIsNoListIsAUsageError) {
  const auto refused = [](std::vector<std::string> words) {
    words.insert(words.begin(), "listen");
    Child child(ieum_command(words));
    EXPECT_EQ(child.wait(), 2);
    return child.error_output();
  };
  EXPECT_TRUE(refused({"--allow", "10.0.0.0/33", ":1"})
                  .contains("'10.0.0.0/33' has no number from 0 to 32 after its '/'"));
  EXPECT_TRUE(refused({"--deny", "a b", ":1"}).contains("--deny takes addresses"));
  EXPECT_TRUE(refused({"--deny", "::1", "unix:/x"}).contains("for a Unix socket see ?mode="));
  EXPECT_TRUE(refused({"--broker", ":1"}).contains("--broker requires --keep"));
  EXPECT_TRUE(refused({"-k", "--broker", "--echo", ":1"}).contains("cannot be combined"));
}

// ---- A broker -----------------------------------------------------------------------------------

TEST(Broker, WhatOneSaysAllOthersHear) {
  Child server(ieum_command({"listen", "-k", "-v", "--broker", "127.0.0.1:0"}), Input::nothing());
  std::string address = where_it_listens(server);
  address.resize(address.find(' '));
  Child first(ieum_command({"connect", address}));
  server.read_error_until("accepted: connected from");
  Child second(ieum_command({"connect", address}));
  server.read_error_until("accepted: connected from");
  Child third(ieum_command({"connect", address}));
  server.read_error_until("accepted: connected from");
  first.write("from the first\n");
  EXPECT_EQ(second.read_until("\n"), "from the first\n");
  EXPECT_EQ(third.read_until("\n"), "from the first\n");
  EXPECT_EQ(server.read_until("\n"), "from the first\n");
  second.write("from the second\n");
  // What comes first is not its own.
  EXPECT_EQ(first.read_until("\n"), "from the second\n");
  EXPECT_EQ(third.read_until("\n"), "from the second\n");
  third.close_input();
  EXPECT_EQ(third.wait(), 0);
  first.write("to one\n");
  EXPECT_EQ(second.read_until("\n"), "to one\n");
}

TEST(Broker, GoesOnAfterTheEndOfItsInput) {
  Child server(ieum_command({"listen", "-k", "-v", "--broker", "127.0.0.1:0"}));
  std::string address = where_it_listens(server);
  address.resize(address.find(' '));
  Child first(ieum_command({"connect", address}));
  server.read_error_until("accepted: connected from");
  Child second(ieum_command({"connect", address}));
  server.read_error_until("accepted: connected from");
  server.write("to all\n");
  server.close_input();
  EXPECT_EQ(first.read_until("\n"), "to all\n");
  EXPECT_EQ(second.read_until("\n"), "to all\n");
  server.read_error_until("standard input has ended");
  first.write("still\n");
  EXPECT_EQ(second.read_until("\n"), "still\n");
}

}  // namespace
}  // namespace ieum::test
