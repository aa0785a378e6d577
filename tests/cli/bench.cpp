// `ieum bench`: what it measures, what it says, and how it ends.
#include <csignal>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "cli/bench_server.hpp"
#include "cli/programs.hpp"
#include "cli/silent_host.hpp"

namespace ieum::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

struct Ended {
  int status = 0;
  std::string output;
  std::string errors;
};

Ended bench(Words words) {
  words.insert(words.begin(), {"bench", "--warmup", "0"});
  Child child(ieum_command(words), Input::nothing());
  Ended ended;
  ended.output = child.read_all();
  ended.status = child.wait();
  ended.errors = child.error_output();
  return ended;
}

nlohmann::json measured(const std::string& url, Words options = {},
                        const std::string& duration = "150ms") {
  options.insert(options.end(), {"-d", duration, "--json", url});
  const Ended ended = bench(options);
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_EQ(ended.errors, "");
  EXPECT_EQ(std::ranges::count(ended.output, '\n'), 1) << ended.output;
  return nlohmann::json::parse(ended.output);
}

void expect_failure(const Ended& ended, int status, const std::vector<std::string>& parts) {
  EXPECT_EQ(ended.status, status) << ended.errors;
  EXPECT_TRUE(ended.errors.starts_with("ieum: ")) << ended.errors;
  EXPECT_EQ(std::ranges::count(ended.errors, '\n'), 1) << ended.errors;
  for (const std::string& part : parts) EXPECT_THAT(ended.errors, HasSubstr(part));
}

// ---- Measuring ----------------------------------------------------------------------------------

class BenchAddresses : public testing::Test {
 protected:
  /// In a closed and an open loop, with connections that are held and, of connections, fresh ones.
  static void expect_measured(const std::string& address) {
    BenchServer server(address);
    const bool has_connections = !address.starts_with("udp:");
    const nlohmann::json closed = measured(server.url(), {"-c", "3", "--depth", "4"});
    EXPECT_EQ(closed["loop"], "closed");
    EXPECT_GT(closed["latency"]["count"], 0);
    EXPECT_GT(closed["latency"]["p50"]["seconds"], 0);
    EXPECT_LE(closed["latency"]["min"], closed["latency"]["p50"]["seconds"]);
    EXPECT_LE(closed["latency"]["p50"]["seconds"], closed["latency"]["max"]);
    EXPECT_EQ(closed["failed"], 0);
    const nlohmann::json open = measured(server.url(), {"-r", "200"});
    EXPECT_EQ(open["intended"], 30);
    EXPECT_EQ(open["latency"]["count"], 30);
    if (!has_connections) return;
    const nlohmann::json fresh = measured(server.url(), {"--fresh", "-c", "2"});
    EXPECT_GT(fresh["latency"]["count"], 0);
    EXPECT_GE(fresh["connecting"]["count"], fresh["answers"]);
  }
};

TEST_F(BenchAddresses, tcp) { expect_measured("tcp://127.0.0.1:0"); }
TEST_F(BenchAddresses, udp) { expect_measured("udp://127.0.0.1:0"); }
TEST_F(BenchAddresses, http) { expect_measured("http://127.0.0.1:0"); }
TEST_F(BenchAddresses, unix_stream) {
  const TemporaryDirectory directory;
  expect_measured("unix:" + directory.path("socket"));
}
TEST_F(BenchAddresses, websocket) { expect_measured("ws://127.0.0.1:0"); }

TEST(Bench, both_ends_agree_on_the_size_of_answers) {
  for (const char* address : {"tcp://127.0.0.1:0", "http://127.0.0.1:0", "ws://127.0.0.1:0"}) {
    BenchServer server(address);
    const nlohmann::json result =
        measured(server.url(), {"--size", "10", "--answer", "3k"}, "500ms");
    const double ratio = result["bytes_received_per_second"].get<double>() /
                         result["answers_per_second"]["mean"].get<double>();
    EXPECT_NEAR(ratio, 3072, 1) << address;
  }
}

TEST(Bench, large_messages_do_not_wait_for_each_other) {
  BenchServer server("tcp://127.0.0.1:0");
  const nlohmann::json result = measured(server.url(), {"--size", "4M", "--depth", "3"});
  EXPECT_GE(result["latency"]["count"], 3);
}

TEST(Bench, writes_a_report_for_people) {
  BenchServer server("tcp://127.0.0.1:0");
  const TemporaryDirectory directory;
  const std::string page = directory.path("page.html");
  const Ended ended = bench({"-d", "300ms", "--html", page, server.url()});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_THAT(ended.output, HasSubstr("1 connection, closed loop, 300 ms\n"));
  for (const char* part : {"  answers  ", " a second", "  latency    median ", "p99 ", "most ",
                           "up to ", "█", "  network ", "0 segments", " % of a core"}) {
    EXPECT_THAT(ended.output, HasSubstr(part));
  }
  std::ifstream file(page);
  const std::string html{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(html, HasSubstr("<svg"));
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("http://")));
}

TEST(Bench, ends_early_with_what_it_has) {
  BenchServer server("tcp://127.0.0.1:0");
  Child child(ieum_command({"bench", "--warmup", "100ms", "-d", "1h", server.url()}),
              Input::nothing());
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  child.signal(SIGINT);
  EXPECT_EQ(child.wait(), 130);
  EXPECT_THAT(child.read_all(), HasSubstr("  answers  "));
  EXPECT_EQ(child.error_output(), "ieum: interrupted\n");
  server.child().signal(SIGTERM);
  EXPECT_EQ(server.child().wait(), 143);
}

TEST(Bench, shows_how_far_it_is_on_a_terminal) {
  BenchServer server("tcp://127.0.0.1:0");
  Child child({"sh", "-c", "TERM=xterm \"$0\" bench --warmup 300ms -d 700ms \"$1\" 2>&1",
               IEUM_COMMAND, server.url()},
              Input::terminal());
  child.read_until("warming up  ");
  child.read_until(" of 700 ms  ");
  child.read_until("\x1b[K" + server.url());
  EXPECT_EQ(child.wait(), 0);
}

// ---- What goes wrong ----------------------------------------------------------------------------

TEST(BenchFailure, nobody_is_there) {
  const std::string where = at(free_port());
  expect_failure(bench({where}), 7, {where, "connection refused; nothing listens there"});
  expect_failure(bench({"http://" + where}), 7, {"nothing listens there"});
  expect_failure(bench({"udp://" + at(free_udp_port())}), 7, {"nothing receives datagrams there"});
  expect_failure(bench({"unix:/nowhere/at/all"}), 7, {"there is no such socket"});
  expect_failure(bench({"no-such-host.invalid:7"}), 6, {"no-such-host.invalid"});
}

TEST(BenchFailure, a_host_that_does_not_answer) {
  const SilentHost host;
  expect_failure(bench({"--timeout", "300ms", at(host.port())}), 28,
                 {"no answer within 300 ms (--timeout)"});
}

class BenchOf : public testing::Test {
 protected:
  /// A server that runs `command` for each client.
  static Ended of(const std::string& command, const Words& options) {
    Child server(ieum_command({"listen", "-k", "--exec", command, "127.0.0.1:0"}),
                 Input::nothing());
    Words words = options;
    words.push_back(where_it_listens(server));
    return bench(words);
  }
};

TEST_F(BenchOf, a_server_that_closes_in_the_middle_of_an_answer) {
  expect_failure(of("head -c 20", {}), 56,
                 {"closed the connection before it had answered", "20 of 64 bytes"});
}

TEST_F(BenchOf, a_server_that_answers_less) {
  expect_failure(of("head -c 20; exec sleep 60", {"--timeout", "400ms"}), 28,
                 {"did not answer a first message within 400 ms", "20 of 64 bytes", "echo"});
}

TEST_F(BenchOf, a_server_that_closes_after_a_while) {
  const Ended ended = of("exec dd bs=64 count=2 2>/dev/null", {"-d", "1s"});
  EXPECT_EQ(ended.status, 56) << ended.errors;
  EXPECT_THAT(ended.output, HasSubstr("  errors "));
  EXPECT_THAT(ended.errors, HasSubstr("messages failed: the server closed the connection"));
}

TEST_F(BenchOf, something_that_speaks_no_http) {
  Child server(ieum_command({"listen", "-k", "--echo", "127.0.0.1:0"}), Input::nothing());
  const std::string where = where_it_listens(server);
  expect_failure(bench({"http://" + where}), 1,
                 {"it is no reply of HTTP/1.1", "does it speak HTTP"});
}

TEST(BenchFailure, answers_that_are_errors) {
  const TemporaryDirectory directory;
  Child server(ieum_command({"serve", "-q", "--listen", "127.0.0.1:0", directory.path(".")}),
               Input::nothing());
  server.read_error_until("http://");
  const std::string where = server.read_error_until("/");
  const Ended ended = bench({"-d", "200ms", "http://" + where + "missing"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.errors, HasSubstr("messages failed: HTTP status 404"));
}

TEST(BenchFailure, the_port_of_a_server_is_taken) {
  BenchServer server("tcp://127.0.0.1:0");
  Child second(ieum_command({"bench", "--server", server.url()}), Input::nothing());
  EXPECT_EQ(second.wait(), 1);
  EXPECT_THAT(second.error_output(), HasSubstr("address already in use"));
}

}  // namespace
}  // namespace ieum::test
