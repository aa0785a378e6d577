// `ieum connect` and `ieum listen` over datagrams.
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>

#include "support/child.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;

/// A UDP port that nobody has now.
std::uint16_t free_udp_port() {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  auto search = []() -> Task<std::uint16_t> {
    DatagramSocket socket = co_await DatagramSocket::bind("127.0.0.1:0");
    co_return socket.address().port();
  };
  return run(*runtime, search()).value();
}

void wait_until_bound(Child& child) { child.read_error_until("bound"); }

TEST(DatagramCommand, ConnectAsksAnEchoServerAndWaitsForTheAnswer) {
  const std::string at = "udp://127.0.0.1:" + std::to_string(free_udp_port());
  Child server({IEUM_COMMAND, "listen", "-v", "-k", "--echo", at});
  wait_until_bound(server);
  for (const char* text : {"one\n", "two\n"}) {
    Child client({IEUM_COMMAND, "connect", "--linger", "300ms", at});
    client.write(text);
    client.close_input();
    EXPECT_EQ(client.read_all(), text);
    EXPECT_EQ(client.wait(), 0);
  }
  server.signal(SIGINT);
  EXPECT_EQ(server.wait(), 130);
}

TEST(DatagramCommand, TwoTalkBothWays) {
  const std::string at = "udp://127.0.0.1:" + std::to_string(free_udp_port());
  Child listener({IEUM_COMMAND, "listen", "-v", at});
  wait_until_bound(listener);
  Child client({IEUM_COMMAND, "connect", at});
  client.write("hello\n");
  listener.read_until("hello\n");
  listener.write("and you\n");
  client.read_until("and you\n");
  client.write("again\n");
  listener.read_until("again\n");
  client.close_input();
  EXPECT_EQ(client.wait(), 0);
  EXPECT_TRUE(listener.runs()) << "a peer that is silent may speak again";
}

TEST(DatagramCommand, UnixDatagramsToo) {
  const std::string name = "unix-dgram:@ieum-cli-test-" + std::to_string(::getpid());
  Child server({IEUM_COMMAND, "listen", "-v", "-k", "--echo", name});
  wait_until_bound(server);
  Child client({IEUM_COMMAND, "connect", "--linger", "300ms", name});
  client.write("over a name\n");
  client.close_input();
  EXPECT_EQ(client.read_all(), "over a name\n");
  EXPECT_EQ(client.wait(), 0);
}

TEST(DatagramCommand, APortThatNobodyHasIsTold) {
  const std::string at = "udp://127.0.0.1:" + std::to_string(free_udp_port());
  Child client({IEUM_COMMAND, "connect", at});
  client.write("anybody?\n");
  EXPECT_EQ(client.wait(), 7);
  EXPECT_TRUE(client.error_output().contains("connection refused")) << client.error_output();
}

TEST(DatagramCommand, SilenceEndsItWithTheStatusOfATimeout) {
  const std::string at = "udp://127.0.0.1:" + std::to_string(free_udp_port());
  Child listener({IEUM_COMMAND, "listen", "-i", "200ms", at}, Input::nothing());
  EXPECT_EQ(listener.wait(), 28);
}

}  // namespace
}  // namespace ieum::test
