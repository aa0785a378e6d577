// The command `ieum trace`: what it is started with, what it leaves, what it is refused.
#include <sys/stat.h>

#include <csignal>

#include "trace/traced.hpp"

namespace ieum::test {
namespace {

#define NEED_TRACING \
  if (!can_trace()) GTEST_SKIP() << "tracing is not allowed here"

mode_t mode_of(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777U : 0;
}

TEST(Trace, GivesTheCommandsExitStatus) {
  NEED_TRACING;
  EXPECT_EQ(trace({"--", "sh", "-c", "exit 7"}).status, 7);
  EXPECT_EQ(trace({"--", "sh", "-c", "kill -TERM $$"}).status, 128 + SIGTERM);
  EXPECT_EQ(trace({"--", "true", "-o", "--pid"}).status, 0);
  const Traced missing = trace({"--", "/no/such/program"});
  EXPECT_EQ(missing.status, 127);
  EXPECT_TRUE(missing.ladder.contains("cannot run '/no/such/program': No such file"))
      << missing.ladder;
}

TEST(Trace, LeavesTheCommandsInputAndOutputAlone) {
  NEED_TRACING;
  Child child(ieum_command({"trace", "--", "cat"}));
  child.write("as it is\n");
  child.close_input();
  EXPECT_EQ(child.read_all(), "as it is\n");
  EXPECT_EQ(child.wait(), 0);
  const std::string errors = child.error_output();
  EXPECT_TRUE(errors.contains("no_new_privs")) << errors;
  EXPECT_EQ(std::ranges::count(errors, '\n'), 1) << errors;
}

TEST(Trace, SaysWhatIsWrongWithTheCommandLine) {
  EXPECT_TRUE(trace({}).ladder.contains("a command is missing: 'ieum trace -- COMMAND'"));
  EXPECT_TRUE(trace({"--pid", "x"}).ladder.contains("--pid takes numbers of processes, not 'x'"));
  EXPECT_TRUE(trace({"--replay", "f", "--", "true"}).ladder.contains("--replay shows a recording"));
  EXPECT_TRUE(trace({"--data", "0", "--", "true"}).ladder.contains("--data takes a number"));
  EXPECT_EQ(trace({"--with", "x", "--pid", "1"}).status, 2);
}

TEST(Trace, AServerThatDoesNotListenIsSaid) {
  NEED_TRACING;
  const Traced traced = trace({"--with", "exit 3", "--", "true"});
  EXPECT_EQ(traced.status, 1);
  EXPECT_TRUE(traced.ladder.contains("the server 'exit 3' ended before it listened"))
      << traced.ladder;
}

TEST(Trace, AServerInheritsNothingOfTheTrace) {
  NEED_TRACING;
  const std::string list = "ls /proc/self/fd; exit 3";
  Child alone({"sh", "-c", list});
  alone.close_input();
  EXPECT_EQ(trace({"--with", list, "--", "true"}).output, alone.read_all());
}

/// Only calls on sockets stop the program: how often it was stopped does not depend on the machine.
TEST(Trace, OtherCallsDoNotStop) {
  NEED_TRACING;
  if (!has_program("python3")) GTEST_SKIP() << "this needs python3";
  const Traced traced = trace_one(R"(
import resource
def stops(): return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
one, other = socket.socketpair()
before = stops()
for i in range(1000): os.getppid()
middle = stops()
for i in range(100): one.send(b'x')
print(middle - before, stops() - middle))");
  int others = -1;
  int sockets = -1;
  std::istringstream(traced.output) >> others >> sockets;
  EXPECT_TRUE(others >= 0 && others < 50) << traced.output;
  // Each at its entry and at its return.
  EXPECT_GE(sockets, 200) << traced.output;
}

TEST(Trace, ARecordingGivesTheSameLadderEachTime) {
  TRACED_IN_NETWORK([] {
    Scripts scripts;
    const std::string recording = scripts.path("recording");
    const std::string page = scripts.path("page.html");
    std::ofstream(recording) << "old";
    ASSERT_EQ(::chmod(recording.c_str(), 0644), 0);
    const Traced live = trace_pair(serve("peer.send(peer.recv(99))"),
                                   call("peer.send(b'<b>\\x1b[m&\\n')\npeer.recv(99)"),
                                   {"-o", recording, "--html", page});
    const Traced first = trace({"--replay", recording});
    const Traced second = trace({"--replay", recording});
    EXPECT_EQ(first.status, 0);
    EXPECT_EQ(first.output, second.output);
    EXPECT_TRUE(live.ladder.ends_with(first.output)) << live.ladder << "\nbut\n" << first.output;
    EXPECT_TRUE(first.output.contains(R"(<b>\x1b[m&\n)")) << first.output;
    EXPECT_EQ(mode_of(recording), 0600U);
    EXPECT_EQ(mode_of(page), 0600U);
    const std::string html = content_of(page);
    EXPECT_TRUE(html.contains(R"(&lt;b&gt;\x1b[m&amp;\n)")) << html;
    EXPECT_FALSE(html.contains("<b>") || html.contains("<script") || html.contains('\x1b'));
    const Traced ascii = trace({"--replay", recording, "--ascii"});
    EXPECT_TRUE(std::ranges::all_of(ascii.output, [](char one) {
      return one == '\n' || (one >= ' ' && one <= '~');
    })) << ascii.output;
    EXPECT_TRUE(ascii.output.contains(". SYN, SYN+ACK, ACK .")) << ascii.output;
    // What was cut off in the middle of a line shows what there is.
    const std::string whole = content_of(recording);
    const std::string cut = scripts.path("cut");
    // In the middle of its last line, in the middle, and after a line.
    const std::size_t middle = whole.find('\n', whole.size() / 2);
    for (const std::size_t size : {whole.size() - 40, middle - 5, middle + 1}) {
      std::ofstream(cut) << whole.substr(0, size);
      const Traced shown = trace({"--replay", cut});
      EXPECT_EQ(shown.status, 1);
      EXPECT_EQ(shown.ladder, "ieum: " + cut +
                                  ": the recording was cut off, as by a full disk or a kill: its "
                                  "last events are missing\n");
      EXPECT_TRUE(shown.output.contains("LISTEN")) << shown.output;
      EXPECT_TRUE(shown.output.contains(" → ")) << shown.output;  // its end sums up
    }
  });
}

TEST(Trace, ARecordingThatIsNoneIsSaid) {
  const TemporaryFile file("hello\n");
  const Traced traced = trace({"--replay", file.path()});
  EXPECT_EQ(traced.status, 1);
  EXPECT_TRUE(traced.ladder.contains("it is no recording of 'ieum trace -o'")) << traced.ladder;
  EXPECT_TRUE(trace({"--replay", "/no/such/file"}).ladder.contains("No such file"));
  EXPECT_TRUE(trace({"--replay", "/"}).ladder.contains("Is a directory"));
  const TemporaryFile silent(R"({"event":"begin","us":0}
{"event":"note","us":1,"pid":1,"text":" "}
{"event":"end","us":1}
)");
  EXPECT_EQ(trace({"--replay", silent.path()}).status, 0);
}

/// What was whole is shown, in the page too.
TEST(Trace, ALineThatIsNoEventIsSaidAfterThoseBefore) {
  const TemporaryFile file(R"({"event":"begin","us":0,"data":"client"}
{"event":"start","us":1,"pid":1,"text":"client"}
{"event":"call","us":2,"pid":1,"call":"socket","result":3,"fd":3,"socket":1,"protocol":"tcp"}
{"event":"call",
{"event":"end","us":3}
)");
  const TemporaryDirectory folder;
  const std::string page = folder.path("page.html");
  const Traced traced = trace({"--replay", file.path(), "--html", page});
  EXPECT_EQ(traced.status, 1);
  EXPECT_TRUE(traced.ladder.contains(": line 4 is no event of a recording")) << traced.ladder;
  EXPECT_TRUE(traced.output.contains("socket() = 3")) << traced.output;
  EXPECT_TRUE(content_of(page).ends_with("</html>\n")) << content_of(page);
}

/// A recording that could not be written to its end has no hole either.
TEST(Trace, AFullDiskEndsTheRecordingAndIsSaid) {
  TRACED_IN_NETWORK([] {
    Scripts scripts;
    const std::string program = scripts.add("client.py", R"(
for i in range(400): socket.socket().close())");
    const std::string recording = scripts.path("recording");
    Child child({"sh", "-c",
                 "ulimit -f 16; trap '' XFSZ; exec " IEUM_COMMAND " trace -q -o " + recording +
                     " -- " + python3() + " " + program});
    child.close_input();
    EXPECT_EQ(child.wait(), 1);
    EXPECT_EQ(child.error_output(), "ieum: cannot write " + recording + ": File too large\n");
    const Traced shown = trace({"--replay", recording});
    EXPECT_EQ(shown.status, 1);
    EXPECT_TRUE(shown.ladder.contains(": the recording was cut off, ")) << shown.ladder;
    EXPECT_TRUE(shown.output.contains("socket() = 3")) << shown.output;
  });
}

TEST(Trace, WithoutDataNoByteIsKept) {
  TRACED_IN_NETWORK([] {
    Scripts scripts;
    const std::string recording = scripts.path("recording");
    const Traced traced = trace_pair(serve("peer.recv(99)"), call("peer.send(b'secret')"),
                                     {"--no-data", "-o", recording});
    EXPECT_TRUE(traced.ladder.contains(" 6 B ")) << traced.ladder;
    EXPECT_FALSE(traced.ladder.contains("secret")) << traced.ladder;
    EXPECT_FALSE(content_of(recording).contains("secret"));
  });
}

TEST(Trace, WritesItsEventsAsJson) {
  TRACED_IN_NETWORK([] {
    const Traced traced =
        trace_pair(serve("peer.recv(99)"), call("peer.send(b'hello')"), {"--json"});
    bool sent = false;
    std::istringstream lines(traced.ladder);
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with('{')) continue;
      const json event = json::parse(line);
      sent = sent || (event.value("call", "") == "sendto" && event.value("data", "") == "hello" &&
                      event.value("state", "") == "established");
    }
    EXPECT_TRUE(sent) << traced.ladder;
  });
}

constexpr std::string_view make_ring = R"(
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
parameters = ctypes.create_string_buffer(120)
print(libc.syscall(425, 4, parameters) >= 0, ctypes.get_errno()))";

TEST(Trace, ThereIsNoIoUringUnlessAskedFor) {
  NEED_TRACING;
  if (!has_program("python3")) GTEST_SKIP() << "this needs python3";
  EXPECT_EQ(trace_one(make_ring).output, "False 38\n");
  const Traced with = trace_one(make_ring, {"--io-uring"});
  if (with.output.starts_with("True")) {
    expect_text(with, {"it has an io_uring: what it does by it is not seen"});
  }
}

TEST(Trace, AttachesAndLetsGo) {
  TRACED_IN_NETWORK([] {
    Python server(R"(
server = listener(7000)
def serve():
    while True:
        peer = server.accept()[0]
        while True:
            data = peer.recv(99)
            if not data: break
            peer.send(data)
        peer.close()
background(serve))");
    Child traced(ieum_command({"trace", "--pid", server.pid()}));
    Scripts scripts;
    const std::string client =
        scripts.add("client.py", call("peer.send(b'hello')\nprint(peer.recv(99).decode())"));
    // Until it is attached, and long after it has been let go, the server serves.
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    Child first({python3(), client});
    EXPECT_EQ(first.read_all(), "hello\n");
    traced.read_error_until("5 B \"hello\"");
    traced.read_error_until("recv() = 0: the peer has finished");
    traced.signal(SIGINT);
    EXPECT_EQ(traced.wait(), 0);
    EXPECT_TRUE(server.child().runs());
    Child second({python3(), client});
    EXPECT_EQ(second.read_all(), "hello\n");
    EXPECT_EQ(content_of("/proc/" + server.pid() + "/status").find("TracerPid:\t0"),
              content_of("/proc/" + server.pid() + "/status").find("TracerPid:"));
  });
}

TEST(Trace, WhatIsStartedEndsWithIt) {
  NEED_TRACING;
  Child traced(ieum_command({"trace", "--", "sh", "-c", "sleep 600 & echo $!; wait"}));
  const int sleeper = std::stoi(traced.read_until("\n"));
  traced.signal(SIGKILL);
  traced.wait();
  for (int i = 0; i < 100 && ::kill(sleeper, 0) == 0; ++i) {
    const std::string status = content_of("/proc/" + std::to_string(sleeper) + "/status");
    if (status.contains("State:\tZ")) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  const std::string status = content_of("/proc/" + std::to_string(sleeper) + "/status");
  EXPECT_TRUE(status.empty() || status.contains("State:\tZ")) << status;
}

// ---- As an ordinary user -----------------------------------------------------------------------

std::vector<std::string> as_nobody(std::vector<std::string> words) {
  words.insert(words.begin(), {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                               IEUM_COMMAND, "trace"});
  return words;
}
#define NEED_NOBODY                                                           \
  NEED_TRACING;                                                               \
  if (::geteuid() != 0) GTEST_SKIP() << "this needs root to be another user"; \
  if (!has_program("setpriv")) GTEST_SKIP() << "this needs setpriv"

TEST(Rights, OwnProgramsMayBeTraced) {
  NEED_NOBODY;
  TRACED_IN_NETWORK([] {
    Child child(as_nobody({"--", "python3", "-c", "import socket; socket.socket().close()"}));
    const int status = child.wait();
    if (status == 126 || status == 127) GTEST_SKIP() << "nobody cannot read the program";
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(child.error_output().contains("socket() = 3 [3]"));
  });
}

TEST(Rights, AnothersProgramIsRefusedInOneSentence) {
  NEED_NOBODY;
  Child child(as_nobody({"--pid", std::to_string(::getpid())}));
  const int status = child.wait();
  if (status == 126 || status == 127) GTEST_SKIP() << "nobody cannot read the program";
  EXPECT_EQ(status, 1);
  const std::string errors = child.error_output();
  EXPECT_TRUE(
      errors.contains("belongs to root: tracing another user's program takes root's right "
                      "CAP_SYS_PTRACE"))
      << errors;
}

TEST(Rights, AProgramHasOneTracer) {
  NEED_TRACING;
  Child sleeper({"sleep", "600"});
  Child first(ieum_command({"trace", "--pid", std::to_string(sleeper.pid())}));
  first.read_error_until("Ctrl-C ends the trace");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const Traced second = trace({"--pid", std::to_string(sleeper.pid())});
  EXPECT_EQ(second.status, 1);
  EXPECT_TRUE(second.ladder.contains("is traced already, by pid " + std::to_string(first.pid())))
      << second.ladder;
  EXPECT_TRUE(trace({"--pid", "999999999"}).ladder.contains("there is no process 999999999"));
}

}  // namespace
}  // namespace ieum::test
