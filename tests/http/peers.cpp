// Talking to clients that others have written: curl, Python's http.client, Node's http, wrk.
#include <gmock/gmock.h>

#include <fstream>

#include "http/talk.hpp"

namespace ieum::test {
namespace {

using http::Request;
using http::Response;
using http::Routes;

constexpr ProcessOptions to_pipe{.input = ProcessOptions::Standard::null,
                                 .output = ProcessOptions::Standard::stream,
                                 .error = ProcessOptions::Standard::inherit};

Task<Response> describe(Request& request) {
  std::string body = co_await request.body().text(std::size_t{16} << 20U);
  std::string text(request.method_name());
  text.append(" ").append(request.target()).append(" ").append(std::to_string(body.size()));
  co_return Response::text(text + "\n");
}

Task<Response> numbers(Request& request) {
  static_cast<void>(request);
  co_return Response::stream("text/plain", [](http::BodyWriter& writer) -> Task<> {
    for (int i = 0; i < 100; ++i) {
      const std::string line = std::to_string(i) + "\n";
      co_await writer.write(line);
    }
  });
}

Routes routes(const TemporaryDirectory& directory) {
  std::ofstream(directory.path("f.txt")) << "0123456789";
  Routes all;
  all.any("/x/{path...}", describe);
  all.get("/numbers", numbers);
  EXPECT_TRUE(all.files("/files", directory.path("")));
  return all;
}

/// What a program says that is a client of ours, and how many connections it made. PORT in its
/// arguments is the server's.
struct Talk {
  std::string said;
  std::uint64_t connections = 0;
};
Task<Talk> talk_with(std::vector<std::string> command, std::string address = "127.0.0.1:0") {
  const TemporaryDirectory directory;
  Listener listener = co_await Listener::bind(address);
  const std::string port = std::to_string(listener.address().port());
  for (std::string& argument : command) {
    for (std::size_t at = argument.find("PORT"); at != argument.npos; at = argument.find("PORT")) {
      argument.replace(at, 4, port);
    }
  }
  http::Server server(std::move(listener), routes(directory));
  Talk talk;
  auto all = [&](Group& group) -> Task<> {
    group.start(server.run());
    Process program = co_await Process::start(command, to_pipe);
    talk.said = co_await read_to_end(program.output());
    const ExitStatus status = co_await program.wait();
    EXPECT_TRUE(status.succeeded()) << status.to_string();
    talk.connections = server.counters().accepted;
    const DrainReport report = co_await server.drain(5s);
    EXPECT_EQ(report.cut, 0U);
  };
  co_await with_group(all);
  co_return talk;
}

constexpr const char* curl_write = "%{http_code} %{size_download}\n";

Task<> curl_gets() {
  const std::vector<std::string> command{"curl",
                                         "-sS",
                                         "http://127.0.0.1:PORT/x/1?a=b",
                                         "http://127.0.0.1:PORT/x/2",
                                         "http://127.0.0.1:PORT/nothing",
                                         "http://127.0.0.1:PORT/x/3"};
  const Talk talk = co_await talk_with(command);
  EXPECT_EQ(talk.said, "GET /x/1?a=b 0\nGET /x/2 0\n404 Not Found\nGET /x/3 0\n");
  EXPECT_EQ(talk.connections, 1U);
}
TEST(HttpPeers, curl_keeps_its_connection) {
  NEEDS("curl", "curl");
  expect_success_in_time(curl_gets());
}

Task<> curl_sends() {
  const TemporaryFile large(std::string(2'000'000, 'x'));
  const std::string data = "@" + large.path();
  // It waits for 100 Continue before it sends so much.
  const std::vector<std::string> known{
      "curl",          "-sS", "--expect100-timeout",     "60", "-H", "Expect: 100-continue",
      "--data-binary", data,  "http://127.0.0.1:PORT/x/"};
  const Talk sent = co_await talk_with(known);
  EXPECT_EQ(sent.said, "POST /x/ 2000000\n");
  const std::vector<std::string> chunked{"curl",
                                         "-sS",
                                         "-H",
                                         "Transfer-Encoding: chunked",
                                         "-T",
                                         large.path(),
                                         "http://127.0.0.1:PORT/x/put"};
  const Talk put = co_await talk_with(chunked);
  EXPECT_EQ(put.said, "PUT /x/put 2000000\n");
}
TEST(HttpPeers, curl_sends_bodies) {
  NEEDS("curl", "curl");
  expect_success_in_time(curl_sends());
}

Task<> curl_reads() {
  const std::vector<std::string> numbers_of{"curl", "-sS", "http://127.0.0.1:PORT/numbers"};
  const Talk chunked = co_await talk_with(numbers_of);
  EXPECT_TRUE(chunked.said.starts_with("0\n1\n"));
  EXPECT_TRUE(chunked.said.ends_with("\n99\n"));
  const std::vector<std::string> old{"curl", "-sS", "--http1.0", "http://127.0.0.1:PORT/numbers"};
  const Talk until_close = co_await talk_with(old);
  EXPECT_EQ(until_close.said, chunked.said);
  const std::vector<std::string> range{
      "curl", "-sS", "-r", "2-4", "-w", curl_write, "http://127.0.0.1:PORT/files/f.txt"};
  const Talk part = co_await talk_with(range);
  EXPECT_EQ(part.said, "234206 3\n");
  const std::vector<std::string> head{
      "curl", "-sSI", "-o", "/dev/null", "-w", curl_write, "http://127.0.0.1:PORT/files/f.txt"};
  const Talk only_head = co_await talk_with(head);
  EXPECT_EQ(only_head.said, "200 0\n");
}
TEST(HttpPeers, curl_reads_chunks_ranges_and_heads) {
  NEEDS("curl", "curl");
  expect_success_in_time(curl_reads());
}

Task<> curl_on_a_unix_socket() {
  const TemporaryDirectory directory;
  const std::string path = directory.path("socket");
  const std::vector<std::string> command{"curl", "-sS", "--unix-socket", path, "http://any/x/1"};
  const Talk talk = co_await talk_with(command, "unix:" + path);
  EXPECT_EQ(talk.said, "GET /x/1 0\n");
}
TEST(HttpPeers, curl_comes_by_a_unix_socket) {
  NEEDS("curl", "curl");
  expect_success_in_time(curl_on_a_unix_socket());
}

constexpr const char* python_script = R"(
import http.client
c = http.client.HTTPConnection('127.0.0.1', PORT)
def ask(*a, **k):
    c.request(*a, **k); r = c.getresponse(); return r.status, r.read().decode()
print(ask('GET', '/x/1'))
print(ask('POST', '/x/2', body='abc'))
print(ask('PUT', '/x/3', body=iter([b'abc', b'de']), encode_chunked=True,
          headers={'Transfer-Encoding': 'chunked'}))
print(len(ask('GET', '/numbers')[1]))
print(ask('HEAD', '/files/f.txt'))
print(ask('GET', '/nothing')[0])
)";

Task<> python_client() {
  const std::vector<std::string> command{"python3", "-c", python_script};
  const Talk talk = co_await talk_with(command);
  EXPECT_EQ(talk.said,
            "(200, 'GET /x/1 0\\n')\n(200, 'POST /x/2 3\\n')\n(200, 'PUT /x/3 5\\n')\n290\n"
            "(200, '')\n404\n");
  EXPECT_EQ(talk.connections, 1U);
}
TEST(HttpPeers, pythons_client_keeps_its_connection) {
  NEEDS("python3", "python3");
  expect_success_in_time(python_client());
}

constexpr const char* node_script = R"(
const http = require('http');
const agent = new http.Agent({keepAlive: true, maxSockets: 4});
let left = 200, good = 0;
for (let i = 0; i < 200; ++i) {
  const body = 'b'.repeat(i * 50);
  const r = http.request({port: PORT, host: '127.0.0.1', agent, method: 'POST', path: '/x/' + i},
    (res) => {
      let text = '';
      res.on('data', (d) => text += d);
      res.on('end', () => {
        if (text === `POST /x/${i} ${body.length}\n`) ++good;
        if (--left === 0) { console.log(good); agent.destroy(); }
      });
    });
  r.on('error', (e) => { console.log(e); });
  if (i % 2) r.setHeader('Content-Length', body.length);
  r.end(body);
}
)";

Task<> node_client() {
  const std::vector<std::string> command{"node", "-e", node_script};
  const Talk talk = co_await talk_with(command);
  EXPECT_EQ(talk.said, "200\n");
  EXPECT_LE(talk.connections, 4U);
}
TEST(HttpPeers, nodes_client_asks_on_several_connections) {
  NEEDS("node", "nodejs");
  expect_success_in_time(node_client());
}

/// 64 connections as fast as it can.
Task<> wrk_asks(std::string seconds) {
  const std::vector<std::string> command{"wrk", "-t1", "-c64", "-d" + seconds,
                                         "http://127.0.0.1:PORT/x/1"};
  const Talk talk = co_await talk_with(command);
  EXPECT_NE(talk.said.find("Requests/sec"), std::string::npos) << talk.said;
  EXPECT_EQ(talk.said.find("Socket errors"), std::string::npos) << talk.said;
  EXPECT_EQ(talk.said.find("Non-2xx"), std::string::npos) << talk.said;
}
TEST(HttpPeers, wrk_sees_no_error) {
  NEEDS("wrk", "wrk");
  expect_success(with_timeout(120s, wrk_asks(long_form() ? "60s" : "1s")));
}

}  // namespace
}  // namespace ieum::test
