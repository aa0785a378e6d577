// echo_server, echo_client and blocking_client, with each other and with ncat.
#include <algorithm>
#include <csignal>
#include <fstream>

#include "examples/programs.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;

/// The echo server on a port of its own, listening.
struct EchoServer {
  EchoServer() { wait_until_listening(port); }
  std::uint16_t port = free_port();
  std::string address = at(port);
  Child child{{example("echo_server"), address}, Input::nothing()};
};

TEST(EchoServer, HasAtMostTwelveLinesOfCode) {
  std::ifstream file(std::string(IEUM_SOURCE_DIR) + "/examples/echo_server.cpp");
  int lines = 0;
  for (std::string line; std::getline(file, line);) {
    lines += !line.empty() && !line.starts_with("//") ? 1 : 0;
  }
  EXPECT_GT(lines, 0);
  EXPECT_LE(lines, 12);
}

TEST(EchoServer, AnswersItsClient) {
  EchoServer server;
  Child client({example("echo_client"), server.address, "안녕, socket"});
  EXPECT_EQ(client.read_all(), "안녕, socket\n");
  EXPECT_EQ(client.wait(), 0);
}

TEST(EchoServer, AnswersTheDefaultText) {
  EchoServer server;
  Child client({example("echo_client"), server.address});
  EXPECT_EQ(client.read_all(), "Hello, are you there?\n");
}

TEST(EchoServer, AnswersNcat) {
  SKIP_WITHOUT_NCAT();
  EchoServer server;
  Child client({"ncat", "127.0.0.1", std::to_string(server.port)});
  client.write("one\n");
  EXPECT_EQ(client.read_until("\n"), "one\n");
  client.write("two\n");
  client.close_input();
  EXPECT_EQ(client.read_all(), "two\n");
  EXPECT_EQ(client.wait(), 0);
}

TEST(EchoServer, ServesMoreThanOneAtATimeAndSurvivesWhoVanishes) {
  EchoServer server;
  Child first({example("talk"), server.address});
  Child second({example("talk"), server.address});
  first.write("first\n");
  second.write("second\n");
  EXPECT_EQ(second.read_until("\n"), "second\n");
  EXPECT_EQ(first.read_until("\n"), "first\n");
  first.signal(SIGKILL);
  EXPECT_EQ(first.wait(), -SIGKILL);
  second.write("still there\n");
  EXPECT_EQ(second.read_until("\n"), "still there\n");
  EXPECT_TRUE(server.child.runs());
}

TEST(EchoServer, SaysThatAPortIsTaken) {
  EchoServer server;
  Child second({example("echo_server"), server.address});
  EXPECT_EQ(second.wait(), 1);
  const std::string error = second.error_output();
  EXPECT_TRUE(error.starts_with("listen " + server.address + ": address already in use")) << error;
  EXPECT_EQ(std::ranges::count(error, '\n'), 1) << error;
}

TEST(EchoServer, RefusesWhatIsNoAddress) {
  Child server({example("echo_server"), "here"});
  EXPECT_EQ(server.wait(), 1);
  const std::string error = server.error_output();
  EXPECT_TRUE(error.contains("\"here\"")) << error;
  EXPECT_EQ(std::ranges::count(error, '\n'), 1) << error;
}

TEST(EchoClient, SaysThatNobodyListens) {
  const std::string address = at(free_port());
  Child client({example("echo_client"), address});
  EXPECT_EQ(client.wait(), 1);
  EXPECT_EQ(client.error_output(), "connect " + address + ": connection refused\n");
}

TEST(EchoClient, TimesOutIfNothingComesBack) {
  const Result<Listener> silent = Listener::bind(Address::ipv4_loopback(0));
  ASSERT_TRUE(silent);
  const auto from = std::chrono::steady_clock::now();
  Child client({example("echo_client"), silent->address().to_string()});
  EXPECT_EQ(client.wait(), 1);
  EXPECT_GE(std::chrono::steady_clock::now() - from, 2900ms);
  EXPECT_EQ(client.error_output(),
            "read " + silent->address().to_string() + ": timed out after 3 s\n");
}

TEST(EchoClient, SaysThatTheAnswerIsTooShort) {
  SKIP_WITHOUT_NCAT();
  const std::uint16_t port = free_port();
  Child server({"ncat", "-l", "127.0.0.1", std::to_string(port)});
  server.write("Hi");
  server.close_input();
  wait_until_listening(port);
  Child client({example("echo_client"), at(port)});
  EXPECT_EQ(client.wait(), 1);
  EXPECT_TRUE(client.error_output().starts_with("read " + at(port) + ": "))
      << client.error_output();
}

TEST(BlockingClient, ExchangesLineByLine) {
  EchoServer server;
  Child client({example("blocking_client"), server.address});
  client.write("one\n");
  EXPECT_EQ(client.read_until("\n"), "one\n");
  client.write("둘\nthree");
  client.close_input();
  EXPECT_EQ(client.read_all(), "둘\nthree\n");
  EXPECT_EQ(client.wait(), 0);
  EXPECT_EQ(client.error_output(), "");
}

TEST(BlockingClient, TalksToNcat) {
  SKIP_WITHOUT_NCAT();
  const std::uint16_t port = free_port();
  Child server({"ncat", "-l", "127.0.0.1", std::to_string(port)});
  wait_until_listening(port);
  Child client({example("blocking_client"), at(port)});
  client.write("question\n");
  EXPECT_EQ(server.read_until("\n"), "question\n");
  server.write("answer\n");
  EXPECT_EQ(client.read_until("\n"), "answer\n");
  client.close_input();
  EXPECT_EQ(client.wait(), 0);
}

TEST(BlockingClient, SaysWhatBroke) {
  const std::string address = at(free_port());
  Child nobody_there({example("blocking_client"), address});
  EXPECT_EQ(nobody_there.wait(), 1);
  EXPECT_EQ(nobody_there.error_output(), "connect " + address + ": connection refused\n");

  SKIP_WITHOUT_NCAT();
  const std::uint16_t port = free_port();
  Child server({"ncat", "-l", "--recv-only", "127.0.0.1", std::to_string(port)});
  wait_until_listening(port);
  Child client({example("blocking_client"), at(port)});
  client.write("question\n");
  EXPECT_EQ(server.read_until("\n"), "question\n");
  server.signal(SIGTERM);  // finishes without an answer
  EXPECT_EQ(client.wait(), 1);
  EXPECT_EQ(client.error_output(), "read " + at(port) + ": the peer finished sending too early\n");
}

TEST(BlockingClient, TimesOut) {
  const Result<Listener> silent = Listener::bind(Address::ipv4_loopback(0));
  ASSERT_TRUE(silent);
  Child client({example("blocking_client"), silent->address().to_string()});
  client.write("question\n");
  EXPECT_EQ(client.wait(), 1);
  EXPECT_EQ(client.error_output(),
            "read " + silent->address().to_string() + ": timed out after 3 s\n");
}

}  // namespace
}  // namespace ieum::test
