// `ieum cast` over ways that lose, double and reorder: its report says exactly what happened.
#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <thread>

#include <nlohmann/json.hpp>

#include "support/child.hpp"
#include "support/network_namespace.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

struct Figures {
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t reordered = 0;
};

/// What a receiver must report of packets that it gets with these numbers.
Figures figures_of(const std::vector<std::int64_t>& numbers) {
  Figures figures;
  std::map<std::int64_t, int> times;
  std::int64_t last = -1;
  for (const std::int64_t number : numbers) {
    if (++times[number] > 1) {
      ++figures.duplicates;
      continue;
    }
    ++figures.received;
    if (number < last) ++figures.reordered;
    last = std::max(last, number);
  }
  figures.lost = static_cast<std::uint64_t>(times.rbegin()->first - times.begin()->first + 1) -
                 figures.received;
  return figures;
}

/// The last line that a child wrote as an error.
Json report_of(Child& child) {
  std::istringstream lines(child.error_output());
  std::string last;
  for (std::string line; std::getline(lines, line);) last = line;
  return Json::parse(last, nullptr, false);
}

/// A port whose next one is free too.
std::uint16_t free_pair() {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  auto search = []() -> Task<std::uint16_t> {
    for (;;) {
      DatagramSocket first = co_await DatagramSocket::bind("127.0.0.1:0");
      Address next = first.address();
      next.set_port(static_cast<std::uint16_t>(next.port() + 1));
      const Result<DatagramSocket> second = DatagramSocket::bind(next);
      if (second) co_return first.address().port();
    }
  };
  return run(*runtime, search()).value();
}

/// Between a sender and a receiver: passes on, loses, doubles, and lets a packet pass the one
/// before.
class Relay {
 public:
  explicit Relay(std::uint16_t to) : to_(Address::ipv4_loopback(to)), random_(seed()) {}

  /// Until the stream's end has been passed on.
  Task<> run(DatagramSocket& media, DatagramSocket& control) {
    co_await race(pass_media(media), pass_control(media, control));
  }
  [[nodiscard]] const std::vector<std::int64_t>& passed_on() const { return passed_; }

 private:
  Task<> pass_media(DatagramSocket& media) {
    DatagramBatch batch;
    for (;;) {
      co_await media.receive(batch);
      for (const Datagram& datagram : batch) co_await pass(media, datagram.data);
    }
  }
  Task<> pass(DatagramSocket& media, ConstBuffer packet) {
    const auto sequence = static_cast<std::uint16_t>(std::to_integer<unsigned>(packet[2]) << 8U |
                                                     std::to_integer<unsigned>(packet[3]));
    const std::int64_t number =
        last_ + static_cast<std::int16_t>(sequence - static_cast<std::uint16_t>(last_));
    last_ = number;
    const std::string bytes(reinterpret_cast<const char*>(packet.data()), packet.size());
    const std::uint64_t chance = random_() % 10;
    if (chance == 0) co_return;  // lost
    if (chance == 1 && held_.empty()) {
      held_ = bytes;
      held_number_ = number;
      co_return;
    }
    co_await send(media, bytes, number);
    if (chance == 2) co_await send(media, bytes, number);
    if (!held_.empty()) {
      co_await send(media, held_, held_number_);
      held_.clear();
    }
  }
  Task<> send(DatagramSocket& media, std::string bytes, std::int64_t number) {
    co_await media.send(bytes, to_);
    passed_.push_back(number);
  }
  Task<> pass_control(DatagramSocket& media, DatagramSocket& control) {
    std::array<std::byte, 1500> room{};
    Datagram bye = co_await control.receive(room);
    co_await sleep(20ms);  // what came before it has been passed on
    if (!held_.empty()) co_await send(media, held_, held_number_);
    bye.peer = to_;
    bye.peer.set_port(static_cast<std::uint16_t>(to_.port() + 1));
    co_await control.send(bye);
  }

  Address to_;
  std::mt19937_64 random_;
  std::vector<std::int64_t> passed_;
  std::int64_t last_ = 1 << 20;
  std::string held_;
  std::int64_t held_number_ = 0;
};

TEST(Cast, reports_exactly_what_a_relay_did) {
  const std::uint16_t to = free_pair();
  const std::uint16_t at = free_pair();
  std::string text(500'000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i % 251);
  const TemporaryFile input(text);
  Child receiver({IEUM_COMMAND, "cast", "--receive", "--json", "-i", "20",
                  "udp://127.0.0.1:" + std::to_string(to)});
  std::vector<std::int64_t> passed;
  auto body = [&]() -> Task<> {
    DatagramSocket media = co_await DatagramSocket::bind(Address::ipv4_loopback(at));
    DatagramSocket control =
        co_await DatagramSocket::bind(Address::ipv4_loopback(static_cast<std::uint16_t>(at + 1)));
    co_await sleep(200ms);  // until the receiver has its port: it says nothing
    Child sender(
        {IEUM_COMMAND, "cast", "--rtp", "--rate", "8M", "udp://127.0.0.1:" + std::to_string(at)},
        Input::file(input.path()));
    Relay relay(to);
    co_await with_timeout(20s, relay.run(media, control));
    passed = relay.passed_on();
    EXPECT_EQ(sender.wait(), 0);
  };
  expect_success(body());
  receiver.read_all();
  EXPECT_EQ(receiver.wait(), 0);
  const Json report = report_of(receiver);
  ASSERT_TRUE(report.is_object());
  const Figures expected = figures_of(passed);
  EXPECT_EQ(report["received"], expected.received);
  EXPECT_EQ(report["lost"], expected.lost);
  EXPECT_EQ(report["duplicates"], expected.duplicates);
  EXPECT_EQ(report["reordered"], expected.reordered);
  EXPECT_EQ(report["sent"], (text.size() + 1315) / 1316);
  EXPECT_EQ(report["dropped_here"], 0);
  EXPECT_GT(expected.lost, 0U);
  EXPECT_GT(expected.duplicates, 0U);
  EXPECT_GT(expected.reordered, 0U);
}

TEST(Cast, what_comes_in_another_order_is_played_in_its_own) {
  const std::uint16_t to = free_pair();
  Child receiver(
      {IEUM_COMMAND, "cast", "--receive", "-i", "1", "udp://127.0.0.1:" + std::to_string(to)});
  auto body = [&]() -> Task<> {
    DatagramSocket sender = co_await DatagramSocket::open(Family::ipv4);
    co_await sleep(200ms);
    for (const int sequence : {1, 3, 2, 4}) {
      std::string packet("\x80\x21\0\0\0\0\0\0\0\0\0\1", 12);
      packet[3] = static_cast<char>(sequence);
      packet += std::to_string(sequence);
      co_await sender.send(packet, Address::ipv4_loopback(to));
    }
  };
  expect_success(body());
  EXPECT_EQ(receiver.read_all(), "1234");
  EXPECT_EQ(receiver.wait(), 28) << "it ended by -i";
}

TEST(Cast, what_is_no_rtp_is_played_as_it_comes) {
  const std::uint16_t to = free_pair();
  Child receiver(
      {IEUM_COMMAND, "cast", "--receive", "-i", "1", "udp://127.0.0.1:" + std::to_string(to)});
  std::this_thread::sleep_for(200ms);
  const std::string text(10'000, 'r');
  const TemporaryFile input(text);
  Child sender({IEUM_COMMAND, "cast", "udp://127.0.0.1:" + std::to_string(to)},
               Input::file(input.path()));
  EXPECT_EQ(sender.wait(), 0);
  EXPECT_EQ(receiver.read_all(), text);
}

/// Runs a command of the shell and gives its output.
std::string shell(const std::string& command) {
  Child child({"/bin/sh", "-c", command}, Input::nothing());
  return child.read_all();
}

TEST(Cast, under_loss_it_reports_what_the_filter_dropped) {
  if (!has_program("nft")) GTEST_SKIP() << "this needs nft";
  const std::string reason = in_network_namespace(
      "ip route add 239.0.0.0/8 dev lo; nft add table inet t; "
      "nft 'add chain inet t c { type filter hook input priority 0; }'; "
      "nft 'add rule inet t c udp dport 5004 numgen random mod 100 < 20 counter drop'",
      [] {
        Child receiver({IEUM_COMMAND, "cast", "--receive", "--json", "-i", "20",
                        "mcast://239.1.2.3:5004?if=lo"});
        std::this_thread::sleep_for(300ms);
        const TemporaryFile input(std::string(3'000'000, 'x'));
        // So slow that each goes alone: the filter counts what the system joins as one.
        Child sender({IEUM_COMMAND, "cast", "--rtp", "--rate", "10M", "--size", "1300",
                      "mcast://239.1.2.3:5004?if=lo"},
                     Input::file(input.path()));
        EXPECT_EQ(sender.wait(), 0) << sender.error_output();
        receiver.read_all();
        EXPECT_EQ(receiver.wait(), 0);
        const Json report = report_of(receiver);
        ASSERT_TRUE(report.is_object());
        const std::string rules = shell("nft list chain inet t c");
        const std::size_t at = rules.find("packets ");
        ASSERT_NE(at, std::string::npos) << rules;
        const std::uint64_t dropped = std::stoull(rules.substr(at + 8));
        const std::uint64_t sent = report["sent"];
        const std::uint64_t received = report["received"];
        EXPECT_EQ(sent, (3'000'000U + 1299) / 1300);
        EXPECT_EQ(sent - received, dropped);
        EXPECT_GT(dropped, 0U);
        // Before the first and after the last that came, nobody knows of a loss.
        EXPECT_LE(report["lost"], sent - received);
        EXPECT_GE(report["lost"], sent - received - 128);
        EXPECT_EQ(report["dropped_here"], 0);
      });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(Cast, a_film_at_50_megabits_reaches_three_receivers_whole) {
  if (!has_program("ffmpeg")) GTEST_SKIP() << "this needs ffmpeg";
  const int seconds = long_form() ? 10 : 2;
  const TemporaryFile film_file("");
  const std::string film = film_file.path();
  std::vector<std::unique_ptr<TemporaryFile>> outputs;
  for (int i = 0; i < 3; ++i) outputs.push_back(std::make_unique<TemporaryFile>(""));
  const auto output = [&](int i) { return outputs[static_cast<std::size_t>(i)]->path(); };
  shell("ffmpeg -y -v error -f lavfi -i testsrc2=size=1280x720:rate=25 -t " +
        std::to_string(seconds) +
        " -c:v mpeg2video -b:v 48M -minrate 48M -maxrate 48M -bufsize 8M -f mpegts -muxrate 50M " +
        film);
  std::ifstream file(film, std::ios::binary);
  const std::string content((std::istreambuf_iterator<char>(file)), {});
  ASSERT_GT(content.size(), std::size_t{5'000'000} * static_cast<std::size_t>(seconds));
  const std::string reason = in_network_namespace("ip route add 239.0.0.0/8 dev lo", [&] {
    std::vector<std::unique_ptr<Child>> receivers;
    for (int i = 0; i < 3; ++i) {
      receivers.push_back(std::make_unique<Child>(
          std::vector<std::string>{IEUM_COMMAND, "cast", "--receive", "--json", "-i", "20", "-o",
                                   output(i), "mcast://239.1.2.3:5004?if=lo"}));
    }
    std::this_thread::sleep_for(300ms);
    Child sender({IEUM_COMMAND, "cast", "--rtp", "--rate", "50M", "mcast://239.1.2.3:5004?if=lo"},
                 Input::file(film));
    EXPECT_EQ(sender.wait(), 0) << sender.error_output();
    for (int i = 0; i < 3; ++i) {
      Child& receiver = *receivers[static_cast<std::size_t>(i)];
      EXPECT_EQ(receiver.wait(), 0);
      const Json report = report_of(receiver);
      EXPECT_EQ(report["lost"], 0) << report;
      std::ifstream got(output(i), std::ios::binary);
      const std::string bytes((std::istreambuf_iterator<char>(got)), {});
      EXPECT_TRUE(bytes == content) << bytes.size() << " of " << content.size();
    }
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
  const std::string frames =
      shell("ffmpeg -y -v error -i " + output(0) +
            " -f null - 2>&1; ffprobe -v error -count_frames -select_streams v -show_entries "
            "stream=nb_read_frames -of csv=p=0 " +
            output(0));
  EXPECT_EQ(std::atoi(frames.c_str()), seconds * 25) << frames;
}

}  // namespace
}  // namespace ieum::test
