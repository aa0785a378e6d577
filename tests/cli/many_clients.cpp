// `ieum listen -k`: many clients, of whom one may be slow, or never read; all others are served.
#include <csignal>

#include "cli/clients.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t mebibyte = std::size_t{1} << 20U;

struct Server {
  explicit Server(std::vector<std::string> options, const Input& input = {})
      : child(words(std::move(options)), input), address(where_it_listens(child)) {}
  static std::vector<std::string> words(std::vector<std::string> options) {
    options.insert(options.begin(), {"listen", "-k", "127.0.0.1:0"});
    return ieum_command(options);
  }
  Child child;
  std::string address;
};

/// Sends until it is stopped or cut off, and never reads.
Task<> send_for_ever(StreamSocket& peer) {
  const std::string much(64 * 1024, 'x');
  for (;;) co_await peer.write_all(much);
}

/// Sends `bytes` and expects them back.
Task<> expect_echo(std::string to, std::size_t bytes) {
  StreamSocket peer = co_await StreamSocket::connect(to);
  const std::string block(64 * 1024, 'e');
  std::vector<std::byte> reply(block.size());
  for (std::size_t done = 0; done < bytes; done += block.size()) {
    co_await peer.write_all(block);
    co_await peer.read_exact(reply);
    CO_ASSERT(reply.back() == std::byte{'e'});
  }
  co_await peer.close();
}

// ---- Services
// -------------------------------------------------------------------------------------

TEST(ManyClients, AnEchoServesOthersBesideOneThatNeverReads) {
  Server server({"--echo"});
  auto body = [&]() -> Task<> {
    StreamSocket deaf = co_await StreamSocket::connect(server.address);
    auto inner = [&](Group& group) -> Task<> {
      group.start(send_for_ever(deaf));
      co_await sleep(50ms);  // until all buffers on its way are full
      for (int i = 0; i < 4; ++i) co_await expect_echo(server.address, 8 * mebibyte);
      group.stop();
    };
    const std::size_t before = server.child.memory_bytes();
    co_await with_group(inner);
    EXPECT_LT(server.child.memory_bytes(), before + 32 * mebibyte);
    co_await deaf.reset();
  };
  succeed(body());
  EXPECT_TRUE(server.child.runs());
  EXPECT_EQ(server.child.error_output(), "");
}

TEST(ManyClients, AThousandClientsInTurnLeaveNothing) {
  Server server({"--echo"});
  auto body = [&]() -> Task<> {
    std::size_t descriptors = 0;
    for (int i = 0; i < 1000; ++i) {
      const std::string text = "client " + std::to_string(i);
      const std::string reply = co_await ask(server.address, text);
      CO_ASSERT(reply == text);
      if (i == 10) descriptors = server.child.descriptors();
    }
    EXPECT_LE(server.child.descriptors(), descriptors + 2);  // the last ones may just be ending
  };
  succeed(body());
  server.child.signal(SIGINT);
  EXPECT_EQ(server.child.wait(), 130);
  EXPECT_TRUE(server.child.error_output().starts_with("ieum: interrupted; 1000 clients served, "))
      << server.child.error_output();
}

TEST(ManyClients, ADiscardTakesAllAndSaysNothing) {
  Server server({"--discard"});
  EXPECT_EQ(succeed(ask(server.address, std::string(4 * mebibyte, 'd'))), "");
}

TEST(ManyClients, MoreThanTheMostWait) {
  Server server({"--echo", "-m", "2"});
  auto body = [&]() -> Task<> {
    StreamSocket first = co_await StreamSocket::connect(server.address);
    StreamSocket second = co_await StreamSocket::connect(server.address);
    std::array<std::byte, 3> reply;
    co_await first.write_all("one");
    co_await first.read_exact(reply);
    co_await second.write_all("two");
    co_await second.read_exact(reply);
    StreamSocket third = co_await StreamSocket::connect(server.address);  // by the system
    co_await third.write_all("hey");
    const Result<> early = co_await attempt(with_timeout(200ms, third.read_exact(reply)));
    CO_ASSERT(!early);
    EXPECT_EQ(early.error(), std::errc::timed_out);
    co_await first.close();
    co_await third.read_exact(reply);
    EXPECT_EQ(std::to_integer<char>(reply[0]), 'h');
    co_await second.close();
    co_await third.close();
  };
  succeed(body());
}

// ---- A lack of descriptors
// ------------------------------------------------------------------------

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST(ManyClients, DescriptorExhaustionIsReportedOnceAndPasses) {
  Child child(shell("ulimit -n 24; exec \"$0\" listen -k --echo 127.0.0.1:0"));
  const std::string address = where_it_listens(child);
  auto body = [&]() -> Task<> {
    std::vector<StreamSocket> clients(40);
    for (StreamSocket& client : clients) client = co_await StreamSocket::connect(address);
    child.read_error_until("cannot accept: no descriptors or memory left; ");
    const std::string reported = child.read_error_until("\n");
    EXPECT_TRUE(reported.contains("clients are served, others wait; raise the limit")) << reported;
    std::array<std::byte, 4> reply;
    co_await clients[0].write_all("here");  // those who are in are served
    co_await clients[0].read_exact(reply);
    for (StreamSocket& client : clients) {  // and as they leave, the others
      co_await client.write_all("next");
      co_await client.read_exact(reply);
      co_await client.close();
    }
  };
  succeed(body());
  child.signal(SIGTERM);
  EXPECT_EQ(child.wait(), 143);
  EXPECT_EQ(count_of(child.error_output(), "cannot accept"), 0U) << child.error_output();
  EXPECT_TRUE(child.error_output().contains("40 clients served")) << child.error_output();
}

// ---- The broadcast
// ------------------------------------------------------------------------------------

Task<StreamSocket> join(std::string to, Child& server, std::string_view name) {
  StreamSocket peer = co_await StreamSocket::connect(to);
  co_await peer.write_all(name);  // once the server has shown it, its sender is a member
  server.read_until(name);
  co_return peer;
}

TEST(Broadcast, AllHearWhatIsTypedAndAllAreHeard) {
  Server server({});
  auto body = [&]() -> Task<> {
    StreamSocket one = co_await join(server.address, server.child, "one\n");
    StreamSocket two = co_await join(server.address, server.child, "two\n");
    server.child.write("hello\n");
    std::array<std::byte, 6> heard;
    co_await one.read_exact(heard);
    co_await two.read_exact(heard);
    server.child.close_input();  // all see EOF
    const std::string rest_of_one = co_await read_to_end(one);
    const std::string rest_of_two = co_await read_to_end(two);
    EXPECT_EQ(rest_of_one + rest_of_two, "");
    co_await one.write_all("one again\n");
    server.child.read_until("one again\n");
    co_await one.close();
    co_await two.close();
  };
  succeed(body());
}

/// Reads on, and counts.
Task<> take(StreamSocket& peer, std::size_t& bytes) {
  std::vector<std::byte> buffer(256 * 1024);
  for (;;) {
    const std::size_t count = co_await peer.read_some(buffer);
    if (count == 0) break;
    bytes += count;
  }
}

TEST(Broadcast, OneThatNeverReadsIsCutOffAndOthersMissNothing) {
  // What one does not take may be as much as the system's buffers and 16 MiB.
  const std::string much(64 * mebibyte, 'm');
  Server server({});
  std::size_t taken = 0;
  auto body = [&]() -> Task<> {
    StreamSocket deaf = co_await join(server.address, server.child, "deaf\n");
    StreamSocket good = co_await join(server.address, server.child, "good\n");
    const std::jthread typing([&] { server.child.write(much); });
    auto inner = [&](Group& group) -> Task<> {
      group.start(take(good, taken));
      while (taken < much.size()) co_await sleep(5ms);
      group.stop();
    };
    co_await with_group(inner);
    const Address us = co_await deaf.local_address();
    const Result<std::string> heard = co_await attempt(read_to_end(deaf));
    CO_ASSERT(!heard);
    EXPECT_EQ(heard.error(), std::errc::connection_reset);
    const std::string reported = server.child.read_error_until("\n");
    EXPECT_TRUE(
        reported.starts_with("ieum: disconnected " + us.to_string() + ": it is not reading, and "))
        << reported;
    co_await good.close();
    co_await deaf.close();
  };
  succeed(body());
  EXPECT_EQ(taken, much.size());
  EXPECT_TRUE(server.child.runs());
}

TEST(Broadcast, MemoryIsBoundedWhenNobodyReads) {
  Server server({}, Input::file("/dev/zero"));
  auto body = [&]() -> Task<> {
    std::vector<StreamSocket> deaf(8);
    for (StreamSocket& one : deaf) one = co_await StreamSocket::connect(server.address);
    co_await sleep(500ms);
    EXPECT_LT(server.child.memory_bytes(), (long_form() ? 512U : 128U) * mebibyte);
    StreamSocket good = co_await StreamSocket::connect(server.address);
    std::vector<std::byte> buffer(mebibyte);
    for (int i = 0; i < 32; ++i) co_await good.read_exact(buffer);
    EXPECT_LT(server.child.memory_bytes(), (long_form() ? 512U : 128U) * mebibyte);
    co_await good.reset();
    for (StreamSocket& one : deaf) co_await one.reset();
  };
  succeed(body());
}

TEST(Broadcast, AnInterruptionLetsClientsFinish) {
  Server server({});
  auto body = [&]() -> Task<> {
    StreamSocket one = co_await join(server.address, server.child, "one\n");
    server.child.signal(SIGINT);
    for (;;) {  // until nobody else is let in
      const Result<StreamSocket> late = co_await attempt(StreamSocket::connect(server.address));
      if (!late) break;
      co_await sleep(5ms);
    }
    co_await one.write_all("last words\n");
    co_await one.close();
    server.child.read_until("last words\n");
    EXPECT_EQ(server.child.wait(), 130);
  };
  succeed(body());
  EXPECT_TRUE(server.child.error_output().starts_with("ieum: interrupted; "))
      << server.child.error_output();
}

TEST(Broadcast, AReaderThatGoesAwayEndsAServerOfSilentClients) {
  Server server({});
  auto body = [&]() -> Task<> {
    StreamSocket one = co_await join(server.address, server.child, "one\n");
    server.child.close_output();
    const std::string rest = co_await read_to_end(one);  // or a reset, which fails
    EXPECT_EQ(rest, "");
    co_await one.close();
  };
  const Result<> ended = run_alone(with_timeout(patience, body()));
  EXPECT_TRUE(ended || ended.error() == std::errc::connection_reset) << ended.error().to_string();
  EXPECT_EQ(server.child.wait(), 1);
  EXPECT_EQ(server.child.error_output(),
            "ieum: write standard output: broken pipe; its reader has gone\n");
}

TEST(Broadcast, AReaderThatGoesAwayEndsTheServer) {
  Server server({});
  auto body = [&]() -> Task<> {
    StreamSocket one = co_await join(server.address, server.child, "one\n");
    server.child.close_output();
    const Result<> written = co_await attempt(one.write_all("for nobody\n"));
    static_cast<void>(written);  // the server may have ended before
    EXPECT_EQ(server.child.wait(), 1);
    co_await one.close();
  };
  succeed(body());
  EXPECT_EQ(server.child.error_output(),
            "ieum: write standard output: broken pipe; its reader has gone\n");
}

TEST(Broadcast, EndsWithItsInputOnceAllHasArrived) {
  const std::string much(4'400'000, 'm');
  const TemporaryFile file(much);
  Server server({"--on-eof=close"}, Input::file(file.path()));
  auto body = [&]() -> Task<> {
    StreamSocket late = co_await StreamSocket::connect(server.address);
    co_await sleep(1500ms);  // longer than an interruption would wait
    const std::string heard = co_await read_to_end(late);
    EXPECT_EQ(heard.size(), much.size());
  };
  succeed(body());
  EXPECT_EQ(server.child.wait(), 0);
}

TEST(Broadcast, MarksEachClientInADump) {
  Server server({"--hex"});
  auto body = [&]() -> Task<> {
    StreamSocket one = co_await StreamSocket::connect(server.address);
    co_await one.write_all("one");
    server.child.read_until("[1] < 00000000  6f 6e 65");
    StreamSocket two = co_await StreamSocket::connect(server.address);
    co_await two.write_all("two");
    server.child.read_until("[2] < 00000000  74 77 6f");
    server.child.write("all");
    server.child.read_until(" > 00000000  61 6c 6c");
    co_await one.write_all("more");
    server.child.read_until("[1] < 00000003  6d 6f 72 65");
  };
  succeed(body());
}

TEST(Broadcast, HasALineForEachClientWithTimestamps) {
  Server server({"--timestamps"});
  auto body = [&]() -> Task<> {
    StreamSocket one = co_await StreamSocket::connect(server.address);
    co_await one.write_all("half");
    server.child.read_until("Z [1] half");
    StreamSocket two = co_await StreamSocket::connect(server.address);
    co_await two.write_all("whole\n");
    server.child.read_until("\n");
    server.child.read_until("Z [2] whole\n");
    co_await one.write_all(" more\n");
    server.child.read_until("Z [1]  more\n");
  };
  succeed(body());
}

TEST(Broadcast, EndsWithAnIdleClientButServesTheOthers) {
  Server server({"-i", "1s"});
  auto body = [&]() -> Task<> {
    StreamSocket idle = co_await StreamSocket::connect(server.address);
    std::array<std::byte, 1> buffer;
    const std::size_t count = co_await idle.read_some(buffer);
    EXPECT_EQ(count, 0U);
    StreamSocket other = co_await StreamSocket::connect(server.address);
    co_await other.write_all("here\n");
    server.child.read_until("here\n");
  };
  succeed(body());
}

}  // namespace
}  // namespace ieum::test
