// The program as its users start it: its line, its options, its signals; and the clients that
// people have.
#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <thread>

#include "hub/irc/hub_test.hpp"
#include "support/child.hpp"
#include "support/files.hpp"

namespace ieum::test {
namespace {

using Words = std::vector<std::string>;

/// `ieum-hub` on ports that the system chose.
struct Program {
  explicit Program(const Words& more = {}) : child(command(more), Input::nothing()) {
    const std::string line = child.read_until("\n");
    said = line;
    const std::size_t at = line.find("127.0.0.1:") + 10;
    port = line.substr(at, line.find_first_of(", .", at) - at);
    const std::size_t tls = line.find("127.0.0.1:", at);
    if (tls != std::string::npos) tls_port = line.substr(tls + 10, line.find(' ', tls) - tls - 10);
  }
  static Words command(const Words& more) {
    Words words{IEUM_HUB,      "--listen",      "127.0.0.1:0", "--listen-tls",
                "127.0.0.1:0", "--listen-http", "127.0.0.1:0"};
    words.insert(words.end(), more.begin(), more.end());
    const bool keeps = std::ranges::find(more, "--data") != more.end();
    if (!keeps) words.insert(words.end(), {"--data", "memory"});
    return words;
  }
  Child child;
  std::string said;
  std::string port;
  std::string tls_port;
};

bool installed(const std::string& program) {
  Child which({"sh", "-c", "command -v " + program}, Input::nothing());
  return which.wait() == 0;
}

TEST(HubProgram, SaysHowToJoinAndEndsWell) {
  Program hub;
  EXPECT_TRUE(has(hub.said, "The hub listens on 127.0.0.1:"));
  EXPECT_TRUE(has(hub.said, "(TLS)"));
  EXPECT_TRUE(has(hub.said, "ncat -C 127.0.0.1 " + hub.port + "\n"));
  Child ncat({"ncat", "-C", "127.0.0.1", hub.port});
  if (!installed("ncat")) GTEST_SKIP() << "ncat is not installed";
  ncat.write("NICK ann\nUSER ann 0 * :Ann\nJOIN #a\nPRIVMSG ann :hello\n");
  ncat.read_until(" 366 ann #a ");
  ncat.read_until("PRIVMSG ann :hello");
  hub.child.signal(SIGTERM);
  ncat.read_until("ERROR :Closing link: localhost (The server is going down");
  EXPECT_EQ(hub.child.wait(), 0);
  const std::string log = hub.child.error_output();
  EXPECT_TRUE(has(log, " ready "));
  EXPECT_TRUE(has(log, " client nick=ann host=localhost "));
  EXPECT_TRUE(has(log, " ended finished=1 cut=0"));
}

TEST(HubProgram, AnswersOneWhoOnlySends) {
  if (!installed("ncat")) GTEST_SKIP() << "ncat is not installed";
  Program hub;
  Child ncat(
      {"sh", "-c",
       "printf 'NICK ann\\r\\nUSER a 0 * :A\\r\\nVERSION\\r\\n' | ncat 127.0.0.1 " + hub.port},
      Input::nothing());
  EXPECT_TRUE(has(ncat.read_all(), " 351 ann "));
}

TEST(HubProgram, SpeaksTls) {
  if (!installed("openssl")) GTEST_SKIP() << "openssl is not installed";
  Program hub;
  Child client({"openssl", "s_client", "-quiet", "-connect", "127.0.0.1:" + hub.tls_port});
  client.write("NICK ann\r\nUSER ann 0 * :Ann\r\n");
  client.read_until(" 001 ann ");
  client.write("WHOIS ann\r\n");
  client.read_until(" 671 ann ann ");
}

TEST(HubProgram, KeepsItsCertificate) {
  const TemporaryDirectory directory;
  const auto pin = [&](const std::string& data) {
    Program hub({"--data", data, "--log-json"});
    const std::string begin = "\"pin\":\"";
    hub.child.read_error_until(begin);
    std::string pin = hub.child.read_error_until("\"");
    hub.child.signal(SIGHUP);
    hub.child.read_error_until("\"event\":\"reloaded\"");
    hub.child.signal(SIGTERM);
    EXPECT_EQ(hub.child.wait(), 0);
    return pin;
  };
  const std::string first = pin(directory.path("data"));
  EXPECT_TRUE(first.starts_with("sha256//")) << first;
  EXPECT_EQ(pin(directory.path("data")), first);
  EXPECT_NE(pin("memory"), first);
}

TEST(HubProgram, ChecksWhatItIsTold) {
  const auto refuses = [](const Words& words, const std::string& sentence) {
    Words command{IEUM_HUB};
    command.insert(command.end(), words.begin(), words.end());
    Child child(command, Input::nothing());
    EXPECT_EQ(child.wait(), 2);
    EXPECT_EQ(child.error_output(), "ieum-hub: " + sentence + "\n");
  };
  const TemporaryFile misspelt("netwrok = \"x\"\n");
  refuses({"--config", misspelt.path()}, "unknown key 'netwrok'; did you mean 'network'?");
  refuses({"--listne", "*:6667"}, "unknown option '--listne'; did you mean '--listen'?");
  refuses({"--name", "two words"}, "name: a server's name is one word");
  refuses({"--certificate", "x"}, "certificate and key belong together");
  const TemporaryFile good(
      "network = \"Home\"\nlisten = [\"127.0.0.1:0\"]\nlisten-tls = [\"none\"]\nlisten-http = "
      "[\"none\"]\nlinger-seconds = "
      "5\n");
  Child check({IEUM_HUB, "--config", good.path(), "--check-config"}, Input::nothing());
  EXPECT_EQ(check.read_all(), "The configuration is right.\n");
  EXPECT_EQ(check.wait(), 0);
}

TEST(HubProgram, SaysWhoHasThePort) {
  Program first;
  Child second({IEUM_HUB, "--data", "memory", "--listen", "127.0.0.1:" + first.port, "--listen-tls",
                "none", "--listen-http", "none"},
               Input::nothing());
  EXPECT_EQ(second.wait(), 1);
  const std::string said = second.error_output();
  EXPECT_EQ(count_of(said, "\n"), 1U) << said;
  EXPECT_TRUE(has(said, "127.0.0.1:" + first.port + ": address already in use"));
  EXPECT_TRUE(has(said, "ieum-hub"));
}

TEST(HubProgram, ReadsItsFileAgain) {
  const TemporaryFile motd("first\n");
  Program hub({"--motd", motd.path(), "--log-json"});
  Child ncat({"ncat", "-C", "127.0.0.1", hub.port});
  if (!installed("ncat")) GTEST_SKIP() << "ncat is not installed";
  ncat.write("NICK ann\nUSER ann 0 * :Ann\n");
  ncat.read_until(" 375 ann ");
  ncat.read_until(" 372 ann :- first");
  ncat.read_until(" 376 ann ");
  std::ofstream(motd.path()) << "second\n";
  hub.child.signal(SIGHUP);
  hub.child.read_error_until("\"event\":\"reloaded\"");
  ncat.write("MOTD\n");
  ncat.read_until(" 372 ann :- second");
}

Task<> connect_silently(std::string address, std::size_t count, std::vector<StreamSocket>& into) {
  for (std::size_t i = 0; i < count; ++i) {
    StreamSocket socket = co_await StreamSocket::connect(address);
    co_await socket.write_all(std::string_view("\x16"));  // a record begins
    into.push_back(std::move(socket));
  }
}

Task<> expect_closed(std::vector<StreamSocket>& sockets) {
  for (StreamSocket& socket : sockets) {
    std::array<std::byte, 64> buffer;
    for (;;) {
      Result<std::size_t> received =
          co_await attempt(with_timeout(patience, socket.read_some(buffer)));
      if (!received) {
        EXPECT_NE(received.error(), std::errc::timed_out);
      }
      if (!received || *received == 0) break;
    }
  }
}

TEST(HubProgram, AThousandSlowHandshakesHoldNobodyUp) {
  if (!installed("openssl")) GTEST_SKIP() << "openssl is not installed";
  const std::size_t count = long_form() ? 1000 : 200;
  Program hub({"--connections-per-address", "2000"});
  const std::unique_ptr<Runtime> runtime = make_runtime();  // outlives the sockets
  std::vector<StreamSocket> slow;
  const Result<> connected =
      run(*runtime, connect_silently("127.0.0.1:" + hub.tls_port, count, slow));
  ASSERT_TRUE(connected);
  Child client({"openssl", "s_client", "-quiet", "-connect", "127.0.0.1:" + hub.tls_port});
  client.write("NICK ann\r\nUSER ann 0 * :Ann\r\n");
  client.read_until(" 001 ann ");
  if (long_form()) {  // ten seconds
    const Result<> closed = run(*runtime, expect_closed(slow));
    EXPECT_TRUE(closed);
  }
}

/// The one that has the packages of the system.
const std::string system_python = "/usr/bin/python3";

/// Opens two ports and starts the hub with them, as systemd would (sd_listen_fds(3)); prints the
/// ports, the hub's process, and then what it notifies (sd_notify(3)), a word each.
constexpr std::string_view as_systemd = R"(
import fcntl, os, socket, sys
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(sys.argv[1])
ports = []
for _ in range(2):
    port = socket.create_server(("127.0.0.1", 0))
    ports.append(fcntl.fcntl(port, fcntl.F_DUPFD, 10))
    print(port.getsockname()[1], flush=True)
child = os.fork()
if child == 0:
    for fd, port in enumerate(ports, 3):
        os.dup2(port, fd)
    os.closerange(5, 64)
    environment = dict(os.environ, LISTEN_PID=str(os.getpid()), LISTEN_FDS="2",
                       LISTEN_FDNAMES="irc:irc-tls", NOTIFY_SOCKET=sys.argv[1])
    os.execve(sys.argv[2], sys.argv[2:], environment)
print(child, flush=True)
said = ""
while said != "STOPPING=1":
    said = notify.recv(100).decode()
    print(said, flush=True)
print("status", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
)";

TEST(HubProgram, IsStartedBySystemd) {
  if (!installed("ncat") || !installed("openssl") || !installed(system_python)) {
    GTEST_SKIP() << "ncat, openssl and python3 are needed";
  }
  const TemporaryDirectory directory;
  Child systemd({system_python, "-c", std::string(as_systemd), directory.path("notify"), IEUM_HUB,
                 "--data", "memory", "--cores", "2"},
                Input::nothing());
  const auto next = [&] {
    std::string line = systemd.read_until("\n");
    line.pop_back();
    return line;
  };
  const std::string port = next();
  const std::string tls_port = next();
  const pid_t hub = std::stoi(next());
  systemd.read_until("READY=1\n");
  // Clients in turn: one or another of the cores takes each.
  for (int i = 0; i < 4; ++i) {
    Child ncat({"ncat", "-C", "127.0.0.1", port});
    ncat.write("NICK ann\nUSER ann 0 * :Ann\nQUIT\n");
    ncat.read_until(" 001 ann ");
    ncat.read_until("ERROR :");
  }
  Child client({"openssl", "s_client", "-quiet", "-connect", "127.0.0.1:" + tls_port});
  client.write("NICK bob\r\nUSER bob 0 * :Bob\r\n");
  client.read_until(" 001 bob ");
  ::kill(hub, SIGHUP);
  systemd.read_until("RELOADING=1\n");
  systemd.read_until("READY=1\n");
  ::kill(hub, SIGTERM);
  systemd.read_until("STOPPING=1\n");
  systemd.read_until("status 0\n");
}

/// What a library of a stock client does over TLS: comes in, joins, speaks, and hears.
constexpr std::string_view python_client = R"(
import ssl, sys
import irc.client, irc.connection
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
reactor = irc.client.Reactor() if hasattr(irc.client, "Reactor") else irc.client.IRC()
connection = reactor.server().connect("127.0.0.1", int(sys.argv[1]), "snake",
    connect_factory=irc.connection.Factory(wrapper=context.wrap_socket))
def joined(connection, event):
    connection.privmsg("#home", "hello from Python")
def said(connection, event):
    print("heard", event.target, event.arguments[0], flush=True)
connection.add_global_handler("welcome", lambda connection, event: connection.join("#home"))
connection.add_global_handler("endofnames", joined)
connection.add_global_handler("pubmsg", said)
connection.add_global_handler("privmsg", said)
reactor.process_forever()
)";

constexpr std::string_view node_client = R"(
const IRC = require('irc-framework');
const client = new IRC.Client();
client.connect({host: '127.0.0.1', port: Number(process.argv[1]), nick: 'node', tls: true,
                rejectUnauthorized: false, enable_echomessage: true});
client.on('registered', () => client.join('#home'));
client.on('join', (event) => { if (event.nick === 'node') client.say('#home', 'hello from Node'); });
client.on('message', (event) => console.log('heard', event.target, event.message));
)";

TEST(HubProgram, LibrariesTalkOverTls) {
  Child python_has({system_python, "-c", "import irc.client"}, Input::nothing());
  Child node_has({"node", "-e", "require('irc-framework')"}, Input::nothing());
  const bool has_python = installed(system_python) && python_has.wait() == 0;
  const bool has_node = installed("node") && node_has.wait() == 0;
  if (!installed("ncat") || (!has_python && !has_node)) {
    GTEST_SKIP() << "ncat and one of python3-irc and npm's irc-framework are needed";
  }
  Program hub;
  Child friendly({"ncat", "-C", "127.0.0.1", hub.port});
  friendly.write("NICK ann\nUSER ann 0 * :Ann\nJOIN #home\n");
  friendly.read_until(" 366 ann #home ");
  std::optional<Child> python;
  std::optional<Child> node;
  if (has_python) {
    python.emplace(Words{system_python, "-c", std::string(python_client), hub.tls_port},
                   Input::nothing());
    friendly.read_until(" PRIVMSG #home :hello from Python");
    friendly.write("PRIVMSG snake :only for you\n");
    python->read_until("heard snake only for you\n");
  }
  if (has_node) {
    node.emplace(Words{"node", "-e", std::string(node_client), hub.tls_port}, Input::nothing());
    friendly.read_until(" PRIVMSG #home :hello from Node");
    node->read_until("heard #home hello from Node\n");  // its echo
    if (python) python->read_until("heard #home hello from Node\n");
  }
  friendly.write("PRIVMSG #home :to all\n");
  if (python) python->read_until("heard #home to all\n");
  if (node) node->read_until("heard #home to all\n");
}

/// A client with a screen, in a terminal of its own.
struct Screen {
  Screen(const Words& command, const std::string& home)
      : child(wrapped(command, home), Input::terminal()) {}
  static Words wrapped(const Words& command, const std::string& home) {
    Words words{"env", "HOME=" + home, "TERM=xterm", "LC_ALL=C.UTF-8"};
    words.insert(words.end(), command.begin(), command.end());
    return words;
  }
  Child child;
};

TEST(HubProgram, MotherAndFatherTalk) {
  if (!installed("irssi") || !installed("weechat-headless") || !installed("ncat")) {
    GTEST_SKIP() << "irssi, weechat-headless and ncat are needed";
  }
  const TemporaryDirectory home;
  Program hub;
  Child child({"ncat", "-C", "127.0.0.1", hub.port});
  child.write("NICK child\nUSER child 0 * :Child\nJOIN #home\n");
  child.read_until(" 366 child #home ");
  Screen mother(
      {"irssi", "--home", home.path("irssi"), "-c", "127.0.0.1", "-p", hub.port, "-n", "mother"},
      home.path(""));
  mother.child.read_until("Welcome to the ");
  mother.child.write("/join #home\r");
  child.read_until(":mother!");
  mother.child.write("dinner is ready\r");
  child.read_until(" PRIVMSG #home :dinner is ready");
  Child father({"weechat-headless", "-d", home.path("weechat"), "-r",
                "/set logger.file.flush_delay 0;/server add hub 127.0.0.1/" + hub.port +
                    " -notls -nicks=father -autojoin=#home;/connect hub"},
               Input::nothing());
  child.read_until(":father!");
  mother.child.write("/msg father good to know\r");
  mother.child.write("/msg child sleep now\r");
  child.read_until(" PRIVMSG child :sleep now");
  child.write("PRIVMSG #home :hooray\n");
  mother.child.read_until("hooray");
  // What father's client has shown stands in its logs.
  const auto in_log = [&](const std::string& name, std::string_view part) {
    std::ifstream file(home.path("weechat/logs/irc.hub." + name + ".weechatlog"));
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    return text.contains(part);
  };
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!(in_log("mother", "good to know") && in_log("#home", "hooray"))) {
    ASSERT_LT(std::chrono::steady_clock::now(), until) << "father has heard nothing";
    std::this_thread::sleep_for(50ms);
  }
}

TEST(HubProgram, CarriesALoad) {
  Program hub({"--lines-per-second", "0", "--connections-per-address", "200"});
  Child load({IEUM_HUB, "load", "--connect", "127.0.0.1:" + hub.port, "--clients", "20", "--rooms",
              "4", "--rate", "200", "--seconds", "1"},
             Input::nothing());
  const std::string text = load.read_all();
  EXPECT_EQ(load.wait(), 0) << text << load.error_output();
  EXPECT_TRUE(has(text, "nothing lost: 0 acknowledged and missing somewhere"));
}

}  // namespace
}  // namespace ieum::test
