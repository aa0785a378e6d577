// What of a text a terminal is shown, and limits as words.
#include "base/words.hpp"

#include <ieum/printable.hpp>

#include "support/support.hpp"

namespace ieum {
namespace {

TEST(Printable, LeavesWordsOfAnyLanguageAlone) {
  for (const std::string_view text : {"", "a b\\c", "이음", "\u00a0", "\u00ff", "\U0001f600"}) {
    EXPECT_EQ(printable(text), text);
  }
}

TEST(Printable, ShowsTheBytesOfWhatATerminalObeys) {
  EXPECT_EQ(printable("a\nb\x1b[2J\x7f"), R"(a\x0ab\x1b[2J\x7f)");
  EXPECT_EQ(printable(std::string_view("\0", 1)), R"(\x00)");
  EXPECT_EQ(printable("\u0080|\u009b|\u009f"), R"(\xc2\x80|\xc2\x9b|\xc2\x9f)");  // C1
  EXPECT_EQ(printable("\u2028\u2029"), R"(\xe2\x80\xa8\xe2\x80\xa9)");
  EXPECT_EQ(printable("\u202e|\u2066|\u061c"), R"(\xe2\x80\xae|\xe2\x81\xa6|\xd8\x9c)");
}

TEST(Printable, ShowsTheBytesOfWhatIsNoUtf8) {
  EXPECT_EQ(printable("\x9b|\xff|\xec\x9d"), R"(\x9b|\xff|\xec\x9d)");
  EXPECT_EQ(printable("\xc0\x9b|\xed\xa0\x80"),
            R"(\xc0\x9b|\xed\xa0\x80)");  // too long; half a pair
}

TEST(LimitInWords, IsWhatSomebodyHasSet) {
  using namespace std::chrono_literals;
  const auto in_words = [](AnyDuration limit) { return detail::limit_in_words(limit); };
  EXPECT_EQ(in_words(0s), "0 ms");
  EXPECT_EQ(in_words(1500us), "1.5 ms");
  EXPECT_EQ(in_words(40ms), "40 ms");
  EXPECT_EQ(in_words(1500ms), "1.5 s");
  EXPECT_EQ(in_words(1234567s), "1234567 s");
  EXPECT_EQ(in_words(-5ms), "-5 ms");
  EXPECT_EQ(in_words(-2h), "-7200 s");
  EXPECT_EQ(in_words(std::chrono::hours::max()), "9223372037 s");
  EXPECT_EQ(in_words(std::chrono::hours::min()), "0 ms");
  EXPECT_EQ(in_words(std::chrono::nanoseconds::min()), "0 ms");
}

}  // namespace
}  // namespace ieum
