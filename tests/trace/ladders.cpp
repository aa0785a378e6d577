// Ladders of real pairs of programs, compared with what the programs themselves say.
#include <algorithm>
#include <map>

#include "trace/traced.hpp"

namespace ieum::test {
namespace {

#define NEED(program) \
  if (!has_program(program)) GTEST_SKIP() << "this needs the program " program

constexpr std::string_view golden =
    R"(      ms                     python3 client.py                                                             python3 server.py
     0.1                                                    │                               │              [3] socket() = 3
     0.2                                                    │                               │              [3] setsockopt(SO_REUSEADDR=1)
     0.3                                                    │                               │              [3] bind(127.0.0.1:7000)
     0.4                                                    │                               │ LISTEN       [3] listen(16)
          └ only programs of this machine reach 127.0.0.1:7000: it is the loopback address
     0.5                      socket() = 3 [3]              │                               │
     0.6           connect(127.0.0.1:7000) [3] ESTABLISHED  │ ···· SYN, SYN+ACK, ACK ·····▶ │ ESTABLISHED
     0.7                                                    │                               │              [3] accept() = 4 from 127.0.0.1:20000
          └ [4] is a new socket on the same port, connected to this client alone; [3] goes on
            listening
     0.8                           send(5) [3]              │ ─────── 5 B "hello" ────────▶ │              [4] recv() = 5
     1.0                        recv() = 5 [3]              │ ◀─────── 5 B "hello" ──────── │              [4] send(5)
     1.2                           close() [3] FIN-WAIT-2   │ ─────────── FIN ────────────▶ │ CLOSE-WAIT
     1.3                                                    │                               │              [4] recv() = 0: the peer has finished
     1.4                                       TIME-WAIT    │ ◀─────────── FIN ──────────── │ CLOSED       [4] close()
     1.5                                                    │                               │              [3] close() the listener
     1.6                                                    │                               │              [program ends: 0]
     1.8                     [program ends: 0]              │                               │

python3 client.py 127.0.0.1:20000 → python3 server.py 127.0.0.1:7000: 5 bytes there, 5 bytes back; python3 client.py closed first, at 1.2 ms
)";

/// The whole of it, with its times and ports made equal.
TEST(Ladder, OfAPairInPython) {
  TRACED_IN_NETWORK([] {
    Scripts scripts;
    const std::string recording = scripts.path("recording");
    const Traced traced = trace_pair(serve(R"(
mark('accepted')
data = peer.recv(100)
time.sleep(0.1)
peer.send(data)
mark('sent')
peer.recv(100)
peer.close()
mark('closed'))"),
                                     call(R"(
wait_for('accepted')
time.sleep(0.1)
peer.send(b'hello')
peer.recv(100)
wait_for('sent')
time.sleep(0.1)
peer.close()
wait_for('closed')
time.sleep(1))"),
                                     {"-o", recording, "--stall", "100"});
    EXPECT_EQ(traced.status, 0);
    EXPECT_EQ(ladder_made_equal(recording), golden) << traced.ladder;
  });
}

/// None missing, none doubled, in order within each thread.
TEST(Ladder, HasWhatTheProgramsLog) {
  TRACED_IN_NETWORK([] {
    Scripts scripts;
    const std::string recording = scripts.path("recording");
    const std::string server = scripts.add("server.py", R"(
def say(call, result): os.write(1, b'%d %s %d\n' % (threading.get_native_id(), call.encode(), result))
server = listener(7000)
def serve(peer):
    while True:
        data = peer.recv(10)
        say('recvfrom', len(data))
        if not data: break
        say('sendto', peer.send(data))
    peer.close()
threads = []
for i in range(4):
    threads.append(threading.Thread(target=serve, args=(server.accept()[0],)))
    threads[-1].start()
for one in threads: one.join())");
    const std::string client = scripts.add("client.py", R"(
def say(call, result): os.write(1, b'%d %s %d\n' % (threading.get_native_id(), call.encode(), result))
def run(size):
    one = socket.socket()
    one.connect(('127.0.0.1', 7000))
    for i in range(25):
        say('sendto', one.send(b'x' * size))
        left = size
        while left:
            got = len(one.recv(left))
            say('recvfrom', got)
            left -= got
    one.close()
threads = [threading.Thread(target=run, args=(size,)) for size in (1, 10, 11, 25)]
for one in threads: one.start()
for one in threads: one.join())");
    const Traced traced =
        trace({"-q", "-o", recording, "--with", python3() + " " + server, "--", python3(), client});
    EXPECT_EQ(traced.status, 0) << traced.ladder;
    using Calls = std::map<int, std::vector<std::pair<std::string, int>>>;
    Calls logged;
    std::istringstream log(traced.output);
    int tid = 0;
    std::string name;
    int result = 0;
    while (log >> tid >> name >> result) logged[tid].emplace_back(name, result);
    Calls seen;
    for (const json& event : events_of(recording)) {
      const std::string call = event.value("call", "");
      if (call != "sendto" && call != "recvfrom") continue;
      seen[event.value("tid", event.value("pid", 0))].emplace_back(call, event.value("result", 0));
    }
    EXPECT_EQ(logged.size(), 8U);
    EXPECT_EQ(seen, logged);
  });
}

TEST(Ladder, OfAForkingServer) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_pair(R"(
server = listener(7000)
for i in range(3):
    peer = server.accept()[0]
    if os.fork() == 0:
        peer.send(peer.recv(99))
        os._exit(0)
    peer.close()
for i in range(3): os.wait())",
                                     R"(
for i in range(3):
    one = socket.socket()
    one.connect(('127.0.0.1', 7000))
    one.send(b'client %d' % i)
    one.recv(99)
    one.close())");
    expect_text(traced, {"process 2: send(8)", "process 3: send(8)", "process 4: send(8)",
                         "8 B \"client 2\""});
  });
}

TEST(Ladder, OfAnEpollServerWithManyConnections) {
  TRACED_IN_NETWORK([] {
    Scripts scripts;
    const int count = long_form() ? 1000 : 60;
    const std::string recording = scripts.path("recording");
    const std::string number = std::to_string(count);
    const std::string server = scripts.add("server.py", R"(
import selectors
server = listener(7000, backlog=1024)
server.setblocking(False)
watch = selectors.EpollSelector()
watch.register(server, selectors.EVENT_READ)
served = 0
while served < )" + number + R"(:
    for key, events in watch.select():
        if key.fileobj is server:
            try: one = server.accept()[0]
            except BlockingIOError: continue
            one.setblocking(False)
            watch.register(one, selectors.EVENT_READ)
        else:
            data = key.fileobj.recv(99)
            if data: key.fileobj.send(data)
            else:
                watch.unregister(key.fileobj)
                key.fileobj.close()
                served += 1)");
    const std::string client = scripts.add("client.py", R"(
all = []
for i in range()" + number + R"():
    one = keep(socket.socket())
    one.connect(('127.0.0.1', 7000))
    all.append(one)
for i, one in enumerate(all): one.send(b'%d' % i)
for i, one in enumerate(all):
    if one.recv(99) != b'%d' % i: sys.exit(9)
for one in all: one.close())");
    const Traced traced =
        trace({"-q", "-o", recording, "--with", python3() + " " + server, "--", python3(), client});
    EXPECT_EQ(traced.status, 0) << traced.ladder;
    std::map<std::string, int> seen;
    for (const json& event : events_of(recording)) {
      const std::string call = event.value("call", "");
      if (event.value("result", -1) > 0) ++seen[call];
    }
    EXPECT_EQ(seen["accept4"], count);
    EXPECT_EQ(seen["sendto"], 2 * count);
    EXPECT_EQ(seen["recvfrom"], 2 * count);
  });
}

TEST(Ladder, OfNc) {
  NEED("nc");
  TRACED_IN_NETWORK([] {
    const Traced traced =
        trace({"--with", "nc -l 127.0.0.1 7000 || nc -l -s 127.0.0.1 -p 7000", "--", "sh", "-c",
               "printf hello | nc -N 127.0.0.1 7000 || printf hello | nc 127.0.0.1 7000"});
    expect_text(traced, {"LISTEN", "connect(127.0.0.1:7000)", "5 B \"hello\""});
    EXPECT_TRUE(traced.output.contains("hello")) << traced.ladder;
  });
}

TEST(Ladder, OfCurlAndAServerOfHttp) {
  NEED("curl");
  TRACED_IN_NETWORK([] {
    Scripts scripts;
    std::ofstream(scripts.path("page.txt")) << "a page\n";
    const Traced traced =
        trace({"--with",
               python3() + " -m http.server -d " + scripts.path("") +
                   " -b 127.0.0.1 7000 >/dev/null 2>&1",
               "--", "curl", "-s", "--noproxy", "*", "http://127.0.0.1:7000/page.txt"});
    EXPECT_EQ(traced.output, "a page\n");
    EXPECT_EQ(traced.status, 0);
    expect_text(traced,
                {"connect(127.0.0.1:7000)", "GET /page.txt", "HTTP/1.0 200 OK", "accept() = 4"});
  });
}

TEST(Ladder, OfNode) {
  NEED("node");
  TRACED_IN_NETWORK([] {
    Scripts scripts;
    const std::string path = scripts.path("server.js");
    std::ofstream(path) << R"(
const server = require('net').createServer(peer => { peer.pipe(peer); server.close(); });
server.listen(7000, '127.0.0.1');)";
    const Traced traced =
        trace({"--with", "node " + path, "--", python3(),
               scripts.add("client.py", call("peer.send(b'hello')\npeer.recv(9)\npeer.close()"))});
    EXPECT_EQ(traced.status, 0);
    expect_text(traced, {"node server.js", "5 B \"hello\"", "client.py closed first"});
  });
}

TEST(Ladder, OfDatagrams) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_pair(R"(
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.bind(('127.0.0.1', 7000))
data, sender = one.recvfrom(99)
one.sendto(b'pong', sender))",
                                     R"(
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.sendto(b'ping', ('127.0.0.1', 7000))
one.recvfrom(99))");
    expect_text(traced, {"socket(udp) = 3", "bind(127.0.0.1:7000)", "4 B \"ping\"", "4 B \"pong\"",
                         "recv() = 4"});
    EXPECT_FALSE(traced.ladder.contains("(not traced)")) << traced.ladder;
  });
}

TEST(Ladder, OfUnixSocketsAndPassedDescriptors) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_pair(R"(
server = keep(socket.socket(socket.AF_UNIX))
server.bind('\0trace')
server.listen()
peer = server.accept()[0]
data, passed, flags, sender = socket.recv_fds(peer, 10, 1)
one = socket.socket(fileno=passed[0])
one.send(b'through it')
one.close())",
                                     R"(
first, second = socket.socketpair()
one = socket.socket(socket.AF_UNIX)
one.connect('\0trace')
socket.send_fds(one, [b'take'], [second.fileno()])
second.close()
first.recv(99))");
    expect_text(traced, {"bind(unix:@trace)", "connect(unix:@trace)", "passes [4]", "takes [5]",
                         "10 B \"through it\"", "recv() = 10"});
    EXPECT_FALSE(traced.ladder.contains("(not traced)")) << traced.ladder;
  });
}

TEST(Ladder, KeepsColumnsOfWideLetters) {
  TRACED_IN_NETWORK([] {
    const Traced traced =
        trace_pair(serve("peer.recv(99)"), call("peer.send('안녕 😀'.encode())\ntime.sleep(0.1)"));
    const std::string row = traced.line_with("안녕 😀");
    // Three letters of two columns each have nine bytes; "│" has three for one column.
    EXPECT_TRUE(row.contains("11 B \"안녕 😀\"")) << traced.ladder;
    const std::string plain = traced.line_with("connect(127.0.0.1:7000)");
    const auto columns_to_wall = [](std::string line) {
      line = std::regex_replace(line, std::regex("안|녕|😀"), "xx");
      line = std::regex_replace(line, std::regex("─|·|▶"), "-");
      line = std::regex_replace(line, std::regex("│"), "|");
      return line.rfind('|');
    };
    EXPECT_EQ(columns_to_wall(row), columns_to_wall(plain)) << traced.ladder;
  });
}

}  // namespace
}  // namespace ieum::test
