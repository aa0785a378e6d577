#include "rtp/rtp.hpp"

#include <gtest/gtest.h>

#include <random>

namespace ieum::cli {
namespace {

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> all;
  for (const int value : values) all.push_back(static_cast<std::byte>(value));
  return all;
}

TEST(Rtp, a_header_is_as_rfc_3550_has_it) {
  std::array<std::byte, rtp_header_bytes> header{};
  write_rtp_header(header, {.payload_type = 33,
                            .marker = true,
                            .sequence = 0x1234,
                            .timestamp = 0xdeadbeef,
                            .ssrc = 0x01020304});
  EXPECT_EQ(std::vector(header.begin(), header.end()),
            bytes({0x80, 0xa1, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4}));
  const auto packet = parse_rtp(header);
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->payload_type, 33);
  EXPECT_TRUE(packet->marker);
  EXPECT_EQ(packet->sequence, 0x1234);
  EXPECT_EQ(packet->timestamp, 0xdeadbeefU);
  EXPECT_EQ(packet->ssrc, 0x01020304U);
  EXPECT_TRUE(packet->payload.empty());
}

TEST(Rtp, sources_extension_and_padding_are_no_payload) {
  // Two contributing sources, an extension of one word, "hi", two bytes of padding.
  const auto data = bytes({0xb2, 33, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9,   9,   9, 9,
                           8,    8,  8, 8, 0, 5, 0, 1, 7, 7, 7, 7, 'h', 'i', 0, 2});
  const auto packet = parse_rtp(data);
  ASSERT_TRUE(packet);
  ASSERT_EQ(packet->payload.size(), 2U);
  EXPECT_EQ(packet->payload[0], std::byte{'h'});
}

TEST(Rtp, lengths_that_cannot_be_are_refused) {
  const auto good = bytes({0x80, 33, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3});
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(parse_rtp(std::span(good).first(size))) << size;
  }
  for (const int first : {0x00, 0x40, 0xc0}) {  // other versions
    auto data = good;
    data[0] = static_cast<std::byte>(first);
    EXPECT_FALSE(parse_rtp(data)) << first;
  }
  EXPECT_FALSE(parse_rtp(bytes({0x81, 33, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3})));  // a source, missing
  EXPECT_FALSE(parse_rtp(bytes({0x90, 33, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3})));  // an extension
  EXPECT_FALSE(parse_rtp(bytes({0x90, 33, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 9})));
  EXPECT_FALSE(parse_rtp(bytes({0xa0, 33, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0})));  // no padding
  EXPECT_FALSE(parse_rtp(bytes({0xa0, 33, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9})));  // too much
  EXPECT_FALSE(parse_rtp(bytes({0x80, 200, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3})));    // RTCP
}

TEST(Rtp, a_report_comes_back_as_it_was_made) {
  SenderReport report{
      .ssrc = 0xcafe0001, .time = {}, .timestamp = 90'000, .packets = 7, .octets = 9212};
  report.time = std::chrono::system_clock::time_point(std::chrono::milliseconds(1'700'000'000'125));
  for (const std::string cname : {"", "a", "ab", "abc", "abcd", "someone@host.example"}) {
    const auto data = make_rtcp(report, cname, false);
    EXPECT_EQ(data.size() % 4, 0U);
    const auto read = parse_rtcp(data);
    ASSERT_TRUE(read && read->report) << cname;
    EXPECT_EQ(read->cname, cname);
    EXPECT_EQ(read->report->ssrc, report.ssrc);
    EXPECT_EQ(read->report->timestamp, 90'000U);
    EXPECT_EQ(read->report->packets, 7U);
    EXPECT_EQ(read->report->octets, 9212U);
    EXPECT_LT(std::chrono::abs(read->report->time - report.time), std::chrono::microseconds(1));
    EXPECT_TRUE(read->leaving.empty());
    const auto bye = parse_rtcp(make_rtcp(report, cname, true));
    ASSERT_TRUE(bye);
    EXPECT_EQ(bye->leaving, std::vector{report.ssrc});
  }
}

TEST(Rtp, garbage_is_read_without_harm) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto whole = make_rtcp({.ssrc = 5, .time = {}}, "name", true);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> data = whole;
    data.resize(random() % (whole.size() + 8));
    for (int i = 0; i < 3 && !data.empty(); ++i) {
      data[random() % data.size()] = static_cast<std::byte>(random());
    }
    if (const auto rtcp = parse_rtcp(data)) {
      EXPECT_LE(rtcp->leaving.size(), 62U);
    }
    if (const auto rtp = parse_rtp(data)) {
      EXPECT_LE(rtp->payload.size() + 12, data.size());
    }
  }
}

}  // namespace
}  // namespace ieum::cli
