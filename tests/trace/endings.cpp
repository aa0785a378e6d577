// Who closed first, who waited for how long, and until when: ladders compared with what the kernel
// and the programs know.
#include <algorithm>
#include <regex>

#include "trace/traced.hpp"

namespace ieum::test {
namespace {

/// Which ends of connections of port 7000 are in TIME-WAIT, by the client's port: the end that sent
/// its FIN first stays so for a minute; both if the FINs crossed.
std::map<std::string, std::vector<std::string>> ends_in_time_wait() {
  constexpr int server_port = 7000;
  constexpr int time_wait = 6;
  std::map<std::string, std::vector<std::string>> ends;
  std::ifstream table("/proc/thread-self/net/tcp");
  std::string line;
  std::getline(table, line);
  static const std::regex row(
      R"(\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) ([0-9A-F]{2}) .*)");
  for (std::smatch found; std::getline(table, line);) {
    if (!std::regex_match(line, found, row) || std::stoi(found[3], nullptr, 16) != time_wait) {
      continue;
    }
    const int local = std::stoi(found[1], nullptr, 16);
    const int remote = std::stoi(found[2], nullptr, 16);
    const bool is_server = local == server_port;
    ends[std::to_string(is_server ? remote : local)].emplace_back(is_server ? "server.py"
                                                                            : "client.py");
  }
  return ends;
}

/// Both ends close as nearly at once as two processes can.
TEST(Ending, OfBothAtOnceIsToldAsTheKernelHasIt) {
  TRACED_IN_NETWORK([] {
    constexpr std::string_view close_at_once = R"(
for i, one in enumerate(all):
    while time.monotonic() < start + i * 0.02: pass
    one.close())";
    const int rounds = long_form() ? 10 : 1;
    for (int round = 0; round < rounds; ++round) {
      Scripts scripts;
      const std::string recording = scripts.path("recording");
      const std::string server = scripts.add("server.py", R"(
server = listener(7000, backlog=64)
all = [server.accept()[0] for i in range(20)]
server.close()
mark('accepted')
wait_for('start')
start = float(open(os.path.join(here, 'start')).read()))" + std::string(close_at_once));
      const std::string client = scripts.add("client.py", R"(
all = []
for i in range(20):
    all.append(socket.socket())
    all[-1].connect(('127.0.0.1', 7000))
wait_for('accepted')
start = time.monotonic() + 0.3
open(os.path.join(here, 'new'), 'w').write(repr(start))
os.rename(os.path.join(here, 'new'), os.path.join(here, 'start')))" +
                                                              std::string(close_at_once));
      const Traced traced =
          trace({"-o", recording, "--with", python3() + " " + server, "--", python3(), client});
      ASSERT_EQ(traced.status, 0) << traced.ladder;
      std::map<std::string, std::string> first_row;  // by the client's port
      for (const json& event : events_of(recording)) {
        if (event.value("call", "") != "close" || event.value("peer", "").empty()) continue;
        const bool is_server = event.value("local", "") == "127.0.0.1:7000";
        const std::string port = event.value(is_server ? "peer" : "local", "").substr(10);
        first_row.try_emplace(port, is_server ? "server.py" : "client.py");
      }
      std::size_t compared = 0;
      for (const auto& [port, ends] : ends_in_time_wait()) {
        const std::string line = traced.line_with(":" + port + " →");
        if (line.empty()) continue;  // of an earlier round
        ++compared;
        if (ends.size() == 2) {
          EXPECT_TRUE(line.contains("; both closed within ") &&
                      line.ends_with(": their FINs crossed"))
              << line;
        } else {
          EXPECT_TRUE(line.contains(ends[0] + " closed first, at ")) << line << ends[0];
          EXPECT_EQ(first_row[port], ends[0]) << line;
        }
      }
      // The kernel has no TIME-WAIT where it is short of memory.
      EXPECT_GE(compared, 10U) << traced.ladder;
    }
  });
}

constexpr std::string_view recorded_pair = R"({"event":"begin","us":0,"data":"client"}
{"event":"start","us":1,"pid":1,"text":"server","value":1}
{"event":"start","us":2,"pid":2,"text":"client"}
{"event":"call","us":3,"pid":1,"call":"socket","result":3,"fd":3,"socket":10,"protocol":"P"}
{"event":"call","us":4,"pid":1,"call":"listen","result":0,"fd":3,"socket":10,"protocol":"P","local":"127.0.0.1:7000","asked":5}
{"event":"call","us":5,"pid":2,"call":"socket","result":3,"fd":3,"socket":11,"protocol":"P"}
{"event":"call","us":6,"took_us":5,"pid":2,"call":"connect","result":0,"fd":3,"socket":11,"protocol":"P","local":"127.0.0.1:9","peer":"127.0.0.1:7000","address":"127.0.0.1:7000"}
{"event":"call","us":20,"pid":1,"call":"accept","result":4,"fd":3,"socket":10,"protocol":"P","local":"127.0.0.1:7000","other_fd":4,"other_socket":12,"other_local":"127.0.0.1:7000","other_peer":"127.0.0.1:9"}
)";

/// What a ladder of these two connected programs, and then of these events, says.
std::string drawn(std::string protocol, std::string_view events) {
  const std::string head =
      std::regex_replace(std::string(recorded_pair), std::regex("\"P\""), "\"" + protocol + "\"");
  const TemporaryFile file(head + std::string(events) + "{\"event\":\"end\",\"us\":9000}\n");
  const Traced traced = trace({"--replay", file.path()});
  EXPECT_EQ(traced.status, 0) << traced.ladder;
  return unwrapped(traced.output);
}

// The server's call was entered first; but when it took effect, the client's FIN had come.
TEST(Ending, WhichCallTookEffectFirstIsNotWhichWasEnteredFirst) {
  const std::string text = drawn(
      "tcp",
      R"({"event":"call","us":100,"took_us":90,"pid":1,"call":"close","result":0,"fd":4,"socket":12,"protocol":"tcp","local":"127.0.0.1:7000","peer":"127.0.0.1:9","before":"established","state":"closed","peer_state":"time-wait"}
{"event":"call","us":120,"took_us":60,"pid":2,"call":"close","result":0,"fd":3,"socket":11,"protocol":"tcp","local":"127.0.0.1:9","peer":"127.0.0.1:7000","before":"established","state":"time-wait","peer_state":"closed"}
)");
  EXPECT_TRUE(text.contains("; client closed first, at 0.1 ms")) << text;
}

TEST(Ending, OfWhatCannotBeKnownTheTimeIsSaid) {
  constexpr std::string_view closes =
      R"({"event":"call","us":100,"took_us":90,"pid":1,"call":"close","result":0,"fd":4,"socket":12,"protocol":"unix"}
{"event":"call","us":120,"took_us":40,"pid":2,"call":"close","result":0,"fd":3,"socket":11,"protocol":"unix"}
)";
  const std::string text = drawn("tcp", closes);
  EXPECT_TRUE(
      text.contains("; both closed within 90 µs, at 0.1 ms: which of them was first cannot "
                    "be seen"))
      << text;
  const std::string received =
      R"({"event":"call","us":110,"took_us":5,"pid":2,"call":"recvfrom","result":0,"fd":3,"socket":11,"protocol":"tcp","local":"127.0.0.1:9","peer":"127.0.0.1:7000","asked":9}
)";
  const std::size_t second = closes.find('\n') + 1;
  const std::string told = drawn(
      "tcp", std::string(closes.substr(0, second)) + received + std::string(closes.substr(second)));
  EXPECT_TRUE(told.contains("; server closed first, at 0.1 ms")) << told;
}

TEST(Ending, OfUnixSocketsOneAfterTheOther) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_pair(R"(
server = keep(socket.socket(socket.AF_UNIX))
server.bind('\0trace')
server.listen()
peer = server.accept()[0]
peer.close()
mark('closed'))",
                                     R"(
one = keep(socket.socket(socket.AF_UNIX))
one.connect('\0trace')
wait_for('closed')
one.close())");
    expect_text(traced, {"server.py closed first, at "});
  });
}

TEST(Ending, APeerThatIsNotTracedMayCloseFirst) {
  TRACED_IN_NETWORK([] {
    Python server(
        "server = listener(7000)\n"
        "background(lambda: server.accept()[0].shutdown(socket.SHUT_RDWR))");
    const Traced traced = trace_one(call("peer.recv(9)\npeer.close()"));
    expect_text(traced, {"(not traced) closed first, at "});
  });
}

TEST(Ending, OfTwoEndsOfOneNameTheAddressIsSaid) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_one(R"(
server = listener(7000)
one = keep(socket.socket())
one.connect(('127.0.0.1', 7000))
other = keep(server.accept()[0])
other.close()
one.close())");
    expect_text(traced, {"client.py 127.0.0.1:7000 closed first, at "});
  });
}

TEST(Ending, ByLingerOfNoTimeIsAReset) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_pair(serve("wait_for('reset')\n"
                                           "try: peer.recv(9)\n"
                                           "except ConnectionResetError: pass"),
                                     call(R"(
peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
peer.close()
mark('reset'))"));
    expect_text(traced, {"SO_LINGER was set to a time of 0: it ends by RST, not FIN",
                         "recv() = ECONNRESET", "client.py closed first"});
    EXPECT_TRUE(traced.line_with("] close() [3]").contains(" RST ") ||
                traced.line_with("close() [3]").contains(" RST "))
        << traced.ladder;
  });
}

TEST(Ending, OnesOwnShutdownIsNotThePeers) {
  TRACED_IN_NETWORK([] {
    const Traced traced =
        trace_pair(serve("peer.recv(9)"), call("peer.shutdown(socket.SHUT_RD)\npeer.recv(9)"));
    expect_text(traced, {"shutdown(SHUT_RD) [3]", "recv() = 0: it was shut down for receiving"});
    EXPECT_FALSE(traced.line_with("] recv() = 0").contains("shut down")) << traced.ladder;
  });
}

/// A send that takes some of what it was given, and gives up then.
TEST(Waiting, ASendThatEndsPartlyHasWaitedOnce) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_pair(serve("wait_for('sent')"), call(R"(
import signal
signal.signal(signal.SIGALRM, lambda number, frame: None)
signal.setitimer(signal.ITIMER_REAL, 0.3, 0.3)
peer.send(b'x' * 50_000_000)
signal.setitimer(signal.ITIMER_REAL, 0)
mark('sent'))"));
    const std::string row = traced.line_with(" send(50000000) = ");
    ASSERT_FALSE(row.empty()) << traced.ladder;
    std::smatch found;
    const std::string text = traced.text();
    ASSERT_TRUE(std::regex_search(
        text, found,
        std::regex(R"(longest wait: ([0-9.]+) ms by python3 client\.py until ([0-9.]+) ms)")))
        << traced.ladder;
    EXPECT_TRUE(traced.ladder.contains("(waited " + std::string(found[1]) + " ms)"))
        << traced.ladder;
    EXPECT_EQ(std::stod(found[2]), std::strtod(row.c_str(), nullptr)) << traced.ladder;
  });
}

TEST(Waiting, OfWhatWaitsNothingIsSaidToMove) {
  TRACED_IN_NETWORK([] {
    const std::string wait = call(R"(
poll = select.poll()
poll.register(peer, select.POLLIN)
poll.poll(900)
peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
select.select([peer], [], [], 0.9)
peer.settimeout(None)
background(peer.recv, 9)
time.sleep(0.9)
os._exit(0))");
    const Traced traced = trace_pair(serve("time.sleep(600)"), wait, {"--stall", "0.3"});
    expect_text(traced, {"poll() has waited 0.", "select() has waited 0.", "recv() has waited 0.",
                         ": it waits for python3 server.py (pid ", " to send; connected "});
    EXPECT_FALSE(traced.text().contains("it moves")) << traced.ladder;
  });
}

/// It was idle for long before its peer finished.
TEST(Waiting, ALeakIsAsOldAsTheFin) {
  TRACED_IN_NETWORK([] {
    const Traced traced =
        trace_pair(serve("peer.recv(9)\ntime.sleep(600)"),
                   call("peer.send(b'x')\ntime.sleep(3)\npeer.close()\ntime.sleep(2)\nos._exit(0)"),
                   {"--stall", "0.5"});
    std::smatch found;
    const std::string text = traced.text();
    ASSERT_TRUE(std::regex_search(
        text, found, std::regex("the peer has finished, and for ([0-9.]+) (m?s) the program has")))
        << traced.ladder;
    EXPECT_LT(std::stod(found[1]) * (found[2] == "s" ? 1 : 0.001), 2.5) << traced.ladder;
  });
}

}  // namespace
}  // namespace ieum::test
