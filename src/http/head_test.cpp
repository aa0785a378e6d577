// HeadParser: what it reads, what it refuses, and that neither depends on how the bytes come.
#include "http/head.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "http/syntax.hpp"

namespace ieum::http::detail {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using Progress = HeadParser::Progress;

std::string shown(HeadPart part, const RequestHead& head) { return std::string(head.part(part)); }

/// All that a parser makes of a request, in one line.
std::string outcome(const RequestHead& head, const HeadParser& parser, Progress progress) {
  if (progress == Progress::needs_more) return "needs more";
  if (progress == Progress::fault) return std::to_string(number(parser.fault().status));
  std::string text = shown(head.method_name, head) + " " + shown(head.target, head) +
                     " path=" + std::string(head.path_text()) +
                     " query=" + shown(head.query, head) + " host=" + head.authority + " 1." +
                     std::to_string(head.minor_version);
  const Framing framing = head.framing();
  if (framing.kind == Framing::Kind::length) text += " length=" + std::to_string(framing.length);
  if (framing.kind == Framing::Kind::chunked) text += " chunked";
  if (!head.keeps_alive()) text += " close";
  if (head.has_upgrade) text += " upgrade";
  if (head.expects_continue) text += " continue";
  if (head.has_unknown_expect) text += " expects";
  for (const Field field : head.fields) {
    text += " [" + std::string(field.name) + "|" + std::string(field.value) + "]";
  }
  return text + " rest=" + std::to_string(parser.size());
}

std::string parse(std::string_view text, const HeadLimits& limits = {}) {
  RequestHead head;
  HeadParser parser(head, limits);
  const Progress progress = parser.parse(text);
  return outcome(head, parser, progress);
}

/// The same in two pieces, each from memory of its own.
std::string parse_split(std::string_view text, std::size_t at, const HeadLimits& limits = {}) {
  RequestHead head;
  HeadParser parser(head, limits);
  const std::string first(text.substr(0, at));
  Progress progress = parser.parse(first);
  if (progress == Progress::needs_more) progress = parser.parse(text);
  return outcome(head, parser, progress);
}

std::string parse_bytewise(std::string_view text, const HeadLimits& limits = {}) {
  RequestHead head;
  HeadParser parser(head, limits);
  Progress progress = Progress::needs_more;
  for (std::size_t i = 1; i <= text.size() && progress == Progress::needs_more; ++i) {
    progress = parser.parse(std::string(text.substr(0, i)));
  }
  return outcome(head, parser, progress);
}

struct Case {
  std::string_view text;
  std::string_view expected;
};

const std::vector<Case> good = {
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / path=/ query= host=a 1.1 [Host|a] rest=27"},
    {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / path=/ query= host=a 1.1 [Host|a] rest=29"},
    {"GET /a/b?c=d?e HTTP/1.0\r\n\r\nmore",
     "GET /a/b?c=d?e path=/a/b query=c=d?e host= 1.0 close rest=27"},
    {"GET /? HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
     "GET /? path=/ query= host= 1.0 [Connection|Keep-Alive] rest=43"},
    {"GET http://u.test:80/x?y HTTP/1.1\r\nHost: other\r\n\r\n",
     "GET http://u.test:80/x?y path=/x query=y host=u.test:80 1.1 [Host|other] rest=50"},
    {"GET HTTPS://[::1] HTTP/1.1\r\nHost:\r\n\r\n",
     "GET HTTPS://[::1] path=/ query= host=[::1] 1.1 [Host|] rest=37"},
    {"GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n",
     "GET http://a?q path=/ query=q host=a 1.1 [Host|a] rest=36"},
    {"OPTIONS * HTTP/1.1\r\nHost: a:8080\r\n\r\n",
     "OPTIONS * path=* query= host=a:8080 1.1 [Host|a:8080] rest=36"},
    {"CONNECT a.test:443 HTTP/1.1\r\nHost: b\r\n\r\n",
     "CONNECT a.test:443 path=a.test:443 query= host=a.test:443 1.1 [Host|b] rest=40"},
    {"M-SEARCH /x HTTP/1.1\r\nhOST: a\r\n\r\n",
     "M-SEARCH /x path=/x query= host=a 1.1 [hOST|a] rest=33"},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 003\r\n\r\nabc",
     "POST / path=/ query= host=a 1.1 length=3 [Host|a] [Content-Length|003] rest=49"},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:chunkED\t\r\n\r\n",
     "POST / path=/ query= host=a 1.1 chunked [Host|a] [Transfer-Encoding|chunkED] rest=56"},
    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, ,Upgrade,close\r\nExpect: 100-Continue\r\n\r\n",
     "GET / path=/ query= host=a 1.1 close upgrade continue [Host|a] [Connection|x, "
     ",Upgrade,close] [Expect|100-Continue] rest=80"},
    {"GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nX:\r\nX: \t y \xff\t z \t\r\n\r\n",
     "GET / path=/ query= host=a 1.1 expects [Host|a] [Expect|tea] [X|] [X|y \xff\t z] rest=59"},
    {"GET / HTTP/1.9\r\nHost: a\r\n\r\n", "GET / path=/ query= host=a 1.1 [Host|a] rest=27"},
};

/// Each is refused with this status; what follows would be read as another request by some.
const std::vector<Case> refused = {
    // The request line.
    {"GET /\r\n\r\n", "400"},
    {"GET\r\n\r\n", "400"},
    {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", "505"},
    {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505"},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
    {"GET / HTTP/3.1\r\nHost: a\r\n\r\n", "505"},
    {"GET / http/1.1\r\nHost: a\r\n\r\n", "400"},
    {"GET / HTTP/1.10\r\nHost: a\r\n\r\n", "400"},
    {"GET / HTTP/11\r\nHost: a\r\n\r\n", "400"},
    {"GET / HTTP/1,1\r\nHost: a\r\n\r\n", "400"},
    {"GET / RTSP/1.0\r\nHost: a\r\n\r\n", "400"},
    {"SOURCE / ICE/1.0\r\nHost: a\r\n\r\n", "400"},
    {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "400"},
    {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"sv, "400"},
    {"GET /#f HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"CONNECT a: HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"CONNECT [::1] HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"CONNECT /x:1 HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    // Ends of lines.
    {"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"GET / HTTP/1.1\nHost: a\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\n\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\n\n", "400"},
    {"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", "400"},
    {"GET / HTTP/1.1\rHost: a\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\r\n\r\n", "400"},
    // Fields.
    {"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\n \r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\n\"X\": z\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\nX\xc3\xa9: z\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\nX\0: z\r\n\r\n"sv, "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n"sv, "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: \x0b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: a\x1b[31m\r\n\r\n", "400"},
    // Host.
    {"GET / HTTP/1.1\r\n\r\n", "400"},
    {"GET http://a/ HTTP/1.1\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400"},
    {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: :80\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a%zz\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a%4\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: [x]\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a\x80\r\n\r\n", "400"},
    // Where the body ends.
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3 3\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3;\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1e1\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
     "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
     "400"},
    {"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "501"},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", "501"},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", "501"},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,chunked\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
     "400"},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n chunked\r\n\r\n", "501"},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b"
     "chunked\r\n\r\n",
     "400"},
};

TEST(HeadParser, reads_requests) {
  for (const Case& one : good) EXPECT_EQ(parse(one.text), one.expected) << one.text;
}

TEST(HeadParser, refuses_what_can_be_read_in_two_ways) {
  for (const Case& one : refused) EXPECT_EQ(parse(one.text), one.expected) << one.text;
}

TEST(HeadParser, makes_the_same_of_every_split) {
  for (const std::vector<Case>* cases : {&good, &refused}) {
    for (const Case& one : *cases) {
      for (std::size_t at = 0; at <= one.text.size(); ++at) {
        ASSERT_EQ(parse_split(one.text, at), one.expected) << one.text << " at " << at;
      }
      ASSERT_EQ(parse_bytewise(one.text), one.expected) << one.text;
    }
  }
}

TEST(HeadParser, needs_more_of_whatever_is_cut) {
  for (const Case& one : good) {
    const std::string expected(one.expected);
    const std::size_t size = std::stoul(expected.substr(expected.rfind('=') + 1));
    for (std::size_t at = 0; at < size; ++at) {
      ASSERT_EQ(parse(one.text.substr(0, at)), "needs more") << one.text << " at " << at;
    }
  }
}

TEST(HeadParser, limits_lines_and_heads) {
  constexpr std::string_view rest = " HTTP/1.1\r\nHost: a\r\n\r\n";
  const HeadLimits limits{.line_bytes_max = 100, .bytes_max = 300, .fields_max = 4};
  const auto check = [&](const std::string& text, std::string_view expected) {
    EXPECT_TRUE(parse(text, limits).starts_with(expected)) << text << parse(text, limits);
    EXPECT_TRUE(parse_bytewise(text, limits).starts_with(expected)) << text;
    for (std::size_t at = 0; at <= text.size(); ++at) {
      ASSERT_TRUE(parse_split(text, at, limits).starts_with(expected)) << text << " at " << at;
    }
  };
  const std::string longest = "GET /" + std::string(100 - 5 - 9, 'x');
  check(longest + std::string(rest), "GET /x");
  check(longest + "x" + std::string(rest), "414");
  check(longest + std::string(400, 'x'), "414");
  const std::string line = "X: " + std::string(97, 'y');
  check("GET / HTTP/1.1\r\nHost: a\r\n" + line + "\r\n\r\n", "GET /");
  check("GET / HTTP/1.1\r\nHost: a\r\n" + line + "y\r\n\r\n", "431");
  check("GET / HTTP/1.1\r\nHost: a\r\n" + line + "\r\n" + line + "\r\n" + line + "\r\n\r\n", "431");
  check("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nA: b\r\nA: b\r\n\r\n", "GET /");
  check("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\n\r\n", "431");
}

TEST(HeadParser, is_used_again_with_what_it_was) {
  RequestHead head;
  HeadParser first(head);
  EXPECT_EQ(first.parse("POST /x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: "
                        "close\r\nExpect: 100-continue\r\n\r\n"),
            Progress::complete);
  head.clear();
  HeadParser second(head);
  const Progress progress = second.parse("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(outcome(head, second, progress), "GET / path=/ query= host= 1.0 close rest=18");
}

// ---- Responses ----------------------------------------------------------------------------------

std::string parse_response(std::string_view text, Method method = Method::get) {
  ResponseHead head;
  HeadParser parser(head);
  const Progress progress = parser.parse(text);
  std::string bytewise_reason;
  {
    ResponseHead other;
    HeadParser slow(other);
    Progress at_last = Progress::needs_more;
    for (std::size_t i = 1; i <= text.size() && at_last == Progress::needs_more; ++i) {
      at_last = slow.parse(std::string(text.substr(0, i)));
    }
    EXPECT_EQ(at_last, progress) << text;
  }
  if (progress == Progress::needs_more) return "needs more";
  if (progress == Progress::fault) return "fault";
  std::string shown = std::to_string(number(head.status)) + " (" + head.reason + ")";
  const Framing framing = head.framing(method);
  switch (framing.kind) {
    case Framing::Kind::none: shown += " none"; break;
    case Framing::Kind::length: shown += " length=" + std::to_string(framing.length); break;
    case Framing::Kind::chunked: shown += " chunked"; break;
    case Framing::Kind::until_close: shown += " until close"; break;
  }
  return shown + (head.keeps_alive() ? "" : " close");
}

TEST(HeadParser, reads_responses) {
  EXPECT_EQ(parse_response("HTTP/1.1 200 OK\r\n\r\n"), "200 (OK) until close");
  EXPECT_EQ(parse_response("HTTP/1.0 200 OK\r\n\r\n"), "200 (OK) until close close");
  EXPECT_EQ(parse_response("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), "200 () length=0");
  EXPECT_EQ(parse_response("HTTP/1.1 299 \r\nContent-Length: 7\r\n\r\n"), "299 () length=7");
  EXPECT_EQ(parse_response("HTTP/1.1 404 Nicht da \xe4\r\nTransfer-Encoding: chunked\r\n\r\n"),
            "404 (Nicht da \xe4) chunked");
  EXPECT_EQ(parse_response("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", Method::head),
            "200 (OK) none");
  EXPECT_EQ(parse_response("HTTP/1.1 304 X\r\nContent-Length: 7\r\n\r\n"), "304 (X) none");
  EXPECT_EQ(parse_response("HTTP/1.1 204 X\r\n\r\n"), "204 (X) none");
  EXPECT_EQ(parse_response("HTTP/1.1 100 Continue\r\n\r\n"), "100 (Continue) none");
  EXPECT_EQ(parse_response("HTTP/1.1 200 OK\r\n\r\n", Method::connect), "200 (OK) none");
  EXPECT_EQ(parse_response("HTTP/1.1 403 No\r\nContent-Length: 1\r\n\r\n", Method::connect),
            "403 (No) length=1");
}

TEST(HeadParser, refuses_responses) {
  for (const std::string_view text :
       {"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 200 O\x01K\r\n\r\n", "HTTP/1.1 200 OK\n\r\n", "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX : y\r\n\r\n", "HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n"}) {
    EXPECT_EQ(parse_response(text), "fault") << text;
  }
}

// ---- Writing ------------------------------------------------------------------------------------

TEST(HeadWriter, writes_what_the_parser_reads) {
  std::string text;
  append_status_line(text, Status::not_found);
  append_length(text, 12345);
  append_field(text, "X", "y z");
  text += "\r\n";
  EXPECT_EQ(text, "HTTP/1.1 404 Not Found\r\nContent-Length: 12345\r\nX: y z\r\n\r\n");
  EXPECT_EQ(parse_response(text), "404 (Not Found) length=12345");
  std::string unnamed;
  append_status_line(unnamed, static_cast<Status>(299));
  EXPECT_EQ(unnamed, "HTTP/1.1 299 \r\n");
}

TEST(Syntax, takes_lists_apart) {
  std::string_view list = " a ,, \"b, \\\" c\" ;d=e,\tf";
  EXPECT_EQ(next_element(list), "a");
  EXPECT_EQ(next_element(list), "\"b, \\\" c\" ;d=e");
  EXPECT_EQ(next_element(list), "f");
  EXPECT_EQ(next_element(list), "");
}

}  // namespace
}  // namespace ieum::http::detail
