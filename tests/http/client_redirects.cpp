// Where redirects lead, and what goes along.
#include <ieum/http/client.hpp>

#include "http/redirect.hpp"
#include "http/scripted_server.hpp"

namespace ieum::test {
namespace {

using http::Client;
using http::Content;
using http::Fields;
using http::Reply;
using http::RequestOptions;
using http::Status;
using http::Url;

Answer redirect(int status, std::string_view to) {
  return raw("HTTP/1.1 " + std::to_string(status) + " Go\r\nLocation: " + std::string(to) +
             "\r\nContent-Length: 4\r\n\r\ngone");
}

TEST(HttpClientRedirects, the_method_changes_as_browsers_change_it) {
  struct Case {
    int status;
    const char* method;
    const char* then;
    bool keeps_content;
  };
  constexpr Case cases[] = {
      {301, "GET", "GET", false},   {301, "POST", "GET", false}, {301, "PUT", "PUT", true},
      {302, "HEAD", "HEAD", false}, {302, "POST", "GET", false}, {302, "DELETE", "DELETE", false},
      {303, "POST", "GET", false},  {303, "PUT", "GET", false},  {303, "HEAD", "HEAD", false},
      {307, "POST", "POST", true},  {307, "GET", "GET", false},  {308, "POST", "POST", true},
      {308, "PUT", "PUT", true},
  };
  for (const Case& test : cases) {
    const bool has_content = std::string_view(test.method).starts_with("P");
    Answer first = redirect(test.status, "/b?c");
    if (test.then == std::string_view("HEAD")) first.text.resize(first.text.size() - 4);
    ScriptedServer server({{first, ok("")}});
    Client client;
    auto ask = [&]() -> Task<> {
      Content content;
      if (has_content) content = Content::text("abc");
      Reply reply = co_await client.request(test.method, server.url("/a#f"), std::move(content));
      EXPECT_EQ(reply.status(), Status::ok);
      EXPECT_EQ(reply.url().to_string(), server.url("/b?c#f"));
      EXPECT_EQ(reply.redirects(), 1);
    };
    expect_success(server.run(ask));
    ASSERT_EQ(server.requests().size(), 2) << test.status << test.method;
    EXPECT_EQ(server.connections(), 1);
    const SeenRequest& second = server.requests()[1];
    EXPECT_TRUE(second.head.starts_with(std::string(test.then) + " /b?c HTTP/1.1\r\n"))
        << test.status << second.head;
    EXPECT_EQ(second.content, test.keeps_content ? "abc" : "") << test.status << test.method;
    EXPECT_EQ(second.head.find("Content-Type") != std::string::npos, test.keeps_content);
  }
}

TEST(HttpClientRedirects, other_statuses_and_those_without_a_place_are_replies) {
  ScriptedServer server({{redirect(300, "/b")},
                         {redirect(305, "/b")},
                         {redirect(399, "/b")},
                         {redirect(201, "/b")},
                         {raw("HTTP/1.1 302 Go\r\nContent-Length: 0\r\n\r\n")},
                         {redirect(302, "/b")}});
  Client client;
  auto ask = [&]() -> Task<> {
    RequestOptions options;
    options.own_connection = true;
    for (const int expected : {300, 305, 399, 201, 302, 302}) {
      if (server.connections() == 5) options.redirects_max = 0;
      Reply reply = co_await client.get(server.url("/a"), options);
      EXPECT_EQ(http::number(reply.status()), expected);
    }
  };
  expect_success(server.run(ask));
  EXPECT_EQ(server.requests().size(), 6);
}

TEST(HttpClientRedirects, a_loop_ends) {
  ScriptedServer server({std::vector<Answer>(20, redirect(302, "/a"))});
  Client client;
  auto ask = [&]() -> Task<> {
    RequestOptions options;
    options.redirects_max = 3;
    const Result<Reply> reply = co_await attempt(client.get(server.url("/a"), options));
    EXPECT_EQ(reply.error(), Errc::limit_exceeded);
    EXPECT_TRUE(reply.error().detail().starts_with("more than 3 redirects"));
  };
  expect_success(server.run(ask));
  EXPECT_EQ(server.requests().size(), 4);
}

TEST(HttpClientRedirects, what_is_for_one_origin_does_not_reach_another) {
  ScriptedServer other({{ok("")}});
  Client client;
  auto ask_both = [&]() -> Task<> {
    ScriptedServer first({{redirect(302, "/same"), redirect(307, other.url("/other"))}});
    auto ask = [&]() -> Task<> {
      Fields fields;
      EXPECT_TRUE(fields.add("Cookie", "a=b"));
      EXPECT_TRUE(fields.add("X-Mine", "c"));
      RequestOptions options;
      options.fields = &fields;
      Reply reply = co_await client.get("http://u:p@" + first.authority() + "/", options);
      EXPECT_EQ(reply.status(), Status::ok);
    };
    co_await first.run(ask);
    CO_ASSERT(first.requests().size() == 2);
    EXPECT_NE(first.requests()[1].head.find("Authorization: Basic"), std::string::npos);
    EXPECT_NE(first.requests()[1].head.find("Cookie: a=b"), std::string::npos);
  };
  expect_success(other.run(ask_both));
  ASSERT_EQ(other.requests().size(), 1);
  const std::string& head = other.requests()[0].head;
  EXPECT_EQ(head.find("Authorization"), std::string::npos) << head;
  EXPECT_EQ(head.find("Cookie"), std::string::npos) << head;
  EXPECT_NE(head.find("X-Mine: c"), std::string::npos) << head;
  EXPECT_NE(head.find("Host: " + other.authority()), std::string::npos) << head;
}

TEST(HttpClientRedirects, content_that_can_be_sent_once_is_not_sent_again) {
  ScriptedServer server({{redirect(307, "/b"), ok("")}});
  Client client;
  auto write = [](http::ContentWriter& writer) -> Task<> { co_await writer.write("abc"); };
  auto ask = [&]() -> Task<> {
    Content content = Content::stream("a/b", write);
    const Result<Reply> reply = co_await attempt(client.post(server.url(), std::move(content)));
    EXPECT_EQ(reply.error(), std::errc::operation_not_permitted);
    Content again = Content::repeatable_stream("a/b", write);
    const Result<Reply> done = co_await attempt(client.post(server.url(), std::move(again)));
    EXPECT_TRUE(done.has_value());
  };
  expect_success(server.run(ask));
}

TEST(HttpRedirect, leads_to_http_and_https_only_and_never_out_of_tls) {
  const Url http = *Url::parse("http://a/b");
  const Url https = *Url::parse("https://a/b");
  struct Case {
    const Url& from;
    const char* to;
    bool is_followed;
    bool is_other;
  };
  const Case cases[] = {
      {http, "/c", true, false},
      {http, "http://a:80/c", true, false},
      {http, "https://a/b", true, true},
      {http, "http://u:p@a/c", true, false},
      {http, "//b/c", true, true},
      {http, "ftp://a/c", false, false},
      {http, "file:///etc/passwd", false, false},
      {http, "ws://a/c", false, false},
      {http, "javascript:alert(1)", false, false},
      {http, "http://", false, false},
      {http, "http://a:99999/", false, false},
      {https, "/c", true, false},
      {https, "//b/c", true, true},
      {https, "http://a/c", false, false},
      {https, "wss://a/c", false, false},
  };
  for (const Case& test : cases) {
    Fields fields;
    ASSERT_TRUE(fields.add("Location", test.to));
    const auto redirect = http::detail::redirect_of(test.from, "GET", Status::found, fields, false);
    EXPECT_EQ(redirect.has_value(), test.is_followed) << test.to;
    if (!redirect) {
      EXPECT_EQ(redirect.error(), std::errc::operation_not_permitted) << test.to;
      continue;
    }
    ASSERT_TRUE(redirect->has_value());
    EXPECT_EQ((*redirect)->is_other_origin, test.is_other) << test.to;
    EXPECT_EQ((*redirect)->url.username(), "") << test.to;
  }
  Fields out;
  ASSERT_TRUE(out.add("Location", "http://a/c"));
  EXPECT_TRUE(http::detail::redirect_of(https, "GET", Status::found, out, true).has_value());
  ASSERT_TRUE(out.add("Location", "http://b/c"));
  EXPECT_FALSE(http::detail::redirect_of(http, "GET", Status::found, out, false).has_value());
}

}  // namespace
}  // namespace ieum::test
