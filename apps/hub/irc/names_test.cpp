// Names, masks, modes, tables.
#include "irc/names.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "irc/base64.hpp"
#include "irc/caps.hpp"
#include "irc/isupport.hpp"
#include "irc/limits.hpp"
#include "irc/modes.hpp"
#include "irc/numerics.hpp"
#include "irc/text.hpp"

namespace ieum::hub {
namespace {

TEST(HubNames, OfNicks) {
  for (const char* nick : {"ann", "Ann-1", "[x]", "^_^", "하늘", "a|b"}) {
    EXPECT_TRUE(is_nick(nick)) << nick;
  }
  const std::string too_long(limits::nick_bytes + 1, 'a');
  for (const std::string& nick :
       {std::string(), std::string("1a"), std::string("-a"), std::string("a b"), std::string("a!b"),
        std::string("a\x01"), std::string("#a"), std::string("a\xff"), too_long,
        std::string("a\xe2\x80\x8b"), std::string("a\xe2\x80\xae")}) {
    EXPECT_FALSE(is_nick(nick)) << nick;
  }
}

TEST(HubNames, OfChannels) {
  for (const char* name : {"#a", "##c++", "#한국"}) EXPECT_TRUE(is_channel(name)) << name;
  for (const char* name :
       {"#", "a", "#a b", "#a,b", "#a*", "#a\x07", "#a:b", "#a\xff", "#a\xc2\xa0"}) {
    EXPECT_FALSE(is_channel(name)) << name;
  }
  EXPECT_FALSE(is_channel("#" + std::string(limits::channel_bytes, 'a')));
}

TEST(HubNames, AreTheSameInEitherCaseOfAscii) {
  EXPECT_TRUE(same_name("ANN[", "ann["));
  EXPECT_FALSE(same_name("ann[", "ann{"));  // ascii, not rfc1459
  EXPECT_EQ(key_of("#Room"), "#room");
}

TEST(HubText, IsUtf8OrNot) {
  for (const char* text :
       {"", "a", "\xc3\xa9", "\xed\x95\x9c", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
  for (const char* text : {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80",
                           "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xff", "\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

TEST(HubText, IsCutBetweenCharacters) {
  EXPECT_EQ(cut("abc", 2), "ab");
  EXPECT_EQ(cut("a\xed\x95\x9c", 3), "a");
  EXPECT_EQ(cut("a\xed\x95\x9c", 4), "a\xed\x95\x9c");
  EXPECT_EQ(cut("\x80\x80\x80\x80\x80", 4), "\x80\x80\x80\x80");  // no UTF-8: that many bytes
}

TEST(HubMasks, Match) {
  EXPECT_TRUE(matches("*!*@*.example", "ann!a@host.example"));
  EXPECT_TRUE(matches("A?n!*", "ann!x@y"));
  EXPECT_TRUE(matches("?", "\xed\x95\x9c"));
  EXPECT_FALSE(matches("ann", "anna"));
  EXPECT_TRUE(matches("*a*a*a*", "xxaxxaxxaxx"));
  EXPECT_FALSE(matches("", "a"));
  // Not exponential.
  EXPECT_FALSE(matches(std::string(50, '*') + "b", std::string(5000, 'a')));
}

TEST(HubMasks, AreMadeFull) {
  EXPECT_EQ(full_mask("ann"), "ann!*@*");
  EXPECT_EQ(full_mask("a@h"), "*!a@h");
  EXPECT_EQ(full_mask("ann!a"), "ann!a@*");
  EXPECT_EQ(full_mask("*.example"), "*!*@*.example");
  EXPECT_EQ(full_mask("n!u@h"), "n!u@h");
  EXPECT_EQ(full_mask("!@"), "*!*@*");
}

TEST(HubModes, AreParsed) {
  const std::vector<std::string> params{"ann", "bob", "10"};
  const ModeRequest request = parse_channel_modes("+o-v+lmZb", params, limits::modes);
  EXPECT_EQ(request.changes,
            (std::vector<ModeChange>{
                {true, 'o', "ann"}, {false, 'v', "bob"}, {true, 'l', "10"}, {true, 'm', ""}}));
  EXPECT_EQ(request.unknown, std::vector<char>{'Z'});
  EXPECT_EQ(request.lists, std::vector<char>{'b'});
  EXPECT_EQ(parse_channel_modes("-l", {}, 6).changes.size(), 1U);
  EXPECT_EQ(parse_channel_modes("-k", {}, 6).changes.size(), 1U);
  EXPECT_EQ(parse_channel_modes("+o", {}, 6).without_param, std::vector<char>{'o'});
  const std::vector<std::string> many(10, "ann");
  EXPECT_EQ(parse_channel_modes("oooooooooo", many, 6).changes.size(), 6U);
}

TEST(HubModes, AreShown) {
  const std::vector<ModeChange> changes{
      {true, 'o', "ann"}, {true, 'i', ""}, {false, 'v', "bob"}, {true, 'm', ""}};
  EXPECT_EQ(mode_params(changes), (std::vector<std::string>{"+oi-v+m", "ann", "bob"}));
}

TEST(HubTables, OfNumericsAreInOrder) {
  EXPECT_TRUE(std::ranges::is_sorted(numerics, {}, &Numeric::number));
  EXPECT_EQ("ERR_NOSUCHNICK"_numeric.number, 401);
}

TEST(HubTables, OfSupportedThings) {
  const std::vector<std::string> tokens = isupport_tokens("Test");
  EXPECT_TRUE(std::ranges::is_sorted(tokens));
  const auto has = [&](const std::string& token) {
    return std::ranges::find(tokens, token) != tokens.end();
  };
  EXPECT_TRUE(has("CHANLIMIT=#:100"));
  EXPECT_TRUE(has("CHANMODES=beI,k,l,imnrst"));
  EXPECT_TRUE(has("MAXLIST=beI:100"));
  EXPECT_TRUE(has("NICKLEN=32"));
}

TEST(HubBase64, IsStrict) {
  for (const char* text : {"", "a", "ab", "abc", "abcd"}) {
    EXPECT_EQ(decode_base64(encode_base64(text)), text);
  }
  for (const char* text : {"a", "YQ", "YQ=", "YR==", "Y===", "YQ==YQ==", "Y Q="}) {
    EXPECT_FALSE(decode_base64(text)) << text;
  }
}

}  // namespace
}  // namespace ieum::hub
