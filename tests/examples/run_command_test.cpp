// run_command: commands as servers, with ncat's part played by sockets of our own.
#include <csignal>

#include "examples/programs.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;

/// run_command on a port of its own, listening.
class CommandServer {
 public:
  explicit CommandServer(const std::vector<std::string>& command) : child_(whole(command)) {
    child_.read_error_until("listening on ");
    address_ = child_.read_error_until("\n");
    address_.pop_back();
  }
  [[nodiscard]] const std::string& address() const { return address_; }
  Child& child() { return child_; }

 private:
  static std::vector<std::string> whole(const std::vector<std::string>& command) {
    std::vector<std::string> all{example("run_command"), "127.0.0.1:0"};
    all.insert(all.end(), command.begin(), command.end());
    return all;
  }
  Child child_;
  std::string address_;
};

Task<std::string> read_to_end(StreamSocket& from) {
  std::string text;
  std::array<std::byte, 256> buffer;
  for (;;) {
    const std::size_t count = co_await from.read_some(buffer);
    if (count == 0) co_return text;
    text.append(reinterpret_cast<const char*>(buffer.data()), count);
  }
}

Task<std::string> answer_to(std::string address, std::string text, bool finishes) {
  StreamSocket client = co_await StreamSocket::connect(address);
  co_await client.write_all(text);
  if (finishes) co_await client.shutdown_write();
  std::string answer = co_await read_to_end(client);
  co_return answer;
}

std::string ask(const CommandServer& server, const std::string& text, bool finishes = true) {
  const Result<std::string> answer =
      run(with_timeout(patience, answer_to(server.address(), text, finishes)));
  return answer ? *answer : answer.error().to_string();
}

TEST(RunCommand, GivesEachClientAProcess) {
  const CommandServer server({"sort"});
  EXPECT_EQ(ask(server, "b\na\n"), "a\nb\n");
  EXPECT_EQ(ask(server, "d\nc\n"), "c\nd\n");
}

TEST(RunCommand, EndsWithACommandThatWantsNoMore) {
  const CommandServer server({"head", "-n", "1"});
  EXPECT_EQ(ask(server, "first\nsecond\n", false), "first\n");
}

TEST(RunCommand, SaysHowACommandFailed) {
  CommandServer server({"sh", "-c", "exit 3"});
  EXPECT_EQ(ask(server, ""), "");
  EXPECT_EQ(server.child().read_error_until("\n"), "sh exited with 3\n");
}

TEST(RunCommand, KillsTheCommandOfAClientThatVanishes) {
  CommandServer server({"sh", "-c", "echo $$; read line; read line"});
  auto vanish = [](std::string address) -> Task<std::string> {
    StreamSocket client = co_await StreamSocket::connect(address);
    std::string pid;
    const std::size_t length = co_await client.read_until(pid, "\n", 64);
    co_await client.reset();
    co_return pid.substr(0, length - 1);
  };
  const Result<std::string> pid = run(with_timeout(patience, vanish(server.address())));
  ASSERT_TRUE(pid) << pid.error().to_string();
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (::kill(std::stoi(*pid), 0) == 0 && std::chrono::steady_clock::now() < deadline) {
    EXPECT_EQ(ask(server, "\n\n").empty(), false);  // another client is served meanwhile
  }
  EXPECT_EQ(::kill(std::stoi(*pid), 0), -1);
}

TEST(RunCommand, RefusesWrongArguments) {
  Child none({example("run_command"), "127.0.0.1:0"});
  EXPECT_EQ(none.wait(), 2);
  EXPECT_EQ(none.error_output(), "usage: run_command ADDRESS COMMAND...\n");
}

}  // namespace
}  // namespace ieum::test
