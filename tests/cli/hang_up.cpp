// SIGHUP: the terminal or the shell has gone. It ends `ieum` as SIGTERM does, and leaves nothing
// behind; after nohup(1) it does nothing.
#include <csignal>
#include <filesystem>

#include "cli/clients.hpp"

namespace ieum::test {
namespace {

std::string socket_path(std::string_view name) {
  return testing::TempDir() + "ieum-test-" + std::string(name) + "-" + std::to_string(::getpid());
}

Task<pid_t> hear_a_pid(StreamSocket& client) {
  std::array<std::byte, 32> buffer;
  const std::size_t count = co_await client.read_some(buffer);
  const std::string text(reinterpret_cast<const char*>(buffer.data()), count);
  co_return static_cast<pid_t>(std::stoi(text));
}

TEST(HangUp, LeavesNoSocketFileAndNoCommand) {
  const std::string path = socket_path("hang-up");
  Child server(
      ieum_command({"listen", "-v", "-k", "--exec", "echo $$; exec sleep 1000", "unix:" + path}));
  server.read_error_until("waiting for a client");
  auto body = [&]() -> Task<> {
    StreamSocket client = co_await StreamSocket::connect("unix:" + path);
    const pid_t command = co_await hear_a_pid(client);
    server.signal(SIGHUP);
    EXPECT_EQ(server.wait(), 129);
    EXPECT_NE(::kill(command, 0), 0) << "the command still runs";
    co_await client.close();
  };
  succeed(body());
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(server.error_output().contains("ieum: interrupted; 1 client served"))
      << server.error_output();
}

TEST(HangUp, HalfClosesAConnection) {
  Child listener(ieum_command({"listen", "127.0.0.1:0"}));
  Child connector(ieum_command({"connect", where_it_listens(listener)}));
  connector.write("a line\n");
  EXPECT_EQ(listener.read_until("\n"), "a line\n");
  connector.signal(SIGHUP);
  EXPECT_EQ(listener.read_all(), "");
  listener.close_input();
  EXPECT_EQ(connector.wait(), 129);
  EXPECT_TRUE(connector.error_output().starts_with("ieum: interrupted; 7 bytes sent"));
  EXPECT_EQ(listener.wait(), 0);
}

TEST(HangUp, IsNothingAfterNohup) {
  Child listener(shell("trap '' HUP; exec \"$0\" listen -k --echo 127.0.0.1:0"));
  const std::string address = where_it_listens(listener);
  listener.signal(SIGHUP);
  EXPECT_EQ(succeed(ask(address, "still here")), "still here");
  listener.signal(SIGTERM);
  EXPECT_EQ(listener.wait(), 143);
}

}  // namespace
}  // namespace ieum::test
