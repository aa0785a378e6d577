// ContentDecoder: what comes out, however it is split; what is damaged, cut, or followed by more.
#include "http/coding.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace ieum::http::detail {
namespace {

using Coding = ContentDecoder::Coding;

// "hello hello hello hello\n", as gzip, zlib, raw deflate and br have it.
constexpr unsigned char gzip_bytes[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
                                        0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x27, 0xb9,
                                        0x00, 0x00, 0x88, 0x59, 0x0b, 0x18, 0x00, 0x00, 0x00};

struct Decoded {
  bool is_good = false;
  bool is_complete = false;
  std::string text;
};

Decoded decode(Coding coding, std::string_view input, std::size_t piece, std::size_t room_bytes) {
  Decoded decoded;
  const Result<std::unique_ptr<ContentDecoder>> decoder = ContentDecoder::make(coding);
  if (!decoder) return decoded;
  std::string room(room_bytes, '\0');
  while (!input.empty()) {
    std::string_view part = input.substr(0, piece);
    input.remove_prefix(part.size());
    bool may_have_more = true;
    while (!part.empty() || may_have_more) {
      const auto step = (*decoder)->decode(std::as_bytes(std::span(part)),
                                           std::as_writable_bytes(std::span(room)));
      if (!step) return decoded;
      part.remove_prefix(step->used);
      decoded.text.append(room, 0, step->given);
      may_have_more = step->given == room.size();
    }
  }
  decoded.is_good = true;
  decoded.is_complete = (*decoder)->is_complete();
  return decoded;
}

std::string text_of(std::span<const unsigned char> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(ContentDecoder, knows_the_names_that_it_has_a_library_for) {
  EXPECT_FALSE(ContentDecoder::coding_of("identity").has_value());
  EXPECT_FALSE(ContentDecoder::coding_of("compress").has_value());
  EXPECT_FALSE(ContentDecoder::coding_of("").has_value());
  if (ContentDecoder::accepted().empty()) GTEST_SKIP() << "built without zlib and libbrotli";
  EXPECT_EQ(ContentDecoder::coding_of("GZip"), Coding::gzip);
  EXPECT_EQ(ContentDecoder::coding_of("x-gzip"), Coding::gzip);
  EXPECT_EQ(ContentDecoder::coding_of("deflate"), Coding::deflate);
}

TEST(ContentDecoder, gives_the_same_however_it_is_split) {
  if (!ContentDecoder::coding_of("gzip")) GTEST_SKIP() << "built without zlib";
  const std::string gzip = text_of(gzip_bytes);
  const std::string two = gzip + gzip;  // two members (RFC 1952, section 2.2)
  const std::string text = "hello hello hello hello\n";
  for (std::size_t piece = 1; piece <= two.size(); ++piece) {
    for (const std::size_t room : {1, 7, 100}) {
      Decoded decoded = decode(Coding::gzip, gzip, piece, room);
      EXPECT_TRUE(decoded.is_good && decoded.is_complete);
      EXPECT_EQ(decoded.text, text);
      decoded = decode(Coding::gzip, two, piece, room);
      EXPECT_TRUE(decoded.is_good && decoded.is_complete) << piece << " " << room;
      EXPECT_EQ(decoded.text, text + text);
    }
  }
}

TEST(ContentDecoder, takes_deflate_with_and_without_a_head) {
  if (!ContentDecoder::coding_of("deflate")) GTEST_SKIP() << "built without zlib";
  const std::string gzip = text_of(gzip_bytes);
  const std::string bare = gzip.substr(10, gzip.size() - 18);
  const std::string text = "hello hello hello hello\n";
  std::string zlib = "\x78\x9c" + bare;
  std::uint32_t a = 1;
  std::uint32_t b = 0;  // Adler-32
  for (const char c : text) {
    a = (a + static_cast<unsigned char>(c)) % 65521;
    b = (b + a) % 65521;
  }
  for (const std::uint32_t half : {b, a}) {
    zlib += static_cast<char>(half >> 8U);
    zlib += static_cast<char>(half & 0xffU);
  }
  for (const std::string& input : {bare, zlib}) {
    for (std::size_t piece = 1; piece <= input.size(); ++piece) {
      const Decoded decoded = decode(Coding::deflate, input, piece, 5);
      EXPECT_TRUE(decoded.is_good && decoded.is_complete);
      EXPECT_EQ(decoded.text, text);
    }
    EXPECT_FALSE(decode(Coding::deflate, input + "x", 100, 100).is_good);
  }
}

TEST(ContentDecoder, a_cut_content_is_not_complete_and_a_damaged_one_is_an_error) {
  if (!ContentDecoder::coding_of("gzip")) GTEST_SKIP() << "built without zlib";
  const std::string gzip = text_of(gzip_bytes);
  EXPECT_TRUE(decode(Coding::gzip, "", 1, 100).is_good);
  for (std::size_t size = 1; size < gzip.size(); ++size) {
    const Decoded decoded = decode(Coding::gzip, gzip.substr(0, size), 100, 100);
    EXPECT_TRUE(decoded.is_good) << size;
    EXPECT_FALSE(decoded.is_complete) << size;
  }
  std::string damaged = gzip;
  damaged[damaged.size() - 5] ^= 1;  // the checksum
  EXPECT_FALSE(decode(Coding::gzip, damaged, 100, 100).is_good);
  EXPECT_FALSE(decode(Coding::gzip, "this is none", 100, 100).is_good);
  EXPECT_FALSE(decode(Coding::gzip, gzip + "more", 100, 100).is_good);
}

TEST(ContentDecoder, br) {
  if (!ContentDecoder::coding_of("br")) GTEST_SKIP() << "built without libbrotli";
  const std::string br("\x0b\x02\x80hello\x03", 9);  // a last meta-block that is not compressed
  for (std::size_t piece = 1; piece <= br.size(); ++piece) {
    const Decoded decoded = decode(Coding::brotli, br, piece, 2);
    EXPECT_TRUE(decoded.is_good && decoded.is_complete);
    EXPECT_EQ(decoded.text, "hello");
  }
  EXPECT_FALSE(decode(Coding::brotli, br.substr(0, 6), 100, 100).is_complete);
  EXPECT_FALSE(decode(Coding::brotli, br + "x", 100, 100).is_good);
}

}  // namespace
}  // namespace ieum::http::detail
