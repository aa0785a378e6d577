// Lines and tags: taken apart, put together, refused.
#include "irc/message.hpp"

#include <gtest/gtest.h>

#include "irc/limits.hpp"

namespace ieum::hub {
namespace {

TEST(HubMessage, IsTakenApart) {
  const auto message = parse_message("@a=1;+b=x\\sy :ann!a@h privmsg #room,bob  :hello  there ");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->tags, (Tags{{"a", "1"}, {"+b", "x y"}}));
  EXPECT_EQ(message->source, "ann!a@h");
  EXPECT_EQ(message->command, "PRIVMSG");
  EXPECT_EQ(message->params, (std::vector<std::string>{"#room,bob", "hello  there "}));
}

TEST(HubMessage, HasItsLastParameterWithAndWithoutColon) {
  EXPECT_EQ(parse_message("MODE #a +o bob")->params.size(), 3U);
  EXPECT_EQ(parse_message("TOPIC #a :")->params, (std::vector<std::string>{"#a", ""}));
  EXPECT_EQ(parse_message("PING ::x")->params, (std::vector<std::string>{":x"}));
  EXPECT_EQ(parse_message("  PING  x  ")->params, (std::vector<std::string>{"x"}));
  const auto many = parse_message("X 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16");
  ASSERT_EQ(many->params.size(), limits::params);
  EXPECT_EQ(many->params.back(), "15 16");
}

TEST(HubMessage, IsRefused) {
  const auto fault = [](std::string_view line) { return parse_message(line).error(); };
  EXPECT_EQ(fault(""), LineFault::empty);
  EXPECT_EQ(fault("   "), LineFault::empty);
  EXPECT_EQ(fault(":only-a-source"), LineFault::malformed);
  EXPECT_EQ(fault("@tag"), LineFault::malformed);
  EXPECT_EQ(fault("PRIV\x01MSG x"), LineFault::malformed);
  EXPECT_EQ(fault("\xc3\xa9 x"), LineFault::malformed);
  EXPECT_EQ(fault("PRIVMSG #a :\xff"), LineFault::not_utf8);
  EXPECT_EQ(fault("PRIVMSG #a :\xed\xa0\x80"), LineFault::not_utf8);
  EXPECT_EQ(fault(std::string_view("PRIVMSG #a :\0", 13)), LineFault::controls);
  EXPECT_EQ(fault("PRIVMSG #a :x\ry"), LineFault::controls);
}

TEST(HubMessage, MayBeAsLongAsTheLimitsAndNoLonger) {
  const std::string text(limits::line_bytes - 2 - 12, 'x');  // behind "PRIVMSG #a :"
  EXPECT_TRUE(parse_message("PRIVMSG #a :" + text));
  EXPECT_EQ(parse_message("PRIVMSG #a :x" + text).error(), LineFault::too_long);
  const std::string tags = "@+a=" + std::string(limits::client_tags_bytes - 5, 'x');
  EXPECT_TRUE(parse_message(tags + " PRIVMSG #a :" + text));
  EXPECT_EQ(parse_message(tags + "x PING x").error(), LineFault::tags_too_long);
}

TEST(HubMessage, IsPutTogether) {
  Message message;
  message.source = "hub";
  message.command = "005";
  message.params = {"ann", "A=1", "are supported"};
  EXPECT_EQ(serialize(message), ":hub 005 ann A=1 :are supported\r\n");
  message.params = {"x"};
  EXPECT_EQ(serialize(message), ":hub 005 x\r\n");
  EXPECT_EQ(serialize(message, true), ":hub 005 :x\r\n");
  message.params = {""};
  EXPECT_EQ(serialize(message), ":hub 005 :\r\n");
}

TEST(HubMessage, IsCutAtACharactersEnd) {
  Message message;
  message.command = "PRIVMSG";
  std::string text;
  for (int i = 0; i < 300; ++i) text += "\xed\x95\x9c";
  message.params = {"#a", text};
  const std::string line = serialize(message);
  EXPECT_LE(line.size(), limits::line_bytes);
  EXPECT_GT(line.size(), limits::line_bytes - 3);
  EXPECT_TRUE(parse_message(line.substr(0, line.size() - 2)));
}

TEST(HubTags, AreEscaped) {
  const std::string value = "a;b c\\d\re\nf";
  EXPECT_EQ(escape_tag(value), "a\\:b\\sc\\\\d\\re\\nf");
  EXPECT_EQ(unescape_tag(escape_tag(value)), value);
  EXPECT_EQ(unescape_tag("a\\bc\\"), "abc");
}

TEST(HubTags, HaveKeys) {
  for (const char* key : {"a", "+a", "vendor.example/a-1", "+draft/react", "time"}) {
    EXPECT_TRUE(is_tag_key(key)) << key;
  }
  for (const char* key : {"", "+", "a/", "/a", "a_b", "a/b/c", "++a", "a b"}) {
    EXPECT_FALSE(is_tag_key(key)) << key;
  }
}

TEST(HubTags, TheLastOfAKeyCounts) {
  EXPECT_EQ(parse_tags("a=1;b;a=2;;=x"), (Tags{{"a", "2"}, {"b", ""}}));
  EXPECT_EQ(serialize_tags({{"a", "2"}, {"b", ""}}), "a=2;b");
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "k" + std::to_string(i) + ";";
  EXPECT_EQ(parse_tags(many).size(), limits::tags_count);
}

}  // namespace
}  // namespace ieum::hub
