// live_stream and game_state: viewers who come and go; the age of a state under loss.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "examples/programs.hpp"
#include "support/network_namespace.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

TEST(LiveStream, ViewersJoinAndLeave) {
  const std::uint16_t port = free_port();
  Child stream({example("live_stream"), at(port)});
  stream.read_until("the stream is at " + at(port) + "\n");
  Child early({example("talk"), at(port)});
  // A viewer who is there hears the next line; repeat one until it does.
  const auto says_until = [&](Child& viewer, const std::string& line) {
    for (int i = 0; i < 1000 && viewer.output_so_far().find(line) == std::string_view::npos; ++i) {
      stream.write(line);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    viewer.read_until(line);
  };
  says_until(early, "first\n");
  Child late({example("talk"), at(port)});
  says_until(late, "second\n");
  early.read_until("second\n");
  {
    // On epoll: the sockets of a killed ring's owner close a moment after its end.
    Child leaves({"env", "IEUM_DRIVER=epoll", example("talk"), at(port)});
    says_until(leaves, "third\n");
    leaves.signal(SIGKILL);
    leaves.wait();
  }
  stream.write("last\n");
  early.read_until("last\n");
  late.read_until("last\n");
  stream.close_input();
  EXPECT_EQ(early.wait(), 0);
  EXPECT_EQ(late.wait(), 0);
  EXPECT_EQ(stream.wait(), 0);
  EXPECT_EQ(stream.read_all(), "2 viewers saw the end\n");
}

/// The 99th percentile in a line of game_state's.
double oldest(const std::string& output, const std::string& way) {
  double age = -1;
  const std::size_t at = output.find(way + ": ");
  const std::size_t value = output.find("99% ", at);
  if (value != std::string::npos) age = std::atof(output.c_str() + value + 4);
  return age;
}

TEST(GameState, WithoutLossBothAreYoung) {
  Child game({example("game_state"), "1"}, Input::nothing());
  EXPECT_EQ(game.wait(), 0);
  const std::string output = game.read_all();
  EXPECT_GT(oldest(output, "datagrams"), 0) << output;
  EXPECT_GT(oldest(output, "TCP"), 0) << output;
}

TEST(GameState, UnderLossDatagramsStayYoung) {
  if (!has_program("nft")) GTEST_SKIP() << "this needs nft";
  const std::string reason = in_network_namespace(
      "nft add table inet t; nft 'add chain inet t c { type filter hook input priority 0; }'; "
      "nft 'add rule inet t c udp dport 7100 numgen random mod 100 < 10 drop'; "
      "nft 'add rule inet t c tcp dport 7101 numgen random mod 100 < 10 drop'; "
      "nft 'add rule inet t c tcp sport 7101 numgen random mod 100 < 10 drop'",
      [] {
        Child game({example("game_state"), "8", "7100", "7101"}, Input::nothing());
        EXPECT_EQ(game.wait(std::chrono::seconds(60)), 0);
        const std::string output = game.read_all();
        std::printf("%s", output.c_str());
        const double datagrams = oldest(output, "datagrams");
        const double tcp = oldest(output, "TCP");
        ASSERT_GT(datagrams, 0) << output;
        // A lost datagram is replaced a tick later; two in a row are one in a hundred.
        EXPECT_LT(datagrams, 150) << output;
        EXPECT_GT(tcp, datagrams * 1.5) << output;
      });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

}  // namespace
}  // namespace ieum::test
