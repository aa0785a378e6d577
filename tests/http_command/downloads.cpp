// Downloads: resumed after kills, in constant memory, by the URL's name and never elsewhere.
#include <csignal>

#include "http_command/http_command.hpp"

namespace ieum::test {
namespace {

using testing::HasSubstr;

constexpr int points = 10;

/// Of each request it sends up to the next of ten points, and then nothing more; the last ends.
/// Arguments: the size, the ETag. What it is asked for is written to standard output.
constexpr const char* stopping_server = R"(
const http = require('http');
const [size, etag] = [+process.argv.at(-2), process.argv.at(-1)];
const piece = Buffer.alloc(65536);
const server = http.createServer((q, r) => {
  let first = 0;
  const range = /^bytes=(\d+)-$/.exec(q.headers.range || '');
  if (range && q.headers['if-range'] == etag) first = +range[1];
  console.log('from ' + first);
  r.writeHead(first ? 206 : 200, {ETag: etag, 'Content-Length': size - first,
    ...(first ? {'Content-Range': `bytes ${first}-${size - 1}/${size}`} : {})});
  const next = Math.floor((Math.floor(first * 11 / size) + 1) * size / 11) + 1;
  const end = Math.min(next, size);
  let at = first;
  const more = () => {
    while (at < end) {
      const count = Math.min(piece.length - at % piece.length, end - at);
      const part = Buffer.alloc(count, at / piece.length & 255);
      at += count;
      if (!r.write(part) && at < end) return r.once('drain', more);
    }
    if (end == size) r.end();
  };
  more();
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
)";

std::uint64_t size_of(const std::string& path) {
  std::error_code none;
  const std::uintmax_t size = std::filesystem::file_size(path, none);
  return none ? 0 : size;
}

/// Block after block of the same byte, another for each.
void expect_what_was_sent(const std::string& path, std::uint64_t size) {
  ASSERT_EQ(size_of(path), size);
  std::ifstream file(path, std::ios::binary);
  std::string block(65536, '\0');
  for (std::uint64_t at = 0; at < size; at += block.size()) {
    block.resize(std::min<std::uint64_t>(65536, size - at));
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    const char wanted = static_cast<char>(at / 65536 & 255U);
    ASSERT_EQ(block.find_first_not_of(wanted), block.npos) << "in the block at " << at;
  }
}

TEST(HttpCommandDownload, goes_on_after_kills_at_ten_points_in_constant_memory) {
  NEEDS("node", "nodejs");
  const std::uint64_t size = long_form() ? std::uint64_t{2} << 30U : std::uint64_t{24} << 20U;
  const TemporaryDirectory place;
  const std::string part = place.path("film.bin.part");
  NodeServer server(stopping_server, {std::to_string(size), "\"one\""});
  const Words words = {
      "get", "-O", "--resume", "-q", "--dir", place.path(""), server.authority() + "/film.bin"};
  std::size_t memory_first = 0;
  std::size_t memory_last = 0;
  for (int i = 0; i < points; ++i) {
    Child child(ieum_command(words), Input::nothing());
    const std::uint64_t stop = static_cast<std::uint64_t>(i + 1) * size / 11 + 1;
    expect_soon("it has received up to the next point", [&] { return size_of(part) >= stop; });
    (i == 0 ? memory_first : memory_last) = child.memory_bytes();
    EXPECT_FALSE(std::filesystem::exists(place.path("film.bin")));
    child.signal(SIGKILL);
    EXPECT_EQ(child.wait(), -SIGKILL);
  }
  EXPECT_LT(memory_last, memory_first + (std::size_t{8} << 20U));
  const Said said = run_command(words);
  EXPECT_EQ(said.status, 0) << said.errors;
  expect_what_was_sent(place.path("film.bin"), size);
  EXPECT_FALSE(std::filesystem::exists(part));
  // Nothing was asked for twice.
  for (int i = 0; i <= points; ++i) {
    const std::string line = server.child().read_until("\n");
    EXPECT_EQ(line, "from " +
                        std::to_string(i == 0 ? 0 : static_cast<std::uint64_t>(i) * size / 11 + 1) +
                        "\n");
  }
}

TEST(HttpCommandDownload, begins_anew_when_the_file_has_changed) {
  NEEDS("node", "nodejs");
  const TemporaryDirectory place;
  const std::string part = place.path("f.part");
  {
    NodeServer server(stopping_server, {"1000000", "\"one\""});
    Child child(ieum_command({"get", "-o", place.path("f"), server.authority() + "/f"}),
                Input::nothing());
    expect_soon("some of it has come", [&] { return size_of(part) > 90'000; });
    child.signal(SIGKILL);
    EXPECT_EQ(child.wait(), -SIGKILL);
  }
  NodeServer other(stopping_server, {"70000", "\"two\""});
  Child child(ieum_command({"get", "--resume", "-o", place.path("f"), other.authority() + "/f"}),
              Input::nothing());
  EXPECT_EQ(other.child().read_until("\n"), "from 0\n");
}

TEST(HttpCommandDownload, is_interrupted_with_a_word) {
  NEEDS("node", "nodejs");
  const TemporaryDirectory place;
  NodeServer server(stopping_server, {"1000000", "\"one\""});
  Child child(ieum_command({"get", "-o", place.path("f"), server.authority() + "/f"}),
              Input::nothing());
  expect_soon("some of it has come", [&] { return size_of(place.path("f.part")) > 90'000; });
  child.signal(SIGINT);
  EXPECT_EQ(child.wait(), 130);
  EXPECT_THAT(child.error_output(), HasSubstr("--resume goes on there"));
}

/// Breaks the first answers in the middle, and answers 503 in between.
constexpr const char* breaking_server = R"(
const http = require('http');
const size = 300000, data = Buffer.alloc(size, 'x');
let count = 0;
const server = http.createServer((q, r) => {
  const range = /^bytes=(\d+)-$/.exec(q.headers.range || '');
  const first = range ? +range[1] : 0;
  ++count;
  if (count == 2) { r.writeHead(503, {'Retry-After': '1'}); return r.end(); }
  r.writeHead(first ? 206 : 200, {ETag: '"e"', 'Content-Length': size - first,
    ...(first ? {'Content-Range': `bytes ${first}-${size - 1}/${size}`} : {})});
  if (count > 2) return r.end(data.subarray(first));
  r.write(data.subarray(first, first + 100000));
  setTimeout(() => q.socket.destroy(), 100);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
)";

TEST(HttpCommandDownload, goes_on_by_itself_with_retry) {
  NEEDS("node", "nodejs");
  const TemporaryDirectory place;
  const NodeServer server(breaking_server);
  const Said said = run_command(
      {"get", "--retry", "5", "-O", "--dir", place.path(""), server.authority() + "/f"});
  EXPECT_EQ(said.status, 0) << said.errors;
  EXPECT_EQ(read_file(place.path("f")), std::string(300'000, 'x'));
  EXPECT_THAT(said.errors, HasSubstr("trying again in 1 s, 5 times at most"));
  EXPECT_THAT(said.errors, HasSubstr("503"));
}

TEST(HttpCommandDownload, stays_in_its_folder_and_replaces_nothing) {
  const TemporaryDirectory files;
  write_file(files.path("passwd"), "new\n");
  const TemporaryDirectory place;
  std::filesystem::create_directory(place.path("in"));
  const Served server(files.path(""), {"-q"});
  const std::string in = place.path("in");
  for (const char* path :
       {"/..%2Fpasswd", "/a/..%2f..%2fpasswd", "/%2e%2e%2fpasswd", "/passwd/..%2F"}) {
    static_cast<void>(run_command({"get", "--any-status", "-O", "--dir", in, server.url() + path}));
  }
  EXPECT_FALSE(std::filesystem::exists(place.path("passwd")));
  write_file(in + "/passwd", "old\n");
  Said said = run_command({"get", "-O", "--dir", in, server.url() + "/passwd"});
  EXPECT_EQ(said.status, 1);
  EXPECT_THAT(said.errors, HasSubstr("is there already; --overwrite replaces it"));
  EXPECT_EQ(read_file(in + "/passwd"), "old\n");
  said = run_command({"get", "-O", "--overwrite", "--dir", in, server.url() + "/passwd"});
  EXPECT_EQ(said.status, 0) << said.errors;
  EXPECT_EQ(read_file(in + "/passwd"), "new\n");
  // Nor does a link lead out.
  std::filesystem::create_symlink("../elsewhere", in + "/link.part");
  write_file(files.path("link"), "text\n");
  said = run_command({"get", "-O", "--dir", in, server.url() + "/link"});
  EXPECT_EQ(said.status, 1);
  EXPECT_FALSE(std::filesystem::exists(place.path("elsewhere")));
}

TEST(HttpCommandDownload, of_several_uses_one_connection) {
  const TemporaryDirectory files;
  write_file(files.path("a"), "a");
  write_file(files.path("b"), "b");
  const Served server(files.path(""), {"-q"});
  const Said said =
      run_command({"get", "-v", server.url() + "/a", server.url() + "/b", server.url() + "/a"});
  EXPECT_EQ(said.output, "aba");
  EXPECT_THAT(said.errors, HasSubstr("the connection is there already"));
  EXPECT_EQ(said.errors.find("connected from"), said.errors.rfind("connected from"));
}

TEST(HttpCommandDownload, tells_each_step_and_no_secret) {
  const TemporaryDirectory files;
  write_file(files.path("a"), "a");
  write_file(files.path("login"), "mina:s3cret\n");
  const Served server(files.path(""), {"-q"});
  const Said said = run_command({"get", "-v", "--timing", "--auth", files.path("login"), "-H",
                                 "Cookie: k=s3cret", server.url() + "/a"});
  std::size_t from = 0;
  for (const char* step :
       {"asking for", "looked up the name in", "connected from", "> GET /a HTTP/1.1",
        "sent the request", "< HTTP/1.1 200 OK", "the answer's head came", "the body came in",
        "connection", "waiting", "total"}) {
    const std::size_t at = said.errors.find(step, from);
    EXPECT_NE(at, said.errors.npos) << step << " in\n" << said.errors;
    from = std::min(at, from);
  }
  EXPECT_EQ(said.errors.find("s3cret"), said.errors.npos);
  EXPECT_EQ(said.errors.find("bWluYTpzM2NyZXQ"), said.errors.npos);  // the same in base64
}

constexpr const char* event_server = R"(
const http = require('http');
let count = 0;
const server = http.createServer((q, r) => {
  r.writeHead(200, {'Content-Type': 'text/event-stream'});
  const last = q.headers['last-event-id'] || '';
  ++count;
  if (count == 1) { r.write('retry: 100\n: hello\n\nid: 1\nevent: tick\ndata: a\ndata: b\n\ndata: half');
    return setTimeout(() => q.socket.destroy(), 100); }
  r.end(`data: after ${last}\n\n`);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
)";

TEST(HttpCommandDownload, shows_events_and_goes_on_behind_the_last) {
  NEEDS("node", "nodejs");
  const NodeServer server(event_server);
  const Said said = run_command(
      {"get", "--events", "json", "--retry", "1", "--deadline", "30", server.authority()});
  EXPECT_EQ(said.output,
            "{\"event\":\"tick\",\"data\":\"a\\nb\",\"id\":\"1\"}\n"
            "{\"event\":\"message\",\"data\":\"after 1\",\"id\":\"1\"}\n")
      << said.errors;
}

}  // namespace
}  // namespace ieum::test
