#include "websocket/deflate.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace ieum::websocket::detail {
namespace {

ConstBuffer bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
constexpr std::size_t plenty = 1U << 20U;

std::string inflated(Deflater& deflater, std::string_view text, std::size_t piece = plenty) {
  std::string to;
  while (!text.empty()) {
    const std::string_view some = text.substr(0, piece);
    EXPECT_EQ(deflater.inflate(bytes_of(some), to, plenty), Deflater::Inflated::good);
    text.remove_prefix(some.size());
  }
  EXPECT_EQ(deflater.finish(to, plenty), Deflater::Inflated::good);
  return to;
}

TEST(WebSocketDeflate, reads_the_examples_of_the_standard) {  // RFC 7692, section 7.2.3
  Deflater deflater({}, 5);
  EXPECT_EQ(inflated(deflater, std::string("\xf2\x48\xcd\xc9\xc9\x07\x00", 7)), "Hello");
  EXPECT_EQ(inflated(deflater, std::string("\xf2\x00\x11\x00\x00", 5)), "Hello");  // the window
  Deflater stored({}, 5);
  EXPECT_EQ(inflated(stored, std::string("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11)),
            "Hello");
  Deflater last({}, 5);  // a last block, and another one
  EXPECT_EQ(inflated(last, std::string("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8)), "Hello");
  EXPECT_EQ(inflated(last, std::string("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8), 1), "Hello");
  Deflater two({}, 5);
  EXPECT_EQ(inflated(two, std::string("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13)),
            "Hello");
}

TEST(WebSocketDeflate, gives_back_what_it_was_given_with_every_parameter) {
  for (int bits = 9; bits <= 15; ++bits) {
    for (const bool forgets : {false, true}) {
      DeflateParameters parameters;
      parameters.our_window_bits = parameters.their_window_bits = static_cast<std::uint8_t>(bits);
      parameters.we_forget = parameters.they_forget = forgets;
      Deflater deflater(parameters, 5);
      std::string text;
      for (std::size_t size : {0U, 1U, 100U, 10'000U, 300'000U, 5U}) {
        while (text.size() < size) text += std::to_string(text.size() * 7919) + " abc ";
        text.resize(size);
        std::string compressed;
        EXPECT_TRUE(deflater.compress(bytes_of(text), compressed));
        EXPECT_EQ(inflated(deflater, compressed, 1000), text) << bits << ' ' << size;
      }
    }
  }
}

TEST(WebSocketDeflate, stops_at_what_is_allowed) {
  Deflater deflater({}, 5);
  std::string bomb;
  EXPECT_TRUE(deflater.compress(bytes_of(std::string(10U << 20U, 'x')), bomb));
  EXPECT_LT(bomb.size(), 20'000U);
  std::string to;
  EXPECT_EQ(deflater.inflate(bytes_of(bomb), to, 1000), Deflater::Inflated::too_long);
  EXPECT_LE(to.size(), 1001U);
}

TEST(WebSocketDeflate, refuses_what_is_malformed) {
  Deflater deflater({}, 5);
  std::string to;
  EXPECT_EQ(deflater.inflate(bytes_of("\xff\xff\xff\xff"), to, plenty),
            Deflater::Inflated::malformed);
}

TEST(WebSocketDeflate, counts_its_memory) {
  const std::size_t budget = 200'000;
  std::vector<std::unique_ptr<Deflater>> all;
  while (has_room({}, 5, budget)) {
    all.push_back(std::make_unique<Deflater>(DeflateParameters{}, 5));
    ASSERT_LT(all.size(), 10U);
  }
  EXPECT_GE(all.size(), 1U);
  all.pop_back();
  EXPECT_TRUE(has_room({}, 5, budget));
}

}  // namespace
}  // namespace ieum::websocket::detail
