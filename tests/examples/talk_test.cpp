// talk: against ncat and against itself, in both roles, with every kind of standard input.
#include <csignal>
#include <fstream>
#include <random>
#include <thread>

#include "examples/programs.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;

constexpr char ctrl_d = 4;

std::string random_bytes(std::size_t count) {
  std::mt19937_64 random(seed());
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

/// Ncat waiting for one client.
struct Ncat {
  explicit Ncat(std::vector<std::string> options = {}, const Input& input = {})
      : child(command(std::move(options)), input) {
    wait_until_listening(port);
  }
  std::vector<std::string> command(std::vector<std::string> options) const {
    options.insert(options.begin(), {"ncat", "-l", "127.0.0.1", std::to_string(port)});
    return options;
  }
  std::uint16_t port = free_port();
  std::string address = at(port);
  Child child;
};

/// The address in "listening on ADDRESS".
std::string where_it_listens(Child& talk) {
  talk.read_error_until("listening on ");
  std::string address = talk.read_error_until("\n");
  address.pop_back();
  return address;
}

std::vector<std::string> ncat_to(std::string_view address) {
  return {"ncat", "127.0.0.1", std::string(address.substr(address.find(':') + 1))};
}

/// Expects nothing but the other side's end, and only then answers.
Task<> reply_after_the_end(Listener& listener, std::string reply) {
  StreamSocket peer = co_await listener.accept();
  std::array<std::byte, 64> buffer;
  const std::size_t count = co_await peer.read_some(buffer);
  EXPECT_EQ(count, 0);
  co_await sleep(700ms);  // longer than any pause
  co_await peer.write_all(reply);
  co_await peer.close();
}

TEST(Talk, ReceivesBesideSending) {
  SKIP_WITHOUT_NCAT();
  Ncat other;
  Child talk({example("talk"), other.address});
  other.child.write("you speak first\n");
  EXPECT_EQ(talk.read_until("\n"), "you speak first\n");
  talk.write("no, you\n");
  EXPECT_EQ(other.child.read_until("\n"), "no, you\n");
  talk.write("well then\n");
  EXPECT_EQ(other.child.read_until("\n"), "well then\n");
  talk.close_input();
  other.child.close_input();
  EXPECT_EQ(talk.wait(), 0);
  EXPECT_EQ(other.child.wait(), 0);
  EXPECT_EQ(talk.error_output(), "");
}

TEST(Talk, ListensForOneClient) {
  SKIP_WITHOUT_NCAT();
  Child talk({example("talk"), "--listen", "127.0.0.1:0"});
  const std::string address = where_it_listens(talk);
  Child other(ncat_to(address));
  other.write("hello\n");
  EXPECT_EQ(talk.read_until("\n"), "hello\n");
  talk.write("안녕\n");
  EXPECT_EQ(other.read_until("\n"), "안녕\n");
  other.close_input();
  EXPECT_EQ(talk.wait(), 0);
}

TEST(Talk, ReceivesALateReplyAfterItsInputHasEnded) {
  SKIP_WITHOUT_NCAT();
  // Ncat as the client: as a listener it ends with the client's half-close.
  Child talk({example("talk"), "--listen", "127.0.0.1:0"});
  Child other(ncat_to(where_it_listens(talk)));
  talk.write("a question\n");
  talk.close_input();
  EXPECT_EQ(other.read_until("\n"), "a question\n");
  std::this_thread::sleep_for(700ms);  // longer than any pause
  EXPECT_TRUE(talk.runs());
  other.write("a late reply");
  other.close_input();
  EXPECT_EQ(talk.read_all(), "a late reply");
  EXPECT_EQ(talk.wait(), 0);
}

TEST(Talk, EndsWithNcatThatEndsAtItsHalfClose) {
  SKIP_WITHOUT_NCAT();
  Ncat other;
  Child talk({example("talk"), other.address});
  talk.write("that is all\n");
  talk.close_input();
  EXPECT_EQ(other.child.read_all(), "that is all\n");
  EXPECT_EQ(talk.wait(), 0);
}

TEST(Talk, GoesOnSendingAfterTheOtherSideHasFinished) {
  Child receiver({example("talk"), "--listen", "127.0.0.1:0"}, Input::nothing());
  const std::string address = where_it_listens(receiver);
  const std::string bytes = random_bytes(std::size_t{5} << 20);
  const TemporaryFile file(bytes);
  Child sender({example("talk"), address}, Input::file(file.path()));
  EXPECT_EQ(receiver.read_all(), bytes);
  EXPECT_EQ(sender.wait(), 0);
  EXPECT_EQ(receiver.wait(), 0);
}

TEST(Talk, EndsWhenTheOtherSideHasFinishedAndNobodyTypes) {
  SKIP_WITHOUT_NCAT();
  Ncat other({"--send-only"}, Input::nothing());
  Child talk({example("talk"), other.address});  // its input stays open
  EXPECT_EQ(talk.wait(), 0);
  EXPECT_EQ(talk.error_output(), "");
}

TEST(Talk, SendsAFileAndAPipeAtOnce) {
  const std::string there = random_bytes(std::size_t{3} << 20);
  const std::string back = random_bytes(std::size_t{2} << 20);
  const TemporaryFile file(there);
  Child listener({example("talk"), "--listen", "127.0.0.1:0"});
  const std::string address = where_it_listens(listener);
  Child connector({example("talk"), address}, Input::file(file.path()));
  std::jthread feeder([&] {
    listener.write(back);
    listener.close_input();
  });
  std::string received_there;
  std::jthread reader([&] { received_there = connector.read_all(); });
  EXPECT_EQ(listener.read_all(), there);
  reader.join();
  EXPECT_EQ(received_there, back);
  EXPECT_EQ(listener.wait(), 0);
  EXPECT_EQ(connector.wait(), 0);
}

TEST(Talk, WritesToARegularFile) {
  SKIP_WITHOUT_NCAT();
  const std::string bytes = random_bytes(std::size_t{1} << 20);
  const TemporaryFile from(bytes);
  const TemporaryFile to("");
  Ncat other({"--send-only"}, Input::file(from.path()));
  Child talk({"sh", "-c", "exec \"$0\" \"$1\" </dev/null >\"$2\"", example("talk"), other.address,
              to.path()});
  EXPECT_EQ(talk.wait(), 0);
  std::ifstream file(to.path(), std::ios::binary);
  EXPECT_TRUE(std::string(std::istreambuf_iterator<char>(file), {}) == bytes);
}

TEST(Talk, TakesNoInputForItsEnd) {
  for (const Input& input : {Input::nothing(), Input::closed()}) {
    Result<Listener> listener = Listener::bind(Address::ipv4_loopback(0));
    ASSERT_TRUE(listener);
    Child talk({example("talk"), listener->address().to_string()}, input);
    const Result<> replied =
        run(with_timeout(patience, reply_after_the_end(*listener, "anybody?")));
    EXPECT_TRUE(replied) << replied.error().to_string();
    EXPECT_EQ(talk.read_all(), "anybody?");
    EXPECT_EQ(talk.wait(), 0) << talk.error_output();
  }
}

TEST(Talk, RunsOnATerminal) {
  SKIP_WITHOUT_NCAT();
  Child talk({example("talk"), "--listen", "127.0.0.1:0"}, Input::terminal());
  Child other(ncat_to(where_it_listens(talk)));
  talk.write("from the terminal\n");
  EXPECT_EQ(other.read_until("\n"), "from the terminal\n");
  other.write("to the terminal\n");
  EXPECT_EQ(talk.read_until("\n"), "to the terminal\n");
  talk.write(std::string(1, ctrl_d));
  std::this_thread::sleep_for(700ms);  // longer than any pause
  other.write("a last word\n");
  other.close_input();
  EXPECT_EQ(talk.read_until("\n"), "a last word\n");
  EXPECT_EQ(talk.wait(), 0);
}

TEST(Talk, LeavesATerminalWhenTheOtherSideEnds) {
  SKIP_WITHOUT_NCAT();
  Ncat other;
  Child talk({example("talk"), other.address}, Input::terminal());
  other.child.write("bye\n");
  other.child.close_input();
  EXPECT_EQ(talk.read_until("\n"), "bye\n");
  EXPECT_EQ(talk.wait(), 0);
  EXPECT_EQ(talk.error_output(), "");
}

TEST(Talk, SaysThatTheConnectionBroke) {
  Child talk({example("talk"), "--listen", "127.0.0.1:0"});
  const std::string address = where_it_listens(talk);
  auto broken = [](std::string to) -> Task<> {
    StreamSocket socket = co_await StreamSocket::connect(to);
    co_await socket.write_all("half a sent");
    co_await socket.reset();
  };
  expect_success(broken(address));
  EXPECT_EQ(talk.wait(), 1);
  EXPECT_TRUE(talk.error_output().contains("connection reset")) << talk.error_output();
}

TEST(Talk, SaysThatItsOutputIsGone) {
  SKIP_WITHOUT_NCAT();
  Ncat other;
  Child talk({"sh", "-c", "{ \"$0\" \"$1\"; echo \"status $?\" >&2; } | head -n 1", example("talk"),
              other.address});
  other.child.write("first\n");
  EXPECT_EQ(talk.read_until("\n"), "first\n");
  other.child.write("second\n");  // head may still be ending
  std::this_thread::sleep_for(200ms);
  if (other.child.runs()) other.child.write("third\n");
  EXPECT_TRUE(talk.read_error_until("status 1").contains("write standard output: broken pipe"));
}

TEST(Talk, RefusesWrongArguments) {
  Child option({example("talk"), "--lisen"});
  EXPECT_EQ(option.wait(), 2);
  EXPECT_EQ(option.error_output(), "talk: what is '--lisen'? Usage: talk [--listen] [ADDRESS]\n");
  Child second({example("talk"), "127.0.0.1:1", "127.0.0.1:2"});
  EXPECT_EQ(second.wait(), 2);
  Child address({example("talk"), "127.0.0.1"});
  EXPECT_EQ(address.wait(), 1);
  EXPECT_TRUE(address.error_output().contains("127.0.0.1")) << address.error_output();
}

}  // namespace
}  // namespace ieum::test
