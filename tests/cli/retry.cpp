// `ieum connect --retry`, and `--crlf`.
#include <csignal>

#include "cli/clients.hpp"
#include "cli/datagrams.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;

TEST(Retry, WaitsForAServerThatStarts) {
  const std::string address = at(free_port());
  Child client(ieum_command({"connect", "-v", "--retry", "60", address}));
  client.read_error_until("trying again in 1 s, 59 times at most");
  Child listener(ieum_command({"listen", address}));
  client.write("at last\n");
  EXPECT_EQ(listener.read_until("\n"), "at last\n");
  listener.close_input();
  client.close_input();
  EXPECT_EQ(client.wait(), 0) << client.error_output();
}

TEST(Retry, OfAProbeWaitsForAPortAndSaysNothing) {
  const std::string address = at(free_port());
  Child probe(ieum_command({"connect", "-z", "--retry", "60", address}));
  std::this_thread::sleep_for(500ms);
  EXPECT_TRUE(probe.runs());
  Child listener(ieum_command({"listen", "-k", "--discard", address}));
  EXPECT_EQ(probe.wait(), 0);
  EXPECT_EQ(probe.error_output(), "");
}

TEST(Retry, EndsWithTheLastFailure) {
  Child client(ieum_command({"connect", "--retry", "1", at(free_port())}));
  EXPECT_EQ(client.wait(), 7);
  const std::string said = client.error_output();
  EXPECT_TRUE(said.contains("connection refused")) << said;
  EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
}

TEST(Retry, IsLimitedByTheWait) {
  Child client(ieum_command({"connect", "--retry", "1000", "-w", "1500ms", at(free_port())}));
  EXPECT_EQ(client.wait(), 28);
  EXPECT_TRUE(client.error_output().contains("within 1.5 s (-w)"));
}

TEST(Retry, IsInterrupted) {
  Child client(ieum_command({"connect", "-v", "--retry", "1000", at(free_port())}));
  client.read_error_until("trying again");
  client.signal(SIGINT);
  EXPECT_EQ(client.wait(), 130);
}

TEST(Retry, WaitsForASocketFile) {
  const std::string path =
      "unix:" + testing::TempDir() + "ieum-test-retry-" + std::to_string(::getpid());
  Child client(ieum_command({"connect", "-v", "--retry", "60", path}), Input::nothing());
  client.read_error_until("trying again");
  Child listener(ieum_command({"listen", path}), Input::nothing());
  EXPECT_EQ(client.wait(), 0) << client.error_output();
}

// ---- CR LF --------------------------------------------------------------------------------------

TEST(Crlf, OfAConnection) {
  Child listener(ieum_command({"listen", "127.0.0.1:0"}));
  Child client(ieum_command({"connect", "--crlf", where_it_listens(listener)}));
  client.write("one\ntwo\r\nthree\r");
  EXPECT_EQ(listener.read_until("three\r"), "one\r\ntwo\r\nthree\r");
  client.write("\n");  // its CR has gone already
  EXPECT_EQ(listener.read_until("\n"), "\n");
}

TEST(Crlf, OfWhatAServerSaysToAll) {
  Child listener(ieum_command({"listen", "-k", "-C", "127.0.0.1:0"}));
  Child client(ieum_command({"connect", where_it_listens(listener)}));
  client.write("here\n");
  EXPECT_EQ(listener.read_until("\n"), "here\n");
  listener.write("to all\n");
  EXPECT_EQ(client.read_until("\n"), "to all\r\n");
}

TEST(Crlf, OfDatagrams) {
  const TestSocket server;
  Child client(ieum_command({"connect", "--crlf", "udp://" + server.where()}));
  client.write("one\n");
  EXPECT_EQ(server.receive(), "one\r\n");
}

}  // namespace
}  // namespace ieum::test
