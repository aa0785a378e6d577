#include "text/units.hpp"

#include <gtest/gtest.h>

namespace ieum::cli {
namespace {

using namespace std::chrono_literals;

TEST(ParseDuration, takes_seconds_and_units) {
  EXPECT_EQ(parse_duration("5"), 5s);
  EXPECT_EQ(parse_duration("0.5"), 500ms);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("2m"), 120s);
  EXPECT_EQ(parse_duration("1h"), 3600s);
  EXPECT_EQ(parse_duration("3s"), 3s);
}

TEST(ParseDuration, refuses_what_is_none) {
  for (const char* text : {"", "s", "x", "-1", "+1", "0", "0.0", "1e9", "nan", "inf", "1.2.3",
                           "5 s", "99999999999999999999", "0x10", "1d", ".", "5\n"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(ParseBytes, takes_powers_of_1024) {
  EXPECT_EQ(parse_bytes("0"), 0U);
  EXPECT_EQ(parse_bytes("4096"), 4096U);
  EXPECT_EQ(parse_bytes("64k"), 65536U);
  EXPECT_EQ(parse_bytes("64K"), 65536U);
  EXPECT_EQ(parse_bytes("2M"), 2U << 20U);
  EXPECT_EQ(parse_bytes("1G"), 1U << 30U);
  EXPECT_EQ(parse_bytes("17179869183G"), 17179869183U << 30U);
}

TEST(ParseBytes, refuses_what_is_none) {
  for (const char* text :
       {"", "k", "-1", "1.5k", "17179869184G", "99999999999999999999", "1T", " 1"}) {
    EXPECT_EQ(parse_bytes(text), std::nullopt) << text;
  }
}

TEST(Text, of_durations) {
  EXPECT_EQ(format_duration(12us), "12 µs");
  EXPECT_EQ(format_duration(340ms), "340 ms");
  EXPECT_EQ(format_duration(1240ms), "1.24 s");
  EXPECT_EQ(format_duration(125s), "2 min 5 s");
  EXPECT_EQ(format_duration(7260s), "2 h 1 min");
}

TEST(Text, of_bytes) {
  EXPECT_EQ(format_bytes(0), "0 bytes");
  EXPECT_EQ(format_bytes(1), "1 byte");
  EXPECT_EQ(format_bytes(9999), "9999 bytes");
  EXPECT_EQ(format_bytes(std::uint64_t{3} << 20U), "3 MiB");
  EXPECT_EQ(format_bytes(std::uint64_t{10} << 30U), "10 GiB");
}

}  // namespace
}  // namespace ieum::cli
