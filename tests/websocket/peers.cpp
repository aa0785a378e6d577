// WebSockets with programs that others have written: Node's ws and Python's websockets in both
// roles, with compression; Chromium, also with a page of another site.
#include <gmock/gmock.h>

#include <filesystem>

#include <ieum/event.hpp>
#include <ieum/http/server.hpp>
#include <ieum/process.hpp>
#include <ieum/websocket/accept.hpp>

#include "websocket/talk.hpp"

namespace ieum::test {
namespace {

bool exists(const char* path) { return std::filesystem::exists(path); }
#define NEEDS_FILE(path, package) \
  if (!exists(path)) GTEST_SKIP() << "this needs " path " (Debian: " package ")"
#define NEEDS_NODE_WS                    \
  NEEDS_FILE("/usr/bin/node", "nodejs"); \
  NEEDS_FILE("/usr/share/nodejs/ws/index.js", "node-ws")
#define NEEDS_PYTHON_WEBSOCKETS              \
  NEEDS_FILE("/usr/bin/python3", "python3"); \
  NEEDS_FILE("/usr/lib/python3/dist-packages/websockets/__init__.py", "python3-websockets")

constexpr ProcessOptions to_pipe{.input = ProcessOptions::Standard::null,
                                 .output = ProcessOptions::Standard::stream,
                                 .error = ProcessOptions::Standard::inherit};

const WebSocketOptions session{
    .subprotocols = "v2, v1", .compression = true, .compression_bytes_min = 16};

std::vector<std::string> node(const std::string& script, const std::string& argument) {
  return {"/usr/bin/env", "NODE_PATH=/usr/share/nodejs", "node", "-e", script, argument};
}
/// Debian's own, which has Debian's modules.
std::vector<std::string> python(const std::string& script, const std::string& argument) {
  return {"/usr/bin/python3", "-c", script, argument};
}

// ---- They are clients ---------------------------------------------------------------------------

/// What a client says that a server of ours echoes to; URL in its words is the server's.
Task<> expect_client_says(std::vector<std::string> command, std::string expected) {
  http::Routes routes;
  routes.get("/echo", websocket::route(echo_messages, session));
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  command.back() = "ws://" + listener.address().to_string() + "/echo";
  http::Server server(std::move(listener), std::move(routes));
  auto all = [&](Group& group) -> Task<> {
    group.start(server.run());
    Process program = co_await Process::start(command, to_pipe);
    const std::string said = co_await read_to_end(program.output());
    const ExitStatus status = co_await program.wait();
    EXPECT_TRUE(status.succeeded()) << status.to_string();
    EXPECT_EQ(said, expected);
    const DrainReport report = co_await server.drain(5s);
    EXPECT_EQ(report.cut, 0U);
  };
  co_await with_group(all);
}

constexpr const char* node_client = R"(
const WebSocket = require('ws');
const s = new WebSocket(process.argv[1], ['v1', 'v2']);
const sent = ['hello', '', '\u00e9\u20ac'.repeat(1000), 'x'.repeat(200000), Buffer.alloc(70000, 7)];
let at = 0;
s.on('open', () => { console.log('open', s.protocol, s.extensions); s.send(sent[0]); });
s.on('message', (data, isBinary) => {
  const wanted = at < sent.length ? sent[at] : 'fragments';
  console.log(at, isBinary === Buffer.isBuffer(wanted) && Buffer.from(wanted).equals(data));
  if (++at < sent.length) return s.send(sent[at]);
  if (at === sent.length) return s.ping('abc');
  s.close(4001, 'bye');
});
s.once('pong', (data) => {
  console.log('pong', data.toString());
  s.send('frag', { fin: false });
  s.ping();
  s.send('ments', { fin: true });
});
s.on('close', (code) => console.log('close', code));
s.on('error', (error) => console.log('error', error.message));
)";

TEST(WebSocketPeers, node_ws_as_a_client) {
  NEEDS_NODE_WS;
  expect_success_in_time(
      expect_client_says(node(node_client, ""),
                         "open v2 permessage-deflate\n"
                         "0 true\n1 true\n2 true\n3 true\n4 true\npong abc\n5 true\nclose 4001\n"));
}

constexpr const char* python_client = R"(
import asyncio, sys, websockets
async def talk():
    async with websockets.connect(sys.argv[1], subprotocols=['v1', 'v2']) as s:
        print('open', s.subprotocol, [e.name for e in s.extensions])
        for m in ['hello', '', '\u00e9\u20ac' * 1000, 'x' * 200000, bytes(70000)]:
            await s.send(m)
            print(await s.recv() == m)
        await s.send(['frag', 'men', 'ts'])
        print(await s.recv())
        await (await s.ping('abc'))
        await s.close(4001, 'bye')
        print('close', s.close_code)
asyncio.run(talk())
)";

TEST(WebSocketPeers, python_websockets_as_a_client) {
  NEEDS_PYTHON_WEBSOCKETS;
  expect_success_in_time(
      expect_client_says(python(python_client, ""),
                         "open v2 ['permessage-deflate']\nTrue\nTrue\nTrue\nTrue\nTrue\n"
                         "fragments\nclose 4001\n"));
}

// ---- They are servers ---------------------------------------------------------------------------

Task<> expect_echo(WebSocket& socket, std::string text) {
  co_await socket.send_text(text);
  const WebSocketMessage message = co_await socket.receive();
  EXPECT_TRUE(message.is_text());
  EXPECT_EQ(message.text(), text);
}

/// A server of theirs prints its port, echoes, and closes with 4002 when it is told to.
Task<> expect_server_echoes(std::vector<std::string> command) {
  Process program = co_await Process::start(command, to_pipe);
  std::string said;
  co_await program.output().read_until(said, "\n", 100);
  const std::string url = "ws://127.0.0.1:" + said.substr(0, said.find('\n')) + "/";
  for (const bool forgets : {false, true}) {
    WebSocketOptions options = session;
    options.compression_forgets = forgets;
    WebSocket socket = co_await WebSocket::connect(url, {.session = options});
    EXPECT_EQ(socket.subprotocol(), "v1");
    EXPECT_TRUE(socket.is_compressed());
    for (const std::size_t size : {5U, 0U, 125U, 126U, 65'535U, 65'536U, 200'000U}) {
      co_await expect_echo(socket, std::string(size, 'x'));
    }
    co_await socket.send_binary(std::string(70'000, '\x07'));
    const WebSocketMessage binary = co_await socket.receive();
    EXPECT_FALSE(binary.is_text());
    EXPECT_EQ(binary.size(), 70'000U);
    if (forgets) {
      co_await socket.close(CloseCode::going_away);
      EXPECT_EQ(socket.close_code(), CloseCode::going_away);
      continue;
    }
    co_await socket.send_text("close");
    const WebSocketMessage end = co_await socket.receive();
    EXPECT_FALSE(end);
    EXPECT_EQ(static_cast<unsigned>(socket.close_code().value_or(CloseCode::no_code)), 4002U);
    EXPECT_EQ(socket.close_reason(), "as you wish");
  }
  co_await program.stop(5s);
}

constexpr const char* node_server = R"(
const { WebSocketServer } = require('ws');
const server = new WebSocketServer({
  host: '127.0.0.1', port: 0, perMessageDeflate: { threshold: 16 },
  handleProtocols: (all) => all.has('v1') ? 'v1' : false });
server.on('listening', () => console.log(server.address().port));
server.on('connection', (s) => s.on('message', (data, isBinary) => {
  if (data.toString() === 'close') return s.close(4002, 'as you wish');
  s.send(data, { binary: isBinary });
}));
)";

TEST(WebSocketPeers, node_ws_as_a_server) {
  NEEDS_NODE_WS;
  expect_success_in_time(expect_server_echoes(node(node_server, "")));
}

constexpr const char* python_server = R"(
import asyncio, websockets
async def echo(s, path=None):
    try:
        async for m in s:
            if m == 'close':
                await s.close(4002, 'as you wish')
                return
            await s.send(m)
    except websockets.ConnectionClosed:
        pass
async def serve():
    async with websockets.serve(echo, '127.0.0.1', 0, subprotocols=['v1']) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()
asyncio.run(serve())
)";

TEST(WebSocketPeers, python_websockets_as_a_server) {
  NEEDS_PYTHON_WEBSOCKETS;
  expect_success_in_time(expect_server_echoes(python(python_server, "")));
}

// ---- A browser ----------------------------------------------------------------------------------

/// A site: a page that connects to a WebSocket, and where it says what came of it.
struct Site {
  std::string page;
  std::string told;
  Event has_told;
};

http::Routes routes_of(Site& site) {
  http::Routes routes;
  auto page = [&site](http::Request& request) -> Task<http::Response> {
    static_cast<void>(request);
    co_return http::Response::html(site.page);
  };
  auto tell = [&site](http::Request& request) -> Task<http::Response> {
    site.told = co_await request.body().text(10'000);
    site.has_told.set();
    co_return http::Response::text("");
  };
  routes.get("/", page);
  routes.post("/told", tell);
  routes.get("/echo", websocket::route(echo_messages, session));
  return routes;
}

constexpr const char* page_script = R"(<!doctype html><script>
const said = [];
const tell = () => fetch('/told', { method: 'POST', body: said.join('\n') });
const s = new WebSocket('URL', ['v1', 'v2']);
s.binaryType = 'arraybuffer';
s.onopen = () => {
  said.push('open ' + s.protocol + ' ' + s.extensions);
  s.send('h\u00e9llo ' + 'x'.repeat(100000));
};
s.onmessage = (e) => {
  if (typeof e.data === 'string') {
    said.push('text ' + e.data.length + ' ' + e.data.substr(0, 5));
    s.send(new Uint8Array(70000).fill(7));
  } else {
    said.push('binary ' + e.data.byteLength + ' ' + new Uint8Array(e.data)[69999]);
    s.close(4001, 'bye');
  }
};
s.onerror = () => said.push('error');
s.onclose = (e) => { said.push('close ' + e.code + ' ' + e.wasClean); tell(); };
</script>)";

Task<> browse() {
  Site own;
  Site other;
  Listener first = co_await Listener::bind("127.0.0.1:0");
  Listener second = co_await Listener::bind("127.0.0.1:0");
  const std::string own_place = first.address().to_string();
  const std::string other_place = second.address().to_string();
  own.page = page_script;
  own.page.replace(own.page.find("URL"), 3, "ws://" + own_place + "/echo");
  other.page = own.page;
  http::Server own_server(std::move(first), routes_of(own));
  http::Server other_server(std::move(second), routes_of(other));
  auto all = [&](Group& group) -> Task<> {
    group.start(own_server.run());
    group.start(other_server.run());
    for (const std::string& place : {own_place, other_place}) {
      const TemporaryDirectory profile;
      const std::vector<std::string> command{"/usr/bin/chromium",
                                             "--headless",
                                             "--no-sandbox",
                                             "--disable-gpu",
                                             "--disable-dev-shm-usage",
                                             "--no-first-run",
                                             "--disable-extensions",
                                             "--disable-background-networking",
                                             "--user-data-dir=" + profile.path(""),
                                             "--remote-debugging-port=0",
                                             "http://" + place + "/"};
      ProcessOptions options;
      options.input = ProcessOptions::Standard::null;
      options.output = ProcessOptions::Standard::null;
      options.error = ProcessOptions::Standard::null;
      options.group = ProcessOptions::Group::own;
      Process browser = co_await Process::start(command, options);
      Event& has_told = place == own_place ? own.has_told : other.has_told;
      const Result<> told = co_await attempt(with_timeout(60s, has_told.wait()));
      EXPECT_TRUE(told) << "the page has said nothing";
      co_await browser.stop(2s);
    }
    const DrainReport report = co_await own_server.drain(5s);
    const DrainReport other_report = co_await other_server.drain(5s);
    static_cast<void>(report);
    static_cast<void>(other_report);
  };
  co_await with_group(all);
  EXPECT_THAT(own.told, testing::StartsWith("open v2 permessage-deflate"));
  EXPECT_THAT(own.told,
              testing::EndsWith("text 100006 h\xc3\xa9llo\nbinary 70000 7\nclose 4001 true"));
  // A page of another site would speak with its visitor's cookies.
  EXPECT_EQ(other.told, "error\nclose 1006 false");
}

TEST(WebSocketPeers, chromium_and_a_page_of_another_site) {
  NEEDS_FILE("/usr/bin/chromium", "chromium");
  const char* const driver = std::getenv("IEUM_DRIVER");
  if (!long_form() && driver != nullptr && driver != std::string_view("io_uring")) {
    GTEST_SKIP() << "a browser takes long: in the short form on io_uring only";
  }
  expect_success_in_time(browse());
}

}  // namespace
}  // namespace ieum::test
