#include "rtp/rtp_receiver.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>

#include "rtp/rtp.hpp"

namespace ieum::cli {
namespace {

using namespace std::chrono_literals;

/// A receiver, and packets whose payload is their number.
class Playing {
 public:
  void packet(int number, std::uint32_t ssrc = 1) {
    std::vector<std::byte> data(rtp_header_bytes);
    write_rtp_header(std::span<std::byte, rtp_header_bytes>(data),
                     {.payload_type = 33,
                      .sequence = static_cast<std::uint16_t>(number),
                      .timestamp = static_cast<std::uint32_t>(number) * 900,
                      .ssrc = ssrc});
    const std::string text = std::to_string(number) + " ";
    for (const char letter : text) data.push_back(static_cast<std::byte>(letter));
    receiver.take(data, now, out);
  }
  void wait(std::chrono::milliseconds time) {
    now += time;
    receiver.expire(now, out);
  }
  std::string played() {
    std::string text(reinterpret_cast<const char*>(out.data()), out.size());
    out.clear();
    return text;
  }
  std::string flushed() {
    receiver.flush(out);
    return played();
  }

  RtpReceiver receiver;
  ArrivalTime now{1h};
  std::vector<std::byte> out;
};

TEST(RtpReceiver, puts_in_order_and_leaves_out_duplicates) {
  Playing playing;
  for (const int number : {5, 7, 6, 6, 9, 8, 7}) playing.packet(number);
  EXPECT_EQ(playing.flushed(), "5 6 7 8 9 ");
  const RtpCounts counts = playing.receiver.report().counts;
  EXPECT_EQ(counts.packets, 5U);
  EXPECT_EQ(counts.lost, 0U);
  EXPECT_EQ(counts.duplicates, 2U);
  EXPECT_EQ(counts.reordered, 2U);
}

TEST(RtpReceiver, numbers_wrap) {
  Playing playing;
  for (int number = 65'530; number < 65'545; ++number) {
    if (number != 65'536) playing.packet(number);
  }
  EXPECT_EQ(playing.flushed().substr(0, 12), "65530 65531 ");
  EXPECT_EQ(playing.receiver.report().counts.packets, 14U);
  EXPECT_EQ(playing.receiver.report().counts.lost, 1U);
}

TEST(RtpReceiver, one_before_the_first_is_played_before_it) {
  Playing playing;
  for (const int number : {0, 65'535, 1}) playing.packet(number);
  playing.wait(JitterBuffer::wait_max);
  EXPECT_EQ(playing.played(), "65535 0 1 ");
  EXPECT_EQ(playing.receiver.report().counts.lost, 0U);
  EXPECT_EQ(playing.receiver.report().counts.reordered, 1U);
}

TEST(RtpReceiver, what_is_missing_is_waited_for_but_not_long) {
  Playing playing;
  playing.packet(1);
  playing.wait(JitterBuffer::wait_max);
  EXPECT_EQ(playing.played(), "1 ");
  playing.packet(3);
  playing.wait(JitterBuffer::wait_max - 1ms);
  EXPECT_EQ(playing.played(), "");
  playing.wait(1ms);
  EXPECT_EQ(playing.played(), "3 ");
  playing.packet(2);  // too late, but received
  EXPECT_EQ(playing.flushed(), "");
  EXPECT_EQ(playing.receiver.report().too_late, 1U);
  EXPECT_EQ(playing.receiver.report().counts.lost, 0U);
}

TEST(RtpReceiver, no_more_wait_than_the_window_has_room_for) {
  Playing playing;
  playing.packet(1);
  playing.wait(JitterBuffer::wait_max);
  for (std::size_t i = 0; i < JitterBuffer::packets_max; ++i)
    playing.packet(static_cast<int>(3 + i));
  EXPECT_EQ(playing.played(), "1 ");
  playing.packet(3 + static_cast<int>(JitterBuffer::packets_max));
  EXPECT_EQ(playing.played().substr(0, 6), "3 4 5 ");
}

TEST(RtpReceiver, garbage_is_counted_and_nothing_else) {
  Playing playing;
  playing.packet(1);
  for (std::size_t size = 0; size < 40; ++size) {
    playing.receiver.take(std::vector<std::byte>(size, std::byte{0x55}), playing.now, playing.out);
  }
  playing.packet(2);
  EXPECT_EQ(playing.flushed(), "1 2 ");
  EXPECT_EQ(playing.receiver.report().invalid, 40U);
  EXPECT_EQ(playing.receiver.report().counts.packets, 2U);
}

TEST(RtpReceiver, another_source_takes_over_once_the_first_is_silent) {
  Playing playing;
  for (const int number : {1, 2}) playing.packet(number);
  for (const int number : {500, 501, 502}) playing.packet(number, 2);  // the first still plays
  playing.packet(3);
  playing.wait(RtpReceiver::silence);
  EXPECT_EQ(playing.played(), "1 2 3 ");
  playing.packet(9000, 3);  // alone: may be garbage
  for (const int number : {600, 601, 602}) playing.packet(number, 2);
  EXPECT_EQ(playing.flushed(), "601 602 ");
  const RtpReport report = playing.receiver.report();
  EXPECT_EQ(report.sources, 2U);
  EXPECT_EQ(report.foreign, 5U);
  EXPECT_EQ(report.counts.packets, 5U);
  EXPECT_EQ(report.counts.lost, 0U);
}

TEST(RtpReceiver, a_stray_number_is_not_believed) {
  Playing playing;
  for (int number = 0; number < 5000; ++number) {
    if (number == 4500) playing.packet(20'000);  // far ahead
    if (number == 4600) playing.packet(30'000);
    if (number == 4700) playing.packet(100);  // far behind
    if (number == 4800) playing.packet(4800 - 32'000);
    playing.packet(number);
  }
  playing.wait(JitterBuffer::wait_max);
  const RtpReport report = playing.receiver.report();
  EXPECT_EQ(report.counts.packets, 5000U);
  EXPECT_EQ(report.counts.lost, 0U);
  EXPECT_EQ(report.counts.duplicates, 0U);
  EXPECT_EQ(report.counts.reordered, 0U);
  EXPECT_EQ(report.too_late, 0U);
  EXPECT_EQ(report.foreign, 4U);
  EXPECT_EQ(report.sources, 1U);
  std::string all;
  for (int number = 0; number < 5000; ++number) all += std::to_string(number) + " ";
  EXPECT_EQ(playing.flushed(), all);
}

TEST(RtpReceiver, strays_that_follow_no_other_are_none_in_a_row) {
  Playing playing;
  for (int number = 0; number < 100; ++number) {
    playing.packet(number);
    playing.packet(20'000 + number);  // one follows the other, but with ours between them
  }
  EXPECT_EQ(playing.receiver.report().counts.packets, 100U);
  EXPECT_EQ(playing.receiver.report().foreign, 100U);
}

TEST(RtpReceiver, a_long_outage_is_loss) {
  Playing playing;
  for (int number = 0; number < 100; ++number) playing.packet(number);
  playing.wait(4s);
  playing.played();
  for (int number = 20'000; number < 20'100; ++number) playing.packet(number);
  EXPECT_EQ(playing.flushed().substr(0, 12), "20000 20001 ");
  const RtpReport report = playing.receiver.report();
  EXPECT_EQ(report.counts.packets, 200U);
  EXPECT_EQ(report.counts.lost, 19'900U);
  EXPECT_EQ(report.foreign, 0U);
  EXPECT_EQ(report.sources, 1U);
}

TEST(RtpReceiver, a_gap_and_lateness_within_the_limits_are_believed_at_once) {
  Playing playing;
  playing.packet(5000);
  playing.packet(5000 + RtpStatistics::ahead_max);
  playing.packet(5000 + RtpStatistics::ahead_max - RtpStatistics::behind_max);
  playing.packet(5001);
  playing.packet(5001);
  const RtpCounts counts = playing.receiver.report().counts;
  EXPECT_EQ(counts.packets, 3U);
  EXPECT_EQ(counts.lost, RtpStatistics::ahead_max + 1U - 3U);
  EXPECT_EQ(counts.reordered, 1U);
  EXPECT_EQ(counts.duplicates, 2U);
}

TEST(RtpReceiver, a_sender_that_restarts_with_lower_numbers_is_a_new_one) {
  struct Restart {
    int last;
    std::chrono::milliseconds pause;
  };
  // After a silence also with numbers that are hardly lower.
  for (const Restart& restart : {Restart{20'000, 0ms}, Restart{1000, RtpReceiver::silence}}) {
    Playing playing;
    for (int number = restart.last - 500; number <= restart.last; ++number) {
      if (number != restart.last - 100) playing.packet(number);
    }
    playing.packet(restart.last);
    playing.wait(restart.pause);
    playing.played();
    for (int number = 10; number < 200; ++number) {
      if (number != 100) playing.packet(number);
    }
    const std::string played = playing.flushed();
    EXPECT_NE(played.find("10 11 12 "), std::string::npos) << played;
    EXPECT_NE(played.find(" 99 101 102 "), std::string::npos) << played;
    const RtpReport report = playing.receiver.report();
    EXPECT_EQ(report.counts.packets, 500U + 189U);
    EXPECT_EQ(report.counts.lost, 2U);
    EXPECT_EQ(report.counts.duplicates, 1U);
    EXPECT_EQ(report.counts.reordered, 0U);
    EXPECT_EQ(report.too_late, 0U);
    EXPECT_EQ(report.foreign, 0U);
    EXPECT_EQ(report.sources, 2U);
  }
}

TEST(RtpReceiver, a_stray_of_another_source_is_forgotten_with_it) {
  Playing playing;
  playing.packet(1);
  playing.packet(20'000);
  playing.wait(RtpReceiver::silence);
  for (const int number : {19'999, 20'000, 20'001}) playing.packet(number, 2);
  EXPECT_EQ(playing.flushed(), "1 20000 20001 ");
  const RtpReport report = playing.receiver.report();
  EXPECT_EQ(report.sources, 2U);
  EXPECT_EQ(report.foreign, 2U);
  EXPECT_EQ(report.counts.packets, 3U);
}

TEST(RtpReceiver, only_the_played_source_can_say_goodbye) {
  Playing playing;
  playing.receiver.take_control(make_rtcp({.ssrc = 1, .time = {}}, "a", true));  // not heard yet
  EXPECT_FALSE(playing.receiver.source_left());
  playing.packet(1);
  playing.receiver.take_control(make_rtcp({.ssrc = 2, .time = {}}, "b", true));
  playing.receiver.take_control(make_rtcp({.ssrc = 1, .time = {}}, "a", false));
  EXPECT_FALSE(playing.receiver.source_left());
  playing.receiver.take_control(make_rtcp({.ssrc = 1, .time = {}}, "a", true));
  EXPECT_TRUE(playing.receiver.source_left());
}

TEST(RtpReceiver, jitter_is_that_of_rfc_3550) {
  RtpStatistics even;
  RtpStatistics uneven;
  ArrivalTime now{1h};
  for (std::uint16_t number = 0; number < 1000; ++number, now += 10ms) {
    const std::uint32_t stamp = number * 900U;
    even.note(number, stamp, now);
    uneven.note(number, stamp, now + (number % 2 == 0 ? 0ms : 4ms));
  }
  EXPECT_NEAR(even.counts().jitter, 0, 1e-9);
  EXPECT_NEAR(uneven.counts().jitter, 0.004, 1e-5);  // each difference is 4 ms
}

TEST(RtpReceiver, counts_are_exact_whatever_happens) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 20; ++round) {
    std::vector<int> order;
    const int first = static_cast<int>(random() % 65'536);
    for (int number = first; number < first + 3000; ++number) {
      if (random() % 5 == 0) continue;
      order.push_back(number);
      if (random() % 10 == 0) order.push_back(number);
    }
    for (std::ptrdiff_t i = 0; i + 40 < std::ssize(order); i += 40) {
      if (random() % 2 == 0) std::shuffle(order.begin() + i, order.begin() + i + 40, random);
    }
    Playing playing;
    std::set<int> came;
    std::uint64_t duplicates = 0;
    std::uint64_t reordered = 0;
    for (const int number : order) {
      if (came.contains(number)) {
        ++duplicates;
      } else if (!came.empty() && number < *came.rbegin()) {
        ++reordered;
      }
      came.insert(number);
      playing.packet(number);
    }
    const RtpCounts counts = playing.receiver.report().counts;
    EXPECT_EQ(counts.packets, came.size());
    EXPECT_EQ(counts.duplicates, duplicates);
    EXPECT_EQ(counts.reordered, reordered);
    EXPECT_EQ(counts.lost,
              static_cast<std::uint64_t>(*came.rbegin() - *came.begin() + 1) - came.size());
    std::string all;
    for (const int number : came) all += std::to_string(number) + " ";
    EXPECT_EQ(playing.flushed(), all);  // a window of 64 holds what 40 places disorder
  }
}

}  // namespace
}  // namespace ieum::cli
