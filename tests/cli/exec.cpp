// `ieum listen --exec`: a command for each client; none of them, and nothing of them, is left.
#include <csignal>

#include "cli/clients.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;

/// A server that runs `command` for each client.
struct Server {
  explicit Server(std::string_view command, std::vector<std::string> options = {"-k"})
      : child(words(command, std::move(options))), address(where_it_listens(child)) {
    descriptors = child.descriptors();
  }
  static std::vector<std::string> words(std::string_view command,
                                        std::vector<std::string> options) {
    options.insert(options.begin(), {"listen", "127.0.0.1:0", "--exec", std::string(command)});
    return ieum_command(options);
  }
  void expect_nothing_left() {
    expect_soon("no child of the server is left", [&] { return child.children().empty(); });
    expect_soon("no descriptor of a client is left",
                [&] { return child.descriptors() == descriptors; });
    EXPECT_TRUE(child.runs());
  }
  Child child;
  std::string address;
  std::size_t descriptors = 0;
};

Task<> ask_and_count(std::string to, int number, int& right) {
  const std::string text = std::to_string(number);
  const std::string reply = co_await ask(to, text + "\n");
  if (reply == "you are " + text + "\n") {
    ++right;
  } else {
    ADD_FAILURE() << "client " << text << " got: " << reply;
  }
}

Task<> ask_at_once(std::string to, int clients, int& right) {
  auto body = [&](Group& group) -> Task<> {
    for (int i = 0; i < clients; ++i) group.start(ask_and_count(to, i, right));
    co_return;
  };
  co_await with_group(body);
}

Task<pid_t> hear_a_pid_and_vanish(std::string from) {
  StreamSocket client = co_await StreamSocket::connect(from);
  std::array<std::byte, 32> buffer;
  const std::size_t count = co_await client.read_some(buffer);
  const std::string text(reinterpret_cast<const char*>(buffer.data()), count);
  co_await client.reset();
  co_return static_cast<pid_t>(std::stoi(text));
}

TEST(Exec, TwoHundredClientsAtOnceEachGetTheirAnswer) {
  Server server("read -r number; echo you are $number");
  int right = 0;
  succeed(ask_at_once(server.address, 200, right));
  EXPECT_EQ(right, 200);
  server.expect_nothing_left();
  EXPECT_EQ(server.child.error_output(), "");
}

TEST(Exec, TwoHundredCommandsRunAtTheSameTime) {
  // Each waits until its client has gone, which all do together.
  Server server("read -r line; echo you are $line; cat");
  auto body = [&]() -> Task<> {
    std::vector<StreamSocket> clients(200);
    for (StreamSocket& client : clients) {
      client = co_await StreamSocket::connect(server.address);
      co_await client.write_all("one\n");
    }
    std::array<std::byte, 12> reply;
    for (StreamSocket& client : clients) co_await client.read_exact(reply);
    EXPECT_EQ(server.child.children().size(), 200U);
    for (StreamSocket& client : clients) co_await client.close();
  };
  succeed(body());
  server.expect_nothing_left();
}

TEST(Exec, AClientThatVanishesTakesItsCommandWithIt) {
  Server server("echo $$; exec sleep 1000");  // it neither reads nor writes
  const pid_t pid = succeed(hear_a_pid_and_vanish(server.address));
  ASSERT_GT(pid, 1);
  expect_soon("the command has gone", [&] { return ::kill(pid, 0) != 0; });
  server.expect_nothing_left();
}

TEST(Exec, AVanishedClientTakesAllThatItsCommandStarted) {
  Server server("trap '' TERM HUP; sleep 1000 & echo $!; wait; exec sleep 1000");
  const pid_t pid = succeed(hear_a_pid_and_vanish(server.address));
  ASSERT_GT(pid, 1);
  expect_soon("the command's own child has gone", [&] { return ::kill(pid, 0) != 0; });
  server.expect_nothing_left();
}

TEST(Exec, ACommandNeedNotReadItsInput) {
  Server server("echo done");
  const std::string much(std::size_t{8} << 20U, 'm');
  auto body = [&]() -> Task<std::string> {
    StreamSocket client = co_await StreamSocket::connect(server.address);
    // The command has ended before it takes all of this: the answer arrives all the same.
    auto sending = [&]() -> Task<> {
      const Result<> sent = co_await attempt(client.write_all(much));
      static_cast<void>(sent);
    };
    std::string reply;
    auto both = [&](Group& group) -> Task<> {
      group.start(sending());
      std::array<std::byte, 5> buffer;
      co_await client.read_exact(buffer);
      reply.assign(reinterpret_cast<const char*>(buffer.data()), buffer.size());
      group.stop();
    };
    co_await with_group(both);
    co_await client.close();
    co_return reply;
  };
  EXPECT_EQ(succeed(body()), "done\n");
  server.expect_nothing_left();
}

TEST(Exec, ACommandKnowsItsClient) {
  Server server("echo $IEUM_PEER_ADDRESS $IEUM_LOCAL_ADDRESS");
  auto body = [&]() -> Task<> {
    StreamSocket client = co_await StreamSocket::connect(server.address);
    const Address local = co_await client.local_address();
    const std::string reply = co_await read_to_end(client);
    EXPECT_EQ(reply, local.to_string() + " " + server.address + "\n");
    co_await client.close();
  };
  succeed(body());
}

TEST(Exec, ACommandSpeaksAndHearsAtTheSameTime) {
  Server server("while read -r line; do echo \"heard $line\"; done");
  auto body = [&]() -> Task<> {
    StreamSocket client = co_await StreamSocket::connect(server.address);
    std::array<std::byte, 8> reply;
    for (int i = 0; i < 20; ++i) {
      co_await client.write_all(std::to_string(i % 10) + "\n");
      co_await client.read_exact(reply);
      EXPECT_EQ(std::to_integer<char>(reply[6]), '0' + i % 10);
    }
    co_await client.close();
  };
  succeed(body());
  server.expect_nothing_left();
}

TEST(Exec, ACommandThatIsNotThereIsTheShellsStatus) {
  Server server("nosuch-command", {});
  EXPECT_EQ(succeed(ask(server.address, "")), "");
  EXPECT_EQ(server.child.wait(), 1);
  EXPECT_TRUE(server.child.error_output().ends_with("\nieum: the command exited with 127\n"))
      << server.child.error_output();
}

TEST(Exec, ACommandThatFailsFailsAServerOfOneClient) {
  Server server("echo so far; exit 3", {});
  EXPECT_EQ(succeed(ask(server.address, "")), "so far\n");
  EXPECT_EQ(server.child.wait(), 1);
  EXPECT_TRUE(server.child.error_output().starts_with("ieum: the command "))
      << server.child.error_output();
}

TEST(Exec, ACommandThatSucceedsEndsAServerOfOneClientWell) {
  Server server("tr a-z A-Z", {});
  EXPECT_EQ(succeed(ask(server.address, "loud\n")), "LOUD\n");
  EXPECT_EQ(server.child.wait(), 0);
  EXPECT_EQ(server.child.error_output(), "");
}

TEST(Exec, InterruptingTheServerEndsItsCommands) {
  Server server("echo $$; exec sleep 1000");
  auto body = [&]() -> Task<> {
    StreamSocket client = co_await StreamSocket::connect(server.address);
    std::array<std::byte, 32> buffer;
    const std::size_t count = co_await client.read_some(buffer);
    const pid_t pid = std::stoi(std::string(reinterpret_cast<const char*>(buffer.data()), count));
    server.child.signal(SIGINT);
    const Result<std::string> rest = co_await attempt(read_to_end(client));
    EXPECT_TRUE(!rest || rest->empty());
    EXPECT_EQ(server.child.wait(), 130);
    EXPECT_NE(::kill(pid, 0), 0) << "the command still runs";
    co_await client.close();
  };
  succeed(body());
}

TEST(Exec, ACommandThatClosesItsOutputStillGetsAllOfTheInput) {
  const TemporaryFile file("");
  const std::string command = "exec >/dev/null; sleep 0.3; cat >" + file.path();
  Child listener(ieum_command({"listen", "--exec", command, "127.0.0.1:0"}), Input::nothing());
  Child client(
      shell(R"(head -c 3000000 /dev/zero | "$0" connect "$1")", {where_it_listens(listener)}));
  EXPECT_EQ(client.wait(), 0) << client.error_output();
  EXPECT_EQ(listener.wait(), 0) << listener.error_output();
  EXPECT_EQ(Child({"sh", "-c", "test $(wc -c <\"$0\") = 3000000", file.path()}).wait(), 0);
}

TEST(Exec, WhatTheCommandSaysCountsAgainstIdleness) {
  const std::string command = "for i in 1 2 3 4 5 6; do echo $i; sleep 0.5; done; sleep 20";
  Child listener(ieum_command({"listen", "-i", "2s", "--exec", command, "127.0.0.1:0"}),
                 Input::nothing());
  Child client(ieum_command({"connect", "--on-eof=keep", where_it_listens(listener)}),
               Input::nothing());
  EXPECT_EQ(listener.wait(), 28);
  EXPECT_EQ(client.read_all(), "1\n2\n3\n4\n5\n6\n");
}

}  // namespace
}  // namespace ieum::test
