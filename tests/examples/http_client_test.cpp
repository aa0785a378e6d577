// The examples that ask HTTP servers: a download, straight and through the reverse proxy.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "examples/programs.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

std::string content_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// What `download` says of a URL, and what it ended with.
int download(const std::string& url, const std::string& path, std::string& said) {
  Child child({example("download"), url, path}, Input::nothing());
  said = child.read_all();
  const int status = child.wait();
  said += child.error_output();
  return status;
}

TEST(HttpDownload, StraightAndThroughTheReverseProxy) {
  const std::uint16_t json_port = free_port();
  Child server({example("http_json"), at(json_port)}, Input::nothing());
  wait_until_listening(json_port);
  const std::uint16_t proxy_port = free_port();
  Child proxy({example("reverse_proxy"), at(proxy_port), "http://" + at(json_port)},
              Input::nothing());
  wait_until_listening(proxy_port);

  const TemporaryDirectory folder;
  std::string said;
  for (const std::uint16_t port : {json_port, proxy_port}) {
    const std::string path = folder.path(std::to_string(port));
    EXPECT_EQ(download("http://" + at(port) + "/notes", path, said), 0) << said;
    EXPECT_EQ(content_of(path), "[]\n");
    EXPECT_NE(download("http://" + at(port) + "/none", path, said), 0);
    EXPECT_THAT(said, testing::HasSubstr("404"));
  }
  server.signal(SIGKILL);
  server.wait();
  EXPECT_NE(download("http://" + at(proxy_port) + "/notes", folder.path("gone"), said), 0);
  EXPECT_THAT(said, testing::HasSubstr("502"));
}

}  // namespace
}  // namespace ieum::test
