#include "websocket/frame.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "websocket/mask.hpp"

namespace ieum::websocket::detail {
namespace {

ConstBuffer bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string head_text(const FrameHead& head) {
  std::string text(head_bytes_max, '\0');
  text.resize(write_head(head, std::as_writable_bytes(std::span(text))));
  return text;
}

/// The fault of a head, or "" if it is whole, or "more".
std::string fault(const std::string& text, FrameRules rules = {.masked = false}) {
  FrameHead head;
  const HeadRead read = read_head(bytes_of(text), rules, head);
  if (read.fault != nullptr) return read.fault;
  return read.size == 0 ? "more" : "";
}

TEST(WebSocketFrames, read_what_was_written) {
  for (const std::uint64_t length :
       {0ULL, 1ULL, 125ULL, 126ULL, 65'535ULL, 65'536ULL, (1ULL << 63U) - 1}) {
    for (const bool masked : {false, true}) {
      FrameHead head{.opcode = Opcode::binary, .fin = length % 2 == 0, .length = length};
      head.is_masked = masked;
      if (masked) head.key = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
      const std::string text = head_text(head);
      EXPECT_EQ(text.size(), head_size(length, masked));
      for (std::size_t size = 0; size < text.size(); ++size) {
        EXPECT_EQ(fault(text.substr(0, size), {.masked = masked}), "more") << size;
      }
      FrameHead again;
      const HeadRead read = read_head(bytes_of(text + "x"), {.masked = masked}, again);
      EXPECT_EQ(read.size, text.size());
      EXPECT_EQ(again.length, length);
      EXPECT_EQ(again.fin, head.fin);
      EXPECT_EQ(again.key, head.key);
      EXPECT_EQ(again.opcode, Opcode::binary);
    }
  }
}

TEST(WebSocketFrames, take_the_opcodes_that_there_are) {
  for (unsigned first = 0; first < 256; ++first) {
    const unsigned opcode = first & 15U;
    const bool known = opcode <= 2 || (opcode >= 8 && opcode <= 10);
    const bool control = opcode >= 8;
    std::string expected;
    if ((first & 0x30U) != 0)
      expected = "a reserved bit is set";
    else if (!known)
      expected = "the opcode is reserved";
    else if ((first & 0x40U) != 0)
      expected = "a reserved bit is set";
    else if (control && first < 0x80)
      expected = "a control frame is fragmented";
    EXPECT_EQ(fault({static_cast<char>(first), 0}), expected) << first;
    // It is seen as soon as the first byte is there.
    EXPECT_EQ(fault({static_cast<char>(first)}), expected.empty() ? "more" : expected) << first;
  }
}

TEST(WebSocketFrames, know_when_compression_has_a_meaning) {
  const FrameRules rules{.masked = false, .compressed = true};
  EXPECT_EQ(fault(std::string("\xc1\0", 2), rules), "");
  EXPECT_EQ(fault(std::string("\x42\0", 2), rules), "");
  EXPECT_EQ(fault(std::string("\x40\0", 2), rules), "a continuation says that it is compressed");
  EXPECT_EQ(fault(std::string("\xc9\0", 2), rules), "a control frame is compressed");
  EXPECT_EQ(fault(std::string("\xa1\0", 2), rules), "a reserved bit is set");
}

TEST(WebSocketFrames, refuse_lengths_that_are_not_as_short_as_can_be) {
  EXPECT_EQ(fault(std::string("\x82\x7e\x00\x7d", 4)), "a length is not in its shortest form");
  EXPECT_EQ(fault(std::string("\x82\x7e\x00\x7e", 4)), "");
  EXPECT_EQ(fault(std::string("\x82\x7f\0\0\0\0\0\0\xff\xff", 10)),
            "a length is not in its shortest form");
  EXPECT_EQ(fault(std::string("\x82\x7f\0\0\0\0\0\1\0\0", 10)), "");
  EXPECT_EQ(fault(std::string("\x82\x7f\x80", 3)), "a length has its top bit set");
  EXPECT_EQ(fault("\x89\x7e"), "a control frame is too long");
  EXPECT_EQ(fault("\x88\x7f"), "a control frame is too long");
  EXPECT_EQ(fault("\x89\x7d"), "");
}

TEST(WebSocketFrames, go_masked_one_way_only) {
  EXPECT_EQ(fault("\x82\x81"), "a server's frame is masked");
  EXPECT_EQ(fault("\x82\x01", {.masked = true}), "a client's frame is not masked");
}

TEST(WebSocketMask, is_the_same_at_any_place_and_size) {
  const std::array<std::byte, 4> key{std::byte{0x37}, std::byte{0xfa}, std::byte{0x21},
                                     std::byte{0x3d}};
  for (std::size_t at = 0; at < 9; ++at) {
    for (std::size_t size = 0; size < 40; ++size) {
      std::vector<std::byte> bytes(64);
      for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(7 * i);
      std::vector<std::byte> expected = bytes;
      for (std::size_t i = 0; i < size; ++i) expected[at + i] ^= key[i % 4];
      std::vector<std::byte> pieces = bytes;
      mask(std::span(bytes).subspan(at, size), key);
      EXPECT_EQ(bytes, expected) << at << ' ' << size;
      const std::size_t first = size / 3;
      mask(std::span(pieces).subspan(at, first), key);
      mask(std::span(pieces).subspan(at + first, size - first), turned(key, first));
      EXPECT_EQ(pieces, expected) << at << ' ' << size;
    }
  }
}

}  // namespace
}  // namespace ieum::websocket::detail
