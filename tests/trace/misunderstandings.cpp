// What is often misunderstood about sockets, each made by a small program: the ladder shows it.
#include "trace/traced.hpp"

namespace ieum::test {
namespace {

TEST(Misunderstanding, AStreamHasNoMessageBoundaries) {
  TRACED_IN_NETWORK([] {
    const Traced traced =
        trace_pair(serve("wait_for('sent')\npeer.recv(100)\npeer.recv(4)\n"
                         "peer.recv(4)"),
                   call("peer.send(b'one')\npeer.send(b'two')\nmark('sent')\ntime.sleep(0.8)\n"
                        "peer.send(b'in parts')\ntime.sleep(0.2)"));
    expect_text(traced, {"send(3) [3]", "3 B \"one\"", "3 B \"two\"", "recv() = 6 ← 2 sends in one",
                         "recv(4) = 4 ← a part of one send"});
  });
}

TEST(Misunderstanding, ASentByteIsNotADeliveredOne) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_pair(serve("wait_for('sent')\npeer.close()\nmark('closed')"),
                                     call("peer.send(b'hello')\nmark('sent')\nwait_for('closed')"));
    expect_text(traced, {"send(5) [3]", "server.py closed first",
                         "server.py never received 5 of the 5 "
                         "bytes that python3 client.py sent"});
  });
}

TEST(Misunderstanding, APortTakenAndByWhom) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_pair("listener(7000)\ntime.sleep(600)", R"(
try: socket.socket().bind(('127.0.0.1', 7000))
except OSError: sys.exit(3))");
    EXPECT_EQ(traced.status, 3);
    expect_text(traced, {"bind(127.0.0.1:7000) = EADDRINUSE",
                         "127.0.0.1:7000 is held by python3 server.py (pid "});
  });
}

TEST(Misunderstanding, TimeWait) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_one(R"(
server = listener(7000)
client = keep(socket.socket())
client.connect(('127.0.0.1', 7000))
peer = keep(server.accept()[0])
peer.close()
client.close()
server.close()
try: socket.socket().bind(('127.0.0.1', 7000))
except OSError: pass)");
    expect_text(traced, {"TIME-WAIT", "bind(127.0.0.1:7000) = EADDRINUSE",
                         "nobody holds 127.0.0.1:7000, but a connection of it is in TIME-WAIT for ",
                         "SO_REUSEADDR, set before bind(), takes it nevertheless"});
  });
}

TEST(Misunderstanding, ConnectReturnsBeforeAccept) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_pair(
        "server = listener(7000)\nwait_for('sent')\npeer = server.accept()[0]\n"
        "peer.recv(9)",
        call("peer.send(b'early')\nmark('sent')\ntime.sleep(0.5)"));
    const std::string connected = traced.line_with("connect(127.0.0.1:7000)");
    EXPECT_NE(connected.find("ESTABLISHED"), connected.rfind("ESTABLISHED")) << traced.ladder;
    EXPECT_TRUE(connected.contains("SYN, SYN+ACK, ACK")) << traced.ladder;
    EXPECT_LT(traced.place_of("connect(127.0.0.1:7000)"), traced.place_of("send(5)"));
    EXPECT_LT(traced.place_of("send(5)"), traced.place_of("accept() = ")) << traced.ladder;
    EXPECT_LT(traced.place_of("accept() = "), traced.place_of("recv() = 5")) << traced.ladder;
  });
}

TEST(Misunderstanding, AcceptGivesANewSocketOnTheSamePort) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_pair(serve("peer.recv(9)"), call("peer.close()"));
    expect_text(traced, {"accept() = 4 from 127.0.0.1:",
                         "[4] is a new socket on the same port, connected to this client alone; "
                         "[3] goes on listening"});
  });
}

TEST(Misunderstanding, AReceiveOfNothingIsTheEnd) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_pair(serve("peer.recv(9)"), call("peer.close()"));
    expect_text(traced, {"recv() = 0: the peer has finished", "client.py closed first"});
    EXPECT_TRUE(traced.line_with("close() [3]").contains(" FIN ")) << traced.ladder;
  });
}

TEST(Misunderstanding, HalfClose) {
  TRACED_IN_NETWORK([] {
    const Traced traced =
        trace_pair(serve("peer.recv(99)\npeer.recv(99)\npeer.send(b'answer')\npeer.close()"),
                   call("peer.send(b'question')\npeer.shutdown(socket.SHUT_WR)\npeer.recv(99)\n"
                        "peer.recv(99)"));
    expect_text(traced, {"shutdown(SHUT_WR)", "FIN-WAIT-2", "CLOSE-WAIT", "send(6)",
                         "6 B \"answer\"", "recv() = 6"});
    const std::string shut = traced.line_with("shutdown(SHUT_WR)");
    EXPECT_TRUE(shut.contains(" FIN ") && shut.contains("CLOSE-WAIT")) << shut;
    EXPECT_LT(traced.place_of("shutdown(SHUT_WR)"), traced.place_of("\"answer\""));
  });
}

TEST(Misunderstanding, ResetBecauseOfUnreadData) {
  TRACED_IN_NETWORK([] {
    const Traced traced =
        trace_pair(serve("wait_for('sent')\npeer.close()\nmark('closed')"), call(R"(
peer.send(b'hello')
mark('sent')
wait_for('closed')
try: peer.recv(9)
except ConnectionResetError: pass)"));
    expect_text(traced,
                {"5 bytes were unread at close(), so the system sends RST: the peer learns that "
                 "they were lost",
                 "recv() = ECONNRESET",
                 "the peer closed its end while 5 bytes that had come were unread: its system then "
                 "sends RST, not FIN"});
    const std::string closed = traced.line_with("[4] close()");
    EXPECT_TRUE(closed.contains(" RST ") && !closed.contains(" FIN ")) << closed;
  });
}

TEST(Misunderstanding, ACloseWaitLeak) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_pair(serve("peer.recv(9)\ntime.sleep(600)"),
                                     call("peer.close()\ntime.sleep(2.5)"), {"--stall", "0.5"});
    expect_text(traced, {"CLOSE-WAIT", "the peer has finished, and for ",
                         "it stays in CLOSE-WAIT until somebody calls close()"});
  });
}

TEST(Misunderstanding, AFullBacklog) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_pair("listener(7000, backlog=1)\ntime.sleep(600)", R"(
for i in range(3): background(keep(socket.socket()).connect, ('127.0.0.1', 7000))
time.sleep(2.5)
os._exit(0))",
                                     {"--stall", "0.5"});
    expect_text(traced, {"connect(127.0.0.1:7000) waits", "connect() waits",
                         "it hangs in connect(): the backlog of python3 server.py (pid ",
                         " at 127.0.0.1:7000 is full"});
  });
}

TEST(Misunderstanding, NagleWithDelayedAcknowledgement) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_pair(serve(R"(
for i in range(8):
    got = b''
    while len(got) < 3: got += peer.recv(3 - len(got))
    peer.send(b'ok'))"),
                                     call(R"(
for i in range(8):
    peer.send(b'a')
    time.sleep(0.005)
    peer.send(b'bc')
    peer.recv(2))"));
    expect_text(traced, {"the sender's system held 2 bytes back for ", "Nagle's algorithm waits",
                         "TCP_NODELAY sends at once", "longest wait: "});
    // They are rows of their own, and the time is between them.
    double sent = 0;
    double received = 0;
    std::istringstream lines(traced.ladder);
    for (std::string line; std::getline(lines, line);) {
      const double at = std::strtod(line.c_str(), nullptr);
      if (line.contains("held 2 bytes back")) break;
      if (line.contains(" send(2) [3]")) sent = at;
      if (line.contains("] recv(2) = 2")) received = at;
      if (line.contains(" send(2) [3]") && line.contains("] recv(2) = 2")) sent = received = 0;
    }
    EXPECT_GT(sent, 0) << traced.ladder;
    EXPECT_GT(received - sent, 5) << traced.ladder;
  });
}

TEST(Misunderstanding, BrokenPipeAfterReset) {
  TRACED_IN_NETWORK([] {
    const Traced traced =
        trace_pair(serve("wait_for('sent')\npeer.close()\nmark('closed')"), call(R"(
peer.send(b'hello')
mark('sent')
wait_for('closed')
for i in range(2):
    try: peer.send(b'more')
    except OSError: pass)"));
    expect_text(traced, {"send(4) = ECONNRESET", "send(4) = EPIPE",
                         "the connection is over since it was reset; nothing can be sent on it any "
                         "more"});
    EXPECT_LT(traced.place_of("ECONNRESET"), traced.place_of("EPIPE"));
  });
}

TEST(Misunderstanding, BothWaitForTheOther) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_pair(serve("peer.recv(9)"),
                                     call("background(peer.recv, 9)\ntime.sleep(2)\nos._exit(0)"),
                                     {"--stall", "0.5"});
    expect_text(traced, {"both wait for the other to send: ", "python3 client.py in recv() for ",
                         "python3 server.py in recv() for "});
    const std::string text = traced.text();
    EXPECT_EQ(text.find("both wait"), text.rfind("both wait")) << traced.ladder;
  });
}

TEST(Misunderstanding, LoopbackAndEveryAddress) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_one("listener(7000)\nlistener(7001, host='0.0.0.0')");
    expect_text(traced, {"only programs of this machine reach 127.0.0.1:7000",
                         "0.0.0.0:7001 is every address of this machine: others reach it too"});
  });
}

TEST(Misunderstanding, RefusedIsNotSilent) {
  TRACED_IN_NETWORK([] {
    const Traced refused = trace_pair("listener(7000)\ntime.sleep(600)", R"(
try: socket.create_connection(('127.0.0.2', 7000))
except OSError: pass)");
    expect_text(refused, {"connect(127.0.0.2:7000) = ECONNREFUSED", "SYN; RST comes back",
                          "nobody listens at 127.0.0.2:7000; python3 server.py (pid ",
                          " listens at 127.0.0.1:7000 alone"});
    if (!has_program("nft")) return;
    const Traced silent = trace_one(R"(
os.system("nft 'add table inet t; add chain inet t i { type filter hook input priority 0; }; "
          "add rule inet t i tcp dport 7000 drop'")
background(keep(socket.socket()).connect, ('127.0.0.1', 7000))
time.sleep(2.5)
os._exit(0))",
                                    {"--stall", "0.5"});
    expect_text(silent,
                {"connect(127.0.0.1:7000) waits", "SYN-SENT", "no answer yet; the SYN was sent"});
  });
}

TEST(Misunderstanding, ADatagramIsRefusedAtALaterCall) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_one(R"(
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.connect(('127.0.0.1', 7000))
one.send(b'first')
time.sleep(0.1)
try: one.send(b'second')
except OSError: pass)");
    expect_text(traced, {"5 B \"first\"", "send(6) = ECONNREFUSED",
                         "an earlier datagram was refused: nobody has that UDP port"});
  });
}

TEST(Misunderstanding, DatagramsTruncatedAndTooLarge) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_pair(R"(
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.bind(('127.0.0.1', 7000))
one.recv(4))",
                                     R"(
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try: one.sendto(b'x' * 70000, ('127.0.0.1', 7000))
except OSError: pass
one.sendto(b'0123456789', ('127.0.0.1', 7000)))");
    expect_text(traced, {"sendto(70000, 127.0.0.1:7000) = EMSGSIZE",
                         "a datagram is sent whole or not at all, and at most 65507 bytes fit",
                         "the datagram had 10 bytes, and the buffer had room for 4: the rest is "
                         "lost"});
  });
}

TEST(Misunderstanding, CloseWithSeveralHolders) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_pair(serve(R"(
if os.fork() == 0:
    time.sleep(0.5)
    peer.send(b'from the child')
    os._exit(0)
peer.close()
os.wait())"),
                                     call("peer.recv(99)\npeer.recv(99)"));
    expect_text(traced, {"still has it open, so nothing is sent: the last close() of a socket ends "
                         "the connection",
                         "process 2: send(14)"});
    EXPECT_FALSE(traced.line_with("[4] close()").contains("FIN")) << traced.ladder;
    EXPECT_TRUE(traced.line_with("process 2: the end closes").contains(" FIN ")) << traced.ladder;
  });
}

TEST(Misunderstanding, DeathBySigpipe) {
  TRACED_IN_NETWORK([] {
    const Traced traced = trace_pair(serve("peer.close()\nmark('closed')"), call(R"(
import signal
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
wait_for('closed')
peer.send(b'one')
time.sleep(0.2)
peer.send(b'two'))"));
    EXPECT_EQ(traced.status, 128 + SIGPIPE);
    expect_text(traced, {"send(3) = EPIPE", "[killed by SIGPIPE]",
                         "a send on a connection that is over kills a program"});
  });
}

}  // namespace
}  // namespace ieum::test
