// The end of input, ours and the peer's: against ncat, socat and itself, in both roles. Nothing is
// lost, nothing hangs, and the status is as the help says.
#include <array>
#include <chrono>
#include <fstream>
#include <optional>
#include <random>
#include <thread>

#include "cli/programs.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* ctrl_d = "\x04";
constexpr const char* reader_gone =
    "ieum: write standard output: broken pipe; its reader has gone\n";

/// What is sent in bulk, as a file: long, and nowhere like itself.
class Bulk {
 public:
  static const Bulk& get() {
    static const Bulk bulk;
    return bulk;
  }
  [[nodiscard]] const std::string& path() const noexcept { return file_.path(); }
  [[nodiscard]] const std::string& digest() const noexcept { return digest_; }
  [[nodiscard]] std::string head(std::size_t count) const {
    std::ifstream file(file_.path(), std::ios::binary);
    std::string bytes(count, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(count));
    return bytes;
  }

 private:
  Bulk() : file_("") {
    std::mt19937_64 random(seed());
    std::array<std::uint64_t, 131072> block{};
    std::ofstream file(file_.path(), std::ios::binary);
    const int mebibytes = long_form() ? 1024 : 64;
    for (std::uint64_t& word : block) word = random();
    for (int i = 0; i < mebibytes; ++i) {
      block[0] = random();
      block[1000] = random();
      file.write(reinterpret_cast<const char*>(block.data()), sizeof(block));
    }
    file.close();
    digest_ = Child({"sha256sum"}, Input::file(file_.path())).read_all();
  }
  TemporaryFile file_;
  std::string digest_;
};

enum class Program : std::uint8_t { ncat, socat, ieum };
enum class Role : std::uint8_t { connect, listen };

struct Pairing {
  Program peer;
  Role ours;
};

std::string name_of(Program program) {
  return program == Program::ncat ? "ncat" : program == Program::socat ? "socat" : "ieum";
}

/// The peer's command line; `script` is a file for sh, which reads and writes the connection, or
/// empty: then it is the peer's standard input and output.
std::vector<std::string> peer_command(const Pairing& pairing, const std::string& port,
                                      const std::string& script) {
  const bool listens = pairing.ours == Role::connect;
  if (pairing.peer == Program::ncat) {
    if (listens) return {"ncat", "-l", "127.0.0.1", port};
    return {"ncat", "127.0.0.1", port};
  }
  if (pairing.peer == Program::socat) {
    return {"socat", "-t", "60", script.empty() ? "-" : "EXEC:sh " + script,
            listens ? "TCP-LISTEN:" + port + ",bind=127.0.0.1,reuseaddr" : "TCP:127.0.0.1:" + port};
  }
  const std::string address = "127.0.0.1:" + port;
  if (!listens) return ieum_command({"connect", "--linger", "1m", address});
  if (script.empty()) return ieum_command({"listen", "--linger", "1m", address});
  return ieum_command({"listen", "--exec", "sh " + script, address});
}

/// How each side is started; `line` is for sh.
struct Ours {
  Input input{};
  std::vector<std::string> options{};
  std::string line = "exec \"$0\" \"$@\"";
};
struct Other {
  Input input{};
  std::string script{};
  std::string line = "exec \"$0\" \"$@\"";
};

/// A peer of ours, in one of its two roles.
class EndOfInput : public testing::TestWithParam<Pairing> {
 protected:
  void SetUp() override {
    if (GetParam().peer != Program::ieum && !has_program(name_of(GetParam().peer))) {
      GTEST_SKIP() << name_of(GetParam().peer) << " is not installed";
    }
  }
  void TearDown() override {
    ours.reset();
    peer.reset();
  }

  /// Starts both.
  void start(const Ours& us = {}, const Other& other = {}) {
    if (!other.script.empty()) script_.emplace(other.script);
    const bool connects = GetParam().ours == Role::connect;
    std::string port = "0";
    if (connects) {
      const std::uint16_t number = free_port();
      port = std::to_string(number);
      start_peer(port, other);
      wait_until_listening(number);
    }
    std::vector<std::string> words{connects ? "connect" : "listen", "127.0.0.1:" + port};
    words.insert(words.end(), us.options.begin(), us.options.end());
    ours.emplace(shell(us.line, words), us.input);
    if (!connects) start_peer(port_of(where_it_listens(*ours)), other);
  }

  /// Ncat that listens takes its client's half-close for the end of all.
  [[nodiscard]] static bool peer_ends_at_half_close() {
    return GetParam().peer == Program::ncat && GetParam().ours == Role::connect;
  }

  /// Our input has ended, or does so now: the peer reads all of it, and its reply arrives.
  void expect_reply_after(std::string_view sent) {
    if (!sent.empty()) {
      EXPECT_EQ(peer->read_until(sent), sent);
    }
    if (peer_ends_at_half_close()) {
      EXPECT_EQ(peer->read_all(), "");
      EXPECT_EQ(ours->read_all(), "");
    } else {
      std::this_thread::sleep_for(100ms);
      peer->write("a reply\n");
      peer->close_input();
      EXPECT_EQ(ours->read_until("\n"), "a reply\n");
      EXPECT_EQ(ours->read_all(), "");
    }
    EXPECT_EQ(ours->wait(), 0);
    EXPECT_EQ(ours->error_output(), "");
  }

  std::optional<Child> ours;
  std::optional<Child> peer;

 private:
  void start_peer(const std::string& port, const Other& other) {
    std::vector<std::string> words{"sh", "-c", other.line};
    const std::vector<std::string> command =
        peer_command(GetParam(), port, script_ ? script_->path() : "");
    words.insert(words.end(), command.begin(), command.end());
    peer.emplace(words, other.input);
  }

  std::optional<TemporaryFile> script_;
};

/// A peer that runs a command, which sees our end.
class EndOfInputOfACommand : public EndOfInput {};

// ---- Our input ends first
// -------------------------------------------------------------------------

TEST_P(EndOfInput, AReplyIsReceivedAfterOurEnd) {
  start();
  ours->write("a question\n");
  ours->close_input();
  expect_reply_after("a question\n");
}

TEST_P(EndOfInputOfACommand, ALateReplyIsReceived) {
  start({}, {.script = "cat >/dev/null; sleep 0.5; echo late"});
  ours->write("a question\n");
  ours->close_input();
  EXPECT_EQ(ours->read_all(), "late\n");
  EXPECT_EQ(ours->wait(), 0);
  EXPECT_EQ(ours->error_output(), "");
}

TEST_P(EndOfInput, AnEmptyInputIsAnEnd) {
  start({.input = Input::nothing()});
  expect_reply_after("");
}

TEST_P(EndOfInput, AClosedInputIsAnEnd) {
  start({.input = Input::closed()});
  expect_reply_after("");
}

TEST_P(EndOfInput, AFileIsSentToItsEnd) {
  const TemporaryFile file("from a file\n");
  start({.input = Input::file(file.path())});
  expect_reply_after("from a file\n");
}

TEST_P(EndOfInput, ATerminalEndsWithItsEndCharacter) {
  start({.input = Input::terminal()});
  ours->write("typed\n");
  EXPECT_EQ(peer->read_until("typed\n"), "typed\n");
  ours->write(ctrl_d);
  expect_reply_after("");
}

// ---- The peer ends first
// --------------------------------------------------------------------------

TEST_P(EndOfInput, APeerThatClosesEndsAnOpenPipe) {
  Ours us;
  if (GetParam().peer != Program::ieum)
    us.options = {"--linger", "200ms"};  // not its 1 s each time
  start(us);
  peer->write("bye\n");
  peer->close_input();
  EXPECT_EQ(ours->read_until("bye\n"), "bye\n");
  const Clock::time_point heard = Clock::now();
  EXPECT_EQ(ours->wait(), 0);
  EXPECT_LT(Clock::now() - heard, 6s);  // the linger of a second, on a busy machine
  EXPECT_EQ(ours->read_all(), "");
  EXPECT_EQ(ours->error_output(), "");
}

TEST_P(EndOfInput, APeerThatClosesEndsATerminalAtOnce) {
  start({.input = Input::terminal(), .options = {"--linger", "1h"}});
  peer->write("bye\n");
  peer->close_input();
  EXPECT_EQ(ours->read_until("bye\n"), "bye\n");
  EXPECT_EQ(ours->wait(), 0);
  EXPECT_EQ(ours->error_output(), "");
}

TEST_P(EndOfInput, AFileGoesToAPeerThatHasFinished) {
  start({.input = Input::file(Bulk::get().path())},
        {.input = Input::nothing(), .line = "\"$0\" \"$@\" | sha256sum"});
  EXPECT_EQ(peer->read_all(), Bulk::get().digest());
  EXPECT_EQ(ours->wait(), 0);
  EXPECT_EQ(ours->error_output(), "");
}

TEST_P(EndOfInput, AProducerWithShortPausesGoesToAPeerThatHasFinished) {
  start({.options = {"--linger", "5s"}}, {.input = Input::nothing()});
  std::string sent;
  for (int i = 0; i < 4; ++i) {
    const std::string text = "part " + std::to_string(i) + "\n";
    ours->write(text);
    sent += text;
    std::this_thread::sleep_for(70ms);
  }
  ours->close_input();
  EXPECT_EQ(peer->read_all(), sent);
  EXPECT_EQ(ours->wait(), 0);
  EXPECT_EQ(ours->error_output(), "");
}

TEST_P(EndOfInput, BothMayFinishAtOnce) {
  start();
  ours->write("from us\n");
  peer->write("from the peer\n");
  EXPECT_EQ(ours->read_until("\n"), "from the peer\n");
  EXPECT_EQ(peer->read_until("\n"), "from us\n");
  ours->close_input();
  peer->close_input();
  EXPECT_EQ(ours->read_all(), "");
  EXPECT_EQ(peer->read_all(), "");
  EXPECT_EQ(ours->wait(), 0);
  EXPECT_EQ(peer->wait(), 0);
  EXPECT_EQ(ours->error_output(), "");
}

// ---- Much
// -----------------------------------------------------------------------------------------

TEST_P(EndOfInput, ABulkThroughAPipeArrives) {
  start({.input = Input::file(Bulk::get().path()), .line = "cat | \"$0\" \"$@\""},
        {.line = "\"$0\" \"$@\" | sha256sum"});
  if (!peer_ends_at_half_close()) {  // else it ends once all has come
    peer->close_input();
  }
  EXPECT_EQ(peer->read_all(), Bulk::get().digest());
  EXPECT_EQ(ours->wait(), 0);
  EXPECT_EQ(ours->error_output(), "");
}

TEST_P(EndOfInputOfACommand, ABulkThroughAPipeArrives) {
  start({.input = Input::file(Bulk::get().path()), .line = "cat | \"$0\" \"$@\""},
        {.script = "exec sha256sum"});
  EXPECT_EQ(ours->read_all(), Bulk::get().digest());
  EXPECT_EQ(ours->wait(), 0);
  EXPECT_EQ(ours->error_output(), "");
}

TEST_P(EndOfInput, ABulkIsReceivedIntoAPipe) {
  start({.options = {"--linger", "10ms"}, .line = "\"$0\" \"$@\" | sha256sum"},
        {.input = Input::file(Bulk::get().path())});
  EXPECT_EQ(ours->read_all(), Bulk::get().digest());
  EXPECT_EQ(ours->wait(), 0);
  EXPECT_EQ(ours->error_output(), "");
}

// ---- Our reader
// -----------------------------------------------------------------------------------

TEST_P(EndOfInput, AReaderThatStopsForAWhileLosesNothing) {
  constexpr std::size_t bytes = std::size_t{16} << 20U;  // more than pipe and sockets hold
  start({.options = {"--linger", "10ms"}},
        {.input = Input::file(Bulk::get().path()),
         .line = "head -c " + std::to_string(bytes) + " | \"$0\" \"$@\""});
  std::this_thread::sleep_for(300ms);
  EXPECT_TRUE(ours->runs());
  const std::string got = ours->read_all();
  EXPECT_EQ(got.size(), bytes);
  EXPECT_TRUE(got == Bulk::get().head(bytes));
  EXPECT_EQ(ours->wait(), 0);
  EXPECT_EQ(ours->error_output(), "");
}

TEST_P(EndOfInput, AReaderThatGoesAwayIsABrokenPipe) {
  start({}, {.input = Input::file(Bulk::get().path())});
  ours->read_until(Bulk::get().head(1000));
  ours->close_output();
  EXPECT_EQ(ours->wait(), 1);
  EXPECT_EQ(ours->error_output(), reader_gone);
}

TEST_P(EndOfInput, AReaderThatGoesAwayEndsATalkWithASilentPeer) {
  start();
  peer->write("first\n");
  EXPECT_EQ(ours->read_until("\n"), "first\n");
  ours->close_output();
  EXPECT_EQ(ours->wait(), 1);
  EXPECT_EQ(ours->error_output(), reader_gone);
}

// ---- By way of pipes
// ------------------------------------------------------------------------------

TEST(EndOfInputByPipes, TwoOfUsPassAClientOnWithEachSidesEnd) {
  // The server answers after its client's end, and later than any pause.
  Child server(ieum_command(
      {"listen", "127.0.0.1:0", "--exec", "cat >/dev/null; sleep 0.4; echo the answer"}));
  Child relay(
      shell("back=$(mktemp -u) && mkfifo $back && { \"$0\" listen --linger 1h 127.0.0.1:0 "
            "<$back | \"$0\" connect --linger 1h $1 >$back; echo status $?; rm $back; }",
            {where_it_listens(server)}));
  Child client(ieum_command({"connect", where_it_listens(relay)}));
  client.write("a question\n");
  client.close_input();
  EXPECT_EQ(client.read_all(), "the answer\n");
  EXPECT_EQ(client.wait(), 0);
  EXPECT_EQ(relay.read_all(), "status 0\n");
  EXPECT_EQ(relay.wait(), 0);
  EXPECT_EQ(relay.error_output(), "");
  EXPECT_EQ(server.wait(), 0);
}

TEST(EndOfInputByPipes, TheReaderOfOurOutputSeesThePeersEnd) {
  Child listener(ieum_command({"listen", "--linger", "1h", "127.0.0.1:0"}));  // its input is open
  Child client(ieum_command({"connect", where_it_listens(listener)}), Input::nothing());
  EXPECT_EQ(listener.read_all(), "");
  EXPECT_TRUE(listener.runs());
  listener.write("we go on\n");
  EXPECT_EQ(client.read_until("\n"), "we go on\n");
  listener.close_input();
  EXPECT_EQ(listener.wait(), 0);
  EXPECT_EQ(client.wait(), 0);
}

std::string pairing_name(const testing::TestParamInfo<Pairing>& info) {
  return (info.param.ours == Role::connect ? "connect_to_" : "listen_to_") +
         name_of(info.param.peer);
}

INSTANTIATE_TEST_SUITE_P(
    Peers, EndOfInput,
    testing::Values(Pairing{Program::ncat, Role::connect}, Pairing{Program::ncat, Role::listen},
                    Pairing{Program::socat, Role::connect}, Pairing{Program::socat, Role::listen},
                    Pairing{Program::ieum, Role::connect}, Pairing{Program::ieum, Role::listen}),
    pairing_name);
INSTANTIATE_TEST_SUITE_P(Peers, EndOfInputOfACommand,
                         testing::Values(Pairing{Program::socat, Role::connect},
                                         Pairing{Program::socat, Role::listen},
                                         Pairing{Program::ieum, Role::connect}),
                         pairing_name);

}  // namespace
}  // namespace ieum::test
