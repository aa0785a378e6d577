// `ieum cast`: one to many, over networks that the tests make.
#include <csignal>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>
#include <thread>

#include "cli/datagrams.hpp"
#include "support/network_namespace.hpp"
#include "support/tun_relay.hpp"

namespace ieum::test {
namespace {

constexpr std::size_t payload_bytes = 1316;

constexpr std::string_view network =
    "ip link add d0 type veth peer name d1; ip link set d0 up; ip link set d1 up; "
    "ip addr add 10.9.0.1/24 dev d0; ip addr add fd09::1/64 dev d0 nodad; "
    "ip route add 239.0.0.0/8 dev d0; ";

/// So many payloads, each of which begins with its number.
std::string numbered(std::uint32_t count) {
  std::string all(count * payload_bytes, '.');
  for (std::uint32_t i = 0; i < count; ++i) std::memcpy(&all[i * payload_bytes], &i, sizeof i);
  return all;
}

std::vector<std::uint32_t> numbers_of(const std::string& payloads) {
  std::vector<std::uint32_t> numbers;
  for (std::size_t at = 0; at + payload_bytes <= payloads.size(); at += payload_bytes) {
    std::memcpy(&numbers.emplace_back(), &payloads[at], sizeof(std::uint32_t));
  }
  return numbers;
}

std::unique_ptr<Child> receiver(std::vector<std::string> words) {
  words.insert(words.begin(), {"cast", "--receive", "--json"});
  auto child = std::make_unique<Child>(ieum_command(words), Input::nothing());
  child->read_error_until("\"waiting\"");
  return child;
}

TEST(Cast, three_receivers_on_one_host) {
  const std::string reason = in_network_namespace(network, [] {
    const std::string group = "mcast://239.1.2.3:5000?if=d0";
    std::vector<std::unique_ptr<Child>> receivers;
    for (int i = 0; i < 3; ++i) receivers.push_back(receiver({group}));
    Child sender(ieum_command({"cast", "--lines", group}));
    sender.write("one\ntwo\n");
    sender.close_input();
    EXPECT_EQ(sender.wait(), 0) << sender.error_output();
    for (const auto& child : receivers) {
      EXPECT_EQ(child->read_until("two\n"), "one\ntwo\n");
      child->signal(SIGINT);
      EXPECT_EQ(child->wait(), 130);
      const std::string events = child->error_output();
      EXPECT_EQ(number_in(events, "cast_report", "packets"), 2U);
      EXPECT_EQ(number_in(events, "cast_report", "dropped"), 0U);
    }
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(Cast, ipv6_groups_and_broadcasts) {
  const std::string reason = in_network_namespace(network, [] {
    struct Way {
      std::string to;
      std::string at;
    };
    const Way ways[] = {{"mcast://[ff05::1234]:5000?if=d0", "mcast://[ff05::1234]:5000?if=d0"},
                        {"udp://10.9.0.255:5000", "udp://:5000"}};
    for (const Way& way : ways) {
      const auto child = receiver({"-i", "2s", way.at});
      Child sender(ieum_command({"cast", "--lines", way.to}));
      sender.write("hello\n");
      sender.close_input();
      EXPECT_EQ(sender.wait(), 0) << sender.error_output();
      EXPECT_EQ(child->read_until("hello\n"), "hello\n") << way.to;
      EXPECT_EQ(child->wait(), 28);
    }
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(Cast, only_the_source_that_was_asked_for) {
  const std::string reason = in_network_namespace(network, [] {
    const auto other = receiver({"-i", "2s", "mcast://239.1.2.3:5000?if=d0&source=10.9.0.7"});
    const auto ours = receiver({"-i", "2s", "mcast://239.1.2.3:5000?if=d0&source=10.9.0.1"});
    Child sender(ieum_command({"cast", "mcast://239.1.2.3:5000?if=d0"}));
    sender.write("hello");
    sender.close_input();
    EXPECT_EQ(sender.wait(), 0);
    EXPECT_EQ(ours->wait(), 28);
    EXPECT_EQ(ours->read_all(), "hello");
    EXPECT_EQ(other->wait(), 28);
    EXPECT_EQ(other->read_all(), "");
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(Cast, so_many_bits_a_second) {
  const std::string reason = in_network_namespace(network, [] {
    const TemporaryFile file(numbered(400));
    const auto begin = std::chrono::steady_clock::now();
    Child sender(ieum_command({"cast", "--rate", "4M", "mcast://239.1.2.3:5000?if=d0"}),
                 Input::file(file.path()));
    EXPECT_EQ(sender.wait(), 0);
    // 526,400 bytes, less what eight milliseconds let through at once; a busy machine is slower.
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(1030));
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(Cast, a_sender_that_says_goodbye_ends_receivers) {
  const std::string reason = in_network_namespace(network, [] {
    const std::string group = "mcast://239.1.2.3:5000?if=d0";
    const auto child = receiver({"--rtp", group});
    const TemporaryFile file(numbered(50) + "tail");
    Child sender(ieum_command({"cast", "--rtp", "--rate", "10M", group}), Input::file(file.path()));
    EXPECT_EQ(sender.wait(), 0);
    EXPECT_EQ(child->read_all(), numbered(50) + "tail");
    EXPECT_EQ(child->wait(), 0);
    const std::string events = child->error_output();
    EXPECT_EQ(number_in(events, "cast_report", "packets"), 51U);
    EXPECT_EQ(number_in(events, "cast_report", "lost"), 0U);
    EXPECT_NE(events.find("RTCP BYE"), std::string::npos);
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

/// That `events` tell of exactly what the receiver wrote.
void expect_report_of(const std::string& events, const std::vector<std::uint32_t>& numbers) {
  ASSERT_FALSE(numbers.empty());
  ASSERT_TRUE(std::ranges::is_sorted(numbers));
  const std::set<std::uint32_t> came(numbers.begin(), numbers.end());
  EXPECT_EQ(came.size(), numbers.size());
  EXPECT_EQ(number_in(events, "cast_report", "packets"), came.size());
  EXPECT_EQ(number_in(events, "cast_report", "bytes"), came.size() * payload_bytes);
  EXPECT_EQ(number_in(events, "cast_report", "lost"),
            *came.rbegin() - *came.begin() + 1 - came.size());
  EXPECT_EQ(number_in(events, "cast_report", "dropped"), 0U);
}

TEST(Cast, loss_is_reported_exactly) {
  if (!has_program("nft")) GTEST_SKIP() << "this needs nft (Debian: nftables)";
  const std::string reason = in_network_namespace(
      std::string(network) +
          "nft 'add table inet t; add chain inet t i { type filter hook input priority 0; }; "
          "add rule inet t i udp dport 5000 numgen random mod 5 0 counter drop'",
      [] {
        constexpr std::uint32_t count = 2000;
        const std::string group = "mcast://239.1.2.3:5000?if=d0";
        const auto child = receiver({"--rtp", group});
        const TemporaryFile file(numbered(count));
        Child sender(ieum_command({"cast", "--rtp", "--rate", "20M", group}),
                     Input::file(file.path()));
        EXPECT_EQ(sender.wait(), 0);
        const auto numbers = numbers_of(child->read_all());
        EXPECT_EQ(child->wait(), 0);
        const std::string events = child->error_output();
        expect_report_of(events, numbers);
        EXPECT_EQ(number_in(events, "cast_report", "reordered"), 0U);
        Child rules({"nft", "list", "ruleset"});
        const std::string reported = rules.read_all();
        const std::size_t at = reported.find("packets ");
        ASSERT_NE(at, std::string::npos) << reported;
        EXPECT_EQ(std::stoull(reported.substr(at + 8)), count - numbers.size());
        EXPECT_NEAR(static_cast<double>(numbers.size()), 0.8 * count, 0.05 * count);
      });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

void cast_through_harm(const TunRelay::Harm& harm, unsigned random_seed) {
  TunRelay relay("tun0", 5000, harm, random_seed);
  if (!relay.error().empty()) GTEST_SKIP() << relay.error();
  // What the relay hands back comes from an address of ours.
  const int made = std::system(
      "ip addr add 10.9.0.1/24 dev tun0 && ip link set tun0 up multicast on && "
      "ip route add 239.0.0.0/8 dev tun0 && "
      "echo 1 > /proc/sys/net/ipv4/conf/tun0/accept_local && "
      "echo 0 > /proc/sys/net/ipv4/conf/tun0/rp_filter && "
      "echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter");
  if (made != 0) GTEST_SKIP() << "the system does not let the device be set up";
  constexpr std::uint32_t count = 3000;
  const auto child = receiver({"--rtp", "mcast://239.1.2.3:5000?if=tun0"});
  const TemporaryFile file(numbered(count));
  Child sender(ieum_command({"cast", "--rtp", "--rate", "20M", "mcast://239.1.2.3:5000?loop=0"}),
               Input::file(file.path()));
  EXPECT_EQ(sender.wait(), 0);
  const std::string payload = child->read_all();
  EXPECT_EQ(child->wait(), 0);
  const std::string events = child->error_output();
  const std::vector<std::uint16_t> delivered = relay.finish();
  const TunRelay::Counts expected = TunRelay::count(delivered);
  EXPECT_GT(expected.packets, count / 2);
  EXPECT_EQ(number_in(events, "cast_report", "packets"), expected.packets);
  EXPECT_EQ(number_in(events, "cast_report", "lost"), expected.lost);
  EXPECT_EQ(number_in(events, "cast_report", "duplicates"), expected.duplicates);
  EXPECT_EQ(number_in(events, "cast_report", "reordered"), expected.reordered);
  EXPECT_EQ(number_in(events, "cast_report", "dropped"), 0U);
  if (harm.doubled_percent > 0) {
    EXPECT_GT(expected.duplicates, 0U);
  }
  if (harm.delayed_percent > 0) {
    EXPECT_GT(expected.reordered, 0U);
  }
  const auto numbers = numbers_of(payload);
  EXPECT_TRUE(std::ranges::is_sorted(numbers));
  EXPECT_EQ(numbers.size() + number_in(events, "cast_report", "too_late"), expected.packets);
}

TEST(Cast, what_a_bad_network_did_is_reported_exactly) {
  const TunRelay::Harm harms[] = {
      {},
      {.lost_percent = 20},
      {.doubled_percent = 10},
      {.delayed_percent = 15},
      {.lost_percent = 20, .doubled_percent = 5, .delayed_percent = 15},
  };
  const auto random_seed = static_cast<unsigned>(seed());
  SCOPED_TRACE(random_seed);
  for (const TunRelay::Harm& harm : harms) {
    const std::string reason =
        in_network_namespace("", [&] { cast_through_harm(harm, random_seed); });
    if (!reason.empty()) GTEST_SKIP() << reason;
  }
}

/// A receiver whose output nobody reads for now, and which has ended receiving: in `words` it is
/// said how it knows.
std::unique_ptr<Child> held_up_receiver(const std::vector<std::string>& words) {
  auto child = receiver(words);
  const TemporaryFile file(numbered(1000));  // more than a test's pipe holds, 1 MiB
  Child sender(ieum_command({"cast", "--rtp", "--rate", "20M", words.back()}),
               Input::file(file.path()));
  EXPECT_EQ(sender.wait(), 0) << sender.error_output();
  // The goodbye's 200 ms and the silence's second are over.
  std::this_thread::sleep_for(std::chrono::milliseconds(2000));
  EXPECT_TRUE(child->runs()) << "it did not wait for its output";
  return child;
}

TEST(Cast, a_receiver_that_waits_for_its_output_can_be_interrupted) {
  const std::string reason = in_network_namespace(network, [] {
    const std::string group = "mcast://239.1.2.3:5000?if=d0";
    const std::vector<std::string> ways[] = {{"--rtp", group}, {"-i", "1s", group}};
    for (const auto& words : ways) {
      const auto child = held_up_receiver(words);
      child->signal(SIGINT);
      const auto deadline = std::chrono::steady_clock::now() + patience;
      while (child->runs() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));  // `wait` would read its output
      }
      EXPECT_FALSE(child->runs()) << words.front();
      EXPECT_EQ(child->wait(), 130) << words.front();
    }
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(Cast, a_receiver_writes_all_after_its_end) {
  const std::string reason = in_network_namespace(network, [] {
    const auto child = held_up_receiver({"--rtp", "mcast://239.1.2.3:5000?if=d0"});
    EXPECT_TRUE(child->read_all() == numbered(1000));
    EXPECT_EQ(child->wait(), 0);
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(Cast, what_a_line_does_not_fill_ends_with_it) {
  const TestSocket socket;
  const TemporaryFile file("abc\nd\ne\nf\nlonger\n");
  Child sender(
      ieum_command({"cast", "--lines", "--size", "4", "--json", "udp://" + socket.where()}),
      Input::file(file.path()));
  EXPECT_EQ(sender.wait(), 0) << sender.error_output();
  for (const char* expected : {"abc\n", "d\n", "e\n", "f\n", "long", "er\n"}) {
    EXPECT_EQ(socket.receive(), expected);
  }
  EXPECT_EQ(number_in(sender.error_output(), "lines_cut", "lines"), 1U);
}

TEST(Cast, a_report_that_cannot_be_sent_is_not_the_inputs_fault) {
  const std::string reason = in_network_namespace(network, [] {
    Child sender(ieum_command({"cast", "--rtp", "-v", "mcast://239.1.2.3:5000?if=d0"}));
    sender.read_error_until("the peer is");
    ASSERT_EQ(std::system("ip route del 239.0.0.0/8 dev d0; ip link set d0 down"), 0);
    EXPECT_NE(sender.wait(), 0);
    const std::string errors = sender.error_output();
    EXPECT_EQ(errors.find("standard input"), std::string::npos) << errors;
    EXPECT_NE(errors.find("send 239.1.2.3:5001"), std::string::npos) << errors;
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(Cast, a_dump_shows_empty_datagrams) {
  const std::string reason = in_network_namespace(network, [] {
    const auto child = receiver({"--hex", "-i", "2s", "udp://127.0.0.1:5000"});
    const TestSocket socket;
    for (const char* data : {"a", "", "b"}) socket.send(data, 5000);
    const std::string dump = child->read_all();
    EXPECT_EQ(child->wait(), 28);
    EXPECT_EQ(std::ranges::count(dump, '\n'), 3) << dump;
    EXPECT_NE(dump.find("||\n"), std::string::npos) << dump;
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

// ---- Video --------------------------------------------------------------------------------------

std::string seconds_of_video() { return long_form() ? "10" : "2"; }

/// MPEG-TS of 50 Mbit/s, which null packets fill up.
void make_video(const std::string& path) {
  Child ffmpeg({"ffmpeg",
                "-v",
                "error",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=size=640x360:rate=25",
                "-t",
                seconds_of_video(),
                "-c:v",
                "mpeg2video",
                "-g",
                "5",
                "-b:v",
                "8M",
                "-muxrate",
                "50000000",
                "-f",
                "mpegts",
                path},
               Input::nothing());
  ASSERT_EQ(ffmpeg.wait(std::chrono::minutes(2)), 0) << ffmpeg.error_output();
}

std::string frames_of(const std::string& path) {
  Child probe({"ffprobe", "-v", "error", "-count_frames", "-select_streams", "v", "-show_entries",
               "stream=nb_read_frames", "-of", "csv=p=0", path},
              Input::nothing());
  const std::string frames = probe.read_all(std::chrono::minutes(2));
  EXPECT_EQ(probe.wait(), 0);
  EXPECT_EQ(probe.error_output(), "");
  return frames.substr(0, frames.find_first_of(",\n"));
}

TEST(Cast, a_video_reaches_three_viewers_whole) {
  if (!has_program("ffmpeg") || !has_program("ffprobe")) GTEST_SKIP() << "this needs ffmpeg";
  const std::string reason = in_network_namespace(network, [] {
    const TemporaryDirectory directory;
    const std::string video = directory.path("video.ts");
    ASSERT_NO_FATAL_FAILURE(make_video(video));
    const std::string group = "mcast://239.1.2.3:5000?if=d0";
    std::vector<std::unique_ptr<Child>> receivers;
    for (int i = 0; i < 3; ++i) {
      receivers.push_back(receiver({"--rtp", "-o", directory.path(std::to_string(i)), group}));
    }
    Child sender(ieum_command({"cast", "--rtp", "--rate", "50M", group}), Input::file(video));
    EXPECT_EQ(sender.wait(), 0) << sender.error_output();
    const std::string sent = content_of(video);
    const std::string frames = frames_of(video);
    EXPECT_EQ(frames, std::to_string(25 * std::stoi(seconds_of_video())));
    for (int i = 0; i < 3; ++i) {
      Child& child = *receivers[static_cast<std::size_t>(i)];
      EXPECT_EQ(child.wait(), 0);
      const std::string events = child.error_output();
      EXPECT_EQ(number_in(events, "cast_report", "lost"), 0U);
      EXPECT_EQ(number_in(events, "cast_report", "dropped"), 0U);
      EXPECT_TRUE(content_of(directory.path(std::to_string(i))) == sent);
      EXPECT_EQ(frames_of(directory.path(std::to_string(i))), frames);
    }
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

TEST(Cast, a_stock_player_reads_the_stream_itself) {
  if (!has_program("ffmpeg") || !has_program("ffprobe")) GTEST_SKIP() << "this needs ffmpeg";
  const std::string reason = in_network_namespace(network, [] {
    const TemporaryDirectory directory;
    const std::string video = directory.path("video.ts");
    ASSERT_NO_FATAL_FAILURE(make_video(video));
    Child player({"ffmpeg", "-v", "error", "-i", "rtp://239.1.2.3:5000", "-frames:v", "10", "-f",
                  "framecrc", "-"},
                 Input::nothing());
    wait_until_bound(5000);
    Child sender(ieum_command({"cast", "--rtp", "--rate", "40M", "mcast://239.1.2.3:5000?if=d0"}),
                 Input::file(video));
    EXPECT_EQ(sender.wait(), 0) << sender.error_output();
    EXPECT_EQ(player.wait(), 0) << player.error_output();
    const std::string frames = player.read_all();
    EXPECT_EQ(std::ranges::count(frames, '\n'), 10 + std::ranges::count(frames, '#')) << frames;
  });
  if (!reason.empty()) GTEST_SKIP() << reason;
}

}  // namespace
}  // namespace ieum::test
