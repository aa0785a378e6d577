#include "log/entry.hpp"

#include <gtest/gtest.h>

namespace ieum::hub {
namespace {

TEST(MessageIdTest, IsWrittenAndRead) {
  const MessageId id{0x0123456789abcdefU, RoomId{42}, 18'446'744'073'709'551'615U};
  EXPECT_EQ(id.to_string(), "0123456789abcdef.42.18446744073709551615");
  EXPECT_EQ(MessageId::parse(id.to_string()), id);
  const MessageId small{1, RoomId{1}, 1};
  EXPECT_EQ(small.to_string(), "0000000000000001.1.1");
  EXPECT_EQ(MessageId::parse(small.to_string()), small);
}

TEST(MessageIdTest, RefusesWhatItDoesNotWrite) {
  for (const char* text :
       {"", "x", "0123456789abcdef", "0123456789abcdef.", "0123456789abcdef.1",
        "0123456789abcdef.1.", "0123456789abcdef..1", "0123456789ABCDEF.1.1",
        "123456789abcdef.1.1.", "0123456789abcdef.01.1", "0123456789abcdef.1.0",
        "0123456789abcdef.1.-1", "0123456789abcdef.1.1 ", "0123456789abcdef. 1.1",
        "0123456789abcdef.1.1.1", "0123456789abcdef.1.18446744073709551616"}) {
    EXPECT_FALSE(MessageId::parse(text)) << text;
  }
}

TEST(RoomKeyTest, SaysWhatItIs) {
  EXPECT_EQ(direct_key("a:bob", "a:ann"), direct_key("a:ann", "a:bob"));
  const std::optional<DirectPair> pair = direct_pair(direct_key("a:bob", "a:ann"));
  ASSERT_TRUE(pair);
  EXPECT_EQ(pair->first, "a:ann");
  EXPECT_EQ(pair->second, "a:bob");
  EXPECT_EQ(channel_name(channel_key("#sea")), "#sea");
  EXPECT_FALSE(channel_name(direct_key("a:ann", "a:bob")));
  EXPECT_FALSE(direct_pair(channel_key("#sea")));
  EXPECT_NE(channel_key("a:ann\na:bob"), direct_key("a:ann", "a:bob"));
}

TEST(KindsTest, AreASet) {
  constexpr Kinds some(Kind::message, Kind::redact);
  static_assert(some.has(Kind::message) && some.has(Kind::redact) && !some.has(Kind::join));
  static_assert(Kinds::all().has(Kind::kick) && !Kinds().has(Kind::message));
}

}  // namespace
}  // namespace ieum::hub
