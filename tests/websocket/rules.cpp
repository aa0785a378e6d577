// The rules of RFC 6455, one by one, by raw bytes, in both roles.
#include <gmock/gmock.h>

#include "websocket/talk.hpp"

namespace ieum::test {
namespace {

/// What a peer of `role` hears of `frames`, each a first byte and a payload, and then of a Close.
Task<Talk> hear_frames(WebSocketRole role,
                       const std::vector<std::pair<unsigned, std::string>>& frames,
                       WebSocketOptions options = {}, std::size_t piece = 1U << 20U) {
  std::string input;
  for (const auto& [first, payload] : frames) input += to(role, first, payload);
  input += to(role, 0x88, close_payload(1000, "bye"));
  Talk talk = co_await hear(role, std::move(input), options, piece);
  co_return talk;
}

using Frames = std::vector<std::pair<unsigned, std::string>>;

void expect_good(const Talk& talk, std::string_view messages, std::string_view said = "") {
  EXPECT_EQ(talk.messages, messages);
  EXPECT_EQ(talk.end, "end 1000 bye");
  EXPECT_EQ(talk.said, std::string(said) + "close 1000 \n");
}

void expect_refused(const Talk& talk, unsigned code, std::string_view why,
                    std::string_view messages = "") {
  EXPECT_EQ(talk.messages, messages);
  EXPECT_THAT(talk.end, testing::HasSubstr(std::to_string(code) + ": " + std::string(why)));
  EXPECT_THAT(talk.said, testing::HasSubstr("close " + std::to_string(code) + " "));
}

CO_TEST(WebSocketRules, messages_of_every_length_arrive) {
  for (const WebSocketRole role : roles) {
    for (const std::size_t size : {0U, 1U, 125U, 126U, 127U, 5'000U, 65'535U, 65'536U, 300'000U}) {
      const std::string payload(size, 'x');
      const Frames frames{{0x81, payload}, {0x82, payload}};
      const Talk talk = co_await hear_frames(role, frames);
      expect_good(talk, "text " + payload + "\nbinary " + payload + "\n");
    }
  }
}

CO_TEST(WebSocketRules, it_does_not_matter_how_bytes_are_split) {
  for (const WebSocketRole role : roles) {
    for (const std::size_t piece : {1U, 2U, 3U, 7U}) {
      const std::string long_one(300, 'y');
      const Frames frames{{0x81, "h\xc3\xa9llo"},
                          {0x89, "p"},
                          {0x01, "\xe2\x82"},
                          {0x89, "q"},
                          {0x80, "\xac"},
                          {0x82, long_one},
                          {0x8a, "unasked"},
                          {0x02, ""},
                          {0x80, ""}};
      const Talk talk = co_await hear_frames(role, frames, {}, piece);
      expect_good(talk, "text h\xc3\xa9llo\ntext \xe2\x82\xac\nbinary " + long_one + "\nbinary \n",
                  "pong p\npong q\n");
    }
  }
}

CO_TEST(WebSocketRules, control_frames_come_between_fragments) {
  for (const WebSocketRole role : roles) {
    const Frames frames{{0x01, "a"}, {0x89, "1"}, {0x00, "b"},
                        {0x8a, ""},  {0x89, "2"}, {0x80, "c"}};
    const Talk talk = co_await hear_frames(role, frames);
    expect_good(talk, "text abc\n", "pong 1\npong 2\n");
  }
}

CO_TEST(WebSocketRules, a_close_may_come_between_fragments) {
  for (const WebSocketRole role : roles) {
    const Frames frames{{0x01, "a"}, {0x00, "b"}};
    const Talk talk = co_await hear_frames(role, frames);
    expect_good(talk, "");
  }
}

CO_TEST(WebSocketRules, nothing_counts_behind_a_close) {
  for (const WebSocketRole role : roles) {
    const Talk talk = co_await hear(
        role, to(role, 0x88, close_payload(1001)) + to(role, 0x81, "late") + "\xff\xff\xff");
    EXPECT_EQ(talk.messages, "");
    EXPECT_EQ(talk.end, "end 1001");
    EXPECT_EQ(talk.said, "close 1001 \n");
  }
}

CO_TEST(WebSocketRules, reserved_bits_and_opcodes_are_refused) {
  for (const WebSocketRole role : roles) {
    for (unsigned first = 0x80; first < 0x100; ++first) {
      const unsigned opcode = first & 15U;
      const bool known = opcode <= 2 || (opcode >= 8 && opcode <= 10);
      if (known && (first & 0x70U) == 0) continue;
      if (first % 3 != 0 && opcode > 2) continue;  // the parser's own test has them all
      const Frames frames{{0x81, "before"}, {first, ""}};
      const Talk talk = co_await hear_frames(role, frames);
      expect_refused(talk, 1002, (first & 0x30U) != 0 || known ? "a reserved bit" : "the opcode",
                     "text before\n");
    }
  }
}

CO_TEST(WebSocketRules, control_frames_are_short_and_whole) {
  for (const WebSocketRole role : roles) {
    const std::string most(125, 'p');
    const Frames good{{0x89, most}};
    Talk talk = co_await hear_frames(role, good);
    expect_good(talk, "", "pong " + most + "\n");
    const Frames long_one{{0x89, most + "p"}};
    talk = co_await hear_frames(role, long_one);
    expect_refused(talk, 1002, "a control frame is too long");
    const Frames half{{0x09, "p"}};
    talk = co_await hear_frames(role, half);
    expect_refused(talk, 1002, "a control frame is fragmented");
  }
}

CO_TEST(WebSocketRules, fragments_come_in_order) {
  for (const WebSocketRole role : roles) {
    const Frames alone{{0x80, "x"}};
    Talk talk = co_await hear_frames(role, alone);
    expect_refused(talk, 1002, "a continuation without a message");
    const Frames within{{0x01, "x"}, {0x81, "y"}};
    talk = co_await hear_frames(role, within);
    expect_refused(talk, 1002, "a message begins within another one");
    const Frames after{{0x01, "x"}, {0x80, "y"}, {0x00, "z"}};
    talk = co_await hear_frames(role, after);
    expect_refused(talk, 1002, "a continuation without a message", "text xy\n");
  }
}

CO_TEST(WebSocketRules, frames_are_masked_one_way_only) {
  for (const WebSocketRole role : roles) {
    const Talk talk = co_await hear(role, frame(0x81, "x", role == WebSocketRole::client));
    expect_refused(talk, 1002,
                   role == WebSocketRole::server ? "a client's frame is not masked"
                                                 : "a server's frame is masked");
  }
}

CO_TEST(WebSocketRules, a_text_is_utf8_or_refused_at_once) {
  const std::string good = "k\xc3\xb3\xe2\x82\xac\xf0\x9f\x98\x80!";
  for (const WebSocketRole role : roles) {
    for (std::size_t at = 0; at < good.size(); ++at) {
      std::string bad = good;
      bad[at] = '\xff';
      const Frames whole{{0x81, bad}};
      Talk talk = co_await hear_frames(role, whole);
      expect_refused(talk, 1007, "a text is not UTF-8");
      // The rest of the message does not come: it is refused all the same.
      const std::string half = to(role, 0x01, std::string_view(bad).substr(0, at + 1));
      talk = co_await hear(role, half);
      expect_refused(talk, 1007, "a text is not UTF-8");
      // Nor does the rest of the frame.
      const std::string rest = to(role, 0x81, bad + std::string(100, 'x'));
      const std::size_t head = role == WebSocketRole::server ? 6 : 2;
      talk = co_await hear(role, rest.substr(0, head + at + 1));
      expect_refused(talk, 1007, "a text is not UTF-8");
      // In a binary message it is nobody's business.
      const Frames binary{{0x82, bad}};
      talk = co_await hear_frames(role, binary);
      expect_good(talk, "binary " + bad + "\n");
    }
    for (std::size_t at = 0; at <= good.size(); ++at) {  // split anywhere, also within a character
      const Frames split{{0x01, good.substr(0, at)}, {0x80, good.substr(at)}};
      const Talk talk = co_await hear_frames(role, split);
      expect_good(talk, "text " + good + "\n");
    }
    const Frames cut{{0x81, "\xe2\x82"}};
    const Talk talk = co_await hear_frames(role, cut);
    expect_refused(talk, 1007, "a text ends within a character");
  }
}

CO_TEST(WebSocketRules, a_close_has_a_code_that_one_may_have) {
  for (const WebSocketRole role : roles) {
    for (const unsigned code : {1000U, 1001U, 1002U, 1003U, 1007U, 1011U, 1014U, 3000U, 4999U}) {
      const Talk talk = co_await hear(role, to(role, 0x88, close_payload(code, "why")));
      EXPECT_EQ(talk.end, "end " + std::to_string(code) + " why");
      EXPECT_EQ(talk.said, "close " + std::to_string(code) + " \n");
    }
    for (const unsigned code :
         {0U, 999U, 1004U, 1005U, 1006U, 1015U, 1016U, 2000U, 2999U, 5000U, 65'535U}) {
      const Talk talk = co_await hear(role, to(role, 0x88, close_payload(code)));
      expect_refused(talk, 1002, "a Close has a code that none may have");
    }
    Talk talk = co_await hear(role, to(role, 0x88, ""));
    EXPECT_EQ(talk.end, "end 1005");
    EXPECT_EQ(talk.said, "close \n");
    talk = co_await hear(role, to(role, 0x88, "\x03"));
    expect_refused(talk, 1002, "a Close has half a code");
    talk = co_await hear(role, to(role, 0x88, close_payload(1000, "\xff")));
    expect_refused(talk, 1007, "a reason is not UTF-8");
  }
}

CO_TEST(WebSocketRules, limits_are_kept_before_anything_is_stored) {
  const WebSocketOptions options{.message_bytes_max = 1000, .fragments_max = 3};
  for (const WebSocketRole role : roles) {
    const std::string mask = role == WebSocketRole::server ? "\xff" : "\x7f";
    // Only the head of it has come.
    Talk talk =
        co_await hear(role, "\x82" + mask + std::string("\0\0\1\0\0\0\0\0abcd", 12), options);
    expect_refused(talk, 1009, "a frame is too long");
    talk = co_await hear(role, "\x82" + mask + "\x80", options);
    expect_refused(talk, 1002, "a length has its top bit set");
    const Frames most{{0x02, std::string(500, 'a')}, {0x80, std::string(500, 'b')}};
    talk = co_await hear_frames(role, most, options);
    EXPECT_EQ(talk.end, "end 1000 bye");
    const Frames more{{0x02, std::string(500, 'a')}, {0x80, std::string(501, 'b')}};
    talk = co_await hear_frames(role, more, options);
    expect_refused(talk, 1009, "a message is too long");
    const Frames many{{0x02, ""}, {0x00, ""}, {0x00, ""}, {0x80, ""}};
    talk = co_await hear_frames(role, many, options);
    expect_refused(talk, 1009, "a message has too many fragments");
    const WebSocketOptions frames{.frame_bytes_max = 10};
    const Frames large{{0x82, "0123456789x"}};
    talk = co_await hear_frames(role, large, frames);
    expect_refused(talk, 1009, "a frame is too long");
  }
}

CO_TEST(WebSocketRules, four_mebibytes_in_fragments_of_64_bytes_pass) {
  std::string input;
  const std::string piece(64, 'f');
  constexpr std::size_t count = 65'536;
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned first = (i == 0 ? 0x02U : 0U) | (i + 1 == count ? 0x80U : 0U);
    input += frame(first, piece, true);
  }
  input += frame(0x88, close_payload(1000), true);
  const Talk talk = co_await hear(WebSocketRole::server, std::move(input));
  EXPECT_EQ(talk.messages.size(), std::string("binary \n").size() + 64 * count);
  EXPECT_EQ(talk.end, "end 1000");
}

CO_TEST(WebSocketRules, an_end_without_a_close_is_no_end) {
  for (const WebSocketRole role : roles) {
    for (const std::string& input : {std::string(), to(role, 0x81, "whole"), std::string("\x81"),
                                     to(role, 0x81, "cut").substr(0, 4), to(role, 0x01, "half")}) {
      const Talk talk = co_await hear(role, input);
      EXPECT_THAT(talk.end, testing::HasSubstr("without a Close"));
    }
  }
}

}  // namespace
}  // namespace ieum::test
