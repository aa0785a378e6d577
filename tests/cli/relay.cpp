// `ieum relay`: two ends of every kind; the end of each, what breaks, and what is left behind.
#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "cli/clients.hpp"
#include "cli/datagrams.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> relay_words(std::vector<std::string> words) {
  words.insert(words.begin(), "relay");
  return ieum_command(std::move(words));
}

/// A relay that listens on a port that it chooses, as its first end.
struct Relay {
  explicit Relay(const std::string& other, std::vector<std::string> options = {"-k"},
                 const std::string& keys = "")
      : child(words(other, std::move(options), keys), Input::nothing()),
        address(where_it_listens(child)) {
    descriptors = child.descriptors();
  }
  static std::vector<std::string> words(const std::string& other, std::vector<std::string> options,
                                        const std::string& keys) {
    options.push_back("listen:127.0.0.1:0" + keys);
    options.push_back(other);
    return relay_words(std::move(options));
  }
  void expect_nothing_left() {
    expect_soon("no child of the relay is left", [&] { return child.children().empty(); });
    expect_soon("no descriptor of a client is left",
                [&] { return child.descriptors() == descriptors; });
    EXPECT_TRUE(child.runs());
  }
  Child child;
  std::string address;
  std::size_t descriptors = 0;
};

struct EchoServer {
  EchoServer() : child(ieum_command({"listen", "-k", "--echo", "127.0.0.1:0"}), Input::nothing()) {
    address = where_it_listens(child);
  }
  Child child;
  std::string address;
};

int run_relay(std::vector<std::string> words, std::string* output = nullptr,
              std::string* errors = nullptr, std::string_view input = "") {
  Child child(relay_words(std::move(words)));
  child.write(input);
  child.close_input();
  const std::string said = child.read_all();
  if (output != nullptr) *output = said;
  const int status = child.wait();
  if (errors != nullptr) *errors = child.error_output();
  return status;
}

// ---- Connections --------------------------------------------------------------------------------

TEST(Relay, ForwardsAPort) {
  const EchoServer server;
  Relay relay(server.address);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(succeed(ask(relay.address, "hello")), "hello");
  relay.expect_nothing_left();
}

TEST(Relay, ForwardsManyAtATimeAndEveryByte) {
  const EchoServer server;
  Relay relay(server.address);
  int right = 0;
  auto one = [&](int number) -> Task<> {
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += std::to_string(number * 100'000 + i) + "\n";
    StreamSocket peer = co_await StreamSocket::connect(relay.address);
    std::string reply;
    auto both = [&](Group& group) -> Task<> {
      auto sending = [&]() -> Task<> {
        co_await peer.write_all(text);
        co_await peer.shutdown_write();
      };
      group.start(sending());
      reply = co_await read_to_end(peer);
    };
    co_await with_group(both);
    co_await peer.close();
    if (reply == text) ++right;
  };
  auto all = [&](Group& group) -> Task<> {
    for (int i = 0; i < 30; ++i) group.start(one(i));
    co_return;
  };
  auto body = [&]() -> Task<> { co_await with_group(all); };
  succeed(body());
  EXPECT_EQ(right, 30);
  relay.expect_nothing_left();
}

TEST(Relay, TheEndOfEitherSideTravelsOnWhileTheOtherGoesOn) {
  auto body = [&]() -> Task<> {
    Listener target = co_await Listener::bind("127.0.0.1:0");
    Relay relay(target.address().to_string());
    StreamSocket client = co_await StreamSocket::connect(relay.address);
    StreamSocket server = co_await target.accept();
    co_await client.write_all("question");
    co_await client.shutdown_write();
    const std::string asked = co_await read_to_end(server);
    EXPECT_EQ(asked, "question");
    co_await sleep(200ms);  // the way back stays open
    co_await server.write_all("answer");
    co_await server.close();
    const std::string answered = co_await read_to_end(client);
    EXPECT_EQ(answered, "answer");
    co_await client.close();
    relay.expect_nothing_left();
  };
  succeed(body());
}

TEST(Relay, WhatBreaksOneSideIsAResetToTheOther) {
  auto body = [&]() -> Task<> {
    Listener target = co_await Listener::bind("127.0.0.1:0");
    Relay relay(target.address().to_string());
    StreamSocket client = co_await StreamSocket::connect(relay.address);
    StreamSocket server = co_await target.accept();
    co_await client.write_all("half of ");
    std::array<std::byte, 8> half;
    co_await server.read_exact(half);
    co_await client.reset();
    const Result<std::string> rest = co_await attempt(read_to_end(server));
    EXPECT_FALSE(rest) << "a reset was taken for an end";
    relay.expect_nothing_left();
  };
  succeed(body());
}

TEST(Relay, AClientWhoseOtherEndIsNotThereIsResetAndItIsSaidOnce) {
  const std::uint16_t nobody = free_port();
  Relay relay(at(nobody));
  for (int i = 0; i < 3; ++i) {
    auto body = [&]() -> Task<> {
      const Result<std::string> reply = co_await attempt(ask(relay.address, ""));
      EXPECT_FALSE(reply);
    };
    succeed(body());
  }
  relay.expect_nothing_left();
  relay.child.signal(SIGTERM);
  EXPECT_EQ(relay.child.wait(), 143);
  const std::string said = relay.child.error_output();
  const std::size_t first = said.find("connection refused; nothing listens there");
  ASSERT_NE(first, std::string::npos) << said;
  EXPECT_EQ(said.find("connection refused", first + 1), std::string::npos) << said;
}

TEST(Relay, OnceServesOneClientAndTellsHowItEnded) {
  const EchoServer server;
  Relay relay(server.address, {});
  EXPECT_EQ(succeed(ask(relay.address, "one")), "one");
  EXPECT_EQ(relay.child.wait(), 0) << relay.child.error_output();
  Relay lost(at(free_port()), {});
  Child client(ieum_command({"connect", lost.address}), Input::nothing());
  EXPECT_NE(client.wait(), 0);  // 7 if the reset comes while it still connects, else 56
  EXPECT_EQ(lost.child.wait(), 7);
}

TEST(Relay, WaitsForAServerThatStartsLater) {
  const std::uint16_t port = free_port();
  Relay relay(at(port) + "?retry=30", {});
  Child client(ieum_command({"connect", relay.address}));
  client.write("patience\n");
  Child server(ieum_command({"listen", "--echo", at(port)}), Input::nothing());
  EXPECT_EQ(client.read_until("patience\n"), "patience\n");
  client.close_input();
  EXPECT_EQ(client.wait(), 0);
  EXPECT_EQ(relay.child.wait(), 0);
}

TEST(Relay, TwoThatListenConnectTheirClients) {
  const std::string other = at(free_port());
  Relay relay("listen:" + other);
  for (int i = 0; i < 2; ++i) {
    Child left(ieum_command({"connect", relay.address}));
    Child right(ieum_command({"connect", other}));
    left.write("to the right\n");
    right.write("to the left\n");
    EXPECT_EQ(left.read_until("\n"), "to the left\n");
    EXPECT_EQ(right.read_until("\n"), "to the right\n");
    left.close_input();
    right.close_input();
    EXPECT_EQ(left.wait(), 0);
    EXPECT_EQ(right.wait(), 0);
  }
}

TEST(Relay, TheSecondEndMayBeTheOneThatListens) {
  const EchoServer server;
  Child relay(relay_words({"-k", server.address, "listen:127.0.0.1:0"}), Input::nothing());
  EXPECT_EQ(succeed(ask(where_it_listens(relay), "turned")), "turned");
}

TEST(Relay, SilenceEndsItIfAskedTo) {
  const EchoServer server;
  Relay relay(server.address, {"-i", "300ms"});
  Child client(ieum_command({"connect", relay.address}));
  EXPECT_EQ(client.wait(), 0) << client.error_output();
  EXPECT_EQ(relay.child.wait(), 28);
  EXPECT_TRUE(relay.child.error_output().contains("nothing went either way for 300 ms (-i)"))
      << relay.child.error_output();
}

TEST(Relay, ServesNoMoreAtATimeThanItMayAndKeepsOthersOut) {
  const EchoServer server;
  Relay relay(server.address, {"-k", "-m", "1"});
  Child first(ieum_command({"connect", relay.address}));
  first.write("first\n");
  first.read_until("first\n");
  Child second(ieum_command({"connect", relay.address}));
  second.write("second\n");
  std::this_thread::sleep_for(200ms);
  EXPECT_EQ(second.output_so_far(), "");
  first.close_input();
  second.read_until("second\n");
  Relay closed(server.address, {"-k"}, "?deny=127.0.0.0/8");
  Child denied(ieum_command({"connect", closed.address}), Input::nothing());
  EXPECT_NE(denied.wait(), 0);
}

TEST(Relay, BothSidesAreReported) {
  const EchoServer server;
  const std::uint16_t port = free_port();
  Child relay(relay_words({"-v", "--json", "listen:" + at(port), server.address}),
              Input::nothing());
  wait_until_listening(port);
  EXPECT_EQ(succeed(ask(at(port), "12345")), "12345");
  EXPECT_EQ(relay.wait(), 0);
  const std::string events = relay.error_output();
  EXPECT_TRUE(events.contains("\"end\":\"" + server.address + "\"")) << events;
  std::size_t closed = 0;
  for (std::size_t found = events.find("\"event\":\"closed\""); found != std::string::npos;
       found = events.find("\"event\":\"closed\"", found + 1)) {
    ++closed;
  }
  EXPECT_EQ(closed, 2U) << events;
  EXPECT_EQ(number_in(events, "closed", "sent"), 5U);
}

TEST(Relay, TheSocketFileGoesAtTheEnd) {
  const TemporaryDirectory folder;
  const std::string path = folder.path("socket");
  const EchoServer server;
  Child relay(relay_words({"-k", "listen:unix:" + path, server.address}), Input::nothing());
  expect_soon("it listens", [&] { return std::filesystem::exists(path); });
  EXPECT_EQ(succeed(ask("unix:" + path, "by file")), "by file");
  relay.signal(SIGTERM);
  EXPECT_EQ(relay.wait(), 143);
  EXPECT_FALSE(std::filesystem::exists(path));
}

// ---- Standard streams, files --------------------------------------------------------------------

TEST(Relay, StandardStreamsAreAnEnd) {
  const EchoServer server;
  std::string output;
  EXPECT_EQ(run_relay({"-", server.address}, &output, nullptr, "by hand\n"), 0);
  EXPECT_EQ(output, "by hand\n");
}

TEST(Relay, StandardInputThatStaysOpenDoesNotKeepIt) {
  Child server(ieum_command({"listen", "--exec", "echo bye", "127.0.0.1:0"}), Input::nothing());
  Child relay(relay_words({"--linger", "100ms", where_it_listens(server), "-"}));
  EXPECT_EQ(relay.read_all(), "bye\n");
  EXPECT_EQ(relay.wait(), 0);
}

TEST(Relay, FilesAreReadAndWrittenAndNoneIsOverwrittenUnasked) {
  const TemporaryDirectory folder;
  const TemporaryFile from("what is in it\n");
  const std::string to = folder.path("a copy");
  EXPECT_EQ(run_relay({"file:" + from.path(), "file:" + folder.path("a%20copy") + "?write=new"}),
            0);
  EXPECT_EQ(content_of(to), "what is in it\n");
  std::string errors;
  EXPECT_EQ(run_relay({"file:" + from.path(), "file:" + to + "?write=new"}, nullptr, &errors), 1);
  EXPECT_TRUE(errors.contains("is there already, and stays as it is")) << errors;
  EXPECT_EQ(run_relay({"file:" + from.path(), "file:" + to + "?write=append"}), 0);
  EXPECT_EQ(content_of(to), "what is in it\nwhat is in it\n");
  EXPECT_EQ(run_relay({"file:/dev/null", "file:" + to + "?write=replace"}), 0);
  EXPECT_EQ(content_of(to), "");
  EXPECT_EQ(run_relay({"file:" + from.path() + ".nosuch", "-"}, nullptr, &errors), 1);
  EXPECT_TRUE(errors.contains("no such file or directory")) << errors;
}

TEST(Relay, AFileThatCannotBeReadIsSaidToBe) {
  const TemporaryDirectory folder;
  const auto said = [](const std::string& end) {
    Child relay(ieum_command({"relay", end, "-"}), Input::nothing());
    EXPECT_EQ(relay.wait(), 1);
    return relay.error_output();
  };
  const std::string none = folder.path("none");
  EXPECT_EQ(said("file:" + none), "ieum: cannot open " + none + ": no such file or directory\n");
  EXPECT_EQ(said("tty:" + none), "ieum: cannot open " + none + ": no such file or directory\n");
  EXPECT_TRUE(said("file:" + folder.path("")).ends_with(": is a directory\n"));
}

TEST(Relay, WhatComesForAFileThatIsReadIsThrownAwayAndCounted) {
  const EchoServer server;
  const TemporaryFile file("12345");
  std::string errors;
  EXPECT_EQ(run_relay({"file:" + file.path(), server.address}, nullptr, &errors), 0);
  EXPECT_EQ(content_of(file.path()), "12345");
}

TEST(Relay, CollectsWhatClientsSay) {
  const TemporaryFile log("");
  Relay relay("file:" + log.path() + "?write=append");
  for (int i = 0; i < 3; ++i) succeed(ask(relay.address, "line\n"));
  expect_soon("all is there", [&] { return content_of(log.path()) == "line\nline\nline\n"; });
}

TEST(Relay, AFullDiskIsOneSentence) {
  Relay relay("file:/dev/full?write=append", {});
  auto body = [&]() -> Task<> {
    StreamSocket client = co_await StreamSocket::connect(relay.address);
    co_await client.write_all("more");
    const Result<std::string> rest = co_await attempt(read_to_end(client));
    EXPECT_FALSE(rest) << "nobody told the client";
  };
  succeed(body());
  EXPECT_EQ(relay.child.wait(), 1);
  EXPECT_TRUE(relay.child.error_output().contains("no space left")) << relay.child.error_output();
}

// ---- Commands -----------------------------------------------------------------------------------

TEST(Relay, RunsACommandForEachClient) {
  Relay relay("exec:tr a-z A-Z");
  EXPECT_EQ(succeed(ask(relay.address, "loud")), "LOUD");
  EXPECT_EQ(succeed(ask(relay.address, "louder")), "LOUDER");
  relay.expect_nothing_left();
}

TEST(Relay, ACommandOnATerminalAndItsStatus) {
  std::string output;
  std::string errors;
  EXPECT_EQ(run_relay({"-", "exec-pty:test -t 0 && echo terminal; exit 3"}, &output, &errors), 1);
  EXPECT_EQ(output, "terminal\r\n");
  EXPECT_TRUE(errors.contains("the command exited with 3")) << errors;
}

TEST(Relay, TwoCommandsTalk) {
  const TemporaryFile heard("");
  EXPECT_EQ(
      run_relay({"exec:echo question; head -1 >" + heard.path(), "exec:read -r x; echo \"$x?\""}),
      0);
  EXPECT_EQ(content_of(heard.path()), "question?\n");
}

TEST(Relay, ACommandGoesWithTheOtherEnd) {
  Relay relay("exec:trap '' TERM; echo ready; exec sleep 1000");
  auto body = [&]() -> Task<> {
    StreamSocket client = co_await StreamSocket::connect(relay.address);
    std::array<std::byte, 6> ready;
    co_await client.read_exact(ready);
    co_await client.reset();
  };
  succeed(body());
  relay.expect_nothing_left();
}

TEST(ConnectExec, ACommandTalksToTheServer) {
  const EchoServer server;
  const TemporaryFile heard("");
  Child child(ieum_command({"connect", "--exec", "echo question; exec >&-; cat >" + heard.path(),
                            server.address}),
              Input::nothing());
  EXPECT_EQ(child.wait(), 0) << child.error_output();
  EXPECT_EQ(content_of(heard.path()), "question\n");
  Child failing(ieum_command({"connect", "--pty", "--exec", "test -t 1 && exit 5", server.address}),
                Input::nothing());
  EXPECT_EQ(failing.wait(), 1);
  EXPECT_TRUE(failing.error_output().contains("the command exited with 5"));
}

// ---- Datagrams ----------------------------------------------------------------------------------

struct UdpRelay {
  explicit UdpRelay(const std::string& other, std::vector<std::string> options = {"-k"}) {
    options.emplace_back("listen:udp://127.0.0.1:0");
    options.push_back(other);
    child.emplace(relay_words(std::move(options)), Input::nothing());
    child->read_error_until("receiving on ");
    const std::string where = child->read_error_until("\n");
    port = static_cast<std::uint16_t>(std::stoul(port_of(where)));
  }
  std::optional<Child> child;
  std::uint16_t port = 0;
};

TEST(RelayDatagrams, EachSenderHasItsOwnWayAndDatagramsStayWhole) {
  Child server(ieum_command({"listen", "-k", "--echo", "udp://127.0.0.1:0"}), Input::nothing());
  server.read_error_until("receiving on ");
  std::string where = server.read_error_until("\n");
  where.pop_back();
  UdpRelay relay("udp://" + where);
  const TestSocket one;
  const TestSocket two;
  const std::string large(60'000, 'l');
  for (int i = 0; i < 3; ++i) {
    one.send("from one", relay.port);
    two.send("from two", relay.port);
    one.send("", relay.port);
    two.send(large, relay.port);
    EXPECT_EQ(one.receive(), "from one");
    EXPECT_EQ(one.receive(), "");
    EXPECT_EQ(two.receive(), "from two");
    EXPECT_EQ(two.receive(), large);
  }
}

TEST(RelayDatagrams, ToAConnectionAndBack) {
  const EchoServer server;
  UdpRelay relay(server.address);
  const TestSocket client;
  client.send("over a stream", relay.port);
  EXPECT_EQ(client.receive(), "over a stream");
}

TEST(RelayDatagrams, FromAConnectionAndBack) {
  Child server(ieum_command({"listen", "-k", "--echo", "udp://127.0.0.1:0"}), Input::nothing());
  server.read_error_until("receiving on ");
  std::string where = server.read_error_until("\n");
  where.pop_back();
  Relay relay("udp://" + where, {"-k", "--linger", "300ms"});
  EXPECT_EQ(succeed(ask(relay.address, "there and back")), "there and back");
  relay.expect_nothing_left();
}

TEST(RelayDatagrams, SilentSendersAreForgotten) {
  const EchoServer server;
  UdpRelay relay(server.address, {"-k", "-i", "2s"});
  const std::size_t descriptors = relay.child->descriptors();
  const TestSocket client;
  client.send("1", relay.port);
  EXPECT_EQ(client.receive(), "1");
  expect_soon("its connection has gone", [&] { return relay.child->descriptors() == descriptors; });
  client.send("2", relay.port);
  EXPECT_EQ(client.receive(), "2");
}

TEST(RelayDatagrams, ACommandForEachSender) {
  Child server(ieum_command({"listen", "-k", "--exec", "while read -r x; do echo $x, $x; done",
                             "udp://127.0.0.1:0"}),
               Input::nothing());
  server.read_error_until("receiving on ");
  const std::string where = server.read_error_until("\n");
  const auto port = static_cast<std::uint16_t>(std::stoul(port_of(where)));
  const TestSocket one;
  const TestSocket two;
  one.send("a\n", port);
  two.send("b\n", port);
  EXPECT_EQ(one.receive(), "a, a\n");
  EXPECT_EQ(two.receive(), "b, b\n");
  one.send("c\n", port);
  EXPECT_EQ(one.receive(), "c, c\n");
}

TEST(RelayDatagrams, ATerminalForEachSender) {
  Child server(ieum_command({"listen", "--pty", "--exec",
                             "stty -echo; echo ready; read -r x; echo $x!", "udp://127.0.0.1:0"}),
               Input::nothing());
  server.read_error_until("receiving on ");
  const std::string where = server.read_error_until("\n");
  const auto port = static_cast<std::uint16_t>(std::stoul(port_of(where)));
  const TestSocket client;
  client.send("", port);
  EXPECT_EQ(client.receive(), "ready\r\n");
  client.send("yes\n", port);
  EXPECT_EQ(client.receive(), "yes!\r\n");
  EXPECT_EQ(server.wait(), 0) << server.error_output();
}

TEST(RelayDatagrams, DigAsksThroughIt) {
  if (!std::filesystem::exists("/usr/bin/dig")) {
    GTEST_SKIP() << "this needs the program dig (Debian: bind9-dnsutils)";
  }
  // A name server that knows one address, of anything.
  const TestSocket server;
  UdpRelay relay("udp://" + server.where());
  Child dig({"dig", "+short", "+tries=1", "-p", std::to_string(relay.port), "@127.0.0.1",
             "some.test", "A"},
            Input::nothing());
  std::uint16_t from = 0;
  std::string message = server.receive(&from);
  ASSERT_GE(message.size(), 12U);
  message[2] = static_cast<char>(0x81);  // a response
  message[3] = static_cast<char>(0x80);
  message[7] = 1;  // one answer, and nothing else
  message[8] = message[9] = message[10] = message[11] = 0;
  const std::size_t question = message.find(std::string("\0\0\1\0\1", 5), 12) + 5;
  message.resize(question);
  message += std::string("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\x21", 16);
  server.send(message, from);
  EXPECT_EQ(dig.read_all(), "192.0.2.33\n");
  EXPECT_EQ(dig.wait(), 0);
}

// ---- Terminals ----------------------------------------------------------------------------------

/// A serial line: this is one end of it, and `path` the other.
struct Line {
  Line() : master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    EXPECT_EQ(::grantpt(master), 0);
    EXPECT_EQ(::unlockpt(master), 0);
    path = ::ptsname(master);
    slave = ::open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line() {
    ::close(master);
    ::close(slave);
  }
  void write(std::string_view text) const {
    EXPECT_EQ(::write(master, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  [[nodiscard]] std::string read(std::size_t count) const {
    std::string text(count, '\0');
    std::size_t size = 0;
    while (size < count) {
      const ssize_t got = ::read(master, text.data() + size, count - size);
      if (got <= 0) break;
      size += static_cast<std::size_t>(got);
    }
    text.resize(size);
    return text;
  }
  [[nodiscard]] termios settings() const {
    termios found{};
    EXPECT_EQ(::tcgetattr(slave, &found), 0);
    return found;
  }
  int master;
  int slave = -1;
  std::string path;
};

TEST(RelayTerminal, ASerialLineOfTwoPseudoTerminals) {
  const Line left;
  const Line right;
  const termios before = left.settings();
  Child relay(relay_words({"tty:" + left.path + "?speed=9600", "tty:" + right.path}),
              Input::nothing());
  expect_soon("both are raw", [&] {
    return (left.settings().c_lflag & ICANON) == 0 && (right.settings().c_lflag & ICANON) == 0;
  });
  const termios during = left.settings();
  EXPECT_EQ(::cfgetospeed(&during), static_cast<speed_t>(B9600));
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);  // Ctrl-C and all
  left.write(bytes);
  EXPECT_EQ(right.read(bytes.size()), bytes);
  right.write("answer\n");
  EXPECT_EQ(left.read(7), "answer\n");
  relay.signal(SIGINT);
  EXPECT_EQ(relay.wait(), 130);
  EXPECT_EQ(left.settings().c_lflag, before.c_lflag);
  const termios after = left.settings();
  EXPECT_EQ(::cfgetospeed(&after), ::cfgetospeed(&before));
}

TEST(RelayTerminal, AMadeOneHasALinkThatGoesWithIt) {
  const TemporaryDirectory folder;
  const std::string link = folder.path("modem");
  const EchoServer server;
  Child relay(relay_words({"pty:" + link, server.address}), Input::nothing());
  expect_soon("the link is there", [&] { return std::filesystem::is_symlink(link); });
  Child user({"sh", "-c", R"(exec <>"$0"; echo hello >&0; head -c 6)", link}, Input::nothing());
  EXPECT_EQ(user.read_all(), "hello\n");
  std::string errors;
  EXPECT_EQ(run_relay({"pty:" + link, server.address}, nullptr, &errors), 1);
  EXPECT_TRUE(errors.contains("is there already, and stays as it is")) << errors;
  relay.signal(SIGTERM);
  EXPECT_EQ(relay.wait(), 143);
  EXPECT_FALSE(std::filesystem::is_symlink(link));
}

TEST(RelayTerminal, WhatIsNoneIsSaid) {
  std::string errors;
  EXPECT_EQ(run_relay({"tty:/dev/null", "-"}, nullptr, &errors), 1);
  EXPECT_TRUE(errors.contains("/dev/null is no terminal; for a file, write file:/dev/null"));
}

// ---- The command line ---------------------------------------------------------------------------

TEST(RelayOptions, WhatCannotBeMeantIsRefusedWithWhatToWrite) {
  struct Case {
    std::vector<std::string> words;
    std::string_view sentence;
  };
  const Case cases[] = {
      {{":80"}, "two ends are needed"},
      {{"-k", ":80", ":81"}, "-k needs an end that listens"},
      {{"-k", "listen::80", "-"}, "-k cannot share standard input"},
      {{"-k", "listen::80", "file:x?write=new"}, "add to it with ?write=append"},
      {{"-", "-"}, "one end alone"},
      {{"listen:-", ":80"}, "standard input has no clients"},
      {{"listen:udp://:1", "listen::2"}, "none can be of datagrams"},
      {{"TCP-LISTEN:80,fork", "TCP:host:80"}, "here it is 'listen::80' with -k"},
      {{"listen::80", "TCP4-CONNECT:host:80"}, "here it is 'host:80'"},
      {{"PTY,link=/tmp/x", "-"}, "'pty:LINK'"},
      {{"CREATE:/tmp/x", "-"}, "'file:/tmp/x?write=replace'"},
      {{"file:x?write=over", "-"}, "write takes new, replace or append"},
      {{"tty:/dev/x?speed=1234", "-"}, "no terminal has a speed of 1234"},
      {{"listen::80?echo=1", "-"}, "unknown key 'echo'"},
      {{"tls://host:1?insecure=yes", "-"}, "insecure takes 0 or 1"},
      {{"host:80?ca=x", "-"}, "?ca=FILE needs TLS"},
      {{"-m", "5", "listen::80", ":81"}, "--max-clients requires --keep"},
  };
  for (const Case& one : cases) {
    std::string errors;
    EXPECT_EQ(run_relay(one.words, nullptr, &errors), 2);
    EXPECT_TRUE(errors.contains(one.sentence)) << one.sentence << " / " << errors;
  }
}

}  // namespace
}  // namespace ieum::test
