// The examples of HTTP, with curl.
#include <gmock/gmock.h>

#include "examples/programs.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

bool has_curl() { return std::system("command -v curl >/dev/null 2>&1") == 0; }
#define SKIP_WITHOUT_CURL() \
  if (!has_curl()) GTEST_SKIP() << "curl is not installed"

struct HttpExample {
  explicit HttpExample(std::string_view name) : child({example(name), at(port)}, Input::nothing()) {
    wait_until_listening(port);
  }
  std::string curl(std::vector<std::string> arguments, std::string_view path) const {
    arguments.insert(arguments.begin(), {"curl", "-sS"});
    arguments.push_back("http://" + at(port) + std::string(path));
    Child client(arguments, Input::nothing());
    std::string said = client.read_all();
    EXPECT_EQ(client.wait(), 0) << client.error_output();
    return said;
  }
  std::uint16_t port = free_port();
  Child child;
};

TEST(HttpJson, KeepsNotes) {
  SKIP_WITHOUT_CURL();
  const HttpExample notes("http_json");
  EXPECT_EQ(notes.curl({"--data", "buy \"milk\""}, "/notes"),
            "{\"id\":1,\"text\":\"buy \\\"milk\\\"\"}\n");
  EXPECT_EQ(notes.curl({}, "/notes"), "[{\"id\":1,\"text\":\"buy \\\"milk\\\"\"}]\n");
  EXPECT_EQ(notes.curl({"-X", "DELETE", "-w", "%{http_code}"}, "/notes/1"), "204");
  EXPECT_EQ(notes.curl({"-w", "%{http_code}"}, "/notes/1"), "404");
}

TEST(HttpForm, GreetsWithoutBelieving) {
  SKIP_WITHOUT_CURL();
  const HttpExample form("http_form");
  EXPECT_THAT(form.curl({}, "/"), testing::HasSubstr("<form"));
  EXPECT_THAT(form.curl({"-o", "/dev/null", "-w", "%{content_type}"}, "/circle.svg"),
              "image/svg+xml");
  EXPECT_THAT(form.curl({"--data-urlencode", "name=<b>&"}, "/greet"),
              testing::HasSubstr("Hello, &lt;b&gt;&amp;!"));
}

TEST(HttpUpload, TellsHowFarItIs) {
  SKIP_WITHOUT_CURL();
  const HttpExample uploads("http_upload");
  Child watcher({"curl", "-sSN", "http://" + at(uploads.port) + "/progress"}, Input::nothing());
  const TemporaryFile file(std::string(3'000'000, 'x'));
  // The watcher is there once it hears of one.
  for (int i = 0; i < 100 && watcher.output_so_far().empty(); ++i) {
    EXPECT_EQ(uploads.curl({"-T", file.path()}, "/upload"), "3000000 bytes\n");
  }
  watcher.read_until("data: 3000000 bytes, all of it\n\n");
}

}  // namespace
}  // namespace ieum::test
