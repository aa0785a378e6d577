// ChunkDecoder: what it reads, what it refuses, and that neither depends on how the bytes come.
#include "http/chunks.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ieum::http::detail {
namespace {

using namespace std::string_view_literals;
using State = ChunkDecoder::State;

struct Decoding {
  ChunkDecoder decoder;
  std::string data;
  std::string rest;
  State state = State::needs_more;

  explicit Decoding(const ChunkLimits& limits = {}) : decoder(limits) {}
  void feed(std::string_view input) {
    while (state != State::fault) {
      const ChunkDecoder::Step step = decoder.decode(input);
      state = step.state;
      if (state == State::fault) return;
      input.remove_prefix(step.used);
      data += step.data;
      if (state == State::needs_more) {
        EXPECT_TRUE(input.empty());
        return;
      }
      if (state == State::done) {
        rest += input;
        return;
      }
    }
  }
  std::string outcome() {
    if (state == State::fault) return std::to_string(number(decoder.fault().status));
    if (state != State::done) return "needs more (" + data + ")";
    std::string shown = data;
    for (const Field field : decoder.trailers()) {
      shown += " [" + std::string(field.name) + "|" + std::string(field.value) + "]";
    }
    return shown + " rest=" + rest;
  }
};

/// What comes of all splits, which is the same.
std::string decode(std::string_view text, const ChunkLimits& limits = {}) {
  Decoding whole(limits);
  whole.feed(text);
  const std::string expected = whole.outcome();
  Decoding bytewise(limits);
  for (const char& c : text) bytewise.feed({&c, 1});
  EXPECT_EQ(bytewise.outcome(), expected) << text;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    Decoding split(limits);
    split.feed(text.substr(0, at));
    split.feed(text.substr(at));
    EXPECT_EQ(split.outcome(), expected) << text << " at " << at;
  }
  return expected;
}

TEST(ChunkDecoder, reads_chunks) {
  EXPECT_EQ(decode("0\r\n\r\n"), " rest=");
  EXPECT_EQ(decode("3\r\nabc\r\n0\r\n\r\nGET"), "abc rest=GET");
  EXPECT_EQ(decode("3\r\nabc\r\n00A\r\n0123456789\r\n000\r\n\r\n"), "abc0123456789 rest=");
  EXPECT_EQ(decode("a\r\n\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n"), "\r\n\r\n\r\n\r\n\r\n rest=");
  EXPECT_EQ(decode("1;x\r\na\r\n1 ; y=\"z;\xff\" \r\nb\r\n0;\r\n\r\n"), "ab rest=");
  EXPECT_EQ(decode("0\r\nX: y\r\nZ:\r\n\r\n."), " [X|y] [Z|] rest=.");
  EXPECT_EQ(decode("3\r\nab"), "needs more (ab)");
}

TEST(ChunkDecoder, refuses_what_can_be_read_in_two_ways) {
  for (const std::string_view text :
       std::initializer_list<std::string_view>{"\r\n",
                                               "x\r\n",
                                               "-1\r\n",
                                               "+1\r\na\r\n",
                                               "0x1\r\na\r\n",
                                               " 1\r\na\r\n",
                                               "\n",
                                               ";x\r\n",
                                               "1\na\r\n0\r\n\r\n",
                                               "1\r\na\n0\r\n\r\n",
                                               "1\ra\r\n",
                                               "1\r\nab\r\n",
                                               "1\r\na0\r\n\r\n",
                                               "1 \r\na\r\n",
                                               "1\t2\r\na\r\n",
                                               "1 2\r\n",
                                               "1;a\nb\r\n",
                                               "1;a\rb\r\n",
                                               "1;\x01\r\n",
                                               "1;a\0\r\n"sv,
                                               "1_0\r\n",
                                               "00000000000000001\r\na\r\n",
                                               "ffffffffffffffff\r\n",
                                               "2000000000000000\r\n",
                                               "0\r\nX : y\r\n\r\n",
                                               "0\r\n X: y\r\n\r\n",
                                               "0\r\n\n",
                                               "0\r\nX: y\n\r\n",
                                               "0\n\n",
                                               "0\r\nContent-Length: 3\r\n\r\n",
                                               "0\r\nTransfer-Encoding: chunked\r\n\r\n",
                                               "0\r\nhost: a\r\n\r\n",
                                               "0\r\nX\r\n\r\n"}) {
    EXPECT_EQ(decode(text), "400") << text;
  }
}

TEST(ChunkDecoder, limits_extensions_and_trailers) {
  const ChunkLimits limits{.digits_max = 4,
                           .extension_bytes_max = 10,
                           .extensions_bytes_max = 25,
                           .trailers = {.line_bytes_max = 20, .bytes_max = 50, .fields_max = 2}};
  EXPECT_EQ(decode("1;123456789\r\na\r\n0\r\n\r\n", limits), "a rest=");
  EXPECT_EQ(decode("1;1234567890\r\na\r\n0\r\n\r\n", limits), "400");
  std::string many;
  for (int i = 0; i < 3; ++i) many += "1;12345678\r\na\r\n";
  EXPECT_EQ(decode(many, limits), "needs more (aaa)");
  EXPECT_EQ(decode(many + "1;x\r\n", limits), "400");
  EXPECT_EQ(decode("0001\r\na\r\n0\r\n\r\n", limits), "a rest=");
  EXPECT_EQ(decode("00001\r\na\r\n0\r\n\r\n", limits), "400");
  EXPECT_EQ(decode("0\r\nA: 1\r\nB: 2\r\n\r\n", limits), " [A|1] [B|2] rest=");
  EXPECT_EQ(decode("0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", limits), "431");
  EXPECT_EQ(decode("0\r\nA: 123456789012345678\r\n\r\n", limits), "431");
  EXPECT_EQ(decode("0\r\n" + std::string(100, 'a'), limits), "431");
}

TEST(ChunkDecoder, reads_what_is_written) {
  std::string text;
  const std::string data(0x1f0, 'd');
  append_chunk_size(text, data.size());
  EXPECT_EQ(text, "1f0\r\n");
  EXPECT_EQ(decode(text + data + "\r\n0\r\n\r\n"), data + " rest=");
}

}  // namespace
}  // namespace ieum::http::detail
