// Routes, bodies and responses, as a client sees them byte by byte.
#include <ieum/http/date.hpp>

#include <gmock/gmock.h>

#include <stdexcept>

#include "http/talk.hpp"

namespace ieum::test {
namespace {

using http::Request;
using http::Response;
using http::Routes;

Task<Response> hello(Request& request) {
  static_cast<void>(request);
  co_return Response::text("hello");
}

Task<Response> user(Request& request) { co_return Response::text(request.path("id")); }

Task<Response> echo_body(Request& request) {
  std::string text = co_await request.body().text(100);
  std::string shown = text;
  for (const http::Field field : request.body().trailers()) {
    shown.append(" ").append(field.name).append("=").append(field.value);
  }
  co_return Response::text(std::move(shown));
}

Task<Response> fails(Request& request) {
  co_return fail(std::errc::io_error, "test", request.peer());
}

Task<Response> count_to_three(Request& request) {
  static_cast<void>(request);
  co_return Response::stream("text/csv", [](http::BodyWriter& writer) -> Task<> {
    co_await writer.write("one");
    co_await writer.write("");
    co_await writer.write("two");
    EXPECT_TRUE(writer.trailers().add("Sum", "2"));
  });
}

Routes routes() {
  Routes all;
  all.get("/", hello);
  all.get("/users/{id}", user);
  all.get("/users/me", hello);
  all.delete_("/users/{id}", user);
  all.get("/rest/{id...}", user);
  all.post("/echo", echo_body);
  all.post("/count", count_body);
  all.post("/unread", hello);
  all.get("/fails", fails);
  all.get("/stream", count_to_three);
  all.on("PURGE", "/purge", hello);
  all.any("/any", hello);
  return all;
}

constexpr std::string_view hello_text =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello";

CO_TEST(HttpServer, answers_in_order_on_one_connection) {
  const Routes all = routes();
  const std::string got = co_await talk_to(
      all, get("/") + get("/users/a%20b") + post("/echo", "abc") + get("/users/me"));
  EXPECT_EQ(got, std::string(hello_text) +
                     "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
                     "Content-Length: 3\r\n\r\na b"
                     "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
                     "Content-Length: 3\r\n\r\nabc" +
                     std::string(hello_text));
}

CO_TEST(HttpServer, makes_the_same_of_every_split) {
  const Routes all = routes();
  const std::string input = get("/") + post("/echo", "abc") +
                            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n" +
                            get("/nothing") + get("/users/7") + "GET / HTTP/1.0\r\n\r\n";
  const std::string whole = co_await talk_to(all, input);
  EXPECT_EQ(statuses(whole), "200 200 200 404 200 200");
  EXPECT_THAT(whole, testing::HasSubstr("abcde T=u"));
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 64U}) {
    const std::string split = co_await talk_in_pieces(all, input, piece);
    EXPECT_EQ(split, whole) << piece;
  }
}

struct Case {
  const char* request_line;
  const char* expected;
};

CO_TEST(HttpServer, routes_by_path_and_method) {
  const Routes all = routes();
  for (const Case& one : std::initializer_list<Case>{{"GET /users/me", "200"},
                                                     {"GET /users/", "404"},
                                                     {"GET /users/7/x", "404"},
                                                     {"GET /rest/a/b%2fc", "200"},
                                                     {"GET /rest", "404"},
                                                     {"GET /rest/", "200"},
                                                     {"DELETE /users/me", "200"},
                                                     {"PUT /users/7", "405"},
                                                     {"BREW /users/7", "501"},
                                                     {"PURGE /purge", "200"},
                                                     {"PURGE /", "405"},
                                                     {"BREW /any", "200"},
                                                     {"PURGE /any", "200"},
                                                     {"GET /users/%zz", "400"},
                                                     {"GET /users/..", "400"},
                                                     {"GET /users/%2e%2e", "400"},
                                                     {"GET /rest/a%2f..%2fb", "400"},
                                                     {"GET /rest/./b", "400"},
                                                     {"GET /users/%00", "400"},
                                                     {"GET /%75sers/7", "200"},
                                                     {"OPTIONS *", "204"},
                                                     {"OPTIONS /users/7", "204"},
                                                     {"OPTIONS /nothing", "404"},
                                                     {"TRACE /", "405"},
                                                     {"GET https://b/users/7", "421"},
                                                     {"CONNECT a:1", "501"},
                                                     {"GET http://b/users/7?x", "200"}}) {
    const std::string got = co_await talk_to(
        all, std::string(one.request_line) + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(statuses(got), one.expected) << one.request_line << "\n" << got;
  }
  const std::string wrong = co_await talk_to(all, "PUT /users/7 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(wrong, testing::HasSubstr("\r\nAllow: DELETE, GET, HEAD, OPTIONS\r\n"));
}

CO_TEST(HttpServer, answers_head_without_a_body) {
  const Routes all = routes();
  const std::string got = co_await talk_to(
      all, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" +
               std::string("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(got,
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: "
            "5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: "
            "chunked\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Type: text/plain; "
            "charset=utf-8\r\nContent-Length: 14\r\n\r\n");
}

CO_TEST(HttpServer, streams_in_chunks_or_until_the_end) {
  const Routes all = routes();
  const std::string chunked = co_await talk_to(all, get("/stream", "TE: trailers\r\n") + get("/"));
  EXPECT_EQ(chunked,
            "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n"
            "3\r\none\r\n3\r\ntwo\r\n0\r\nSum: 2\r\n\r\n" +
                std::string(hello_text));
  const std::string plain = co_await talk_to(all, "GET /stream HTTP/1.0\r\n\r\n");
  EXPECT_EQ(plain, "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nConnection: close\r\n\r\nonetwo");
}

Task<Response> of_status(Request& request) {
  const int number = std::stoi(request.path("status"));
  co_return Response::text("content", static_cast<http::Status>(number));
}

CO_TEST(HttpServer, sends_no_content_where_none_may_be) {
  Routes all;
  all.get("/{status}", of_status);
  const std::string got = co_await talk_to(
      all, get("/204") + get("/304") + get("/205") + get("/100") + get("/0") + get("/299"));
  EXPECT_EQ(got,
            "HTTP/1.1 204 No Content\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
            "HTTP/1.1 304 Not Modified\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
            "HTTP/1.1 205 Reset Content\r\nContent-Type: text/plain; "
            "charset=utf-8\r\nContent-Length: 0\r\n\r\n"
            "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain; "
            "charset=utf-8\r\nContent-Length: 26\r\n\r\n500 Internal Server Error\n"
            "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain; "
            "charset=utf-8\r\nContent-Length: 26\r\n\r\n500 Internal Server Error\n"
            "HTTP/1.1 299 \r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: "
            "7\r\n\r\ncontent");
}

CO_TEST(HttpServer, sends_a_date) {
  const Routes all = routes();
  Pair pair = co_await connected();
  auto both = [&](Group& group) -> Task<> {
    group.start(http::serve_on(pair.server, all));
    co_await pair.client.write_all(get("/", "Connection: close\r\n"));
    const std::string got = co_await read_to_end(pair.client);
    const std::size_t at = got.find("\r\nDate: ");
    CO_ASSERT(at != got.npos);
    const auto date = http::parse_date(std::string_view(got).substr(at + 8, 29));
    CO_ASSERT(date.has_value());
    EXPECT_LT(std::chrono::system_clock::now() - *date, 60s);
    co_await pair.client.close();
  };
  co_await with_group(both);
}

CO_TEST(HttpServer, keeps_connections_of_http_1_0_when_asked) {
  const Routes all = routes();
  const std::string kept = co_await talk_to(
      all, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n" + get("/"));
  EXPECT_EQ(statuses(kept), "200 200");
  EXPECT_THAT(kept, testing::HasSubstr("\r\nConnection: keep-alive\r\n"));
  EXPECT_THAT(kept, testing::HasSubstr("\r\nConnection: close\r\n"));
}

CO_TEST(HttpServer, asks_for_a_body_when_it_is_first_read) {
  const Routes all = routes();
  const std::string head =
      " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
  const std::string asked = co_await talk_to(all, "POST /echo" + head + "abc");
  EXPECT_EQ(statuses(asked), "200");  // it had come already
  const std::string split = co_await talk_in_pieces(all, "POST /echo" + head + "abc", 1);
  EXPECT_EQ(statuses(split), "100 200");
  const std::string unread = co_await talk_to(all, "POST /unread" + head);
  EXPECT_EQ(statuses(unread), "200");
  EXPECT_THAT(unread, testing::HasSubstr("Connection: close"));
  const std::string unknown =
      co_await talk_to(all, post("/echo", "abc", "Expect: the-impossible\r\n"));
  EXPECT_EQ(statuses(unknown), "417");
  const std::string old = co_await talk_in_pieces(
      all, "POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", 1);
  EXPECT_EQ(statuses(old), "200");
}

CO_TEST(HttpServer, limits_bodies) {
  const Routes all = routes();
  const std::string large(101, 'x');
  const std::string told = co_await talk_to(all, post("/echo", large) + get("/"));
  EXPECT_EQ(statuses(told), "413");
  std::string chunks = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  chunks += "64\r\n" + large.substr(1) + "\r\n1\r\nx\r\n0\r\n\r\n";
  const std::string untold = co_await talk_to(all, chunks + get("/"));
  EXPECT_EQ(statuses(untold), "413");
  const std::string any =
      co_await talk_to(all, post("/count", large) + get("/"), {.body_bytes_max = 100});
  EXPECT_EQ(statuses(any), "413");
  const std::string fits =
      co_await talk_to(all, post("/count", large) + get("/"), {.body_bytes_max = 101});
  EXPECT_EQ(statuses(fits), "200 200");
}

CO_TEST(HttpServer, throws_unread_bodies_away_or_closes) {
  const Routes all = routes();
  const std::string small = co_await talk_to(all, post("/unread", "abc") + get("/"));
  EXPECT_EQ(statuses(small), "200 200");
  const std::string large = co_await talk_to(all, post("/unread", std::string(100, 'x')) + get("/"),
                                             {.unread_bytes_max = 99});
  EXPECT_EQ(statuses(large), "200");
  EXPECT_THAT(large, testing::HasSubstr("Connection: close"));
}

CO_TEST(HttpServer, says_what_is_wrong) {
  const Routes all = routes();
  const std::string cut = co_await talk_to(all, "GET / HTTP/1.1\r\nHost: a\r\n");
  EXPECT_EQ(statuses(cut), "400");
  const std::string cut_body = co_await talk_to(all, post("/echo", "abc").substr(0, 52));
  EXPECT_EQ(statuses(cut_body), "400");
  const std::string chunks = co_await talk_to(
      all, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n" + get("/"));
  EXPECT_EQ(statuses(chunks), "400");
  const std::string failed = co_await talk_to(all, get("/fails") + get("/"));
  EXPECT_EQ(statuses(failed), "500 200");
  const std::string nothing = co_await talk_to(all, "");
  EXPECT_EQ(nothing, "");
  const std::string blank = co_await talk_to(all, "\r\n");
  EXPECT_EQ(blank, "");
}

CO_TEST(HttpServer, serves_its_hosts_only) {
  Routes all = routes();
  all.host("b").host("[::1]");
  const std::string got = co_await talk_to(
      all,
      "GET / HTTP/1.1\r\nHost: B.:80\r\n\r\nGET http://[::1]:80/ HTTP/1.1\r\nHost: "
      "x\r\n\r\n" +
          get("/"));
  EXPECT_EQ(statuses(got), "200 200 421");
}

Task<Response> around_first(Request& request, http::Next next) {
  Response response = co_await next(request);
  EXPECT_TRUE(response.fields().add("X-Around", "first"));
  co_return response;
}
Task<Response> around_second(Request& request, http::Next next) {
  if (request.path() == "/forbidden") co_return Response(http::Status::forbidden);
  Response response = co_await next(request);
  EXPECT_TRUE(response.fields().add("X-Around", "second"));
  co_return response;
}

CO_TEST(HttpServer, calls_what_goes_round_in_order) {
  Routes all = routes();
  all.around(around_first).around(around_second);
  const std::string got = co_await talk_to(all, get("/") + get("/forbidden") + get("/nothing"));
  EXPECT_EQ(statuses(got), "200 403 404");
  EXPECT_THAT(got, testing::HasSubstr("X-Around: second\r\nX-Around: first\r\n"));
}

CO_TEST(HttpServer, logs_in_one_line_whatever_was_sent) {
  Routes all = routes();
  std::vector<std::string> lines;
  all.on_access([&](const http::Access& access) { lines.push_back(http::to_log_line(access)); });
  const std::string got =
      co_await talk_to(all, get("/users/x\"y?\\z", "User-Agent: \xff\"\t\r\nReferer: r\r\n") +
                                "GET / HTTP/1.1\r\nX: \x1b[31m\r\n\r\n");
  EXPECT_EQ(statuses(got), "200 400");
  CO_ASSERT(lines.size() == 2);
  EXPECT_THAT(lines[0], testing::HasSubstr(
                            "\"GET /users/x\\x22y?\\x5Cz HTTP/1.1\" 200 3 \"r\" \"\\xFF\\x22\" "));
  EXPECT_THAT(lines[1], testing::HasSubstr("\"\" 400 "));
  EXPECT_THAT(lines[1], testing::EndsWith("control character"));
}

Task<Response> throws(Request& request) {
  static_cast<void>(request);
  throw std::runtime_error("on purpose");
  co_return Response();
}

CO_TEST(HttpServer, answers_for_what_a_handler_throws) {
  Routes all = routes();
  all.get("/throws", throws);
  std::size_t thrown = 0;
  all.on_access([&](const http::Access& access) { thrown += access.exception != nullptr; });
  const std::string got = co_await talk_to(all, get("/throws") + get("/"));
  EXPECT_EQ(statuses(got), "500 200");
  EXPECT_EQ(thrown, 1U);
}

// ---- Upgrades -----------------------------------------------------------------------------------

Task<> shout(http::Upgraded upgraded) {
  const std::unique_ptr<Stream> stream = std::move(upgraded.stream);
  while (Lease data = co_await stream->receive()) {
    for (std::byte& byte : data.bytes()) byte &= std::byte{0xdf};
    co_await stream->write_all(data);
  }
  co_await stream->close();
}

Task<Response> upgrade(Request& request) {
  static_cast<void>(request);
  co_return Response::upgrade("shout", shout);
}

CO_TEST(HttpServer, hands_a_connection_over_with_what_was_left) {
  Routes all = routes();
  all.any("/shout", upgrade);
  const std::string got = co_await talk_to(
      all, get("/") + get("/shout", "Connection: upgrade\r\nUpgrade: x, Shout\r\n") + "abc");
  EXPECT_EQ(got, std::string(hello_text) +
                     "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
                     "shout\r\n\r\nABC");
  const std::string refused = co_await talk_to(all, get("/shout", "Upgrade: shout\r\n"));
  EXPECT_EQ(statuses(refused), "426");
  EXPECT_THAT(refused, testing::HasSubstr("\r\nUpgrade: shout\r\n"));
  const std::string ordinary =
      co_await talk_to(all, get("/", "Connection: upgrade\r\nUpgrade: h2c\r\n") + get("/"));
  EXPECT_EQ(statuses(ordinary), "200 200");
}

}  // namespace
}  // namespace ieum::test
