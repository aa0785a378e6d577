// The client against servers that break off, say nothing, or say what nobody may say.
#include <ieum/http/client.hpp>

#include "http/scripted_server.hpp"

namespace ieum::test {
namespace {

using http::Client;
using http::Content;
using http::ContentWriter;
using http::Reply;
using http::RequestOptions;
using http::Status;

using Then = Answer::Then;

/// How a GET, with its whole body, ends.
Task<Result<std::string>> try_get(Client& client, std::string url, RequestOptions options = {}) {
  Result<std::string> text = co_await attempt(get_text(client, std::move(url), options));
  co_return text;
}

/// One GET to a server that answers so, on a connection of its own.
Result<std::string> get_from(Answer answer) {
  ScriptedServer server({{std::move(answer)}});
  Client client;
  Result<std::string> got = fail(std::errc::io_error, "not set");
  auto ask = [&]() -> Task<> {
    Result<std::string> text = co_await try_get(client, server.url());
    got = std::move(text);
    EXPECT_EQ(client.idle_connections(), 0);
  };
  expect_success(server.run(ask));
  EXPECT_EQ(server.connections(), 1);
  return got;
}

// ---- Replies that are cut
// ------------------------------------------------------------------------

TEST(HttpClientWrong, a_reply_cut_anywhere_is_an_error_of_its_own) {
  const std::string replies[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n"};
  for (const std::string& reply : replies) {
    for (std::size_t size = 0; size < reply.size(); ++size) {
      const Result<std::string> got = get_from(raw(reply.substr(0, size), Then::close));
      ASSERT_FALSE(got.has_value()) << reply.substr(0, size);
      EXPECT_EQ(got.error(), Errc::cut_off) << size << " " << got.error().to_string();
    }
  }
}

TEST(HttpClientWrong, a_reply_that_is_reset_is_cut_off_too) {
  Answer answer = raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", Then::reset);
  const Result<std::string> got = get_from(answer);
  ASSERT_FALSE(got.has_value());
  EXPECT_EQ(got.error(), Errc::cut_off) << got.error().to_string();
}

TEST(HttpClientWrong, an_error_names_the_origin_and_what_happened) {
  ScriptedServer server({{raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", Then::close)},
                         {raw("", Then::close)}});
  Client client;
  auto ask = [&]() -> Task<> {
    Result<std::string> got = co_await try_get(client, server.url("/secret?token"));
    EXPECT_EQ(got.error().to_string(),
              "GET http://" + server.authority() + ": cut off: its body ended after 2 of 5 bytes");
    got = co_await try_get(client, server.url());
    EXPECT_EQ(got.error().to_string(), "GET http://" + server.authority() +
                                           ": cut off: the connection ended before a reply came");
  };
  expect_success(server.run(ask));
}

// ---- Replies that may be read in two ways, or in none
// ----------------------------------------------

TEST(HttpClientWrong, a_reply_against_the_rules_is_refused) {
  constexpr const char* replies[] = {
      // Where it ends, told twice or in another way.
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc",
      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
      "HTTP/1.1 200 OK\r\nContent-Length: 0x3\r\n\r\nabc",
      "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
      "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nabc",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nabc",
      ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
       "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      // Lines.
      "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\n Content-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nno field\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\n: empty\r\nContent-Length: 0\r\n\r\n",
      // The status line.
      "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
      "HTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      "ICY 200 OK\r\nContent-Length: 0\r\n\r\n",
      "SSH-2.0-OpenSSH_9.2\r\n\r\n",
      "<html>no head at all</html>\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
      // Chunks.
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\nabc",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 3\r\n\r\n",
  };
  for (const char* reply : replies) {
    const Result<std::string> got = get_from(raw(reply));
    ASSERT_FALSE(got.has_value()) << reply;
    EXPECT_EQ(got.error(), std::errc::protocol_error) << reply << got.error().to_string();
  }
}

TEST(HttpClientWrong, a_head_is_limited_and_so_are_interim_replies) {
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 200; ++i) many += "X: y\r\n";
  std::string flood;
  for (int i = 0; i < 1000; ++i) flood += "HTTP/1.1 103 Early Hints\r\n\r\n";
  const std::string limits[] = {many,
                                "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'y') + "\r\n\r\n",
                                "HTTP/1.1 200 " + std::string(100'000, 'y'), flood};
  for (const std::string& reply : limits) {
    const Result<std::string> got = get_from(raw(reply));
    ASSERT_FALSE(got.has_value()) << reply.substr(0, 40);
    EXPECT_EQ(got.error(), Errc::limit_exceeded) << got.error().to_string();
  }
}

TEST(HttpClientWrong, interim_replies_are_passed_over) {
  const Result<std::string> got =
      get_from(raw("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                   "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"));
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(*got, "hi");
}

// ---- Kept connections
// ------------------------------------------------------------------------------

TEST(HttpClientWrong, what_nobody_asked_for_is_never_an_answer) {
  // Behind the reply at once; then later, on the idle connection.
  Answer poisoned = ok("right");
  poisoned.text += ok("poison").text;
  Answer late = raw(ok("poison").text);
  late.reads_nothing = true;
  late.delay = 20ms;
  ScriptedServer server(
      {{poisoned, ok("poison")}, {ok("second"), late, ok("poison")}, {ok("third")}});
  Client client;
  auto ask = [&]() -> Task<> {
    std::string text = co_await get_text(client, server.url());
    EXPECT_EQ(text, "right");
    EXPECT_EQ(client.idle_connections(), 0);
    text = co_await get_text(client, server.url());
    EXPECT_EQ(text, "second");
    co_await sleep(150ms);
    text = co_await get_text(client, server.url());
    EXPECT_EQ(text, "third");
  };
  expect_success(server.run(ask));
  EXPECT_EQ(server.connections(), 3);
}

TEST(HttpClientWrong, a_kept_connection_that_has_ended_is_replaced) {
  // The server closes without a word after the first reply.
  Answer first = ok("one");
  first.then = Then::close;
  ScriptedServer server({{first}, {ok("two")}});
  Client client;
  auto ask = [&]() -> Task<> {
    std::string text = co_await get_text(client, server.url());
    EXPECT_EQ(text, "one");
    co_await sleep(150ms);
    Reply reply = co_await client.post(server.url(), Content::text("x"));
    text = co_await reply.body().text();
    EXPECT_EQ(text, "two");
  };
  expect_success(server.run(ask));
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(server.requests().size(), 2);
}

TEST(HttpClientWrong, the_close_race_repeats_what_may_be_repeated_once) {
  struct Case {
    const char* method;
    bool has_content;
    bool is_repeated;
  };
  constexpr Case cases[] = {{"GET", false, true},     {"HEAD", false, true},
                            {"PUT", true, true},      {"DELETE", false, true},
                            {"OPTIONS", false, true}, {"POST", true, false},
                            {"PATCH", true, false},   {"PROPFIND", false, false}};
  for (const Case& test : cases) {
    for (const Then then : {Then::close, Then::reset}) {
      // It reads the second request and goes.
      ScriptedServer server({{ok("one"), raw("", then)}, {ok("")}});
      Client client;
      auto ask = [&]() -> Task<> {
        const std::string text = co_await get_text(client, server.url());
        EXPECT_EQ(text, "one");
        Content content;
        if (test.has_content) content = Content::text("x");
        const Result<Reply> reply =
            co_await attempt(client.request(test.method, server.url(), std::move(content)));
        EXPECT_EQ(reply.has_value(), test.is_repeated) << test.method;
        if (!reply) {
          EXPECT_EQ(reply.error(), Errc::cut_off) << reply.error().to_string();
        }
      };
      expect_success(server.run(ask));
      EXPECT_EQ(server.requests().size(), test.is_repeated ? 3 : 2) << test.method;
    }
  }
}

TEST(HttpClientWrong, nothing_is_repeated_on_a_new_connection_or_once_something_has_come) {
  ScriptedServer fresh({{raw("", Then::close)}});
  Client client;
  auto ask_fresh = [&]() -> Task<> {
    const Result<std::string> got = co_await try_get(client, fresh.url());
    EXPECT_EQ(got.error(), Errc::cut_off);
  };
  expect_success(fresh.run(ask_fresh));
  EXPECT_EQ(fresh.requests().size(), 1);

  ScriptedServer begun({{ok("one"), raw("HTTP", Then::close)}});
  auto ask_begun = [&]() -> Task<> {
    const std::string text = co_await get_text(client, begun.url());
    EXPECT_EQ(text, "one");
    const Result<std::string> got = co_await try_get(client, begun.url());
    EXPECT_EQ(got.error(), Errc::cut_off);
  };
  expect_success(begun.run(ask_begun));
  EXPECT_EQ(begun.requests().size(), 2);
}

TEST(HttpClientWrong, content_that_can_be_sent_once_is_sent_once) {
  ScriptedServer server({{ok("one"), raw("", Then::close)}, {ok("")}});
  Client client;
  auto write = [](ContentWriter& writer) -> Task<> { co_await writer.write("abc"); };
  auto ask = [&]() -> Task<> {
    const std::string text = co_await get_text(client, server.url());
    EXPECT_EQ(text, "one");
    Content content = Content::stream("a/b", write);
    const Result<Reply> reply = co_await attempt(client.put(server.url(), std::move(content)));
    EXPECT_EQ(reply.error(), Errc::cut_off);
  };
  expect_success(server.run(ask));
  EXPECT_EQ(server.requests().size(), 2);
}

// ---- Early answers, and content that is asked about
// -------------------------------------------------

TEST(HttpClientWrong, an_answer_that_comes_before_all_was_sent_is_the_reply) {
  Answer refusal = raw("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
  refusal.reads_head_only = true;
  ScriptedServer server({{refusal}, {ok("next")}});
  Client client;
  auto for_ever = [](ContentWriter& writer) -> Task<> {
    const std::string block(100'000, 'x');
    for (;;) co_await writer.write(block);
  };
  auto ask = [&]() -> Task<> {
    Content content = Content::stream("a/b", for_ever);
    Reply reply = co_await client.post(server.url(), std::move(content));
    EXPECT_EQ(reply.status(), Status::content_too_large);
    std::string text = co_await reply.body().text();
    EXPECT_EQ(text, "big");
    EXPECT_EQ(client.idle_connections(), 0);
    text = co_await get_text(client, server.url());
    EXPECT_EQ(text, "next");
  };
  expect_success(server.run(ask));
}

TEST(HttpClientWrong, a_success_that_comes_early_waits_for_the_content) {
  Answer early = ok("taken");
  early.before_content = "HTTP/1.1 102 Processing\r\n\r\n";
  ScriptedServer server({{early, ok("next")}});
  Client client;
  auto ask = [&]() -> Task<> {
    Reply reply = co_await client.post(server.url(), Content::bytes(std::string(2'000'000, 'z')));
    std::string text = co_await reply.body().text();
    EXPECT_EQ(text, "taken");
    text = co_await get_text(client, server.url());
    EXPECT_EQ(text, "next");
  };
  expect_success(server.run(ask));
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(server.requests()[0].content.size(), 2'000'000);
}

TEST(HttpClientWrong, content_is_sent_once_it_is_wanted) {
  Answer asks = ok("wanted");
  asks.before_content = "HTTP/1.1 100 Continue\r\n\r\n";
  Answer refuses = raw("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  refuses.reads_head_only = true;
  Answer knows_nothing = raw("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
  knows_nothing.reads_head_only = true;
  ScriptedServer server({{asks, refuses}, {knows_nothing}, {ok("sent"), ok("silent")}});
  Client client;
  RequestOptions options;
  options.expect_continue = true;
  options.continue_wait = 100ms;
  auto ask = [&]() -> Task<> {
    const Status statuses[] = {Status::ok, Status::forbidden, Status::ok, Status::ok};
    for (const Status expected : statuses) {
      Reply reply = co_await client.post(server.url(), Content::text("abc"), options);
      EXPECT_EQ(reply.status(), expected);
      co_await reply.body().discard();
    }
  };
  expect_success(server.run(ask));
  const std::vector<SeenRequest>& seen = server.requests();
  ASSERT_EQ(seen.size(), 5);
  EXPECT_EQ(seen[0].content, "abc");
  EXPECT_NE(seen[0].head.find("Expect: 100-continue\r\n"), std::string::npos);
  EXPECT_EQ(seen[1].content, "");
  EXPECT_EQ(seen[2].content, "");
  EXPECT_EQ(seen[3].content, "abc");
  EXPECT_EQ(seen[3].head.find("Expect"), std::string::npos);
  EXPECT_EQ(seen[4].content, "abc");
}

// ---- Time
// --------------------------------------------------------------------------------------------

TEST(HttpClientWrong, each_limit_of_time_tells_which_it_was) {
  Answer late = ok("late");
  late.delay = 10s;
  Answer part = raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
  ScriptedServer server({{late}, {part}, {late}, {part}});
  Client client;
  auto ask = [&]() -> Task<> {
    RequestOptions head;
    head.head_timeout = 150ms;
    Result<std::string> got = co_await try_get(client, server.url(), head);
    EXPECT_EQ(got.error(), std::errc::timed_out);
    EXPECT_TRUE(got.error().detail().ends_with("head_timeout")) << got.error().to_string();
    RequestOptions idle;
    idle.idle_timeout = 150ms;
    got = co_await try_get(client, server.url(), idle);
    EXPECT_EQ(got.error(), std::errc::timed_out);
    EXPECT_TRUE(got.error().detail().ends_with("idle_timeout")) << got.error().to_string();
    RequestOptions whole;
    whole.timeout = 150ms;
    got = co_await try_get(client, server.url(), whole);
    EXPECT_EQ(got.error(), std::errc::timed_out);
    EXPECT_TRUE(got.error().detail().ends_with(": timeout")) << got.error().to_string();
    got = co_await try_get(client, server.url(), whole);
    EXPECT_EQ(got.error(), std::errc::timed_out);
    EXPECT_NE(got.error().detail().find("did not end within"), std::string_view::npos)
        << got.error().to_string();
    EXPECT_EQ(client.idle_connections(), 0);
  };
  expect_success(server.run(ask));
}

TEST(HttpClientWrong, a_stop_ends_a_request_wherever_it_is) {
  Answer part = raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
  ScriptedServer server({{raw("")}, {part}});
  Client client;
  auto ask = [&]() -> Task<> {
    for (int i = 0; i < 2; ++i) {
      const Result<std::string> got =
          co_await attempt(with_timeout(150ms, get_text(client, server.url())));
      EXPECT_EQ(got.error(), std::errc::timed_out);
    }
    EXPECT_EQ(client.idle_connections(), 0);
  };
  expect_success(server.run(ask));
}

}  // namespace
}  // namespace ieum::test
