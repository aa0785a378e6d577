// Our head parser beside llhttp's, which is Node's: what ours takes, that takes with the same
// meaning, and of what ours alone refuses each kind is known (docs/http-conformance.md).
#include <llhttp.h>

#include <map>
#include <random>
#include <set>

#include "http/forms.hpp"
#include "http/head.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

using http::detail::HeadParser;
using http::detail::RequestHead;

/// A request's head, as a parser understood it.
struct Reading {
  bool is_taken = false;
  std::string why;  // it was refused
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> fields;
  int minor_version = 0;
  bool is_chunked = false;
  std::uint64_t length = 0;
};

Reading read_by_ours(const std::string& text) {
  RequestHead head;
  HeadParser parser(head);
  Reading reading;
  const HeadParser::Progress progress = parser.parse(text);
  if (progress != HeadParser::Progress::complete) {
    reading.why = progress == HeadParser::Progress::fault ? parser.fault().why : "more is needed";
    return reading;
  }
  reading.is_taken = true;
  reading.method = head.part(head.method_name);
  reading.target = head.part(head.target);
  for (const http::Field field : head.fields) {
    reading.fields.emplace_back(field.name, field.value);
  }
  reading.minor_version = head.minor_version;
  reading.is_chunked = head.is_chunked;
  reading.length = head.content_length.value_or(0);
  return reading;
}

/// llhttp's callbacks add to this.
struct Heard {
  Reading reading;
  bool is_in_value = true;
};

Heard& heard(llhttp_t* parser) { return *static_cast<Heard*>(parser->data); }

int on_target(llhttp_t* parser, const char* at, std::size_t size) {
  heard(parser).reading.target.append(at, size);
  return 0;
}
int on_name(llhttp_t* parser, const char* at, std::size_t size) {
  Heard& all = heard(parser);
  if (all.reading.is_taken) return 0;  // trailer fields
  if (std::exchange(all.is_in_value, false)) all.reading.fields.emplace_back();
  all.reading.fields.back().first.append(at, size);
  return 0;
}
int on_value(llhttp_t* parser, const char* at, std::size_t size) {
  Heard& all = heard(parser);
  if (all.reading.is_taken) return 0;
  all.is_in_value = true;
  all.reading.fields.back().second.append(at, size);
  return 0;
}
int on_value_end(llhttp_t* parser) {
  heard(parser).is_in_value = true;
  return 0;
}
int on_head(llhttp_t* parser) {
  Reading& reading = heard(parser).reading;
  if (std::exchange(reading.is_taken, true)) return HPE_PAUSED;  // the next request's
  reading.method = llhttp_method_name(static_cast<llhttp_method_t>(parser->method));
  reading.minor_version = parser->http_minor;
  reading.is_chunked = (parser->flags & F_CHUNKED) != 0;
  reading.length = (parser->flags & F_CONTENT_LENGTH) != 0 ? parser->content_length : 0;
  return 0;
}
int on_end(llhttp_t* /*parser*/) { return HPE_PAUSED; }

constexpr std::string_view unfit_coding = "Request has invalid `Transfer-Encoding`";

Reading read_by_llhttp(const std::string& text) {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_url = on_target;
  settings.on_header_field = on_name;
  settings.on_header_value = on_value;
  settings.on_header_value_complete = on_value_end;
  settings.on_headers_complete = on_head;
  settings.on_message_complete = on_end;
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &settings);
  Heard all;
  parser.data = &all;
  const llhttp_errno_t status = llhttp_execute(&parser, text.data(), text.size());
  Reading& reading = all.reading;
  // That one is found out behind the head.
  const std::string_view reason = parser.reason != nullptr ? parser.reason : "";
  if (reason == unfit_coding) reading.is_taken = false;
  if (!reading.is_taken) {
    reading.why = status == HPE_OK ? "more is needed" : reason;
    return reading;
  }
  // It leaves the spaces behind a value to its caller.
  for (auto& [name, value] : reading.fields) {
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.pop_back();
  }
  return reading;
}

/// What llhttp alone refuses, and what ours alone does: docs/http-conformance.md says why.
const std::set<std::string_view> refused_by_llhttp = {
    "Expected space after method",
    "Invalid character in Content-Length",
    "Invalid method encountered",
    unfit_coding,
};
const std::set<std::string_view> refused_by_ours = {
    "Content-Length is no number",
    "Host is no host",
    "Transfer-Encoding is not just chunked",
    "Transfer-Encoding is not of HTTP/1.0",
    "a line begins with a space",
    "a line ends without CR",
    "only HTTP/1 is spoken here",
    "the method is none",
    "the name of a field is none",
    "the request line has no target",
    "the request line has no version",
    "the target * is for OPTIONS alone",
    "the target has a character that none may have",
    "the target is empty",
    "the target is neither a path nor a URL of http",
    "the target of CONNECT is no host and port",
    "the target's host is none",
    "the version of HTTP is none",
    "there are two Hosts",
    "there are two Transfer-Encodings",
    "there is no Host",
};

const std::vector<std::string>& beginnings() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> texts = {
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a/b?c=d&e HTTP/1.1\r\nHost: a:80\r\nAccept: */*\r\nX-Y: a, b;q=\"c\"\r\n\r\n",
        "POST /x HTTP/1.1\r\nhost: [::1]:8080\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
        "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n",
        "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "GET http://a.b/c HTTP/1.1\r\nHost: a.b\r\nConnection: close, TE\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
        "GET /c HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    };
    for (const Form& form : ambiguous_forms) texts.emplace_back(form.text);
    return texts;
  }();
  return all;
}

/// The text with some changes of the kind that parsers disagree about.
std::string changed(std::mt19937& random, std::string text) {
  static const std::vector<std::string> pieces = {"\r\n",
                                                  "\n",
                                                  "\r",
                                                  " ",
                                                  "\t",
                                                  ":",
                                                  ",",
                                                  std::string(1, '\0'),
                                                  "\x0b",
                                                  "\x7f",
                                                  "\x80",
                                                  "#",
                                                  "?",
                                                  "//",
                                                  "*",
                                                  "HTTP/1.1",
                                                  "HTTP/2.0",
                                                  "GET",
                                                  "Host: b\r\n",
                                                  "Content-Length: 3\r\n",
                                                  "0",
                                                  "18446744073709551616",
                                                  "Transfer-Encoding: chunked\r\n",
                                                  "Transfer-Encoding: gzip\r\n",
                                                  "chunked",
                                                  "identity",
                                                  ";",
                                                  "\"",
                                                  "Connection: Upgrade\r\n",
                                                  "\r\n ",
                                                  "[",
                                                  "]",
                                                  "@",
                                                  "%00",
                                                  "+",
                                                  "-",
                                                  "x"};
  const auto any = [&](std::size_t below) { return random() % std::max<std::size_t>(below, 1); };
  for (std::size_t left = 1 + any(3); left > 0; --left) {
    const std::size_t at = any(text.size() + 1);
    switch (any(4)) {
      case 0: text.insert(at, pieces[any(pieces.size())]); break;
      case 1: text.erase(at, 1 + any(3)); break;
      case 2: text.replace(at, 1, pieces[any(pieces.size())]); break;
      default: {  // a line twice, or in another place
        const std::size_t end = text.find('\n', at);
        const std::size_t begin = text.rfind('\n', at) + 1;
        if (end != text.npos && begin <= end)
          text.insert(begin, text.substr(begin, end + 1 - begin));
      }
    }
  }
  return text;
}

std::string shown(const std::string& text) {
  std::string all;
  for (const char c : text) {
    if (c == '\r') {
      all += "\\r";
    } else if (c == '\n') {
      all += "\\n";
    } else {
      all += c;
    }
  }
  return all;
}

TEST(HttpDifferential, llhttp_takes_what_ours_takes_with_the_same_meaning) {
  std::mt19937 random(1);
  std::map<std::string, std::string> ours_alone;
  std::map<std::string, std::string> llhttps_alone;
  std::size_t both = 0;
  const int count = long_form() ? 20'000'000 : 500'000;
  for (int i = 0; i < count; ++i) {
    const std::string& beginning = beginnings()[random() % beginnings().size()];
    const std::string text = i % 50 == 0 ? beginning : changed(random, beginning);
    const Reading ours = read_by_ours(text);
    const Reading theirs = read_by_llhttp(text);
    if (ours.is_taken && theirs.is_taken) {
      ++both;
      ASSERT_EQ(ours.method, theirs.method) << shown(text);
      ASSERT_EQ(ours.target, theirs.target) << shown(text);
      ASSERT_EQ(ours.fields, theirs.fields) << shown(text);
      ASSERT_EQ(ours.is_chunked, theirs.is_chunked) << shown(text);
      ASSERT_EQ(ours.length, theirs.length) << shown(text);
      ASSERT_EQ(ours.minor_version, std::min(theirs.minor_version, 1)) << shown(text);
    } else if (ours.is_taken) {
      llhttps_alone.try_emplace(theirs.why, text);
    } else if (theirs.is_taken) {
      ours_alone.try_emplace(ours.why, text);
    }
  }
  EXPECT_GT(both, static_cast<std::size_t>(count / 20));
  for (const auto& [why, text] : llhttps_alone) {
    EXPECT_TRUE(refused_by_llhttp.contains(why)) << "llhttp: " << why << ": " << shown(text);
  }
  for (const auto& [why, text] : ours_alone) {
    EXPECT_TRUE(refused_by_ours.contains(why)) << "ours: " << why << ": " << shown(text);
  }
}

}  // namespace
}  // namespace ieum::test
