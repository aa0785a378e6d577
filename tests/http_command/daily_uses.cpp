// What people do with curl, done with `ieum get`: the table of docs/http-command.md, line by line.
#include <filesystem>
#include <map>
#include <sstream>

#include "http_command/http_command.hpp"
#include "support/network_namespace.hpp"
#include "tls/nginx.hpp"

namespace ieum::test {
namespace {

struct Use {
  std::string what;
  std::string server;
  std::string curl;
  std::string ieum;
};

std::string trimmed(std::string text) {
  const std::size_t first = text.find_first_not_of(" `");
  if (first == text.npos) return "";
  return text.substr(first, text.find_last_not_of(" `") - first + 1);
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

/// The cells of a line of a table, in which `\|` is no border.
std::vector<std::string> cells_of(std::string line) {
  replace_all(line, "\\|", "\x01");
  std::vector<std::string> cells;
  std::istringstream stream(line.substr(1));
  for (std::string cell; std::getline(stream, cell, '|');) {
    replace_all(cell, "\x01", "|");
    cells.push_back(trimmed(cell));
  }
  return cells;
}

std::vector<Use> uses() {
  std::ifstream page(IEUM_SOURCE_DIR "/docs/http-command.md");
  std::vector<Use> uses;
  for (std::string line; std::getline(page, line);) {
    if (line.find("`curl") == line.npos && line.find("\\| curl") == line.npos) continue;
    if (!line.starts_with("| ")) continue;
    const std::vector<std::string> cells = cells_of(line);
    if (cells.size() == 4) uses.push_back({cells[0], cells[1], cells[2], cells[3]});
  }
  return uses;
}

/// What a command wrote, made and ended with.
struct Outcome {
  int status = 0;
  std::string output{};
  std::map<std::string, std::string> files{};
  std::string errors{};
};

bool is_of_the_moment(std::string_view line) {
  for (const std::string_view name : {"Date:", "Connection:", "Keep-Alive:"}) {
    if (line.starts_with(name)) return true;
  }
  return false;
}

/// Without the lines of a head that differ from request to request.
std::string comparable(const std::string& output) {
  if (!output.starts_with("HTTP/1.1 ")) return output;
  const std::size_t end = output.find("\r\n\r\n");
  std::istringstream head(output.substr(0, end));
  std::string kept;
  for (std::string line; std::getline(head, line);) {
    if (!is_of_the_moment(line)) kept += line + "\n";
  }
  return kept + output.substr(end);
}

class Runner {
 public:
  Runner(std::string authority, std::string socket)
      : authority_(std::move(authority)), socket_(std::move(socket)) {}

  Outcome run(std::string line) const {
    const TemporaryDirectory place;
    prepare(place, line);
    replace_all(line, "http://h", "http://" + authority_);
    replace_all(line, " h/", " " + authority_ + "/");
    replace_all(line, "PORT", port_of(authority_));
    replace_all(line, "unix:socket", "unix:" + socket_);
    replace_all(line, "--unix-socket socket", "--unix-socket " + socket_);
    replace_all(line, "ieum get", "\"$0\" get");
    Child child(shell("cd \"$1\" && " + line, {place.path("")}), Input::nothing());
    Outcome outcome;
    outcome.output = child.read_all();
    outcome.status = child.wait();
    outcome.errors = child.error_output();
    outcome.output = comparable(outcome.output);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(place.path(""))) {
      if (!entry.is_regular_file()) continue;
      const std::string name = std::filesystem::relative(entry.path(), place.path("")).string();
      outcome.files[name] = read_file(entry.path().string());
    }
    return outcome;
  }

 private:
  static void prepare(const TemporaryDirectory& place, const std::string& line) {
    std::filesystem::create_directory(place.path("down"));
    write_file(place.path("login.txt"), "mina:secret\n");
    write_file(place.path("token.txt"), "t0ken\n");
    // What is sent; what is saved must not be there before.
    const bool sends = line.find("@data.bin") != line.npos || line.find("-T ") != line.npos;
    if (sends) write_file(place.path("data.bin"), sample(20'000));
  }
  std::string authority_;
  std::string socket_;
};

void expect_same(const Runner& runner, const std::string& kind) {
  int count = 0;
  for (const Use& use : uses()) {
    if (use.server != kind) continue;
    ++count;
    SCOPED_TRACE(use.what + ": " + use.ieum);
    const Outcome theirs = runner.run(use.curl);
    const Outcome ours = runner.run(use.ieum);
    EXPECT_EQ(ours.status, theirs.status) << ours.errors << theirs.errors;
    EXPECT_TRUE(ours.output == theirs.output) << "ours:\n"
                                              << ours.output.substr(0, 2000) << "\ntheirs:\n"
                                              << theirs.output.substr(0, 2000);
    EXPECT_TRUE(ours.files == theirs.files) << "they have made other files";
    EXPECT_TRUE(theirs.status == 0 || theirs.status == 22) << theirs.status << theirs.errors;
  }
  EXPECT_GT(count, 1);
}

/// Files, and what needs a program. Arguments: the folder, and a Unix socket.
constexpr const char* node_program = R"(
const http = require('http'), fs = require('fs'), zlib = require('zlib'), path = require('path');
const [root, socket] = process.argv.slice(-2);
const echo = (q, r, with_type) => {
  const parts = [];
  q.on('data', part => parts.push(part));
  q.on('end', () => {
    let body = Buffer.concat(parts).toString('latin1');
    let type = q.headers['content-type'] || '';
    const boundary = /boundary=(.*)$/.exec(type);
    if (boundary) { body = body.replaceAll(boundary[1], 'B'); type = 'multipart/form-data'; }
    const shown = ['x-test', 'cookie'].map(name => name + '=' + (q.headers[name] || ''));
    r.end([q.method, q.url, with_type ? type : '', ...shown, body].join('\n'), 'latin1');
  });
};
const send_file = (q, r, name) => {
  let at = path.join(root, name);
  if (fs.existsSync(at) && fs.statSync(at).isDirectory()) {
    if (!name.endsWith('/')) { r.writeHead(301, {Location: name + '/'}); return r.end('moved'); }
    at += 'index.html';
  }
  if (!fs.existsSync(at)) { r.statusCode = 404; return r.end('nothing is there\n'); }
  const data = fs.readFileSync(at), changed = fs.statSync(at).mtime;
  r.setHeader('Last-Modified', changed.toUTCString());
  const since = q.headers['if-modified-since'];
  if (since && changed <= new Date(since)) { r.statusCode = 304; return r.end(); }
  const range = /^bytes=(\d*)-(\d*)$/.exec(q.headers.range || '');
  let first = 0, last = data.length - 1;
  if (range) {
    if (range[1]) { first = +range[1]; if (range[2]) last = +range[2]; }
    else first = data.length - range[2];
    r.statusCode = 206;
    r.setHeader('Content-Range', `bytes ${first}-${last}/${data.length}`);
  }
  r.setHeader('Content-Length', last - first + 1);
  r.end(q.method == 'HEAD' ? undefined : data.subarray(first, last + 1));
};
const answer = (q, r) => {
  const name = new URL(q.url, 'http://x').pathname;
  if (name == '/echo') return echo(q, r, true);
  if (name.startsWith('/put/')) return echo(q, r, false);
  if (name == '/private') {
    const known = ['Bearer t0ken', 'Basic ' + Buffer.from('mina:secret').toString('base64')];
    if (!known.includes(q.headers.authorization)) { r.statusCode = 401; return r.end('no\n'); }
    return r.end('for you\n');
  }
  if (name == '/gzip') {
    if (!/gzip/.test(q.headers['accept-encoding'])) return r.end('not asked for');
    r.setHeader('Content-Encoding', 'gzip');
    return r.end(zlib.gzipSync('unpacked\n'.repeat(1000)));
  }
  if (name == '/303' || name == '/307') {
    q.resume();
    r.writeHead(+name.slice(1), {Location: '/echo'});
    return q.on('end', () => r.end());
  }
  send_file(q, r, name);
};
const server = http.createServer(answer);
server.on('checkContinue', (q, r) => { r.writeContinue(); answer(q, r); });
if (socket) http.createServer(answer).listen(socket);
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
)";

/// A server of nginx's: of files, or of another server on the port `behind`.
std::string nginx_server(std::uint16_t port, const std::string& root, const std::string& behind) {
  std::string text = "server { listen 127.0.0.1:" + std::to_string(port) +
                     "; absolute_redirect off; if_modified_since before; root " + root + "; ";
  if (!behind.empty()) {
    text += "location / { proxy_pass http://127.0.0.1:" + behind +
            "; proxy_http_version 1.1; proxy_set_header Connection \"\"; } ";
  }
  return text + "}";
}

class HttpCommandDailyUses : public testing::Test {
 protected:
  void SetUp() override {
    NEEDS("curl", "curl");
    fill_with_files(files_);
  }
  TemporaryDirectory files_;
};

TEST_F(HttpCommandDailyUses, there_are_more_than_thirty) { EXPECT_GE(uses().size(), 30U); }

TEST_F(HttpCommandDailyUses, with_ieum_serve) {
  const Served server(files_.path(""), {"-q", "--host", "a.test"});
  expect_same(Runner(server.authority(), ""), "any");
}

TEST_F(HttpCommandDailyUses, with_node) {
  NEEDS("node", "nodejs");
  const TemporaryDirectory own;
  const NodeServer server(node_program, {files_.path(""), own.path("socket")});
  const Runner runner(server.authority(), own.path("socket"));
  expect_same(runner, "any");
  expect_same(runner, "program");
  expect_same(runner, "socket");
}

TEST_F(HttpCommandDailyUses, with_nginx) {
  NEEDS("node", "nodejs");
  NEEDS_NGINX(program);
  const NodeServer behind(node_program, {files_.path(""), ""});
  const std::uint16_t plain = free_port();
  const std::uint16_t front = free_port();
  const Nginx nginx(program, nginx_server(plain, files_.path(""), "") +
                                 nginx_server(front, files_.path(""), behind.port()));
  wait_until_listening(plain);
  wait_until_listening(front);
  expect_same(Runner(at(plain), ""), "any");
  expect_same(Runner(at(front), ""), "program");
}

}  // namespace
}  // namespace ieum::test
