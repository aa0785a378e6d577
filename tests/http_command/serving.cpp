// `ieum serve`: what it serves, and what it does not.
#include <sys/stat.h>

#include <csignal>

#include "http_command/http_command.hpp"

namespace ieum::test {
namespace {

using testing::HasSubstr;
using testing::Not;

/// One request by hand, and the whole answer.
std::string answer_to(const Served& server, const std::string& request) {
  return succeed(
      ask(server.authority(), request + "\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
}
std::string get_path(const Served& server, const std::string& path) {
  return answer_to(server, "GET " + path + " HTTP/1.1");
}

/// `count` files in folders of a hundred, with names of all kinds.
void fill(const TemporaryDirectory& place, int count) {
  for (int i = 0; i < count; ++i) {
    const std::string folder = "d" + std::to_string(i / 100);
    std::filesystem::create_directory(place.path(folder));
    const char* const kind = i % 5 == 0 ? "한국 " : i % 5 == 1 ? "a b&c#d?e" : "f";
    write_file(place.path(folder + "/" + kind + std::to_string(i)), "file " + std::to_string(i));
  }
}

TEST(HttpCommandServe, is_mirrored_by_wget) {
  NEEDS("wget", "wget");
  const TemporaryDirectory files;
  fill(files, long_form() ? 10'000 : 300);
  const Served server(files.path(""), {"-q"});
  const TemporaryDirectory mirror;
  Child wget({"sh", "-c",
              "cd \"$1\" && wget -q -r -np -nH -R 'index.html*' --restrict-file-names=nocontrol "
              "\"$2\"/ ; diff -r -x index.html \"$3\" . && echo same",
              "sh", mirror.path(""), server.url(), files.path("")},
             Input::nothing());
  EXPECT_EQ(wget.read_all(std::chrono::minutes(long_form() ? 10 : 2)), "same\n");
}

TEST(HttpCommandServe, leads_nowhere_else) {
  const TemporaryDirectory outside;
  write_file(outside.path("secret"), "secret\n");
  const TemporaryDirectory files;
  std::filesystem::create_directories(files.path("in/deep"));
  write_file(files.path("in/file"), "file\n");
  write_file(files.path(".hidden"), "secret\n");
  std::filesystem::create_directory(files.path(".git"));
  write_file(files.path(".git/config"), "secret\n");
  std::filesystem::create_symlink(outside.path("secret"), files.path("link"));
  std::filesystem::create_directory_symlink(outside.path(""), files.path("out"));
  std::filesystem::create_symlink("in/file", files.path("inner"));
  ASSERT_EQ(::mkfifo(files.path("pipe").c_str(), 0600), 0);
  const Served server(files.path(""), {"-q"});
  const std::string out = std::filesystem::path(outside.path("")).parent_path().filename().string();
  for (const std::string& path :
       {std::string("/../") + out + "/secret", "/%2e%2e/" + out + "/secret",
        "/..%2f" + out + "/secret", "/in/../../" + out + "/secret",
        "/in/%2e%2e/%2e%2e/" + out + "/secret", "//" + outside.path("secret"),
        outside.path("secret"), std::string("/link"), std::string("/out/secret"),
        std::string("/out/"), std::string("/.hidden"), std::string("/.git/config"),
        std::string("/%2egit/config"), std::string("/in/..;/.hidden"), std::string("/pipe"),
        std::string("/in/file/"), std::string("/in\\..\\.hidden"), std::string("/in/file%00.txt"),
        std::string("/proc/self/environ")}) {
    const std::string answer = get_path(server, path);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 40")) << path << ": " << answer;
    EXPECT_THAT(answer, Not(HasSubstr("secret\n"))) << path;
  }
  EXPECT_THAT(get_path(server, "/inner"), HasSubstr("file\n"));
  const std::string list = get_path(server, "/");
  EXPECT_THAT(list, HasSubstr("\"inner\""));
  EXPECT_THAT(list, HasSubstr("\"in/\""));
  for (const char* hidden : {".hidden", ".git", "link", "out/", "pipe"}) {
    EXPECT_THAT(list, Not(HasSubstr("\"" + std::string(hidden)))) << hidden;
  }
  EXPECT_THAT(list, HasSubstr("X-Content-Type-Options: nosniff"));
  EXPECT_THAT(list, HasSubstr("Content-Security-Policy: default-src 'none'"));
  EXPECT_THAT(get_path(server, "/in/file"), HasSubstr("X-Content-Type-Options: nosniff"));
}

TEST(HttpCommandServe, answers_no_host_but_localhost_unless_told) {
  const TemporaryDirectory files;
  write_file(files.path("f"), "x");
  const std::string foreign = "GET /f HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n";
  const Served local(files.path(""), {"-q"});
  EXPECT_THAT(local.line(), HasSubstr("only programs of this machine can reach it"));
  EXPECT_THAT(succeed(ask(local.authority(), foreign)), HasSubstr("421"));
  EXPECT_THAT(get_path(local, "/f"), HasSubstr("200 OK"));
  const Served named(files.path(""), {"-q", "--host", "evil.test"});
  EXPECT_THAT(succeed(ask(named.authority(), foreign)), HasSubstr("200 OK"));
  const Served open(files.path(""), {"-q", "--listen", "0.0.0.0:0"});
  EXPECT_THAT(succeed(ask(open.authority(), foreign)), HasSubstr("200 OK"));
}

/// The URLs that a server tells, each of which must answer.
std::vector<std::string> told_urls(Served& server) {
  server.child().signal(SIGINT);
  server.child().wait();
  std::string told = server.line() + server.child().error_output();
  std::vector<std::string> urls;
  for (std::size_t at = 0; (at = told.find("http://", at)) != told.npos; ++at) {
    urls.push_back(told.substr(at, told.find_first_of("; \n", at) - at));
  }
  return urls;
}

TEST(HttpCommandServe, tells_no_url_that_it_does_not_answer) {
  const TemporaryDirectory files;
  write_file(files.path("f"), "x");
  const auto urls = [&](const Words& options) {
    Served server(files.path(""), with({"-q"}, options));
    const std::string port = server.port();
    // Before it ends: whoever asks by the first of them is answered.
    const std::string authority = server.url().substr(std::string("http://").size());
    const std::string at = authority.starts_with("127.0.0.9") ? authority : server.authority();
    EXPECT_THAT(
        succeed(ask(at, "GET /f HTTP/1.1\r\nHost: " + authority + "\r\nConnection: close\r\n\r\n")),
        HasSubstr("200 OK"))
        << authority;
    std::vector<std::string> told = told_urls(server);
    for (std::string& url : told) url.erase(url.find(":" + port));
    return told;
  };
  using testing::Contains;
  using testing::ElementsAre;
  EXPECT_THAT(urls({}), ElementsAre("http://localhost"));
  EXPECT_THAT(urls({"--listen", "127.0.0.9:0"}), ElementsAre("http://127.0.0.9"));
  EXPECT_THAT(urls({"--host", "a.test"}), ElementsAre("http://localhost", "http://a.test"));
  EXPECT_THAT(urls({"--listen", "0.0.0.0:0"}), Contains("http://localhost"));
  EXPECT_THAT(urls({"--listen", "0.0.0.0:0", "--host", "a.test", "--host", "b.test"}),
              ElementsAre("http://a.test", "http://b.test"));
}

TEST(HttpCommandServe, takes_uploads_into_one_folder) {
  const TemporaryDirectory files;
  std::filesystem::create_directory(files.path("in"));
  const Served server(files.path(""), {"-q", "--upload", "in", "--upload-max", "100k"});
  const std::string small = sample(60'000);
  const TemporaryDirectory own;
  write_file(own.path("a 한.bin"), small);
  write_file(own.path("large"), sample(200'000));
  const std::string in = server.url() + "/in/";
  Said said = run_command({"get", "-T", own.path("a 한.bin"), in});
  EXPECT_EQ(said.status, 0) << said.errors;
  EXPECT_EQ(read_file(files.path("in/a 한.bin")), small);
  said = run_command({"get", "-T", own.path("a 한.bin"), in});
  EXPECT_EQ(said.status, 22);
  EXPECT_THAT(said.output, HasSubstr("409 Conflict: 'a 한.bin' is there already"));
  said = run_command({"get", "-T", own.path("large"), in});
  EXPECT_EQ(said.status, 22);
  EXPECT_THAT(said.errors, HasSubstr("413"));
  for (const char* path : {"/elsewhere", "/in/../x", "/in/.hidden", "/in/%2e%2e%2fx", "/in/a%00b",
                           "/in/a%0ab", "/in/deep/x"}) {
    const std::string answer =
        answer_to(server, "PUT " + std::string(path) + " HTTP/1.1\r\nContent-Length: 0");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 40")) << path << ": " << answer;
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(files.path("in")), {}), 1);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(files.path("")), {}), 1);
  // Half of one leaves nothing behind.
  EXPECT_THAT(get_path(server, "/in/"), HasSubstr("type=\"file\""));
  EXPECT_THAT(get_path(server, "/"), Not(HasSubstr("type=\"file\"")));
}

TEST(HttpCommandServe, asks_for_a_password) {
  const TemporaryDirectory files;
  write_file(files.path("f"), "for you\n");
  const TemporaryFile login("mina:secret\n");
  const TemporaryFile wrong("mina:secre\n");
  const Served server(files.path(""), {"-q", "--auth", login.path()});
  const std::string url = server.url() + "/f";
  EXPECT_EQ(run_command({"get", "--auth", login.path(), url}).output, "for you\n");
  EXPECT_THAT(run_command({"get", "--auth", wrong.path(), url}).errors, HasSubstr("401"));
  EXPECT_THAT(get_path(server, "/f"), HasSubstr("WWW-Authenticate: Basic"));
  EXPECT_THAT(get_path(server, "/none"), HasSubstr("401"));
}

TEST(HttpCommandServe, serves_applications_of_one_page_and_other_origins) {
  const TemporaryDirectory files;
  write_file(files.path("index.html"), "<p>app</p>\n");
  const Served server(files.path(""), {"-q", "--spa", "--cors", "--no-listing"});
  const std::string page = answer_to(server, "GET /a/b HTTP/1.1\r\nAccept: text/html");
  EXPECT_THAT(page, HasSubstr("200 OK"));
  EXPECT_THAT(page, HasSubstr("<p>app</p>"));
  EXPECT_THAT(page, HasSubstr("Access-Control-Allow-Origin: *"));
  EXPECT_THAT(answer_to(server, "GET /a.js HTTP/1.1\r\nAccept: text/html"), HasSubstr("404"));
  EXPECT_THAT(answer_to(server, "GET /api HTTP/1.1\r\nAccept: */*"), HasSubstr("404"));
  const std::string preflight = answer_to(
      server, "OPTIONS /a HTTP/1.1\r\nOrigin: http://x\r\nAccess-Control-Request-Method: GET");
  EXPECT_THAT(preflight, HasSubstr("Access-Control-Allow-Methods: GET, HEAD"));
}

TEST(HttpCommandServe, writes_a_line_for_each_request) {
  const TemporaryDirectory files;
  write_file(files.path("f"), "x");
  Served server(files.path(""));
  static_cast<void>(get_path(server, "/f"));
  static_cast<void>(get_path(server, "/\x1b[31m"));
  const std::string first = server.child().read_until("\n");
  EXPECT_THAT(first, HasSubstr("127.0.0.1 - - ["));
  EXPECT_THAT(first, HasSubstr("\"GET /f HTTP/1.1\" 200 1 \"-\" \"-\""));
  const std::string second = server.child().read_until("\n");
  EXPECT_EQ(second.find('\x1b'), second.npos);
}

Task<std::string> take_slowly(std::string to, Child& server, std::size_t size) {
  StreamSocket peer = co_await StreamSocket::connect(to);
  co_await peer.write_all(std::string_view("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  std::array<std::byte, 1000> some{};
  std::string text;
  const std::size_t begun = co_await peer.read_some(some);
  text.append(reinterpret_cast<const char*>(some.data()), begun);
  server.signal(SIGINT);
  co_await sleep(std::chrono::milliseconds(200));
  std::string rest = co_await read_to_end(peer);
  text += rest;
  EXPECT_GT(text.size(), size);
  co_return text;
}

TEST(HttpCommandServe, drains_at_an_interrupt) {
  const std::string large = sample(20'000'000);
  const TemporaryDirectory files;
  write_file(files.path("large"), large);
  Served server(files.path(""), {"-q"});
  const std::string answer = succeed(take_slowly(server.authority(), server.child(), large.size()));
  EXPECT_TRUE(answer.ends_with(large));
  EXPECT_EQ(server.child().wait(), 130);
  EXPECT_THAT(server.child().error_output(), HasSubstr("interrupted; 1 request, 19.1 MiB sent"));
}

TEST(HttpCommandServe, says_what_it_cannot_serve) {
  const TemporaryFile file("x");
  Said said = run_command({"serve", "/no/such"});
  EXPECT_EQ(said.status, 1);
  EXPECT_THAT(said.errors, HasSubstr("cannot serve '/no/such'"));
  said = run_command({"serve", file.path()});
  EXPECT_THAT(said.errors, HasSubstr("it is a file; its folder can be served"));
  const TemporaryDirectory files;
  const Served other(files.path(""), {"-q"});
  said = run_command({"serve", "--listen", other.authority(), files.path("")});
  EXPECT_EQ(said.status, 1);
  EXPECT_THAT(said.errors, HasSubstr("choose another port"));
}

}  // namespace
}  // namespace ieum::test
