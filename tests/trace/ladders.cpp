// Ladders of real pairs of programs, compared with what the programs themselves say.
#include <algorithm>
#include <map>

#include "trace/traced.hpp"

namespace ieum::test {
namespace {

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

/// Calls of a thread: the name of each and what it returned.
using Calls = std::map<int, std::vector<std::pair<std::string, int>>>;

/// For programs whose standard output says what they call.
constexpr std::string_view say = R"(
def say(call, result):
    os.write(1, b'%d %s %d\n' % (threading.get_native_id(), call.encode(), result))
    return result
)";

/// None missing, none doubled, in order within each thread.
void expect_calls_as_said(const Traced& traced, const std::string& recording, std::size_t threads) {
  EXPECT_EQ(traced.status, 0) << traced.ladder;
  Calls logged;
  std::istringstream log(traced.output);
  int tid = 0;
  std::string name;
  int result = 0;
  while (log >> tid >> name >> result) logged[tid].emplace_back(name, result);
  Calls seen;
  for (const json& event : events_of(recording)) {
    const std::string call = event.value("call", "");
    if ((call != "sendto" && call != "recvfrom") || event.value("result", -1) < 0) continue;
    seen[event.value("tid", event.value("pid", 0))].emplace_back(call, event.value("result", 0));
  }
  EXPECT_EQ(logged.size(), threads);
  EXPECT_EQ(seen, logged);
}

TEST(Ladder, HasWhatTheProgramsLog) {
  TRACED_IN_NETWORK([] {
    Scripts scripts;
    const std::string recording = scripts.path("recording");
    const std::string server = scripts.add("server.py", std::string(say) + R"(
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
    const std::string client = scripts.add("client.py", std::string(say) + R"(
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
    expect_calls_as_said(traced, recording, 8);
  });
}

TEST(Ladder, OfAForkingServer) {
  TRACED_IN_NETWORK([] {
    Scripts scripts;
    const std::string recording = scripts.path("recording");
    const Traced traced = trace_pair(std::string(say) + R"(
server = listener(7000)
for i in range(3):
    peer = server.accept()[0]
    if os.fork() == 0:
        data = peer.recv(99)
        say('recvfrom', len(data))
        say('sendto', peer.send(data))
        os._exit(0)
    peer.close()
for i in range(3): os.wait())",
                                     std::string(say) + R"(
for i in range(3):
    one = socket.socket()
    one.connect(('127.0.0.1', 7000))
    say('sendto', one.send(b'client %d' % i))
    say('recvfrom', len(one.recv(99)))
    one.close())",
                                     {"-o", recording});
    expect_text(traced, {"process 2: send(8)", "process 3: send(8)", "process 4: send(8)",
                         "8 B \"client 2\""});
    expect_calls_as_said(traced, recording, 4);
  });
}

TEST(Ladder, OfAnEpollServerWithManyConnections) {
  TRACED_IN_NETWORK([] {
    Scripts scripts;
    const int count = long_form() ? 1000 : 60;
    const std::string recording = scripts.path("recording");
    const std::string number = std::to_string(count);
    const std::string server = scripts.add("server.py", std::string(say) + R"(
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
            say('recvfrom', len(data))
            if data: say('sendto', key.fileobj.send(data))
            else:
                watch.unregister(key.fileobj)
                key.fileobj.close()
                served += 1)");
    const std::string client = scripts.add("client.py", std::string(say) + R"(
all = []
for i in range()" + number + R"():
    one = keep(socket.socket())
    one.connect(('127.0.0.1', 7000))
    all.append(one)
for i, one in enumerate(all): say('sendto', one.send(b'%d' % i))
for i, one in enumerate(all):
    data = one.recv(99)
    say('recvfrom', len(data))
    if data != b'%d' % i: sys.exit(9)
for one in all: one.close())");
    const Traced traced =
        trace({"-q", "-o", recording, "--with", python3() + " " + server, "--", python3(), client});
    expect_calls_as_said(traced, recording, 2);
    EXPECT_EQ(std::ranges::count_if(events_of(recording),
                                    [](const json& event) {
                                      return event.value("call", "") == "accept4" &&
                                             event.value("result", -1) > 0;
                                    }),
              count);
  });
}

TEST(Ladder, OfNc) {
  NEEDS("nc", "netcat-openbsd");
  TRACED_IN_NETWORK([] {
    const Traced traced =
        trace({"--with", "nc -l 127.0.0.1 7000 || nc -l -s 127.0.0.1 -p 7000", "--", "sh", "-c",
               "printf hello | nc -N 127.0.0.1 7000 || printf hello | nc 127.0.0.1 7000"});
    expect_text(traced, {"LISTEN", "connect(127.0.0.1:7000)", "5 B \"hello\""});
    EXPECT_TRUE(traced.output.contains("hello")) << traced.ladder;
  });
}

TEST(Ladder, OfCurlAndAServerOfHttp) {
  NEEDS("curl", "curl");
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
  NEEDS("node", "nodejs");
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

/// As pyenv does: a script that looks up users and runs several programs before it becomes the one
/// that was asked for.
TEST(Ladder, OfAProgramBehindAWrapper) {
  TRACED_IN_NETWORK([] {
    Scripts scripts;
    const std::string recording = scripts.path("recording");
    const std::string look_up = scripts.add("look_up.py", R"(
for i in range(2):
    one = socket.socket(socket.AF_UNIX)
    try: one.connect('/var/run/nscd/socket')
    except OSError: pass
    one.close()
if len(sys.argv) > 2: os.execv(sys.argv[1], sys.argv[1:]))");
    const std::string wrapper = scripts.path("wrapper");
    std::ofstream(wrapper) << "for word in a b c; do " << python3() << ' ' << look_up
                           << " $word; done\nexec " << python3() << ' ' << look_up << ' '
                           << python3() << " \"$@\"\n";
    const std::string server =
        scripts.add("server.py", serve("wait_for('sent')\npeer.recv(100)\npeer.send(b'!')"));
    const std::string client = scripts.add(
        "client.py", call("peer.send(b'one')\npeer.send(b'two')\nmark('sent')\npeer.recv(9)"));
    const Traced traced = trace(
        {"-o", recording, "--with", "sh " + wrapper + " " + server, "--", "sh", wrapper, client});
    EXPECT_EQ(traced.status, 0);
    expect_text(traced, {"send(3) [3]", "recv() = 6 ← 2 sends in one"});
    const std::string heading = traced.line_with("      ms ");
    EXPECT_EQ(heading.find(" client.py "), heading.rfind(" client.py ")) << heading;
    EXPECT_TRUE(heading.ends_with(" server.py")) << traced.ladder;
    EXPECT_FALSE(traced.ladder.contains("process 2")) << traced.ladder;
    EXPECT_FALSE(traced.ladder.contains("nscd")) << traced.ladder;
    const Traced again = trace({"--replay", recording});
    EXPECT_TRUE(traced.ladder.ends_with(again.output)) << traced.ladder << again.output;
    EXPECT_TRUE(
        trace({"--replay", recording, "-v"}).output.contains("connect(unix:/var/run/nscd/socket)"));
  });
}

/// A script runs many programs, one after the other and then at once.
TEST(Ladder, OfMorePrograms) {
  TRACED_IN_NETWORK([] {
    Scripts scripts;
    const std::string server = scripts.add("server.py", R"(
server = listener(7000)
def serve(peer):
    data = peer.recv(99)
    if data == b'together':
        if threads[5:]: together.set()
        together.wait()
    peer.send(data)
together = threading.Event()
threads = []
while True:
    threads.append(threading.Thread(target=serve, args=(server.accept()[0],), daemon=True))
    threads[-1].start())");
    const std::string client = scripts.add(
        "client.py", call("peer.send(sys.argv[2].encode())\nif peer.recv(9): peer.close()"));
    const std::string run = python3() + " " + client;
    const Traced one_by_one = trace({"--with", python3() + " " + server, "--", "sh", "-c",
                                     "for n in 1 2 3; do " + run + " $n hello; done"});
    EXPECT_FALSE(one_by_one.ladder.contains("other programs")) << one_by_one.ladder;
    // One column for all of them, which is called as the one that is there.
    expect_text(one_by_one, {" client.py 1 ", " client.py 3 ", "client.py 3 127.0.0.1:"});
    std::istringstream lines(one_by_one.ladder);
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("      ms")) continue;
      EXPECT_EQ(line.find(" client.py"), line.rfind(" client.py")) << line;
    }
    const Traced together =
        trace({"--with", python3() + " " + server, "--", "sh", "-c",
               "for n in 1 2 3 4 5 6; do " + run + " $n together & done; wait"});
    // Those without a column say who they are, and what goes between columns is still paired.
    expect_text(together, {"other programs", "client.py 6", "8 B \"together\""});
  });
}

/// The program looks the name up at a DNS server, and connects to what it was told.
TEST(Ladder, NamesHostsThatTheProgramLookedUp) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_pair(R"(
names = keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
names.bind(('127.0.0.1', 53))
server = listener(7000, host='127.0.0.5')
question, sender = names.recvfrom(512)
names.sendto(question[:2] + b'\x81\x80\0\1\0\1\0\0\0\0' + question[12:] +
             b'\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\5', sender)
server.accept()[0].recv(9))",
                                     R"(
names = keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
names.sendto(b'ab\1\0\0\1\0\0\0\0\0\0\5files\7example\0\0\1\0\1', ('127.0.0.1', 53))
address = socket.inet_ntoa(names.recvfrom(512)[0][-4:])
socket.create_connection((address, 7000)).close())");
    expect_text(traced, {"connect(127.0.0.5:7000) [4]", "(files.example)",
                         "127.0.0.5:7000 (files.example): 0 bytes there"});
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
                         "recvfrom() = 4 [3]", "sendto(4, 127.0.0.1:7000)"});
    EXPECT_FALSE(traced.ladder.contains("(not traced)")) << traced.ladder;
  });
}

/// Where each goes is said, whether anybody there is traced or not.
TEST(Ladder, OfDatagramsToSeveral) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_one(R"(
one = keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
one.sendto(b'one', ('127.0.0.9', 999))
one.sendmsg([b'four'], [], 0, ('127.0.0.8', 998))
one.connect(('127.0.0.7', 997))
one.send(b'fifth'))");
    expect_text(traced, {"sendto(3, 127.0.0.9:999)", "sendmsg(4) to 127.0.0.8:998",
                         "connect(127.0.0.7:997)", "send(5) [3]"});
  });
}

constexpr std::string_view golden_datagrams =
    R"(      ms                     python3 client.py                                                             python3 server.py
     0.1                                                    │                               │              [3] socket(udp) = 3
     0.2                                                    │                               │              [3] bind(127.0.0.1:7000)
     0.3                   socket(udp) = 3 [3]              │                               │
     0.4         sendto(4, 127.0.0.1:7000) [3]              │ ──────── 4 B "ping" ────────▶ │
     0.5         sendto(6, 127.0.0.1:7000) [3]              │ ──────── 6 B "안녕" ────────▶ │
     0.6                                                    │                               │              [3] recvfrom() = 4 from 127.0.0.1:20000
     0.7                                                    │                               │              [3] recvfrom(4) = 4 from 127.0.0.1:20000
          └ the datagram had 6 bytes, and the buffer had room for 4: the rest is lost
     0.8                    recvfrom() = 4 [3]              │ ◀──────── 4 B "pong" ──────── │              [3] sendto(4, 127.0.0.1:20000)
     1.0                           close() [3]              │                               │
     1.1                                                    │                               │              [3] close()
     1.2                                                    │                               │              [program ends: 0]
     1.4                     [program ends: 0]              │                               │
)";

TEST(Ladder, OfDatagramsInWhole) {
  TRACED_IN_NETWORK([] {
    Scripts scripts;
    const std::string recording = scripts.path("recording");
    const Traced traced = trace_pair(R"(
one = keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
one.bind(('127.0.0.1', 7000))
wait_for('sent')
data, sender = one.recvfrom(99)
data, sender = one.recvfrom(4)
time.sleep(0.1)
one.sendto(b'pong', sender)
mark('answered')
wait_for('closed')
one.close())",
                                     R"(
one = keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
one.sendto(b'ping', ('127.0.0.1', 7000))
one.sendto('안녕'.encode(), ('127.0.0.1', 7000))
mark('sent')
one.recvfrom(99)
wait_for('answered')
time.sleep(0.1)
one.close()
mark('closed')
time.sleep(1))",
                                     {"-o", recording, "--stall", "100"});
    EXPECT_EQ(traced.status, 0);
    EXPECT_EQ(ladder_made_equal(recording), golden_datagrams) << traced.ladder;
  });
}

constexpr std::string_view golden_unix =
    R"(      ms                     python3 client.py                                                             python3 server.py
     0.1                                                    │                               │              [3] socket(unix) = 3
     0.2                                                    │                               │              [3] bind(unix:@trace)
     0.3                                                    │                               │ LISTEN       [3] listen(128)
     0.4                  socket(unix) = 3 [3]              │                               │
     0.5              connect(unix:@trace) [3]              │                               │
     0.6                                                    │                               │              [3] accept() = 4
          └ [4] is a new socket, connected to this client alone; [3] goes on listening
     0.7                           send(5) [3]              │ ─────── 5 B "hello" ────────▶ │              [4] recv() = 5
     0.9                        recv() = 5 [3]              │ ◀─────── 5 B "hello" ──────── │              [4] send(5)
     1.1                           close() [3]              │                               │
     1.2                                                    │                               │              [4] recv() = 0: the peer has finished
     1.3                                                    │                               │              [4] close()
     1.4                                                    │                               │              [3] close() the listener
     1.5                                                    │                               │              [program ends: 0]
     1.7                     [program ends: 0]              │                               │

python3 client.py (no name) → python3 server.py unix:@trace: 5 bytes there, 5 bytes back; python3 client.py closed first, at 1.1 ms
)";

TEST(Ladder, OfUnixSocketsInWhole) {
  TRACED_IN_NETWORK([] {
    Scripts scripts;
    const std::string recording = scripts.path("recording");
    const Traced traced = trace_pair(R"(
server = keep(socket.socket(socket.AF_UNIX))
server.bind('\0trace')
server.listen()
peer = server.accept()[0]
mark('accepted')
data = peer.recv(99)
time.sleep(0.1)
peer.send(data)
mark('sent')
peer.recv(99)
peer.close()
server.close()
mark('closed'))",
                                     R"(
one = keep(socket.socket(socket.AF_UNIX))
one.connect('\0trace')
wait_for('accepted')
time.sleep(0.1)
one.send(b'hello')
one.recv(99)
wait_for('sent')
time.sleep(0.1)
one.close()
wait_for('closed')
time.sleep(1))",
                                     {"-o", recording, "--stall", "100"});
    EXPECT_EQ(traced.status, 0);
    EXPECT_EQ(ladder_made_equal(recording), golden_unix) << traced.ladder;
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
