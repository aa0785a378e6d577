// The kinds of cases that the public suite for WebSocket sends, by its numbers, in both roles: what
// a peer sends, whole and in pieces, and what must come of it. 12 and 13 are compression.
#include <gmock/gmock.h>

#include <ieum/http/server.hpp>
#include <ieum/websocket/accept.hpp>

#include "websocket/talk.hpp"

namespace ieum::test {
namespace {

using Frames = std::vector<std::pair<unsigned, std::string>>;

/// What the peer sends, behind it a Close with 1000; and the messages and answers that must come.
/// `code`: it is refused with that instead.
struct Case {
  std::string id;
  Frames frames;
  std::string messages;
  std::string said;
  unsigned code = 0;
};

Task<> expect(const Case& one, std::size_t piece) {
  for (const WebSocketRole role : roles) {
    std::string input;
    for (const auto& [first, payload] : one.frames) input += to(role, first, payload);
    input += to(role, 0x88, close_payload(1000));
    const Talk talk = co_await hear(role, std::move(input), {}, piece);
    EXPECT_EQ(talk.messages, one.messages) << one.id;
    if (one.code == 0) {
      EXPECT_EQ(talk.end, "end 1000") << one.id;
      EXPECT_EQ(talk.said, one.said + "close 1000 \n") << one.id;
    } else {
      EXPECT_THAT(talk.end, testing::HasSubstr(": " + std::to_string(one.code) + ": ")) << one.id;
      const std::string close = "close " + std::to_string(one.code) + " ";
      EXPECT_THAT(talk.said, testing::StartsWith(one.said + close)) << one.id;
    }
  }
}

Task<> expect_all(const std::vector<Case>& cases, std::size_t piece = 1U << 20U) {
  for (const Case& one : cases) co_await expect(one, piece);
}

std::string text_line(const std::string& text) { return "text " + text + "\n"; }

CO_TEST(WebSocketCases, section_1_sizes) {
  std::vector<Case> cases;
  for (const std::size_t size : {0U, 125U, 126U, 127U, 128U, 65'535U, 65'536U}) {
    const std::string text(size, '*');
    cases.push_back({"1.1 " + std::to_string(size), {{0x81, text}}, text_line(text), ""});
    const std::string data(size, '\xfe');
    cases.push_back({"1.2 " + std::to_string(size), {{0x82, data}}, "binary " + data + "\n", ""});
  }
  co_await expect_all(cases);
  co_await expect_all(cases, 997);
}

CO_TEST(WebSocketCases, section_2_pings) {
  const std::string bytes("\0\xff\xfe\xfd\xfc\xfb\0\xff", 8);
  const std::string most(125, '\xfe');
  Frames ten;
  std::string pongs;
  for (int i = 0; i < 10; ++i) {
    ten.emplace_back(0x89, "payload-" + std::to_string(i));
    pongs += "pong payload-" + std::to_string(i) + "\n";
  }
  const std::vector<Case> cases{
      {"2.1", {{0x89, ""}}, "", "pong \n"},
      {"2.2", {{0x89, "Hello, world!"}}, "", "pong Hello, world!\n"},
      {"2.3", {{0x89, bytes}}, "", "pong " + bytes + "\n"},
      {"2.4", {{0x89, most}}, "", "pong " + most + "\n"},
      {"2.5", {{0x89, most + "\xfe"}}, "", "", 1002},
      {"2.7", {{0x8a, ""}}, "", ""},
      {"2.8", {{0x8a, "unsolicited pong payload"}}, "", ""},
      {"2.9", {{0x8a, "unsolicited"}, {0x89, "ping payload"}}, "", "pong ping payload\n"},
      {"2.10", ten, "", pongs},
  };
  co_await expect_all(cases);
  co_await expect_all(cases, 1);  // 2.6 and 2.11: byte by byte
}

CO_TEST(WebSocketCases, sections_3_and_4_reserved_bits_and_opcodes) {
  const std::string hello = "Hello, world!";
  std::vector<Case> cases;
  for (unsigned bits = 1; bits < 8; ++bits) {
    for (const unsigned opcode : {1U, 2U, 8U, 9U, 10U}) {
      cases.push_back({"3." + std::to_string(bits) + " opcode " + std::to_string(opcode),
                       {{0x81, hello}, {0x80U | bits << 4U | opcode, opcode > 8 ? "" : hello}},
                       text_line(hello),
                       "",
                       1002});
    }
  }
  for (const unsigned opcode : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U}) {
    for (const std::string& payload : {std::string(), std::string("reserved opcode payload")}) {
      cases.push_back({"4 opcode " + std::to_string(opcode),
                       {{0x81, hello}, {0x80U | opcode, payload}, {0x89, ""}},
                       text_line(hello),
                       "",
                       1002});
    }
  }
  co_await expect_all(cases);
  co_await expect_all(cases, 1);
}

CO_TEST(WebSocketCases, section_5_fragments) {
  const std::string whole = text_line("fragment1fragment2");
  const std::vector<Case> cases{
      {"5.1", {{0x09, "fragment1"}, {0x80, "fragment2"}}, "", "", 1002},
      {"5.2", {{0x0a, "fragment1"}, {0x80, "fragment2"}}, "", "", 1002},
      {"5.3", {{0x01, "fragment1"}, {0x80, "fragment2"}}, whole, ""},
      {"5.6", {{0x01, "fragment1"}, {0x89, "ping"}, {0x80, "fragment2"}}, whole, "pong ping\n"},
      {"5.9", {{0x80, "continuation"}, {0x81, "Hello"}}, "", "", 1002},
      {"5.12", {{0x00, "continuation"}, {0x81, "Hello"}}, "", "", 1002},
      {"5.15",
       {{0x01, "fragment1"}, {0x80, "fragment2"}, {0x00, "fragment3"}, {0x01, "fragment4"}},
       whole,
       "",
       1002},
      {"5.16", {{0x00, "fragment1"}, {0x01, "fragment2"}, {0x80, "fragment3"}}, "", "", 1002},
      {"5.18", {{0x01, "fragment1"}, {0x81, "fragment2"}}, "", "", 1002},
      {"5.19",
       {{0x01, "fragment1"},
        {0x00, "fragment2"},
        {0x89, "ping 1"},
        {0x00, "fragment3"},
        {0x00, "fragment4"},
        {0x89, "ping 2"},
        {0x80, "fragment5"}},
       text_line("fragment1fragment2fragment3fragment4fragment5"),
       "pong ping 1\npong ping 2\n"},
  };
  co_await expect_all(cases);
  co_await expect_all(cases, 1);
}

CO_TEST(WebSocketCases, section_6_utf8) {
  const std::vector<std::string> valid{
      "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5",  // 6.2
      std::string("\0", 1),
      "\xc2\x80",
      "\xe0\xa0\x80",
      "\xf0\x90\x80\x80",  // 6.6, 6.7
      "\x7f",
      "\xdf\xbf",
      "\xef\xbf\xbf",
      "\xf4\x8f\xbf\xbf",  // 6.9
      "\xed\x9f\xbf",
      "\xee\x80\x80",
      "\xef\xbf\xbd",              // 6.11
      "\xef\xb7\x90\xef\xbf\xbe",  // 6.22: not characters, and valid
  };
  const std::vector<std::string> invalid{
      "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80"
      "edited",  // 6.3
      "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80"
      "edited",  // 6.4
      "\xf8\x88\x80\x80\x80",
      "\xfc\x84\x80\x80\x80\x80",  // 6.8
      "\xf7\xbf\xbf\xbf",
      "\xfb\xbf\xbf\xbf\xbf",  // 6.10
      "\xf4\x90\x80\x80",      // 6.11
      "\x80",
      "\xbf",
      "\x80\xbf\x80",  // 6.12
      "\xc0 ",
      "\xe0 ",
      "\xf0 ",
      "\xf8 ",  // 6.13
      "\xfe",
      "\xff",
      "\xfe\xfe\xff\xff",  // 6.16
      "\xc0\xaf",
      "\xe0\x80\xaf",
      "\xf0\x80\x80\xaf",  // 6.17
      "\xc1\xbf",
      "\xe0\x9f\xbf",
      "\xf0\x8f\xbf\xbf",  // 6.18
      "\xc0\x80",
      "\xe0\x80\x80",  // 6.19
      "\xed\xa0\x80",
      "\xed\xbf\xbf",              // 6.20
      "\xed\xa0\x80\xed\xb0\x80",  // 6.21
  };
  std::vector<Case> cases;
  for (const std::string& text : valid) {
    cases.push_back({"6 valid " + text, {{0x81, text}}, text_line(text), ""});
    Frames split;
    for (const char byte : text) split.emplace_back(split.empty() ? 0x01 : 0x00, std::string{byte});
    split.emplace_back(0x80, "");
    cases.push_back({"6 valid, split " + text, split, text_line(text), ""});
  }
  for (const std::string& text : invalid) {
    cases.push_back({"6 invalid " + text, {{0x81, text}}, "", "", 1007});
    cases.push_back({"6 invalid, begun " + text, {{0x01, text}, {0x80, "rest"}}, "", "", 1007});
  }
  co_await expect_all(cases);
  co_await expect_all(cases, 1);
}

/// Of a Close with this payload, and of a ping and a text behind it.
Task<Talk> close_with(WebSocketRole role, std::string payload) {
  std::string input = to(role, 0x81, "before") + to(role, 0x88, payload);
  input += to(role, 0x89, "late") + to(role, 0x81, "late");
  Talk talk = co_await hear(role, std::move(input));
  co_return talk;
}

CO_TEST(WebSocketCases, section_7_closes) {
  for (const WebSocketRole role : roles) {
    Talk talk = co_await close_with(role, "");  // 7.3.1, and 7.1.3 to 7.1.6
    EXPECT_EQ(talk.messages, "text before\n");
    EXPECT_EQ(talk.end, "end 1005");
    EXPECT_EQ(talk.said, "close \n");
    for (const std::string& bad :
         {std::string("a"), close_payload(1000, std::string(124, '*')),
          close_payload(1000, "\xce\xba\xed\xa0\x80")}) {  // 7.3.2, 7.3.6, 7.5.1
      talk = co_await close_with(role, bad);
      EXPECT_THAT(talk.said,
                  testing::StartsWith(bad.ends_with('\x80') ? "close 1007" : "close 1002"));
    }
    talk = co_await close_with(role, close_payload(1000, std::string(123, '*')));  // 7.3.5
    EXPECT_EQ(talk.end, "end 1000 " + std::string(123, '*'));
    for (const unsigned code : {1000U, 1001U, 1002U, 1003U, 1007U, 1008U, 1009U, 1010U, 1011U,
                                3000U, 3999U, 4000U, 4999U}) {  // 7.7
      talk = co_await close_with(role, close_payload(code));
      EXPECT_EQ(talk.end, "end " + std::to_string(code));
      EXPECT_EQ(talk.said, "close " + std::to_string(code) + " \n");
    }
    for (const unsigned code : {0U, 999U, 1004U, 1005U, 1006U, 1016U, 1100U, 2000U, 2999U, 5000U,
                                65'535U}) {  // 7.9, 7.13
      talk = co_await close_with(role, close_payload(code));
      EXPECT_THAT(talk.said, testing::StartsWith("close 1002")) << code;
    }
  }
}

CO_TEST(WebSocketCases, sections_9_and_10_large_and_many) {
  const std::size_t size = long_form() ? std::size_t{4} << 20U : std::size_t{256} * 1024;
  const std::string text(size, 'x');
  std::vector<Case> cases{{"9.1", {{0x81, text}}, text_line(text), ""}};
  for (const std::size_t fragment : {64U, 1'300U, 65'536U}) {
    Frames frames;
    for (std::size_t at = 0; at < size; at += fragment) {
      const bool is_last = at + fragment >= size;
      const unsigned first = (at == 0 ? 1U : 0U) | (is_last ? 0x80U : 0U);
      frames.emplace_back(first, text.substr(at, fragment));
    }
    cases.push_back({"9.3 " + std::to_string(fragment), std::move(frames), text_line(text), ""});
  }
  co_await expect_all(cases);
  cases.resize(1);
  co_await expect_all(cases, 1'024);  // 9.5: in chops
}

CO_TEST(WebSocketCases, sections_12_and_13_compression_of_every_kind) {
  struct Way {
    int server_bits;
    bool server_forgets;
    int client_bits;
    bool client_forgets;
  };
  for (const Way& way :
       {Way{15, false, 15, false}, Way{9, false, 9, false}, Way{15, true, 15, false},
        Way{9, true, 15, true}, Way{12, false, 9, true}, Way{9, false, 15, false}}) {
    http::Routes routes;
    WebSocketOptions options{.compression = true, .compression_bytes_min = 0};
    options.compression_window_bits = way.server_bits;
    options.compression_forgets = way.server_forgets;
    routes.get("/", websocket::route(echo_messages, options));
    Listener listener = co_await Listener::bind("127.0.0.1:0");
    const std::string url = "ws://" + listener.address().to_string();
    http::Server server(std::move(listener), std::move(routes));
    options.compression_window_bits = way.client_bits;
    options.compression_forgets = way.client_forgets;
    auto all = [&](Group& group) -> Task<> {
      group.start(server.run());
      WebSocket socket = co_await WebSocket::connect(url, {.session = options});
      EXPECT_TRUE(socket.is_compressed());
      std::string text;
      for (const std::size_t size : {16U, 64U, 256U, 1'024U, 4'096U, 8'192U, 131'072U}) {
        while (text.size() < size) {
          text +=
              "{\"id\": " + std::to_string(text.size() * 7919) + ", \"name\": \"h\xc3\xa9llo\"}";
        }
        for (int i = 0; i < 5; ++i) {
          co_await socket.send_text(text);
          const WebSocketMessage message = co_await socket.receive();
          EXPECT_EQ(message.text(), text);
        }
      }
      co_await socket.close();
      const DrainReport report = co_await server.drain(10s);
      EXPECT_EQ(report.cut, 0U);
    };
    co_await with_group(all);
  }
}

}  // namespace
}  // namespace ieum::test
