// Pairs of programs in several languages: a recording has every call that they log themselves, once
// and in order.
#include <algorithm>
#include <cstdlib>

#include "trace/traced.hpp"

namespace ieum::test {
namespace {

using Calls = std::vector<std::pair<std::string, int>>;

/// What `program` has written: the number of its process, then its calls.
std::pair<int, Calls> logged_in(const std::string& path) {
  std::ifstream log(path);
  int pid = 0;
  log >> pid;
  Calls calls;
  std::string what;
  for (int bytes = 0; log >> what >> bytes;) calls.emplace_back(what, bytes);
  return {pid, calls};
}

/// What a recording has of it.
Calls recorded_of(const std::string& recording, int pid) {
  Calls calls;
  for (const json& event : events_of(recording)) {
    if (event.value("pid", 0) != pid || event.value("protocol", "") != "tcp") continue;
    const std::string call = event.value("call", "");
    const int result = event.value("result", -1);
    const bool sends = call.starts_with("send") || call.starts_with("write");
    const bool receives = call.starts_with("recv") || call.starts_with("read");
    if ((sends || receives) && result >= 0) calls.emplace_back(sends ? "send" : "receive", result);
  }
  return calls;
}

/// Both run `command server LOG` and `command client LOG`, after `build`, in a folder of their own.
void expect_what_they_log(const std::string& build, const std::string& command) {
  Scripts scripts;
  const std::string folder = scripts.path("");
  const auto run = [&](const std::string& words) {
    return "cd " + folder + " && PROGRAMS=" IEUM_TRACE_PROGRAMS " && " + words;
  };
  if (!build.empty()) {
    ASSERT_EQ(std::system(run("export GOCACHE=$PWD/cache HOME=${HOME:-/} && " + build).c_str()), 0);
  }
  const std::string recording = scripts.path("recording");
  const Traced traced =
      trace({"-q", "-o", recording, "--with", run("exec " + command + " server server.log"), "--",
             "sh", "-c", run("exec " + command + " client client.log")});
  EXPECT_EQ(traced.status, 0) << traced.ladder;
  for (const char* log : {"server.log", "client.log"}) {
    const auto [pid, logged] = logged_in(scripts.path(log));
    EXPECT_GE(logged.size(), 10U) << log;
    EXPECT_EQ(recorded_of(recording, pid), logged) << log;
  }
  const Traced once = trace({"--replay", recording});
  EXPECT_EQ(once.output, trace({"--replay", recording}).output);
  EXPECT_TRUE(once.output.contains("10.9 KiB there, 10.9 KiB back; ")) << once.output;
  EXPECT_TRUE(once.output.contains(" closed first, at ")) << once.output;
}

TEST(Pair, InPython) {
  TRACED_IN_NETWORK([] { expect_what_they_log("", python3() + " $PROGRAMS/echo.py"); });
}

TEST(Pair, InC) {
  NEEDS("cc", "gcc");
  TRACED_IN_NETWORK([] { expect_what_they_log("cc -O1 -o echo $PROGRAMS/echo.c", "./echo"); });
}

TEST(Pair, InRust) {
  NEEDS("rustc", "rustc");
  TRACED_IN_NETWORK([] { expect_what_they_log("rustc -o echo $PROGRAMS/echo.rs", "./echo"); });
}

TEST(Pair, InGo) {
  NEEDS("go", "golang-go");
  TRACED_IN_NETWORK([] { expect_what_they_log("go build -o echo $PROGRAMS/echo.go", "./echo"); });
}

TEST(Pair, InJava) {
  NEEDS("javac", "default-jdk-headless");
  TRACED_IN_NETWORK([] { expect_what_they_log("javac -d . $PROGRAMS/Echo.java", "java Echo"); });
}

TEST(Pair, InNode) {
  NEEDS("node", "nodejs");
  TRACED_IN_NETWORK([] { expect_what_they_log("", "node $PROGRAMS/echo.js"); });
}

/// nginx logs what a request and its answer took, and curl says so too.
TEST(Pair, OfCurlAndNginx) {
  NEEDS("curl", "curl");
  NEEDS("nginx", "nginx");
  TRACED_IN_NETWORK([] {
    Scripts scripts;
    const std::string recording = scripts.path("recording");
    std::ofstream(scripts.path("page.txt")) << std::string(100'000, 'x');
    std::ofstream(scripts.path("nginx.conf")) << R"(
daemon off;
user root;
worker_processes 1;
pid nginx.pid;
error_log error.log;
events {}
http {
  log_format bytes "$request_length $bytes_sent";
  access_log access.log bytes;
  sendfile on;
  client_body_temp_path temp;
  proxy_temp_path temp;
  fastcgi_temp_path temp;
  uwsgi_temp_path temp;
  scgi_temp_path temp;
  server {
    listen 127.0.0.1:7000;
    root .;
  }
})";
    const Traced traced = trace(
        {"-o", recording, "--with", "nginx -e error.log -p " + scripts.path("") + " -c nginx.conf",
         "--", "curl", "-s", "--noproxy", "*", "-o", "/dev/null", "-w",
         "%{size_request} %{size_header} %{size_download}", "http://127.0.0.1:7000/page.txt"});
    EXPECT_EQ(traced.status, 0) << content_of(scripts.path("error.log"));
    int request = 0;
    int header = 0;
    int body = 0;
    std::istringstream(traced.output) >> request >> header >> body;
    EXPECT_EQ(body, 100'000);
    EXPECT_EQ(content_of(scripts.path("access.log")),
              std::to_string(request) + " " + std::to_string(header + body) + "\n");
    std::map<std::string, int> moved;
    for (const json& event : events_of(recording)) {
      if (event.value("protocol", "") != "tcp" || event.value("result", -1) <= 0) continue;
      const std::string call = event.value("call", "");
      const bool sends = call.starts_with("send") || call.starts_with("write");
      const bool receives = call.starts_with("recv") || call.starts_with("read");
      const bool by_nginx = event.value("local", "") == "127.0.0.1:7000";
      if (sends || receives) {
        moved[std::string(by_nginx ? "nginx " : "curl ") + (sends ? "sends" : "receives")] +=
            event.value("result", 0);
      }
    }
    EXPECT_EQ(moved["curl sends"], request);
    EXPECT_EQ(moved["nginx receives"], request);
    EXPECT_EQ(moved["nginx sends"], header + body);
    EXPECT_EQ(moved["curl receives"], header + body);
    expect_text(traced, {"\"GET /page.txt", "\"HTTP/1.1 200 OK", "sendfile(100000)",
                         std::to_string(request) + " bytes there"});
  });
}

}  // namespace
}  // namespace ieum::test
