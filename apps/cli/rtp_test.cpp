// RTP: headers there and back, the end of a stream, and what a receiver counts.
#include "rtp.hpp"

#include <gtest/gtest.h>

namespace ieum::cli {
namespace {

class Stream {
 public:
  void come(int sequence, std::int64_t time = 0) {
    const std::string text = std::to_string(sequence);
    const RtpHeader header{.sequence = static_cast<std::uint16_t>(sequence),
                           .timestamp = static_cast<std::uint32_t>(sequence * 90),
                           .source = 7};
    receiver.take(header, std::as_bytes(std::span(text)), time);
  }
  std::string play() {
    std::string all;
    while (auto next = receiver.next()) all += *next + " ";
    return all;
  }
  RtpReceiver receiver;
};

TEST(Rtp, a_header_comes_back_as_it_was) {
  const RtpHeader header{.sequence = 0xfffe, .timestamp = 0x80000001, .source = 0xdeadbeef};
  const auto bytes = header.encode();
  EXPECT_EQ(std::to_integer<int>(bytes[0]), 0x80);
  EXPECT_EQ(std::to_integer<int>(bytes[1]), 33);
  const auto back = RtpHeader::decode(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->sequence, header.sequence);
  EXPECT_EQ(back->timestamp, header.timestamp);
  EXPECT_EQ(back->source, header.source);
  EXPECT_EQ(back->payload_type, 33);
}

TEST(Rtp, what_is_no_header_is_none) {
  EXPECT_FALSE(RtpHeader::decode({}));
  std::array<std::byte, 12> bytes{};
  EXPECT_FALSE(RtpHeader::decode(bytes));
  bytes[0] = std::byte{0x47};  // a transport stream as it is
  EXPECT_FALSE(RtpHeader::decode(bytes));
}

TEST(Rtp, a_bye_comes_back_as_it_was_and_a_cut_one_does_not) {
  const RtcpBye bye{.source = 9, .packets = 1234, .octets = 99, .timestamp = 5};
  const std::vector<std::byte> packet = bye.encode();
  EXPECT_EQ(packet.size() % 4, 0U);
  const auto back = RtcpBye::decode(packet);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->source, 9U);
  EXPECT_EQ(back->packets, 1234U);
  for (std::size_t size = 0; size < packet.size(); ++size) {
    EXPECT_FALSE(RtcpBye::decode(ConstBuffer(packet).first(size))) << size;
  }
}

TEST(RtpReceiver, counts_loss_duplicates_and_reordering) {
  Stream stream;
  for (const int sequence : {10, 11, 13, 12, 12, 16, 17, 9}) stream.come(sequence);
  const RtpReceiver::Report report = stream.receiver.report();
  EXPECT_EQ(report.received, 7U);
  EXPECT_EQ(report.lost, 2U);  // 14 and 15
  EXPECT_EQ(report.duplicates, 1U);
  EXPECT_EQ(report.reordered, 2U);  // 12 and 9
}

TEST(RtpReceiver, goes_on_where_sequence_numbers_wrap) {
  Stream stream;
  for (int sequence = 65'530; sequence < 65'546; ++sequence) {
    if (sequence != 65'540) stream.come(sequence);
  }
  const RtpReceiver::Report report = stream.receiver.report();
  EXPECT_EQ(report.received, 15U);
  EXPECT_EQ(report.lost, 1U);
  EXPECT_EQ(report.reordered, 0U);
}

TEST(RtpReceiver, plays_in_order_and_gives_a_gap_up_when_it_must) {
  Stream stream;
  stream.come(1);
  stream.come(3);
  EXPECT_EQ(stream.play(), "1 ");
  EXPECT_TRUE(stream.receiver.holds());
  stream.come(2);
  EXPECT_EQ(stream.play(), "2 3 ");
  stream.come(5);
  EXPECT_EQ(stream.play(), "");
  stream.receiver.give_up_gaps();
  EXPECT_EQ(stream.play(), "5 ");
  stream.come(4);  // too late
  EXPECT_EQ(stream.play(), "");
  stream.come(6);
  EXPECT_EQ(stream.play(), "6 ");
  for (std::size_t i = 0; i < RtpReceiver::held_max; ++i) stream.come(8 + static_cast<int>(i));
  EXPECT_TRUE(stream.play().starts_with("8 9 ")) << "the room for what waits is bounded";
}

TEST(RtpReceiver, jitter_is_that_of_rfc_3550) {
  Stream steady;
  for (int i = 0; i < 100; ++i) steady.come(i, i * 1'000'000);  // a millisecond apart, as stamped
  EXPECT_NEAR(steady.receiver.report().jitter_ms, 0, 1e-6);
  Stream unsteady;
  for (int i = 0; i < 1000; ++i) unsteady.come(i, i * 1'000'000 + (i % 2) * 500'000);
  EXPECT_NEAR(unsteady.receiver.report().jitter_ms, 0.5, 0.01);
}

TEST(RtpReceiver, another_stream_on_the_same_port_is_not_its_own) {
  Stream stream;
  stream.come(1);
  stream.receiver.take(RtpHeader{.sequence = 500, .source = 8}, {}, 0);
  stream.receiver.take(RtcpBye{.source = 8, .packets = 5});
  EXPECT_FALSE(stream.receiver.has_ended());
  EXPECT_EQ(stream.receiver.report().received, 1U);
  stream.receiver.take(RtcpBye{.source = 7, .packets = 3});
  EXPECT_TRUE(stream.receiver.has_ended());
  EXPECT_EQ(stream.receiver.report().sent, 3U);
}

}  // namespace
}  // namespace ieum::cli
