// `ieum inspect` as its users meet it: words, output, watching, namespaces, and who may see what.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <sstream>

#include "inspect/programs.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;

TEST(Words, OfOneKindAreAlternativesOfTwoBothHold) {
  IN_NETWORK("", [] {
    Python program(R"(
listener(8080)
listener(8081)
one = keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
one.bind(('127.0.0.1', 8080)))");
    const auto count = [](const std::vector<std::string>& words) {
      return inspect_json(words).size();
    };
    EXPECT_EQ(count({"tcp"}), 2U);
    EXPECT_EQ(count({"tcp", "udp"}), 3U);
    EXPECT_EQ(count({":8080"}), 2U);
    EXPECT_EQ(count({":8080", "udp"}), 1U);
    EXPECT_EQ(count({"localhost:8080", "listening"}), 1U);
    EXPECT_EQ(count({"127.0.0.1:8080", "UDP"}), 1U);
    EXPECT_EQ(count({"127.0.0.0/8", "tcp"}), 2U);
    EXPECT_EQ(count({"10.0.0.0/8"}), 0U);
    EXPECT_EQ(count({"python3", "pid:" + program.pid(), ":8081"}), 1U);
    EXPECT_EQ(count({"python3", "pid:1"}), 0U);
  });
}

/// It is known by the path that it was bound to, which may have been given from anywhere.
TEST(Words, AUnixSocketIsFoundByItsPathOrTheEndOfIt) {
  const TemporaryDirectory folder;
  const std::string path = folder.path("found by path.sock");
  Python program("os.chdir('" + folder.path("") + R"(')
one = keep(socket.socket(socket.AF_UNIX))
one.bind('found by path.sock')
one.listen()
other = keep(socket.socket(socket.AF_UNIX))
other.bind(os.path.abspath('whole.sock'))
other.listen())");
  const std::string pid = "pid:" + program.pid();
  const auto count = [](std::vector<std::string> words) { return inspect_json(words).size(); };
  EXPECT_EQ(count({"found by path.sock", pid}), 1U);
  EXPECT_EQ(count({"./found by path.sock", pid}), 0U);  // it is not here
  EXPECT_EQ(count({path, pid}), 1U);
  EXPECT_EQ(count({path}), 1U);
  EXPECT_EQ(count({"whole.sock", pid}), 1U);
  EXPECT_EQ(count({folder.path("whole.sock")}), 1U);
  EXPECT_EQ(count({"le.sock", pid}), 0U);
  const auto lines = std::filesystem::path(path).parent_path();
  EXPECT_EQ(count({std::filesystem::relative(lines / "whole.sock").string(), pid}), 1U);
  EXPECT_EQ(count({std::filesystem::relative(path).string(), pid}), 1U);
}

TEST(Words, ThatAreWrongSayWhatToWrite) {
  const auto expect_usage = [](const std::vector<std::string>& words, std::string_view sentence) {
    const Inspected result = inspect(words);
    EXPECT_EQ(result.status, 2);
    EXPECT_EQ(result.errors, sentence);
  };
  expect_usage({"8080"},
               "ieum: inspect: 8080 can be a port or a process: write :8080 or pid:8080\n");
  expect_usage({":70000"}, "ieum: inspect: ':70000' is no port, which is 1 to 65535\n");
  expect_usage({"pid:x"}, "ieum: inspect: 'pid:x' is no process, as pid:123\n");
  expect_usage({"example.com:80"},
               "ieum: inspect: 'example.com:80': names are not looked up here; write the address, "
               "or :80 alone\n");
  expect_usage({"-tlnp"}, "ieum: inspect: unknown option '-tlnp'; write the word tcp\n");
  expect_usage({"--watch", "5sec"},
               "ieum: inspect: '5sec' is no time: seconds, as 5 or 0.5, or 500ms, 2m, 1h\n");
  const Inspected none = inspect({"lisening"});
  EXPECT_EQ(none.status, 1);
  EXPECT_EQ(none.errors, "ieum: no socket matches 'lisening'; did you mean 'listening'?\n");
}

TEST(Output, NamesFromProgramsCommandNoTerminal) {
  IN_NETWORK("", [] {
    Python program(R"(
open('/proc/self/comm', 'w').write('\x1b[31mred\n')
listener(8080)
one = keep(socket.socket(socket.AF_UNIX))
one.bind('\0inspect\x1b[31m\nname'))");
    const Inspected text = inspect({});
    EXPECT_FALSE(text.text.contains('\x1b'));
    EXPECT_TRUE(text.text.contains("unix:@inspect%1B[31m%0Aname")) << text.text;
    const Inspected lines = inspect({"--json"});
    EXPECT_FALSE(lines.text.contains('\x1b'));
    EXPECT_TRUE(lines.text.contains(R"("name":"\u001b[31mred)")) << lines.text;
  });
}

TEST(Output, TakesColoursOnATerminalThatWantsThem) {
  IN_NETWORK("", [] {
    Python program("listener(8080)");
    const auto on_a_terminal = [](const std::string& variable) {
      Child child({"env", "TERM=xterm", variable, IEUM_COMMAND, "inspect", "tcp"},
                  Input::terminal());
      std::string text = child.read_all();
      EXPECT_EQ(child.wait(), 0);
      return text;
    };
    EXPECT_TRUE(on_a_terminal("A=1").contains("\x1b[1mtcp 127.0.0.1:8080\x1b[0m"));
    EXPECT_FALSE(on_a_terminal("NO_COLOR=1").contains('\x1b'));
    Child narrow({"env", "COLUMNS=40", IEUM_COMMAND, "inspect", "tcp"});
    std::istringstream lines(narrow.read_all());
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 40U) << line;
    EXPECT_EQ(narrow.wait(), 0);
  });
}

TEST(Output, JsonHasTheMembersOfItsDescription) {
  IN_NETWORK("", [] {
    Python program("one, other = pair(7001)\none.send(b'hello')");
    const std::vector<json> objects = inspect_json({":7001", "tcp", "pid:" + program.pid()});
    ASSERT_EQ(objects.size(), 2U);
    std::size_t unread = 0;
    for (const json& object : objects) {
      EXPECT_EQ(object["schema"], 1);
      EXPECT_EQ(object["protocol"], "tcp");
      EXPECT_EQ(object["state"], "established");
      unread += object["receive_queue_bytes"].get<std::size_t>();
      EXPECT_EQ(object["processes"][0]["pid"], program.child().pid());
      EXPECT_EQ(object["processes"][0]["name"], "python3");
      EXPECT_FALSE(object["sentence"].get<std::string>().empty());
    }
    EXPECT_EQ(unread, 5U);
    EXPECT_EQ(objects[0]["other_end_inode"], objects[1]["inode"]);
    const std::vector<json> summary = inspect_json({"--summary", "tcp"});
    ASSERT_EQ(summary.size(), 1U);
    EXPECT_EQ(summary[0]["states"]["tcp"]["established"], 2);
  });
}

TEST(Output, TheSummaryCounts) {
  IN_NETWORK("", [] {
    Python program("for i in range(50):\n    one, other = pair()\n    one.close()");
    const std::string said =
        expect_said({"--summary", "tcp"},
                    {"tcp 100: 50 close-wait, 50 fin-wait-2", "stuck 50 of them, 50 leaking",
                     "50 tcp: the peer has finished, their program has not closed them",
                     "50 python3 -c", "50 stuck, 50 leaking"});
    EXPECT_LT(std::ranges::count(said, '\n'), 12);
  });
}

TEST(Watching, TellsWhatGrows) {
  IN_NETWORK("", [] {
    Python program(R"(
def leak():
    while True:
        one, other = pair()
        one.close()
        time.sleep(0.02)
background(leak))");
    Child child(ieum_command({"inspect", "--watch", "500ms", "leaking"}));
    const std::string seen = child.read_until("close-wait, +");
    EXPECT_TRUE(seen.contains("python3 -c")) << seen;
    EXPECT_TRUE(child.read_until("\n").ends_with(" per minute\n"));
    child.signal(SIGINT);
    EXPECT_EQ(child.wait(), -SIGINT);
  });
}

TEST(Namespaces, AreLookedIntoAndMayVanish) {
  IN_NETWORK("", [] {
    const std::string name = "inspect" + std::to_string(::getpid());
    ASSERT_EQ(Child({"ip", "netns", "add", name}).wait(), 0);
    ASSERT_EQ(Child({"ip", "-n", name, "link", "set", "lo", "up"}).wait(), 0);
    {
      Child server({"ip", "netns", "exec", name, IEUM_COMMAND, "listen", "-v", "127.0.0.1:7777"});
      where_it_listens(server);
      EXPECT_EQ(inspect({":7777"}).status, 1);  // not in ours
      EXPECT_TRUE(inspect({"--netns", name, ":7777"}).text.contains("ieum listen"));
      EXPECT_TRUE(inspect({"--netns", "pid:" + std::to_string(server.pid()), ":7777"})
                      .text.contains("tcp 127.0.0.1:7777"));
    }
    Child watcher(ieum_command({"inspect", "--watch", "200ms", "--netns", name}));
    watcher.read_until(" sockets");
    ASSERT_EQ(Child({"ip", "netns", "del", name}).wait(), 0);
    watcher.read_all();
    EXPECT_EQ(watcher.wait(), 0);
    EXPECT_EQ(watcher.error_output(), "ieum: the network namespace '" + name + "' has gone\n");
    const Inspected gone = inspect({"--netns", name});
    EXPECT_EQ(gone.status, 1);
    EXPECT_TRUE(gone.errors.contains("there is no network namespace '" + name + "'"))
        << gone.errors;
  });
}

TEST(Rights, AnOrdinaryUserSeesItsOwnAndOneSentenceForTheRest) {
  if (!has_program("setpriv")) GTEST_SKIP() << "this needs setpriv (Debian: util-linux)";
  IN_NETWORK("", [] {
    // The build directory may not be open to others.
    const TemporaryDirectory directory;
    const std::string command = directory.path("ieum");
    std::filesystem::copy_file(IEUM_COMMAND, command);
    std::filesystem::permissions(std::filesystem::path(command).parent_path(),
                                 std::filesystem::perms(0755));
    const std::vector<std::string> user{"setpriv", "--reuid=65534", "--regid=65534",
                                        "--clear-groups"};
    const auto as_user = [&](std::vector<std::string> words) {
      words.insert(words.begin(), user.begin(), user.end());
      return words;
    };
    Python program("listener(8080)");
    Child own(as_user({command, "listen", "-v", "127.0.0.1:8081"}));
    where_it_listens(own);
    Child child(as_user({command, "inspect", "tcp"}));
    const std::string said = unwrapped(child.read_all());
    EXPECT_EQ(child.wait(), 0);
    EXPECT_TRUE(said.contains("tcp 127.0.0.1:8081 listen")) << said;
    EXPECT_TRUE(said.contains("(pid " + std::to_string(own.pid()))) << said;
    EXPECT_TRUE(said.contains("a process of root")) << said;
    EXPECT_TRUE(said.contains("only root may see which process that is")) << said;
    EXPECT_EQ(child.error_output(),
              "ieum: the processes that hold 1 of these sockets are not yours; as root, you see "
              "them\n");
  });
}

TEST(Processes, MayEndMeanwhile) {
  IN_NETWORK("", [] {
    Child churn({"sh", "-c",
                 "while :; do python3 -c \"import socket; s = [socket.socket() for i in "
                 "range(200)]\" & python3 -c 'import socket; socket.socket()'; done"});
    const int rounds = long_form() ? 500 : 30;
    for (int i = 0; i < rounds; ++i) {
      const Inspected result = inspect({});
      EXPECT_EQ(result.status, 0);
      EXPECT_EQ(result.errors, "");
    }
  });
}

}  // namespace
}  // namespace ieum::test
