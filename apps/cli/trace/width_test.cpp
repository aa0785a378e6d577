#include "trace/width.hpp"

#include <gtest/gtest.h>

namespace ieum::cli::trace {
namespace {

TEST(Width, OfKoreanAndEmoji) {
  EXPECT_EQ(columns_of_wide("abc"), 3U);
  EXPECT_EQ(columns_of_wide("소켓"), 4U);
  EXPECT_EQ(columns_of_wide("한글 ok 😀"), 10U);
  EXPECT_EQ(columns_of_wide("e\u0301"), 1U);
  EXPECT_EQ(columns_of_wide("─▶│µ…"), 5U);
}

TEST(Width, CutsBetweenLetters) {
  EXPECT_EQ(cut_to("abcdef", 6, false), "abcdef");
  EXPECT_EQ(cut_to("abcdef", 4, false), "abc…");
  EXPECT_EQ(cut_to("abcdef", 4, true), "abc~");
  EXPECT_EQ(cut_to("가나다", 4, false), "가…");
  EXPECT_EQ(pad_left("가나다", 4, false), " 가…");
  EXPECT_EQ(pad_right("가", 4, false), "가  ");
  EXPECT_EQ(cut_to("abc", 0, false), "");
}

TEST(Width, InAscii) { EXPECT_EQ(to_ascii("← 2 가 µ…"), "<- 2 \\u{AC00} u..."); }

TEST(EscapeData, IsOneLineThatCommandsNoTerminal) {
  EXPECT_EQ(escape_data("GET / HTTP/1.1\r\n\tx", false), "GET / HTTP/1.1\\r\\n\\tx");
  EXPECT_EQ(escape_data("\x1b[31m\xff", false), "\\x1b[31m\\xff");
  EXPECT_EQ(escape_data("가나", false), "가나");
}

TEST(EscapeData, LeavesOutALetterThatWasCut) {
  const std::string text = "가나";
  EXPECT_EQ(escape_data(text.substr(0, 5), true), "가");
  EXPECT_EQ(escape_data(text.substr(0, 4), true), "가");
  EXPECT_EQ(escape_data(text.substr(0, 4), false), "가\\xeb");
  EXPECT_EQ(escape_data(text, true), "가나");
  EXPECT_EQ(escape_data("", true), "");
}

}  // namespace
}  // namespace ieum::cli::trace
