// `ieum listen --pty --exec`: a command on a pseudo-terminal of its own.
#include <csignal>

#include "cli/clients.hpp"

namespace ieum::test {
namespace {

struct PtyServer {
  explicit PtyServer(const std::string& command, std::vector<std::string> options = {"-k"})
      : child(words(command, std::move(options))), address(where_it_listens(child)) {
    descriptors = child.descriptors();
  }
  static std::vector<std::string> words(const std::string& command,
                                        std::vector<std::string> options) {
    options.insert(options.begin(), {"listen", "127.0.0.1:0", "--pty", "--exec", command});
    return ieum_command(options);
  }
  void expect_nothing_left() {
    expect_soon("no child of the server is left", [&] { return child.children().empty(); });
    expect_soon("no descriptor of a client is left",
                [&] { return child.descriptors() == descriptors; });
  }
  Child child;
  std::string address;
  std::size_t descriptors = 0;
};

TEST(Pty, ACommandFindsATerminal) {
  PtyServer server("test -t 0 && test -t 1 && test -t 2 && stty size && tty");
  const std::string reply = succeed(ask(server.address, ""));
  EXPECT_TRUE(reply.starts_with("24 80\r\n/dev/pts/")) << reply;
  server.expect_nothing_left();
}

TEST(Pty, AShellEchoesAndAnswers) {
  PtyServer server("PS1='ready> ' bash --norc --noprofile -i", {});
  Child client(ieum_command({"connect", server.address}));
  EXPECT_TRUE(client.read_until("ready> ").ends_with("ready> "));
  client.write("echo by the $((1 + 1))nd\n");
  client.read_until("by the 2nd\r\n");
  client.write("exit 0\n");
  client.read_all();
  EXPECT_EQ(server.child.wait(), 0) << server.child.error_output();
}

TEST(Pty, CtrlCInterruptsWhatRuns) {
  PtyServer server("trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 1; done", {});
  Child client(ieum_command({"connect", server.address}));
  client.read_until("ready");
  client.write("\x03");
  client.read_until("caught");
  EXPECT_EQ(server.child.wait(), 1);
  EXPECT_TRUE(server.child.error_output().ends_with("the command exited with 3\n"));
}

/// Sends `text` and its end once the command is ready.
Task<std::string> ask_when_ready(std::string to, std::string text) {
  StreamSocket peer = co_await StreamSocket::connect(to);
  std::array<std::byte, 7> ready;
  co_await peer.read_exact(ready);
  co_await peer.write_all(text);
  co_await peer.shutdown_write();
  std::string reply = co_await read_to_end(peer);
  co_await peer.close();
  co_return reply;
}

TEST(Pty, TheEndOfTheClientsInputIsACtrlD) {
  PtyServer server("stty -echo; echo ready; cat; echo over");
  EXPECT_EQ(succeed(ask_when_ready(server.address, "a line\n")), "a line\r\nover\r\n");
  EXPECT_EQ(succeed(ask_when_ready(server.address, "half a line")), "half a lineover\r\n");
  server.expect_nothing_left();
}

TEST(Pty, AllThatWasWrittenArrives) {
  PtyServer server("stty -onlcr; head -c 1000000 /dev/zero | tr '\\0' a");
  EXPECT_EQ(succeed(ask(server.address, "")).size(), 1'000'000U);
  server.expect_nothing_left();
}

TEST(Pty, AVanishedClientHangsUp) {
  PtyServer server("trap '' TERM; echo $$; exec sleep 1000");
  auto body = [&]() -> Task<> {
    StreamSocket client = co_await StreamSocket::connect(server.address);
    std::array<std::byte, 32> buffer;
    const std::size_t count = co_await client.read_some(buffer);
    EXPECT_GT(count, 0U);
    co_await client.reset();
  };
  succeed(body());
  server.expect_nothing_left();
}

TEST(Pty, NeedsACommand) {
  Child child(ieum_command({"listen", "--pty", ":1"}));
  EXPECT_EQ(child.wait(), 2);
  EXPECT_TRUE(child.error_output().contains("--pty requires --exec"));
}

}  // namespace
}  // namespace ieum::test
