// Programs that hang, leak or are deaf: each is made for real, found by `ieum inspect stuck`, and
// its sentence is as it should be.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "inspect/programs.hpp"

namespace ieum::test {
namespace {

constexpr std::string_view packet_filter =
    "nft 'add table inet t; add chain inet t i { type filter hook input priority 0; }'";

#define NEED(program) \
  if (!has_program(program)) GTEST_SKIP() << "this needs the program " program

TEST(Stuck, AFullBacklogAndTheClientsThatHang) {
  IN_NETWORK("", [] {
    Python server("listener(8080, backlog=1)");
    Python clients(R"(
for i in range(4):
    one = keep(socket.socket())
    one.setblocking(False)
    one.connect_ex(('127.0.0.1', 8080)))");
    const std::string said = expect_said(
        {"stuck"},
        {"! tcp 127.0.0.1:8080 listen, backlog 2 of 1 python3", "(pid " + server.pid() + ", fd 3)",
         "the backlog is full: 2 clients wait to be accepted (its maximum is 1, the system adds "
         "one), and further ones hang in connect(); 2 hang there now: python3",
         "no thread accepts, the program is in read()",
         "only IPv4 clients of this machine reach it",
         "it hangs in connect(): the backlog of python3", "the SYN was sent ", " times",
         "the connection stands, but nobody has accepted it for",
         "(pid " + server.pid() + ") must call accept()", "connected, but python3",
         "has not accepted it"});
    EXPECT_TRUE(said.contains("(pid " + clients.pid() + ", fd ")) << said;
  });
}

TEST(Stuck, ALeak) {
  IN_NETWORK("", [] {
    Python program("one, other = pair(7001)\none.close()");
    const std::string said = expect_said(
        {"leaking"}, {"127.0.0.1:7001", "close-wait", "the peer finished at least",
                      "and the program has not closed its end", "(pid " + program.pid()});
    EXPECT_FALSE(said.contains("1 byte")) << said;  // a FIN is none
    expect_said({"stuck"}, {"the program has not closed its end"});
  });
}

TEST(Stuck, NobodyReads) {
  IN_NETWORK("", [] {
    Python program("one, other = pair(7002, buffer=4096)\nfill(one)");
    expect_said({"stuck"},
                {"both ends are here", "the program does not read: ", "and its window is closed",
                 "the peer does not read: ", "whose window is closed; it is probed in",
                 "zero-window probe in"});
  });
}

TEST(Stuck, NeitherEndReads) {
  IN_NETWORK("", [] {
    Python program("one, other = pair(7003, buffer=4096)\nfill(one)\nfill(other)");
    expect_said({"stuck"}, {"neither end reads: ", " wait here unread, while "});
  });
}

TEST(Stuck, BothEndsWait) {
  IN_NETWORK("", [] {
    Python program("one, other = pair(7004)\nbackground(one.recv, 10)\nbackground(other.recv, 10)");
    expect_said({"stuck"},
                {"both ends wait for the other to send; the program waits for it in recvfrom(); "
                 "connected ",
                 "and no data has moved since"});
  });
}

TEST(Stuck, ADeadPeer) {
  NEED("nft");
  IN_NETWORK(packet_filter, [] {
    Python program(R"(
one, other = pair(7005)
os.system("nft add rule inet t i tcp dport 7005 drop")
one.send(b'hello'))");
    expect_said({"stuck"},
                {"5 bytes are not acknowledged and sent again (", " since the last answer ",
                 "; the next try ", "the other end is here, so a firewall drops what is sent",
                 "retransmission in "});
  });
}

TEST(Stuck, ALostEnd) {
  NEED("nft");
  IN_NETWORK(packet_filter, [] {
    Python program(R"(
one, other = pair(7009)
os.system("nft add rule inet t i tcp dport 7009 drop")
one.shutdown(socket.SHUT_WR))");
    expect_said({"stuck"}, {"the FIN is not acknowledged and sent again ("});
  });
}

TEST(Stuck, AFirewallThatDrops) {
  NEED("nft");
  IN_NETWORK(packet_filter, [] {
    Python program(R"(
os.system("nft add rule inet t i tcp dport 7006 drop")
one = keep(socket.socket())
one.setblocking(False)
one.connect_ex(('127.0.0.1', 7006)))");
    expect_said({"stuck"}, {"syn-sent", "no answer yet; the SYN was sent ", " times",
                            "that host is down, a firewall drops what is sent to this port, or its "
                            "backlog is full"});
  });
}

TEST(Stuck, AHandshakeWithoutItsEnd) {
  NEED("nft");
  IN_NETWORK(packet_filter, [] {
    Python program(R"(
os.system("nft add rule inet t i tcp sport 7007 drop")
listener(7007)
one = keep(socket.socket())
one.setblocking(False)
one.connect_ex(('127.0.0.1', 7007)))");
    expect_said({"stuck"}, {"syn-received",
                            "the client's last acknowledgement is missing; the "
                            "SYN-ACK was sent ",
                            " times"});
  });
}

TEST(Stuck, HalfClosedForEver) {
  NEED("node");
  IN_NETWORK("", [] {
    Child server({"node", "-e", R"(
const server = require('net').createServer({allowHalfOpen: true}, peer => peer.resume());
server.listen(7008, '127.0.0.1', () => console.log('ready'));)"});
    server.read_until("ready\n");
    Python program(R"(
one = keep(socket.socket())
one.connect(('127.0.0.1', 7008))
one.send(b'question')
one.shutdown(socket.SHUT_WR)
background(one.recv, 10))");
    expect_said({"stuck"}, {"fin-wait-2", "this end has finished, the peer has not: node",
                            "must close", "the program waits for it in recvfrom()",
                            "close-wait node", "(pid " + std::to_string(server.pid()) + ", fd "});
  });
}

TEST(Stuck, TheOtherFamily) {
  IN_NETWORK("", [] {
    Python program("listener(8081, host='::1')\nlistener(8082, host='::')");
    // Nothing is stuck: the client was refused, and is not there any more.
    expect_said({":8081"}, {"tcp [::1]:8081 listen", "only IPv6 clients of this machine reach it"});
    expect_said({":8082"}, {"it takes IPv6 only, clients of IPv4 are refused"});
  });
}

TEST(Stuck, DatagramsThatNobodyReads) {
  IN_NETWORK("", [] {
    Python program(R"(
one = keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
one.bind(('127.0.0.1', 5353))
other = keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
for i in range(2000): other.sendto(b'x' * 1000, ('127.0.0.1', 5353)))");
    expect_said({"stuck"}, {"! udp 127.0.0.1:5353", "the program does not read fast enough: ",
                            "of memory wait unread here, of at most ",
                            "datagrams were thrown away so far, as its queue was full"});
  });
}

TEST(Stuck, AUnixReaderThatDoesNotRead) {
  IN_NETWORK("", [] {
    Python program(R"(
one, other = keep(*socket.socketpair())
background(one.sendall, b'x' * 10000000))");
    expect_said({"stuck", "unix", "pid:" + program.pid()},
                {"the peer does not read: ", "the program waits for it in sendto()",
                 "the program does not read: ", "both ends are here"});
  });
}

TEST(Stuck, AUnixReceiverThatDoesNotReceive) {
  IN_NETWORK("", [] {
    Python program(R"(
receiver = keep(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
receiver.bind('\0inspect-receiver')
sender = keep(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
sender.connect('\0inspect-receiver')
def send():
    while True: sender.send(b'x' * 1000)
background(send))");
    expect_said({"stuck", "unix", "pid:" + program.pid()},
                {"! unix datagram (no name) <-> unix:@inspect-receiver",
                 "does not read: its queue is full; the program waits for it in sendto()"});
  });
}

/// In C: with the sockets of this process itself.
TEST(Stuck, AUnixListenerThatNobodyServes) {
  IN_NETWORK("", [] {
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = "\0inspect-test"};
    ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), 15), 0);
    ASSERT_EQ(::listen(listener, 4), 0);
    ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&address), 15), 0);
    expect_said({"unix", "unix:@inspect-test"},
                {"1 client waits to be accepted, of at most 5", "inspect_tests",
                 "connected, but inspect_tests", "has not accepted it"});
    ::close(client);
    ::close(listener);
  });
}

// ---- What is in order ---------------------------------------------------------------------------

TEST(InOrder, TimeWaitIsNormal) {
  IN_NETWORK("", [] {
    Python program("one, other = pair(7010)\none.close()\nother.close()");
    expect_said({":7010"}, {"time-wait, ", " left no program holds it",
                            "closed, as it should be; the system keeps the addresses for "});
    EXPECT_EQ(inspect({"stuck"}).status, 1);
  });
}

TEST(InOrder, ServersThatWait) {
  IN_NETWORK("", [] {
    Python program(R"(
server = listener(7011)
background(server.accept)
other = listener(7012)
poll = keep(select.epoll())
poll.register(other.fileno(), select.EPOLLIN))");
    expect_said({":7011"}, {"it waits for clients; the program waits for it in accept4()"});
    expect_said({":7012"}, {"it waits for clients; epoll watches it for input"});
    EXPECT_EQ(inspect({"stuck"}).status, 1);
  });
}

TEST(InOrder, AClientThatGetsNoAnswer) {
  IN_NETWORK("", [] {
    Python program(R"(
server = listener(7010)
one = client(server)
other = keep(server.accept()[0])
one.send(b'question')
other.recv(100)
poll = keep(select.epoll())
poll.register(one, select.EPOLLIN)
background(poll.poll))");
    expect_said({":7010", "established"},
                {"asked 8 bytes ", " ago, not answered; epoll watches it for input"});
    Python answered(R"(
server = listener(7011)
one = client(server)
other = keep(server.accept()[0])
one.send(b'question')
other.recv(100)
other.send(b'answer')
one.recv(100)
time.sleep(0.3)
one.send(b'again')
other.recv(100))");
    expect_said({":7011", "established"},
                {"asked again ", " ago, not answered", "; the last answer came "});
  });
}

TEST(InOrder, AClosedProgramLeavesAnOrphan) {
  IN_NETWORK("", [] {
    Python program("one, other = pair(7013)\none.close()\n");
    expect_said({":7013", "fin-wait-2"}, {"fin-wait-2", "this end has finished, the peer has not",
                                          "no program holds it, and the system drops it in "});
  });
}

/// It sleeps: there are no descriptors that could not be seen.
TEST(InOrder, OfASleepNoDescriptorsAreSupposed) {
  IN_NETWORK("", [] {
    Python program(R"(
listener(7015)
print('ready', flush=True)
select.select([], [], [], 600))");
    const std::string said = expect_said({":7015"}, {"; the program sleeps, in "});
    EXPECT_FALSE(said.contains("cannot be seen")) << said;
    Python other(R"(
listener(7016)
print('ready', flush=True)
select.poll().poll(600_000))");
    expect_said({":7016"}, {"; the program sleeps, in "});
    Python third(R"(
listener(7017)
print('ready', flush=True)
time.sleep(600))");
    expect_said({":7017"}, {"; the program sleeps, in "});
    Python polls(R"(
background(select.select, [keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))], [], [])
listener(7018)
print('ready', flush=True)
time.sleep(600))");
    expect_said({":7018"}, {"a thread of the program waits for descriptors that cannot be seen"});
  });
}

/// What is pending in a ring, /proc does not show.
TEST(InOrder, OfAnIoUringNothingIsGuessed) {
  IN_NETWORK("", [] {
    Child server({"env", "IEUM_DRIVER=io_uring", IEUM_COMMAND, "listen", "-k", "-v", "--echo",
                  "127.0.0.1:7014"});
    const std::string address = where_it_listens(server);
    Python program("one = keep(socket.socket())\none.connect(('127.0.0.1', 7014))");
    const std::string said =
        expect_said({":7014", "pid:" + std::to_string(server.pid())},
                    {"127.0.0.1:7014 listen, backlog 0 of",
                     "it waits for clients; the program uses io_uring, so what it "
                     "waits for cannot be seen",
                     "idle; the program uses io_uring"});
    for (const std::string_view claim :
         {"nobody is in accept", "does not read", "io_uring_enter"}) {
      EXPECT_FALSE(said.contains(claim)) << said;
    }
  });
}

}  // namespace
}  // namespace ieum::test
