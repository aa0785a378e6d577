// socks5: with curl and with clients of our own, friendly and hostile, on the system's network; and
// its session on a simulated one.
#include <algorithm>
#include <csignal>

#include <ieum/sim_network.hpp>

#include "examples/programs.hpp"
#include "session.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

/// The proxy on a port of its own, listening.
class Socks5 {
 public:
  explicit Socks5(const char* idle_seconds = "30", const char* driver = "")
      : child_({"env", "IEUM_DRIVER="s + driver, example("socks5"), "127.0.0.1:0", idle_seconds},
               Input::nothing()) {
    child_.read_error_until("listening on ");
    address_ = child_.read_error_until("\n");
    address_.pop_back();
  }
  [[nodiscard]] const std::string& address() const { return address_; }
  Child& child() { return child_; }
  /// Ends it; gives what it said of its sessions.
  std::string drain() {
    child_.signal(SIGTERM);
    EXPECT_EQ(child_.wait(), 0);
    return child_.error_output();
  }

 private:
  Child child_;
  std::string address_;
};

std::string request(char type, const std::string& host, std::uint16_t port, char command = 1) {
  return "\x05"s + command + '\0' + type + host + static_cast<char>(port >> 8U) +
         static_cast<char>(port & 0xffU);
}
std::string name(const std::string& host) { return static_cast<char>(host.size()) + host; }

Task<std::string> read_exactly(StreamSocket& from, std::size_t count) {
  std::string text(count, '\0');
  co_await from.read_exact(std::as_writable_bytes(std::span(text)));
  co_return text;
}

Task<std::string> read_to_end(StreamSocket& from) {
  std::string text;
  while (Lease data = co_await from.receive()) text += data.text();
  co_return text;
}

/// Greets, asks, and gives the proxy's reply: its code, or 99 for no answer at all.
Task<int> reply_to(StreamSocket& proxy, std::string asked) {
  co_await proxy.write_all("\x05\x02\x01\x00"s);
  const std::string choice = co_await read_exactly(proxy, 2);
  EXPECT_EQ(choice, "\x05\x00"s);
  co_await proxy.write_all(asked);
  const std::string answer = co_await read_exactly(proxy, 4);
  EXPECT_EQ(answer[0], 5);
  EXPECT_TRUE(answer[3] == 1 || answer[3] == 4);
  co_await read_exactly(proxy, answer[3] == 1 ? 6 : 18);
  co_return answer[1];
}

Task<int> reply_of(std::string at, std::string asked) {
  StreamSocket proxy = co_await StreamSocket::connect(at);
  const int code = co_await reply_to(proxy, asked);
  co_return code;
}

/// Sends `text`, and gives all that comes back until the proxy closes.
Task<std::string> answer_of(std::string at, std::string text) {
  StreamSocket proxy = co_await StreamSocket::connect(at);
  co_await proxy.write_all(text);
  std::string answer;
  for (;;) {
    const Result<Lease> data = co_await attempt(proxy.receive());
    if (!data || data->empty()) break;
    answer += data->text();
  }
  co_return answer;
}

template <class T>
T expect_value(Task<T> task) {
  Result<T> result = run_alone(with_timeout(patience, std::move(task)));
  if (result) return *std::move(result);
  ADD_FAILURE() << result.error().to_string_with_trace();
  return {};
}

class Socks5On : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(, Socks5On, testing::Values("io_uring", "epoll"),
                         [](const auto& of) { return std::string(of.param); });

TEST_P(Socks5On, CurlFetchesThroughIt) {
  if (std::system("command -v curl >/dev/null 2>&1") != 0) GTEST_SKIP() << "curl is not installed";
  Result<Listener> listener = Listener::bind("127.0.0.1:0");
  ASSERT_TRUE(listener);
  const std::string url = "http://localhost:" + std::to_string(listener->address().port()) + "/";
  Socks5 proxy("30", GetParam());
  Child curl({"curl", "-sS", "-4", "--max-time", "20", "--socks5-hostname", proxy.address(), url},
             Input::nothing());
  auto answer = [](Listener& at) -> Task<> {
    StreamSocket client = co_await at.accept();
    BufferedReader reader(client);
    for (;;) {
      const std::optional<std::string_view> line = co_await reader.read_line();
      if (!line || line->empty()) break;
    }
    co_await client.write_all("HTTP/1.0 200 OK\r\n\r\nthrough the proxy");
    co_await client.close_gracefully(1s);
  };
  const Result<> answered = run(with_timeout(patience, answer(*listener)));
  EXPECT_TRUE(answered) << answered.error().to_string();
  EXPECT_EQ(curl.read_all(), "through the proxy");
  EXPECT_EQ(curl.wait(), 0) << curl.error_output();
  const std::string said = proxy.drain();  // the session may have ended by then, or end meanwhile
  EXPECT_TRUE(said.ends_with(" finished, 0 idle, 0 cut\n")) << said;
  EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
}

TEST_P(Socks5On, RefusesWithTheRightCode) {
  Socks5 proxy("30", GetParam());
  const std::uint16_t nobody = free_port();
  const std::string loopback = "\x7f\0\0\x01"s;
  EXPECT_EQ(expect_value(reply_of(proxy.address(), request(1, loopback, nobody))), 5);
  EXPECT_EQ(expect_value(reply_of(proxy.address(), request(3, name("127.0.0.1"), nobody))), 5);
  EXPECT_EQ(expect_value(reply_of(proxy.address(), request(3, name("a b"), 80))), 4);
  EXPECT_EQ(expect_value(reply_of(proxy.address(), request(3, name(""), 80))), 4);
  EXPECT_EQ(expect_value(reply_of(proxy.address(), request(3, name("x\0y"s), 80))), 4);
  EXPECT_EQ(expect_value(reply_of(proxy.address(), request(1, loopback, nobody, 2))), 7);
  EXPECT_EQ(expect_value(reply_of(proxy.address(), request(9, loopback, nobody))), 8);
}

TEST_P(Socks5On, NeverReachesAUnixSocket) {
  Socks5 proxy("30", GetParam());
  const std::string path = "/tmp/ieum-socks5-test-" + std::to_string(getpid());
  Result<Listener> secret = Listener::bind("unix:" + path);
  ASSERT_TRUE(secret);
  for (const std::string& host : {"unix:" + path, path, "unix:@" + path, "unix:" + path + ":1"}) {
    EXPECT_EQ(expect_value(reply_of(proxy.address(), request(3, name(host), 1))), 4) << host;
  }
  const Result<StreamSocket> reached = run(with_timeout(50ms, secret->accept()));
  ASSERT_FALSE(reached);
  EXPECT_EQ(reached.error(), std::errc::timed_out);
}

TEST_P(Socks5On, BearsGarbage) {
  Socks5 proxy("30", GetParam());
  EXPECT_EQ(expect_value(answer_of(proxy.address(), "GET / HTTP/1.0\r\n\r\n")), "");
  EXPECT_EQ(expect_value(answer_of(proxy.address(), "\x04\x01\x00\x50"s)), "");
  EXPECT_EQ(expect_value(answer_of(proxy.address(), "\x05\x01\x02"s)), "\x05\xff"s);
  EXPECT_EQ(expect_value(answer_of(proxy.address(), "\x05\x00"s)), "\x05\xff"s);
  std::mt19937_64 random(seed());
  for (int i = 0; i < 20; ++i) {
    std::string noise = i % 2 == 0 ? "" : "\x05\x01\x00\x05"s;
    for (int n = 0; n < 300; ++n) noise += static_cast<char>(random() % 256);
    expect_value(answer_of(proxy.address(), noise));
  }
  EXPECT_TRUE(proxy.child().runs());
  EXPECT_EQ(expect_value(reply_of(proxy.address(), request(1, "\x7f\0\0\x01"s, free_port()))), 5);
}

TEST_P(Socks5On, EndsWhoIsIdleAndDrains) {
  Result<Listener> listener = Listener::bind("127.0.0.1:0");
  ASSERT_TRUE(listener);
  const std::uint16_t port = listener->address().port();
  Socks5 proxy("0.5", GetParam());
  auto talk = [&]() -> Task<> {
    StreamSocket silent = co_await StreamSocket::connect(proxy.address());
    StreamSocket client = co_await StreamSocket::connect(proxy.address());
    const int code = co_await reply_to(client, request(3, name("localhost"), port));
    EXPECT_EQ(code, 0);
    StreamSocket server = co_await listener->accept();
    for (int i = 0; i < 10; ++i) {
      co_await sleep(100ms);
      co_await (i % 2 == 0 ? client : server).write_all("x");
    }
    const std::string nothing = co_await read_to_end(silent);
    EXPECT_EQ(nothing, "");
    // Neither end is told of a good end.
    for (StreamSocket* end : {&client, &server}) {
      const Result<std::string> rest = co_await attempt(read_to_end(*end));
      EXPECT_FALSE(rest);
    }
  };
  const Result<> talked = run(with_timeout(patience, talk()));
  EXPECT_TRUE(talked) << talked.error().to_string_with_trace();
  const std::string said = proxy.drain();
  EXPECT_TRUE(said.contains("timed out: idle for 500 ms")) << said;
  EXPECT_TRUE(said.ends_with(" 0 cut\n")) << said;
}

// ---- On a simulated network ---------------------------------------------------------------------

Task<> serve_socks5() {
  Listener listener = co_await Listener::bind("*:1080");
  co_await serve(std::move(listener), socks5::session, {.idle_limit = 60s});
}

Task<> serve_echo() {
  Listener listener = co_await Listener::bind("*:7");
  auto echo = [](StreamSocket peer) -> Task<> {
    while (Lease data = co_await peer.receive()) co_await peer.write_all(data);
  };
  co_await serve(std::move(listener), echo);
}

Task<> expect_code(std::string host, std::uint16_t port, int expected) {
  const int code = co_await reply_of("proxy:1080", request(3, name(host), port));
  EXPECT_EQ(code, expected) << host;
}

TEST(Socks5InSimulation, ConnectsByNameAndTellsWhatFailed) {
  for (const std::uint64_t seed : sim_seeds(20)) {
    SimNetwork net{seed};
    net.add_host("target").start_background(serve_echo());
    SimHost& lost = net.add_host("lost");
    SimHost& proxy = net.add_host("proxy");
    proxy.start_background(serve_socks5());
    SimHost& client = net.add_host("client");
    net.partition(lost, proxy);
    auto talk = [](std::string text) -> Task<> {
      StreamSocket socket = co_await StreamSocket::connect("proxy:1080");
      // All at once, without waiting for the answers.
      co_await socket.write_all("\x05\x01\x00"s + request(3, name("target"), 7) + text);
      co_await socket.shutdown_write();
      const std::string all = co_await read_to_end(socket);
      EXPECT_TRUE(all.starts_with("\x05\x00\x05\x00\x00"s));
      EXPECT_TRUE(all.ends_with(text));
    };
    net.after(1ms, [&] {
      client.start(talk(std::string(100'000, 'x')));
      client.start(expect_code("target", 9, 5));
      client.start(expect_code("nowhere", 9, 4));
      client.start(expect_code("lost", 9, 4));
    });
    net.run_for(2ms);
    const Result<> result = net.run();
    EXPECT_TRUE(result) << "seed " << seed << ": " << result.error().to_string_with_trace();
  }
}

}  // namespace
}  // namespace ieum::test
