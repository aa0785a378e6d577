#include "websocket/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace ieum::websocket::detail {
namespace {

ConstBuffer bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// By the definition: what RFC 3629, section 3, encodes.
std::string encoded(unsigned code) {
  std::string text;
  const auto add = [&](unsigned byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xC0U | code >> 6U);
    add(0x80U | (code & 63U));
  } else if (code < 0x10000) {
    add(0xE0U | code >> 12U);
    add(0x80U | (code >> 6U & 63U));
    add(0x80U | (code & 63U));
  } else {
    add(0xF0U | code >> 18U);
    add(0x80U | (code >> 12U & 63U));
    add(0x80U | (code >> 6U & 63U));
    add(0x80U | (code & 63U));
  }
  return text;
}

TEST(WebSocketUtf8, takes_every_character_and_no_surrogate) {
  for (unsigned code = 0; code < 0x110000; code += code < 0x3000 ? 1 : 13) {
    const bool surrogate = code >= 0xD800 && code < 0xE000;
    EXPECT_EQ(is_utf8(bytes_of(encoded(code))), !surrogate) << std::hex << code;
  }
  for (const unsigned code : {0xD7FFU, 0xE000U, 0xFFFFU, 0x10000U, 0x10FFFFU}) {
    EXPECT_TRUE(is_utf8(bytes_of(encoded(code)))) << code;
  }
  EXPECT_FALSE(is_utf8(bytes_of(encoded(0xD800))));
  EXPECT_FALSE(is_utf8(bytes_of(encoded(0xDFFF))));
  EXPECT_FALSE(is_utf8(bytes_of(encoded(0x110000))));
}

TEST(WebSocketUtf8, refuses_longer_forms_and_bytes_that_none_has) {
  for (const char* const text :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe", "\xff", "\xc3(",
        "\xe2\x82(", "\xf0\x9f\x98(", "\xed\xa0\x80"}) {
    Utf8 utf8;
    EXPECT_FALSE(utf8.add(bytes_of(text))) << text;
    EXPECT_FALSE(utf8.add(bytes_of("a"))) << "it stays invalid";
  }
}

TEST(WebSocketUtf8, tells_the_first_byte_that_is_wrong_wherever_it_is) {
  const std::string good = "abcdefghij\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80klmnopqrstuvw";
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = '\xff';
    Utf8 utf8;
    EXPECT_TRUE(utf8.add(bytes_of(std::string_view(bad).substr(0, at)))) << at;
    EXPECT_FALSE(utf8.add(bytes_of(std::string_view(bad).substr(at, 1)))) << at;
    EXPECT_FALSE(is_utf8(bytes_of(bad)));
  }
}

TEST(WebSocketUtf8, does_not_care_where_a_text_is_split) {
  const std::string text = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5 and \xf0\x9f\x98\x80 more";
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      Utf8 utf8;
      EXPECT_TRUE(utf8.add(bytes_of(std::string_view(text).substr(0, first))));
      EXPECT_TRUE(utf8.add(bytes_of(std::string_view(text).substr(first, second - first))));
      EXPECT_TRUE(utf8.add(bytes_of(std::string_view(text).substr(second))));
      EXPECT_TRUE(utf8.is_whole());
    }
  }
  for (std::size_t size : {1U, 3U, 4U}) {  // within a character
    Utf8 utf8;
    EXPECT_TRUE(utf8.add(bytes_of(std::string_view(text).substr(0, size))));
    EXPECT_FALSE(utf8.is_whole());
  }
}

}  // namespace
}  // namespace ieum::websocket::detail
