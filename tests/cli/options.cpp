// What the options change of a talk: --on-eof, -o, -s, -4, -6, and the standard streams as the
// peer.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "cli/clients.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// ---- Keepalive ----------------------------------------------------------------------------------

/// The three times of each TCP socket that `child` holds: idle, interval, count.
std::vector<std::array<int, 3>> keepalives_of(const Child& child) {
  std::vector<std::array<int, 3>> all;
  const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, child.pid(), 0)));
  for (int number = 3; number < 32; ++number) {
    const Descriptor socket(
        static_cast<int>(::syscall(SYS_pidfd_getfd, process.number(), number, 0)));
    int on = 0;
    socklen_t size = sizeof on;
    if (::getsockopt(socket.number(), SOL_SOCKET, SO_KEEPALIVE, &on, &size) < 0 || on == 0) {
      continue;
    }
    std::array<int, 3> times{};
    const std::array names{TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT};
    for (std::size_t i = 0; i < names.size(); ++i) {
      size = sizeof(int);
      ::getsockopt(socket.number(), IPPROTO_TCP, names[i], &times[i], &size);
    }
    all.push_back(times);
  }
  return all;
}

TEST(Keepalive, AsksOftenEnoughToTellOfADeadPeerInTwiceTheTime) {
  for (const int seconds : {1, 2, 5, 30, 600}) {
    Child listener(ieum_command({"listen", "127.0.0.1:0"}));
    const std::string setting = "?keepalive=" + std::to_string(seconds);
    Child connector(ieum_command({"connect", "-v", where_it_listens(listener) + setting}));
    connector.read_error_until("set keepalive");
    connector.write("x\n");
    EXPECT_EQ(listener.read_until("\n"), "x\n");
    const auto all = keepalives_of(connector);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0][0], seconds);
    const int until_told = all[0][0] + all[0][1] * all[0][2];
    EXPECT_GE(until_told, 3 * seconds / 2);
    EXPECT_LE(until_told, 5 * seconds / 2);
  }
}

TEST(OnEof, CloseEndsOnceAllHasArrived) {
  Child listener(ieum_command({"listen", "127.0.0.1:0"}));  // its input stays open
  Child connector(ieum_command({"connect", "--on-eof", "close", where_it_listens(listener)}));
  connector.write("all of it\n");
  connector.close_input();
  EXPECT_EQ(connector.wait(), 0);
  EXPECT_EQ(connector.error_output(), "");
  EXPECT_EQ(listener.read_all(), "all of it\n");
}

TEST(OnEof, KeepDoesNotHalfClose) {
  Child listener(ieum_command({"listen", "127.0.0.1:0"}));
  Child connector(ieum_command({"connect", "--on-eof=keep", where_it_listens(listener)}));
  connector.write("all of it\n");
  connector.close_input();
  EXPECT_EQ(listener.read_until("\n"), "all of it\n");
  listener.write("go on\n");
  EXPECT_EQ(connector.read_until("\n"), "go on\n");
  EXPECT_TRUE(connector.runs());
  EXPECT_TRUE(listener.runs());
  listener.close_input();
  EXPECT_EQ(connector.wait(), 0);
  EXPECT_EQ(listener.wait(), 0);
}

TEST(OutputFile, HoldsWhatWasReceivedAndNothingElse) {
  const TemporaryFile file("what was there before");
  Child listener(ieum_command({"listen", "-v", "-o", file.path(), "127.0.0.1:0"}));
  std::string address = where_it_listens(listener);
  address.resize(address.find(' '));
  listener.close_input();
  EXPECT_EQ(succeed(ask(address, "new")), "");
  EXPECT_EQ(listener.wait(), 0);
  EXPECT_EQ(listener.read_all(), "");
  EXPECT_EQ(content_of(file.path()), "new");
}

TEST(Source, IsWhereThePeerSeesUs) {
  const std::string port = std::to_string(free_port());
  Child listener(ieum_command({"listen", "-v", "127.0.0.1:0"}), Input::nothing());
  std::string address = where_it_listens(listener);
  address.resize(address.find(' '));
  Child connector(ieum_command({"connect", "-s", "127.0.0.7:" + port, address}), Input::nothing());
  EXPECT_EQ(connector.wait(), 0);
  EXPECT_EQ(listener.wait(), 0);
  EXPECT_TRUE(listener.error_output().contains("connected from 127.0.0.7:" + port + " to"))
      << listener.error_output();
}

TEST(Family, IsTheOneThatWasAskedFor) {
  for (const auto& [option, family] :
       {std::pair{"-4", "TCP (IPv4)"}, std::pair{"-6", "TCP (IPv6)"}}) {
    Child child(ieum_command({"connect", option, "-v", "localhost:" + std::to_string(free_port())}),
                Input::nothing());
    child.wait();
    const std::string reported = child.error_output();
    const std::string_view other = option[1] == '4' ? "TCP (IPv6)" : "TCP (IPv4)";
    EXPECT_TRUE(reported.contains(family) || reported.contains("no address")) << reported;
    EXPECT_FALSE(reported.contains(other)) << reported;
  }
}

TEST(StandardStreams, AreThePeerOfADash) {
  const std::string bytes(std::size_t{3} << 20U, 'd');
  const TemporaryFile file(bytes);
  Child connector(ieum_command({"connect", "-"}), Input::file(file.path()));
  EXPECT_TRUE(connector.read_all() == bytes);
  EXPECT_EQ(connector.wait(), 0);
  Child server(ieum_command({"listen", "--exec", "tr a-z A-Z", "-"}));  // as under inetd
  server.write("loud\n");
  server.close_input();
  EXPECT_EQ(server.read_all(), "LOUD\n");
  EXPECT_EQ(server.wait(), 0);
}

TEST(BothWays, MuchAtOnceIsAllThere) {
  const std::string there(std::size_t{24} << 20U, 't');
  const std::string back(std::size_t{16} << 20U, 'b');
  const TemporaryFile file(there);
  Child listener(ieum_command({"listen", "127.0.0.1:0"}));
  Child connector(ieum_command({"connect", where_it_listens(listener)}), Input::file(file.path()));
  std::string got_back;
  {
    const std::jthread feeder([&] {
      listener.write(back);
      listener.close_input();
    });
    const std::jthread reader([&] { got_back = connector.read_all(); });
    EXPECT_TRUE(listener.read_all() == there);
  }
  EXPECT_TRUE(got_back == back);
  EXPECT_EQ(connector.wait(), 0);
  EXPECT_EQ(listener.wait(), 0);
}

}  // namespace
}  // namespace ieum::test
