// Static files: what is sent, and what never is.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "http/talk.hpp"

namespace ieum::test {
namespace {

using http::Routes;

/// A directory `public` and what lies beside it.
class Site {
 public:
  Site() {
    std::filesystem::create_directories(path("public/sub"));
    write("secret", "secret");
    write("public/a.txt", "0123456789");
    write("public/a.txt.gz", "packed");
    write("public/large.bin", std::string(300'000, 'l'));
    write("public/index.html", "index");
    write("public/sub/index.html", "sub index");
    write("public/.hidden", "hidden");
    std::filesystem::create_directories(path("public/.git"));
    write("public/.git/config", "hidden");
    std::filesystem::create_directories(path("public/empty"));
    EXPECT_EQ(::symlink("../secret", path("public/out").c_str()), 0);
    EXPECT_EQ(::symlink("..", path("public/up").c_str()), 0);
    EXPECT_EQ(::symlink("/etc", path("public/etc").c_str()), 0);
    EXPECT_EQ(::symlink("a.txt", path("public/in").c_str()), 0);
    EXPECT_EQ(::mkfifo(path("public/fifo").c_str(), 0600), 0);
  }
  [[nodiscard]] std::string path(std::string_view name) const { return directory_.path(name); }

 private:
  void write(std::string_view name, const std::string& content) {
    std::ofstream(path(name), std::ios::binary) << content;
  }
  TemporaryDirectory directory_;
};

Routes routes_of(const Site& site, const http::FileOptions& options = {}) {
  Routes routes;
  EXPECT_TRUE(routes.files("/static", site.path("public"), options));
  return routes;
}

std::string field(std::string_view response, std::string_view name) {
  const std::size_t at = response.find("\r\n" + std::string(name) + ": ");
  if (at == response.npos) return "";
  const std::size_t from = at + name.size() + 4;
  return std::string(response.substr(from, response.find("\r\n", from) - from));
}

std::string body(std::string_view response) {
  return std::string(response.substr(response.find("\r\n\r\n") + 4));
}

CO_TEST(HttpFiles, are_listed_only_if_that_is_wanted) {
  const Site site;
  http::FileOptions options;
  const Routes silent = routes_of(site, options);
  std::string text = co_await talk_to(silent, get("/static/empty/"));
  EXPECT_EQ(statuses(text), "404");
  options.listing = true;
  options.listing_foot = "<p>foot</p>";
  const Routes routes = routes_of(site, options);
  text = co_await talk_to(routes, get("/static/empty/"));
  EXPECT_EQ(statuses(text), "200");
  EXPECT_THAT(body(text), testing::HasSubstr("<h1>/static/empty/</h1>"));
  EXPECT_THAT(body(text), testing::HasSubstr("<p>foot</p>"));
  EXPECT_EQ(field(text, "X-Content-Type-Options"), "nosniff");
  text = co_await talk_to(routes, get("/static/"));  // has an index
  EXPECT_EQ(body(text), "index");
  options.index = "";
  const Routes all = routes_of(site, options);
  text = co_await talk_to(all, get("/static/"));
  for (const char* there : {"\"a.txt\"", "\"in\"", "\"sub/\"", "\"empty/\""}) {
    EXPECT_THAT(body(text), testing::HasSubstr(there));
  }
  for (const char* not_there : {"out", "\"up", "etc", "fifo", "hidden", "git"}) {
    EXPECT_THAT(body(text), testing::Not(testing::HasSubstr(not_there)));
  }
  // Nothing of elsewhere is listed, by whatever way.
  text = co_await talk_to(all, get("/static/up/"));
  EXPECT_EQ(statuses(text), "404");
}

CO_TEST(HttpFiles, have_a_page_in_the_place_of_one_that_there_is_not) {
  const Site site;
  http::FileOptions options;
  options.fallback = "index.html";
  const Routes routes = routes_of(site, options);
  std::string text =
      co_await talk_to(routes, get("/static/users/7", "Accept: text/html,*/*;q=0.8\r\n"));
  EXPECT_EQ(statuses(text), "200");
  EXPECT_EQ(body(text), "index");
  text = co_await talk_to(routes, get("/static/none.js", "Accept: text/html\r\n"));
  EXPECT_EQ(statuses(text), "404");
  text = co_await talk_to(routes, get("/static/none"));
  EXPECT_EQ(statuses(text), "404");
}

CO_TEST(HttpFiles, are_sent_with_what_is_known_of_them) {
  const Site site;
  const Routes routes = routes_of(site);
  const std::string text = co_await talk_to(routes, get("/static/a.txt"));
  EXPECT_EQ(statuses(text), "200");
  EXPECT_EQ(body(text), "0123456789");
  EXPECT_EQ(field(text, "Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(field(text, "Accept-Ranges"), "bytes");
  EXPECT_TRUE(field(text, "ETag").starts_with('"'));
  EXPECT_TRUE(field(text, "Last-Modified").ends_with(" GMT"));
  const std::string large = co_await talk_to(routes, get("/static/large.bin"));
  EXPECT_EQ(body(large), std::string(300'000, 'l'));
  EXPECT_EQ(field(large, "Content-Type"), "application/octet-stream");
  const std::string head =
      co_await talk_to(routes, "HEAD /static/large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(field(head, "Content-Length"), "300000");
  EXPECT_EQ(body(head), "");
  const std::string link = co_await talk_to(routes, get("/static/in"));
  EXPECT_EQ(body(link), "0123456789");
  const std::string wrong = co_await talk_to(routes, post("/static/a.txt", ""));
  EXPECT_EQ(statuses(wrong), "405");
}

CO_TEST(HttpFiles, have_an_index_for_a_directory) {
  const Site site;
  const Routes routes = routes_of(site);
  const std::string root = co_await talk_to(routes, get("/static/"));
  EXPECT_EQ(body(root), "index");
  EXPECT_EQ(field(root, "Content-Type"), "text/html; charset=utf-8");
  const std::string sub = co_await talk_to(routes, get("/static/sub/"));
  EXPECT_EQ(body(sub), "sub index");
  const std::string moved = co_await talk_to(routes, get("/static/sub?x=y"));
  EXPECT_EQ(statuses(moved), "301");
  EXPECT_EQ(field(moved, "Location"), "/static/sub/?x=y");
  const std::string empty = co_await talk_to(routes, get("/static/empty/"));
  EXPECT_EQ(statuses(empty), "404");
  const Routes without = routes_of(site, {.index = ""});
  const std::string none = co_await talk_to(without, get("/static/sub/"));
  EXPECT_EQ(statuses(none), "404");
}

CO_TEST(HttpFiles, are_not_sent_from_elsewhere) {
  const Site site;
  const Routes routes = routes_of(site);
  for (const std::string path : {"../secret",
                                 "%2e%2e/secret",
                                 "..%2fsecret",
                                 "%2e%2e%2fsecret",
                                 "sub/../../secret",
                                 "sub%2f..%2f..%2fsecret",
                                 "out",
                                 "up/secret",
                                 "etc/passwd",
                                 "/etc/passwd",
                                 "//etc/passwd",
                                 "%2fetc/passwd",
                                 ".hidden",
                                 ".git/config",
                                 "sub/.",
                                 "sub/..",
                                 "fifo",
                                 "a.txt/",
                                 "a.txt/x",
                                 "a.txt%00",
                                 "%00",
                                 "%",
                                 "%2",
                                 "..\\secret",
                                 "%c0%ae%c0%ae/secret",
                                 "nothing",
                                 "sub//index.html",
                                 "....//secret",
                                 ".%2e/secret",
                                 "%252e%252e/secret",
                                 "up/public/a.txt"}) {
    const std::string got = co_await talk_to(routes, get("/static/" + path));
    EXPECT_THAT(statuses(got), testing::AnyOf("404", "400")) << path << "\n" << got;
    EXPECT_EQ(got.find("secret\r\n\r\nsecret"), got.npos);
  }
  const std::string long_name = co_await talk_to(routes, get("/static/" + std::string(5000, 'x')));
  EXPECT_EQ(statuses(long_name), "404");
  const Routes with_dots = routes_of(site, {.dotfiles = true});
  const std::string hidden = co_await talk_to(with_dots, get("/static/.git/config"));
  EXPECT_EQ(body(hidden), "hidden");
}

CO_TEST(HttpFiles, are_sent_in_parts) {
  const Site site;
  const Routes routes = routes_of(site);
  const std::string one = co_await talk_to(routes, get("/static/a.txt", "Range: bytes=2-4\r\n"));
  EXPECT_EQ(statuses(one), "206");
  EXPECT_EQ(body(one), "234");
  EXPECT_EQ(field(one, "Content-Range"), "bytes 2-4/10");
  const std::string beyond = co_await talk_to(routes, get("/static/a.txt", "Range: bytes=10-\r\n"));
  EXPECT_EQ(statuses(beyond), "416");
  EXPECT_EQ(field(beyond, "Content-Range"), "bytes */10");
  const std::string two = co_await talk_to(routes, get("/static/a.txt", "Range: bytes=0-0,-1\r\n"));
  EXPECT_EQ(statuses(two), "206");
  EXPECT_TRUE(field(two, "Content-Type").starts_with("multipart/byteranges; boundary="));
  EXPECT_THAT(two, testing::HasSubstr("Content-Range: bytes 0-0/10\r\n\r\n0\r\n--"));
  EXPECT_THAT(two, testing::HasSubstr("Content-Range: bytes 9-9/10\r\n\r\n9\r\n--"));
  EXPECT_EQ(field(two, "Content-Length"), std::to_string(body(two).size()));
  const std::string head = co_await talk_to(
      routes, "HEAD /static/a.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0\r\n\r\n");
  EXPECT_EQ(statuses(head), "200");
}

CO_TEST(HttpFiles, are_not_sent_to_who_has_them) {
  const Site site;
  const Routes routes = routes_of(site, {.max_age = 60s});
  const std::string first = co_await talk_to(routes, get("/static/a.txt"));
  EXPECT_EQ(field(first, "Cache-Control"), "max-age=60");
  const std::string tag = field(first, "ETag");
  const std::string date = field(first, "Last-Modified");
  const std::string same = co_await talk_to(
      routes, get("/static/a.txt", "If-None-Match: " + tag + "\r\n") + get("/static/a.txt"));
  EXPECT_EQ(statuses(same), "304 200");
  EXPECT_EQ(field(same, "ETag"), tag);
  const std::string by_date =
      co_await talk_to(routes, get("/static/a.txt", "If-Modified-Since: " + date + "\r\n"));
  EXPECT_EQ(statuses(by_date), "304");
  const std::string failed = co_await talk_to(routes, get("/static/a.txt", "If-Match: \"x\"\r\n"));
  EXPECT_EQ(statuses(failed), "412");
  // Conditions are judged of what there is.
  const std::string no_file =
      co_await talk_to(routes, get("/static/nothing", "If-Match: \"x\"\r\n") +
                                   get("/static/nothing", "If-None-Match: *\r\n") +
                                   "OPTIONS /static/a.txt HTTP/1.1\r\nHost: a\r\nIf-Match: "
                                   "\"x\"\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(statuses(no_file), "404 404 204");
}

CO_TEST(HttpFiles, may_lie_there_packed) {
  const Site site;
  const Routes routes = routes_of(site, {.precompressed = true});
  const std::string packed =
      co_await talk_to(routes, get("/static/a.txt", "Accept-Encoding: br, gzip\r\n"));
  EXPECT_EQ(body(packed), "packed");
  EXPECT_EQ(field(packed, "Content-Encoding"), "gzip");
  EXPECT_EQ(field(packed, "Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(field(packed, "Vary"), "Accept-Encoding");
  const std::string plain = co_await talk_to(routes, get("/static/a.txt"));
  EXPECT_EQ(body(plain), "0123456789");
  EXPECT_EQ(field(plain, "Vary"), "Accept-Encoding");
}

TEST(HttpFiles, need_a_directory) {
  Routes routes;
  EXPECT_EQ(routes.files("/", "/nowhere").error(), std::errc::no_such_file_or_directory);
}

}  // namespace
}  // namespace ieum::test
