// The client against servers that answer by the rules: replies, bodies, content, keep-alive.
#include <ieum/http/client.hpp>

#include "support/files.hpp"

#include "http/scripted_server.hpp"

namespace ieum::test {
namespace {

using http::Client;
using http::Content;
using http::ContentWriter;
using http::Fields;
using http::Reply;
using http::RequestOptions;
using http::Status;

using Answers = std::vector<std::vector<Answer>>;

/// Runs `client` beside a server that does `answers`.
template <class Body>
void with_server(ScriptedServer& server, Body client) {
  expect_success(server.run(std::move(client)));
}

TEST(HttpClient, gives_status_fields_and_body) {
  ScriptedServer server(
      {{raw("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello")}});
  Client client;
  auto ask = [&]() -> Task<> {
    Reply reply = co_await client.get(server.url("/a?b#c"));
    EXPECT_EQ(reply.status(), Status::not_found);
    EXPECT_FALSE(reply.is_success());
    EXPECT_EQ(reply.field("x-a"), "b");
    EXPECT_EQ(reply.body().length(), 5);
    EXPECT_EQ(reply.url().to_string(), server.url("/a?b#c"));
    const std::string text = co_await reply.body().text();
    EXPECT_EQ(text, "hello");
    const ConstBuffer none = co_await reply.body().next();
    EXPECT_TRUE(none.empty());
  };
  with_server(server, ask);
  ASSERT_EQ(server.requests().size(), 1);
  const std::string& head = server.requests()[0].head;
  EXPECT_TRUE(head.starts_with("GET /a?b HTTP/1.1\r\nHost: " + server.authority() + "\r\n"))
      << head;
  EXPECT_NE(head.find("\r\nUser-Agent: ieum\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.find("Content-Length"), std::string::npos) << head;
  EXPECT_EQ(head.find("Referer"), std::string::npos) << head;
}

TEST(HttpClient, uses_a_connection_again) {
  ScriptedServer server({{ok("one"), ok("two"), ok(""), ok("four")}});
  Client client;
  auto ask = [&]() -> Task<> {
    for (const char* expected : {"one", "two", "", "four"}) {
      const std::string text = co_await get_text(client, server.url());
      EXPECT_EQ(text, expected);
      EXPECT_EQ(client.idle_connections(), 1);
    }
  };
  with_server(server, ask);
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpClient, uses_no_connection_again_that_the_server_or_the_caller_closes) {
  ScriptedServer server(
      {{ok("a", "Connection: close\r\n")},
       {raw("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nb")},
       {raw("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nc"), ok("d")},
       {ok("e")}});
  Client client;
  auto ask = [&]() -> Task<> {
    for (const char* expected : {"a", "b", "c", "d"}) {
      const std::string text = co_await get_text(client, server.url());
      EXPECT_EQ(text, expected);
    }
    RequestOptions own;
    own.own_connection = true;
    const std::string text = co_await get_text(client, server.url(), own);
    EXPECT_EQ(text, "e");
    EXPECT_EQ(client.idle_connections(), 0);
  };
  with_server(server, ask);
  EXPECT_EQ(server.connections(), 4);
  EXPECT_NE(server.requests().back().head.find("Connection: close\r\n"), std::string::npos);
}

TEST(HttpClient, a_body_ends_by_its_length_by_its_chunks_or_with_the_connection) {
  ScriptedServer server({{raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n"),
                          raw("HTTP/1.1 200 OK\r\n\r\nto the end", Answer::Then::close)}});
  Client client;
  auto ask = [&]() -> Task<> {
    Reply reply = co_await client.get(server.url());
    EXPECT_FALSE(reply.body().length().has_value());
    std::string text = co_await reply.body().text();
    EXPECT_EQ(text, "abcde");
    EXPECT_EQ(reply.body().trailers().get("x-sum"), "5");
    text = co_await get_text(client, server.url());
    EXPECT_EQ(text, "to the end");
    EXPECT_EQ(client.idle_connections(), 0);
  };
  with_server(server, ask);
  EXPECT_EQ(server.connections(), 1);
}

/// All of a body, by a buffer of so many bytes.
Task<std::string> read_into(Reply& reply, std::size_t bytes) {
  std::vector<std::byte> buffer(bytes);
  std::string text;
  for (;;) {
    const ConstBuffer piece = co_await reply.body().next(buffer);
    if (piece.empty()) break;
    text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  }
  co_return text;
}

TEST(HttpClient, gives_a_body_in_the_callers_memory) {
  const std::string body(10'000, 'b');
  ScriptedServer server(
      {{ok(body), ok(body),
        raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        raw("HTTP/1.1 200 OK\r\n\r\n" + body, Answer::Then::close)},
       {raw("HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + body, Answer::Then::close)}});
  Client client;
  auto ask = [&]() -> Task<> {
    for (const std::size_t bytes : {std::size_t{1000}, std::size_t{100'000}}) {
      Reply reply = co_await client.get(server.url());
      const std::string text = co_await read_into(reply, bytes);
      EXPECT_EQ(text, body);
      EXPECT_EQ(client.idle_connections(), 1);
    }
    Reply chunked = co_await client.get(server.url());
    std::string text = co_await read_into(chunked, 2);
    EXPECT_EQ(text, "abc");
    Reply to_the_end = co_await client.get(server.url());
    text = co_await read_into(to_the_end, 1000);
    EXPECT_EQ(text, body);
    Reply cut = co_await client.get(server.url());
    const Result<std::string> half = co_await attempt(read_into(cut, 1000));
    EXPECT_TRUE(!half && half.error() == Errc::cut_off);
  };
  with_server(server, ask);
}

TEST(HttpClient, some_replies_have_no_body_whatever_their_fields_say) {
  ScriptedServer server(
      {{raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), raw("HTTP/1.1 204 No Content\r\n\r\n"),
        raw("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"), ok("end")}});
  Client client;
  auto ask = [&]() -> Task<> {
    Reply reply = co_await client.head(server.url());
    EXPECT_EQ(reply.field("Content-Length"), "9");
    std::string text = co_await reply.body().text();
    EXPECT_EQ(text, "");
    for (const char* expected : {"", "", "end"}) {
      text = co_await get_text(client, server.url());
      EXPECT_EQ(text, expected);
    }
  };
  with_server(server, ask);
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpClient, a_reply_in_single_bytes_is_the_same_reply) {
  Answer chunked =
      raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n"
          "3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nT: u\r\n\r\n");
  chunked.piece = 1;
  Answer whole = ok("hello");
  whole.piece = 1;
  ScriptedServer server({{chunked, whole, chunked}});
  Client client;
  auto ask = [&]() -> Task<> {
    for (const char* expected : {"abc0123456789abcdef", "hello", "abc0123456789abcdef"}) {
      const std::string text = co_await get_text(client, server.url());
      EXPECT_EQ(text, expected);
    }
  };
  with_server(server, ask);
  EXPECT_EQ(server.connections(), 1);
}

// ---- Content -----------------------------------------------------------------------------------

TEST(HttpClient, sends_content_of_every_kind) {
  const TemporaryFile file("of a file");
  ScriptedServer server({std::vector<Answer>(7, ok("done"))});
  Client client;
  auto write = [](ContentWriter& writer) -> Task<> {
    co_await writer.write("one");
    co_await writer.write("");
    co_await writer.write("two");
    if (writer.add_trailer("X-Sum", "6")) co_return;
  };
  auto ask = [&]() -> Task<> {
    std::vector<Content> contents;
    contents.push_back(Content::text("t"));
    contents.push_back(Content::json("{}"));
    contents.push_back(Content::bytes(std::string(100'000, 'b')));
    const std::array<http::Field, 2> fields{{{"a b", "c&d"}, {"\xea\xb0\x80", "*-._~"}}};
    contents.push_back(Content::form(fields));
    contents.push_back(Content::stream("text/csv", write));
    contents.push_back(Content::stream("text/csv", write, 6));
    contents.push_back(Content());
    for (Content& content : contents) {
      Reply reply = co_await client.post(server.url(), std::move(content));
      const std::string text = co_await reply.body().text();
      EXPECT_EQ(text, "done");
    }
  };
  with_server(server, ask);
  const std::vector<SeenRequest>& seen = server.requests();
  ASSERT_EQ(seen.size(), 7);
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(seen[0].content, "t");
  EXPECT_NE(seen[0].head.find("Content-Type: text/plain; charset=utf-8\r\nContent-Length: 1\r\n"),
            std::string::npos);
  EXPECT_EQ(seen[1].content, "{}");
  EXPECT_EQ(seen[2].content, std::string(100'000, 'b'));
  EXPECT_EQ(seen[3].content, "a+b=c%26d&%EA%B0%80=*-._%7E");
  EXPECT_EQ(seen[4].content, "3\r\none\r\n3\r\ntwo\r\n0\r\nX-Sum: 6\r\n\r\n");
  EXPECT_EQ(seen[5].content, "onetwo");
  EXPECT_NE(seen[6].head.find("Content-Length: 0\r\n"), std::string::npos);
}

TEST(HttpClientFiles, sends_a_file) {
  const TemporaryFile file(std::string(200'000, 'f'));
  ScriptedServer server({{ok("done")}});
  Client client;
  auto ask = [&]() -> Task<> {
    Reply reply = co_await client.put(server.url(), Content::file(file.path()));
    EXPECT_EQ(reply.status(), Status::ok);
    const Result<Reply> none =
        co_await attempt(client.put(server.url(), Content::file("/does/not/exist")));
    EXPECT_FALSE(none.has_value());
    if (!none) {
      EXPECT_EQ(none.error(), std::errc::no_such_file_or_directory);
    }
    const Result<Reply> folder = co_await attempt(client.put(server.url(), Content::file("/")));
    EXPECT_FALSE(folder.has_value());
  };
  with_server(server, ask);
  EXPECT_EQ(server.requests()[0].content, std::string(200'000, 'f'));
}

TEST(HttpClient, a_writer_that_fails_or_miscounts_fails_the_request) {
  ScriptedServer server({{ok("done")}});
  Client client;
  auto fails = [](ContentWriter& writer) -> Task<> {
    co_await writer.write("abc");
    co_await fail(std::errc::permission_denied, "my own");
  };
  auto writes_three = [](ContentWriter& writer) -> Task<> { co_await writer.write("abc"); };
  auto ask = [&]() -> Task<> {
    Content failing = Content::stream("a/b", fails);
    const Result<Reply> failed = co_await attempt(client.post(server.url(), std::move(failing)));
    EXPECT_EQ(failed.error(), std::errc::permission_denied);
    Content short_one = Content::stream("a/b", writes_three, 4);
    const Result<Reply> too_short =
        co_await attempt(client.post(server.url(), std::move(short_one)));
    EXPECT_EQ(too_short.error(), std::errc::invalid_argument);
    Content long_one = Content::stream("a/b", writes_three, 2);
    const Result<Reply> too_long = co_await attempt(client.post(server.url(), std::move(long_one)));
    EXPECT_EQ(too_long.error(), std::errc::invalid_argument);
    EXPECT_EQ(client.idle_connections(), 0);
  };
  with_server(server, ask);
}

TEST(HttpClient, sends_the_callers_fields_but_none_that_are_the_clients) {
  ScriptedServer server({{ok("")}});
  Client client;
  auto ask = [&]() -> Task<> {
    Fields fields;
    EXPECT_TRUE(fields.add("X-A", "b"));
    EXPECT_TRUE(fields.add("Host", "other.test"));
    EXPECT_TRUE(fields.add("User-Agent", "mine"));
    EXPECT_TRUE(fields.add("Accept-Encoding", "identity"));
    EXPECT_FALSE(fields.add("X-B", "c\r\nX-C: d"));
    EXPECT_FALSE(fields.add("X-B: c\r\nX-C", "d"));
    RequestOptions options;
    options.fields = &fields;
    const std::string text = co_await get_text(client, server.url(), options);
    EXPECT_EQ(text, "");
    for (const char* name : {"Content-Length", "transfer-encoding", "Connection", "Upgrade", "TE",
                             "Expect", "Trailer", "Keep-Alive", "Proxy-Connection"}) {
      Fields wrong;
      EXPECT_TRUE(wrong.add(name, "1"));
      options.fields = &wrong;
      const Result<Reply> refused = co_await attempt(client.get(server.url(), options));
      EXPECT_FALSE(refused.has_value()) << name;
      if (!refused) {
        EXPECT_EQ(refused.error(), std::errc::invalid_argument) << name;
      }
    }
  };
  with_server(server, ask);
  ASSERT_EQ(server.requests().size(), 1);
  const std::string& head = server.requests()[0].head;
  EXPECT_TRUE(head.starts_with("GET / HTTP/1.1\r\nHost: other.test\r\n")) << head;
  EXPECT_NE(head.find("\r\nX-A: b\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("\r\nAccept-Encoding: identity\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.find("ieum"), std::string::npos) << head;
}

TEST(HttpClient, refuses_what_is_no_request) {
  Client client;
  auto ask = [&]() -> Task<> {
    for (const char* method : {"", "GET /x HTTP/1.1\r\n", "A B", "CONNECT"}) {
      const Result<Reply> refused = co_await attempt(client.request(method, "http://h/"));
      EXPECT_EQ(refused.error(), std::errc::invalid_argument) << method;
    }
    for (const char* url : {"", "h", "ftp://h/", "ws://h/", "http://h:99999/", "http://"}) {
      const Result<Reply> refused = co_await attempt(client.get(url));
      EXPECT_EQ(refused.error(), std::errc::invalid_argument) << url;
    }
    const Result<Reply> name = co_await attempt(client.get("http://a;b/"));
    EXPECT_EQ(name.error(), Errc::name_invalid);
  };
  expect_success(ask());
}

TEST(HttpClient, credentials_of_the_url_are_sent_as_a_field) {
  ScriptedServer server({{ok("")}});
  Client client;
  auto ask = [&]() -> Task<> {
    Reply reply = co_await client.get("http://us%40er:p%3Aw@" + server.authority() + "/");
    EXPECT_EQ(reply.url().to_string(), server.url());
  };
  with_server(server, ask);
  EXPECT_NE(server.requests()[0].head.find("Authorization: Basic dXNAZXI6cDp3\r\n"),
            std::string::npos);
}

// ---- Connections -------------------------------------------------------------------------------

TEST(HttpClient, a_unix_socket_stands_for_the_host) {
  ScriptedServer server({{ok("unix"), ok("again")}});
  Client client;
  const std::string address = any_address(Transport::unix_socket);
  auto ask = [&]() -> Task<> {
    RequestOptions options;
    const std::string via = server.authority();
    options.via = via;
    std::string text = co_await get_text(client, "http://app/x", options);
    EXPECT_EQ(text, "unix");
    text = co_await get_text(client, "http://app/y", options);
    EXPECT_EQ(text, "again");
  };
  expect_success(server.run(ask, address));
  EXPECT_EQ(server.connections(), 1);
  EXPECT_NE(server.requests()[0].head.find("Host: app\r\n"), std::string::npos);
}

TEST(HttpClient, no_more_connections_than_allowed_and_the_others_wait) {
  Answer slow = ok("x");
  slow.delay = 20ms;
  ScriptedServer server({std::vector<Answer>(20, slow)});
  http::ClientOptions options;
  options.connections_per_origin_max = 2;
  Client client(options);
  auto ask = [&]() -> Task<> {
    auto all = [&](Group& group) -> Task<> {
      auto one = [](Client& asked, std::string url) -> Task<> {
        const std::string text = co_await get_text(asked, std::move(url));
        EXPECT_EQ(text, "x");
      };
      for (int i = 0; i < 10; ++i) group.start(one(client, server.url()));
      co_await group.join();
    };
    co_await with_group(all);
    EXPECT_EQ(client.idle_connections(), 2);
  };
  with_server(server, ask);
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(server.requests().size(), 10);
}

TEST(HttpClient, keeps_so_many_connections_for_so_long) {
  ScriptedServer server({{ok("a"), ok("b")}});
  http::ClientOptions options;
  options.idle_connections_max = 1;
  options.idle_time_max = 150ms;
  Client client(options);
  auto ask = [&]() -> Task<> {
    Reply first = co_await client.get(server.url());
    Reply second = co_await client.get(server.url());
    std::string text = co_await first.body().text();
    text += co_await second.body().text();
    EXPECT_EQ(text, "aa");
    EXPECT_EQ(client.idle_connections(), 1);
    while (client.idle_connections() > 0) co_await sleep(10ms);
    text = co_await get_text(client, server.url());
    EXPECT_EQ(text, "a");
  };
  with_server(server, ask);
  EXPECT_EQ(server.connections(), 3);
}

TEST(HttpClient, a_reply_that_is_not_read_ends_its_connection) {
  const std::string large(3'000'000, 'x');
  ScriptedServer server({{ok(large), ok("second")}, {ok("other"), ok(large), ok("third")}});
  Client client;
  auto ask = [&]() -> Task<> {
    {
      Reply reply = co_await client.get(server.url());
      const ConstBuffer piece = co_await reply.body().next();
      EXPECT_FALSE(piece.empty());
    }
    EXPECT_EQ(client.idle_connections(), 0);
    std::string text = co_await get_text(client, server.url());
    EXPECT_EQ(text, "other");
    {
      Reply reply = co_await client.get(server.url());
      co_await reply.body().discard(4'000'000);
    }
    EXPECT_EQ(client.idle_connections(), 1);
    text = co_await get_text(client, server.url());
    EXPECT_EQ(text, "third");
  };
  with_server(server, ask);
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpClient, a_reply_that_has_come_as_a_whole_need_not_be_read) {
  const char* const chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  ScriptedServer server({{ok("abc"), raw(chunked), ok("abc"), raw(chunked), ok("end")}});
  Client client;
  auto ask = [&]() -> Task<> {
    for (int i = 0; i < 4; ++i) {
      Reply reply = co_await client.get(server.url());
      if (i < 2) continue;
      const ConstBuffer piece = co_await reply.body().next();
      EXPECT_EQ(piece.size(), 3);
    }
    const std::string text = co_await get_text(client, server.url());
    EXPECT_EQ(text, "end");
  };
  with_server(server, ask);
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpClient, a_reply_outlives_its_client) {
  ScriptedServer server({{ok("hello")}});
  auto ask = [&]() -> Task<> {
    Reply reply = co_await http::get(server.url());
    const std::string text = co_await reply.body().text();
    EXPECT_EQ(text, "hello");
  };
  with_server(server, ask);
}

TEST(HttpClient, writes_a_body_to_a_stream) {
  const std::string large(1'000'000, 'y');
  ScriptedServer server({{ok(large)}});
  Client client;
  auto ask = [&]() -> Task<> {
    Pair pair = co_await connected(Transport::ipv4);
    std::string got;
    auto both = [&](Group& group) -> Task<> {
      auto read = [](StreamSocket& from, std::string& into) -> Task<> {
        while (const Lease data = co_await from.receive()) into += data.text();
      };
      group.start(read(pair.server, got));
      Reply reply = co_await client.get(server.url());
      const std::uint64_t count = co_await reply.body().write_to(pair.client);
      EXPECT_EQ(count, large.size());
      co_await pair.client.close();
    };
    co_await with_group(both);
    EXPECT_EQ(got, large);
  };
  with_server(server, ask);
}

}  // namespace
}  // namespace ieum::test
