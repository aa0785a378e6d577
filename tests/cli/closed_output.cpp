// Standard output that is closed, or no output: what never writes there does not ask for it.
#include <csignal>

#include "cli/clients.hpp"

namespace ieum::test {
namespace {

class ClosedOutput : public testing::TestWithParam<const char*> {};

TEST_P(ClosedOutput, DoesNotKeepAServiceFromServing) {
  Child server(shell(std::string("exec \"$0\" listen --echo 127.0.0.1:0 ") + GetParam()));
  EXPECT_EQ(succeed(ask(where_it_listens(server), "back")), "back");
  EXPECT_EQ(server.wait(), 0) << server.error_output();
}

TEST_P(ClosedOutput, DoesNotKeepACommandFromRunning) {
  Child server(
      shell(std::string("exec \"$0\" listen --exec 'tr a-z A-Z' 127.0.0.1:0 ") + GetParam()));
  EXPECT_EQ(succeed(ask(where_it_listens(server), "loud")), "LOUD");
  EXPECT_EQ(server.wait(), 0) << server.error_output();
}

TEST_P(ClosedOutput, DoesNotKeepADatagramServiceFromDiscarding) {
  Child server(
      shell(std::string("exec \"$0\" listen --discard -v udp://127.0.0.1:0 ") + GetParam()));
  server.read_error_until("waiting for datagrams");
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 143);
}

TEST_P(ClosedOutput, DoesNotKeepAProbeFromProbing) {
  Child listener(ieum_command({"listen", "-k", "--discard", "127.0.0.1:0"}));
  Child probe(
      shell(std::string("exec \"$0\" connect -z $1 ") + GetParam(), {where_it_listens(listener)}));
  EXPECT_EQ(probe.wait(), 0) << probe.error_output();
}

TEST_P(ClosedOutput, DoesNotKeepACastFromSending) {
  Child cast(shell(std::string("echo word | \"$0\" cast udp://127.255.255.255:$1 ") + GetParam(),
                   {std::to_string(free_udp_port())}));
  EXPECT_EQ(cast.wait(), 0) << cast.error_output();
}

TEST(NoDevNull, ClosingAnOutputWorksWithoutIt) {
  if (Child(shell("unshare -m mount -t tmpfs none /dev 2>/dev/null")).wait() != 0) {
    GTEST_SKIP() << "this needs root, to make a mount namespace";
  }
  Child server(ieum_command({"listen", "-k", "--echo", "127.0.0.1:0"}));
  Child client(
      shell("unshare -m sh -c 'mount -t tmpfs none /dev; echo text | \"$0\" connect $1' "
            "\"$0\" $1",
            {where_it_listens(server)}));
  EXPECT_EQ(client.read_all(), "text\n");
  EXPECT_EQ(client.wait(), 0);
  EXPECT_EQ(client.error_output(), "");
}

INSTANTIATE_TEST_SUITE_P(Services, ClosedOutput, testing::Values(">&-", "1</dev/null"),
                         [](const auto& given) {
                           return std::string(given.index == 0 ? "closed" : "for_reading");
                         });

}  // namespace
}  // namespace ieum::test
