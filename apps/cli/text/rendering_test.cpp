#include "text/rendering.hpp"

#include <gtest/gtest.h>

namespace ieum::cli {
namespace {

ConstBuffer bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(Rendering, shows_both_sides_as_a_dump) {
  Rendering rendering({.hex = true});
  std::string text;
  rendering.render(text, Side::sent, bytes("hi\n"), "T");
  rendering.render(text, Side::received, bytes("0123456789abcdef\xff"), "T");
  rendering.render(text, Side::sent, bytes("!"), "T");
  EXPECT_EQ(text,
            "> 00000000  68 69 0a                                          |hi.|\n"
            "< 00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n"
            "< 00000010  ff                                                |.|\n"
            "> 00000003  21                                                |!|\n");
}

TEST(Rendering, puts_the_time_before_each_line_once) {
  Rendering rendering({.timestamps = true});
  std::string text;
  rendering.render(text, Side::received, bytes("one\ntw"), "1");
  rendering.render(text, Side::received, bytes("o\n\nthree"), "2");
  EXPECT_EQ(text, "1 one\n1 two\n2 \n2 three");
}

TEST(Rendering, puts_the_time_before_each_row_of_a_dump) {
  Rendering rendering({.hex = true, .timestamps = true});
  std::string text;
  rendering.render(text, Side::received, bytes("x"), "T");
  EXPECT_EQ(text, "T < 00000000  78                                                |x|\n");
}

TEST(Rendering, a_dump_shows_an_empty_datagram) {
  Rendering rendering({.hex = true});
  std::string text;
  rendering.render(text, Side::received, {}, "T");
  EXPECT_EQ(text, "< 00000000                                                    ||\n");
  Rendering lines({.timestamps = true});
  text.clear();
  lines.render(text, Side::received, {}, "T");
  EXPECT_EQ(text, "");
}

TEST(Rendering, says_whose_line_it_is) {
  Rendering rendering({.timestamps = true}, "3");
  std::string text;
  rendering.render(text, Side::received, bytes("a\nb"), "T");
  EXPECT_EQ(text, "T [3] a\nT [3] b");
  EXPECT_TRUE(rendering.in_line());
  Rendering dump({.hex = true}, "4");
  text.clear();
  dump.render(text, Side::sent, bytes("x"), "T");
  EXPECT_EQ(text, "[4] > 00000000  78                                                |x|\n");
  EXPECT_FALSE(dump.in_line());
}

TEST(Rendering, is_plain_unless_asked) {
  EXPECT_TRUE(Rendering({}).is_plain());
  EXPECT_FALSE(Rendering({.timestamps = true}).is_plain());
  EXPECT_TRUE(Rendering({.hex = true}).shows_both());
  EXPECT_FALSE(Rendering({.timestamps = true}).shows_both());
}

}  // namespace
}  // namespace ieum::cli
