#include "text/suggest.hpp"

#include <gtest/gtest.h>

#include <array>

namespace ieum::cli {
namespace {

constexpr std::array<std::string_view, 4> words{"connect", "listen", "--timestamps", "-w"};

TEST(Nearest, finds_a_slip_of_the_fingers) {
  EXPECT_EQ(nearest("conect", words), "connect");
  EXPECT_EQ(nearest("lisetn", words), "listen");
  EXPECT_EQ(nearest("LISTEN", words), "listen");
  EXPECT_EQ(nearest("--timestamp", words), "--timestamps");
}

TEST(Nearest, finds_what_was_only_begun) { EXPECT_EQ(nearest("--time", words), "--timestamps"); }

TEST(Nearest, does_not_guess) {
  EXPECT_EQ(nearest("datagram", words), "");
  EXPECT_EQ(nearest("", words), "");
  EXPECT_EQ(nearest(std::string(1000, 'c'), words), "");
}

TEST(Nearest, does_not_turn_one_letter_into_another_word) { EXPECT_EQ(nearest("x", words), ""); }

TEST(InQuotes, makes_control_bytes_visible) {
  EXPECT_EQ(in_quotes("a\nb\x1b[2J"), "'a\\x0ab\\x1b[2J'");
  EXPECT_EQ(in_quotes(std::string_view("\0", 1)), "'\\x00'");
}

TEST(InQuotes, lets_nothing_through_that_a_terminal_obeys) {
  EXPECT_EQ(in_quotes("a\xc2\x9b"
                      "2J"),
            "'a\\xc2\\x9b2J'");  // C1: CSI
  EXPECT_EQ(in_quotes("a\x9b"
                      "2J"),
            "'a\\x9b2J'");                                    // the same as one byte
  EXPECT_EQ(in_quotes("\xe2\x80\xae"), "'\\xe2\\x80\\xae'");  // writes from right to left
  EXPECT_EQ(in_quotes("이음"), "'이음'");
}

TEST(InQuotes, cuts_long_text_between_characters) {
  EXPECT_EQ(in_quotes(std::string(59, 'x') + "이음"), "'" + std::string(59, 'x') + "…'");
  EXPECT_EQ(in_quotes(std::string(60, 'x')), "'" + std::string(60, 'x') + "'");
}

TEST(DidYouMean, is_part_of_a_sentence) {
  EXPECT_EQ(did_you_mean("conect", words), "; did you mean 'connect'?");
  EXPECT_EQ(did_you_mean("xyzzy", words), "");
}

}  // namespace
}  // namespace ieum::cli
