// Behind nginx and haproxy: ordinary requests pass, also those of our client, and none is smuggled.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <ieum/http/client.hpp>

#include "http/forms.hpp"
#include "http/talk.hpp"
#include "support/servers.hpp"

namespace ieum::test {
namespace {

using http::Request;
using http::Response;
using http::Routes;

/// A proxy in front of a port, on a Unix socket.
struct Front {
  std::string program;
  std::string configuration;
  std::vector<std::string> command;
};

Front nginx(const TemporaryDirectory& directory, const std::string& port) {
  const std::string place = directory.path("");
  Front front;
  front.program = find_nginx();
  front.configuration = "daemon off; master_process off; pid " + place + "pid;\nerror_log " +
                        place + "log;\nevents {}\nhttp { access_log off;\n";
  for (const char* of : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
    front.configuration.append(of).append("_temp_path ").append(place).append(of).append(";\n");
  }
  front.configuration += "upstream us { server 127.0.0.1:" + port +
                         "; keepalive 4; }\n"
                         "server { listen unix:" +
                         place +
                         "front; location / { proxy_pass http://us; proxy_http_version 1.1;\n"
                         "proxy_set_header Connection \"\"; proxy_request_buffering off;\n"
                         "proxy_set_header X-Forwarded-For 1.2.3.4; } } }\n";
  front.command = {front.program, "-e", place + "log", "-c", place + "configuration"};
  return front;
}

Front haproxy(const TemporaryDirectory& directory, const std::string& port,
              const std::string& server_options) {
  Front front;
  front.program = find_haproxy();
  front.configuration =
      "defaults\n mode http\n timeout connect 60s\n timeout client 60s\n timeout server 60s\n"
      " option forwardfor\nfrontend front\n bind unix@" +
      directory.path("front") + "\n default_backend us\nbackend us\n server one 127.0.0.1:" + port +
      " " + server_options + "\n";
  front.command = {front.program, "-db", "-f", directory.path("configuration")};
  return front;
}

Task<StreamSocket> connect_patiently(const std::string& path) {
  const TimePoint until = now() + 30s;  // then it has not even started
  for (;;) {
    Result<StreamSocket> socket = co_await attempt(StreamSocket::connect("unix:" + path));
    if (socket) co_return std::move(*socket);
    if (now() > until) co_return fail(socket.error());
    co_await sleep(10ms);
  }
}

Task<Response> seen(Request& request, std::vector<std::string>& log) {
  Result<std::string> body = co_await attempt(request.body().text(std::size_t{1} << 20U));
  if (!body) co_return fail(body.error());
  log.push_back(std::string(request.path()) + " " + std::to_string(body->size()) + " " +
                request.client().to_string());
  co_return Response::text("seen");
}

/// Sends `input` through a proxy and gives what comes back within a while, or until the end.
Task<std::string> through(const std::string& path, std::string_view input) {
  StreamSocket socket = co_await connect_patiently(path);
  co_await socket.write_all(input);  // nginx takes a half-close for the end of interest
  std::string got;
  for (;;) {  // a refused request may have been answered before all was sent
    Result<Lease> data = co_await attempt(with_timeout(1s, socket.receive()));
    if (!data || data->empty()) co_return got;
    got += data->text();
  }
}

/// Which proxy, and how it is configured.
enum class Kind { nginx, haproxy, haproxy_with_header };

template <class Body>
Task<> behind(Kind kind, Body body) {
  const TemporaryDirectory directory;
  std::vector<std::string> log;
  Routes routes;
  EXPECT_TRUE(routes.trust("127.0.0.1"));
  routes.any("/{path...}", [&log](Request& request) { return seen(request, log); });
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const std::string port = std::to_string(listener.address().port());
  http::ServerOptions options;
  options.proxy_protocol = kind == Kind::haproxy_with_header;
  http::Server server(std::move(listener), std::move(routes), options);
  const Front front = kind == Kind::nginx
                          ? nginx(directory, port)
                          : haproxy(directory, port, options.proxy_protocol ? "send-proxy-v2" : "");
  std::ofstream(directory.path("configuration")) << front.configuration;
  auto all = [&](Group& group) -> Task<> {
    group.start(server.run());
    Process proxy = co_await Process::start(front.command, silent);
    co_await body(directory.path("front"), log);
    const ExitStatus status = co_await proxy.stop(2s);
    static_cast<void>(status);
    const DrainReport report = co_await server.drain(5s);
    EXPECT_EQ(report.cut, 0U);
  };
  co_await with_group(all);
}

Task<> passes(Kind kind) {
  auto body = [kind](const std::string& path, std::vector<std::string>& log) -> Task<> {
    const std::string chunked =
        "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\n"
        "de\r\n0\r\n\r\n";
    const std::string got =
        co_await through(path, get("/a") + post("/b", std::string(100'000, 'x')) + chunked +
                                   get("/d", "Connection: close\r\n"));
    EXPECT_EQ(statuses(got), "200 200 200 200") << got;
    CO_ASSERT(log.size() == 4);
    const std::string client = kind == Kind::nginx ? " 1.2.3.4:0" : "";
    EXPECT_TRUE(log[0].starts_with("/a 0" + client)) << log[0];
    EXPECT_TRUE(log[1].starts_with("/b 100000" + client)) << log[1];
    EXPECT_TRUE(log[2].starts_with("/c 5" + client)) << log[2];
    EXPECT_TRUE(log[3].starts_with("/d 0" + client)) << log[3];
  };
  co_await behind(kind, body);
}

/// Our client at one end, our server at the other.
Task<> passes_between_our_own(Kind kind) {
  auto body = [](const std::string& path, std::vector<std::string>& log) -> Task<> {
    const StreamSocket first = co_await connect_patiently(path);
    const std::string via = "unix:" + path;
    const http::RequestOptions options{.via = via};
    http::Client client;
    for (int i = 0; i < 3; ++i) {
      http::Reply page = co_await client.get("http://a/a", options);
      const std::string text = co_await page.body().text();
      EXPECT_EQ(text, "seen");
      std::string bytes(100'000, 'x');
      http::Reply sent =
          co_await client.post("http://a/b", http::Content::text(std::move(bytes)), options);
      const std::string of_sent = co_await sent.body().text();
      EXPECT_EQ(of_sent, "seen");
      http::Content stream = http::Content::stream("x/y", [](auto& writer) -> Task<> {
        for (int piece = 0; piece < 3; ++piece) co_await writer.write("piece");
      });
      http::Reply streamed = co_await client.put("http://a/c", std::move(stream), options);
      const std::string of_streamed = co_await streamed.body().text();
      EXPECT_EQ(of_streamed, "seen");
      http::Reply head = co_await client.head("http://a/d", options);
      EXPECT_EQ(head.status(), http::Status::ok);
    }
    EXPECT_EQ(client.idle_connections(), 1);
    CO_ASSERT(log.size() == 12);
    for (std::size_t i = 0; i < log.size(); i += 4) {
      EXPECT_TRUE(log[i].starts_with("/a 0 ")) << log[i];
      EXPECT_TRUE(log[i + 1].starts_with("/b 100000 ")) << log[i + 1];
      EXPECT_TRUE(log[i + 2].starts_with("/c 15 ")) << log[i + 2];
      EXPECT_TRUE(log[i + 3].starts_with("/d 0 ")) << log[i + 3];
    }
  };
  co_await behind(kind, body);
}

/// A poisoned request that reaches a handler is one that the proxy knows of, and has answered
/// beside the one before it.
Task<> try_form(const std::string& path, const Form& form, std::string poison,
                const std::vector<std::string>& log) {
  std::string input(form.text);
  input += get(poison);
  const std::string got = co_await through(path, input);
  const auto seen_of = [&] {
    return std::ranges::count_if(log,
                                 [&](const std::string& one) { return one.starts_with(poison); });
  };
  const std::string answers = statuses(got);
  EXPECT_LE(seen_of(), answers.size() >= 7 ? 1 : 0) << form.text << "\n" << got;
}

Task<> smuggles_nothing(Kind kind) {
  auto body = [](const std::string& path, std::vector<std::string>& log) -> Task<> {
    auto all = [&](Group& group) -> Task<> {
      int count = 0;
      for (const Form& form : ambiguous_forms) {
        group.start(try_form(path, form, "/poison-" + std::to_string(++count) + "-", log));
      }
      co_return;
    };
    co_await with_group(all);
  };
  co_await behind(kind, body);
}

TEST(HttpBehind, nginx_requests_pass) {
  NEEDS_SERVER(nginx);
  expect_success_in_time(passes(Kind::nginx));
}
TEST(HttpBehind, nginx_our_clients_requests_pass) {
  NEEDS_SERVER(nginx);
  expect_success_in_time(passes_between_our_own(Kind::nginx));
}
TEST(HttpBehind, nginx_nothing_is_smuggled) {
  NEEDS_SERVER(nginx);
  expect_success_in_time(smuggles_nothing(Kind::nginx));
}
TEST(HttpBehind, haproxy_requests_pass) {
  NEEDS_SERVER(haproxy);
  expect_success_in_time(passes(Kind::haproxy));
}
TEST(HttpBehind, haproxy_requests_pass_with_its_own_header) {
  NEEDS_SERVER(haproxy);
  expect_success_in_time(passes(Kind::haproxy_with_header));
}
TEST(HttpBehind, haproxy_our_clients_requests_pass) {
  NEEDS_SERVER(haproxy);
  expect_success_in_time(passes_between_our_own(Kind::haproxy));
}
TEST(HttpBehind, haproxy_nothing_is_smuggled) {
  NEEDS_SERVER(haproxy);
  expect_success_in_time(smuggles_nothing(Kind::haproxy));
}

}  // namespace
}  // namespace ieum::test
