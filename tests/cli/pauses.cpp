// The peer finishes first, and our input is not at its end: what then is lost, and what is
// reported.
#include <chrono>

#include "cli/clients.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;

/// $1: where ieum is to listen.
constexpr std::string_view slow = R"((echo a; sleep 5; echo b) | "$0" connect "$1")";

TEST(Pauses, AListenerWithoutInputDoesNotEndThem) {
  Child listener(ieum_command({"listen", "127.0.0.1:0"}), Input::nothing());
  Child sender(shell(slow, {where_it_listens(listener)}));
  EXPECT_EQ(sender.wait(), 0) << sender.error_output();
  EXPECT_EQ(listener.wait(), 0);
  EXPECT_EQ(listener.read_all(), "a\nb\n");
}

TEST(Pauses, AreStatus1WhenThePeerHasFinished) {
  Child listener(ieum_command({"listen", "--on-eof=half-close", "127.0.0.1:0"}), Input::nothing());
  Child sender(shell(slow, {where_it_listens(listener)}));
  EXPECT_EQ(sender.wait(), 1);
  const std::string reported = sender.error_output();
  EXPECT_TRUE(reported.starts_with("ieum: the peer finished before standard input did"))
      << reported;
  EXPECT_TRUE(reported.contains("(--linger)")) << reported;
  EXPECT_TRUE(reported.contains("2 bytes sent")) << reported;
  EXPECT_EQ(listener.wait(), 0);
  EXPECT_EQ(listener.read_all(), "a\n");
}

TEST(Pauses, ShorterThanTheLingerAreBridged) {
  Child listener(ieum_command({"listen", "--on-eof=half-close", "127.0.0.1:0"}), Input::nothing());
  const std::string line = std::string(slow) + " --linger 20s";
  Child sender(shell(line, {where_it_listens(listener)}));
  EXPECT_EQ(sender.wait(), 0) << sender.error_output();
  EXPECT_EQ(listener.wait(), 0);
  EXPECT_EQ(listener.read_all(), "a\nb\n");
}

TEST(Pauses, OfAnInputThatGaveNothingAreNoFailure) {
  Child listener(ieum_command({"listen", "--on-eof=half-close", "127.0.0.1:0"}), Input::nothing());
  Child connector(ieum_command({"connect", where_it_listens(listener)}));  // a pipe that stays open
  EXPECT_EQ(connector.wait(), 0);
  EXPECT_EQ(connector.error_output(), "");
}

TEST(OutputFile, KeepsWhatWasThereWhenNothingCouldBeReceived) {
  const TemporaryFile file("precious");
  Child connector(shell(R"("$0" connect -o "$1" "$2"; cat "$1")", {file.path(), at(free_port())}));
  EXPECT_EQ(connector.read_all(), "precious");
  EXPECT_EQ(connector.wait(), 0);
}

TEST(Replace, LeavesALiveServerItsClient) {
  const std::string path = "unix:/tmp/ieum-test-" + std::to_string(getpid()) + ".sock";
  Child server(ieum_command({"listen", "-v", path}), Input::nothing());
  server.read_error_until("waiting for a client");
  Child rival(ieum_command({"listen", path + "?replace=1"}), Input::nothing());
  EXPECT_EQ(rival.wait(), 1);
  const std::string reported = rival.error_output();
  EXPECT_TRUE(reported.contains("held by ieum")) << reported;
  EXPECT_TRUE(reported.contains("; take another path")) << reported;
  Child client(ieum_command({"connect", path}));
  client.write("still there\n");
  client.close_input();
  EXPECT_EQ(client.wait(), 0) << client.error_output();
  EXPECT_EQ(server.wait(), 0);
  EXPECT_EQ(server.read_all(), "still there\n");
}

}  // namespace
}  // namespace ieum::test
