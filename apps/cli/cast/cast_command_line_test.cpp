#include <gtest/gtest.h>

#include <variant>

#include "command_line.hpp"

namespace ieum::cli {
namespace {

std::expected<Command, std::string> parse(std::vector<std::string> words) {
  return parse_command_line(words, {});
}

std::string refusal(std::vector<std::string> words) {
  const auto command = parse(std::move(words));
  return command ? "accepted" : command.error();
}

TEST(CastCommandLine, what_is_asked_for) {
  const auto parsed = parse({"cast", "--rtp", "--rate", "50M", "--payload-type", "96", "--size",
                             "1000", "mcast://239.1.2.3:5000?ttl=3"});
  ASSERT_TRUE(parsed) << parsed.error();
  const auto& command = std::get<CastCommand>(*parsed);
  EXPECT_TRUE(command.rtp);
  EXPECT_FALSE(command.receive);
  EXPECT_EQ(command.bits_per_second, 50'000'000U);
  EXPECT_EQ(command.payload_type, 96);
  EXPECT_EQ(command.common.datagram_bytes, 1000U);
  EXPECT_EQ(command.common.endpoint.setting(Key::ttl), 3);
}

TEST(CastCommandLine, receiving_without_a_host_is_any_address) {
  const auto parsed = parse({"cast", "--receive", "udp://:5000"});
  ASSERT_TRUE(parsed) << parsed.error();
  EXPECT_EQ(std::get<CastCommand>(*parsed).common.endpoint.target, "*:5000");
}

TEST(CastCommandLine, sizes_by_kind) {
  const auto udp = parse({"connect", "udp://localhost:7"});
  EXPECT_EQ(std::get<ConnectCommand>(*udp).common.datagram_bytes, 1452U);
  const auto path = parse({"listen", "unix-dgram:/tmp/x"});
  EXPECT_EQ(std::get<ListenCommand>(*path).common.datagram_bytes, 65'507U);
}

TEST(CastCommandLine, what_cannot_be_is_one_sentence) {
  EXPECT_EQ(refusal({"cast"}),
            "cast: an address is missing, as 'ieum cast mcast://239.1.2.3:5000'");
  EXPECT_EQ(refusal({"cast", "--rate", "5x", "mcast://239.1.2.3:5000"}),
            "cast: --rate takes bits a second from 1k to 1000G, as 300k, 50M or 1.5G, not '5x'");
  EXPECT_EQ(refusal({"cast", "-r", "--rate", "5M", "mcast://239.1.2.3:5000"}),
            "cast: --rate is for sending, not for --receive");
  EXPECT_EQ(refusal({"cast", "-i", "5", "mcast://239.1.2.3:5000"}),
            "cast: --idle goes with --receive");
  EXPECT_EQ(refusal({"cast", "-r", "mcast://239.1.2.3:5000?ttl=2"}),
            "cast: the key 'ttl' is for sending only");
  EXPECT_EQ(refusal({"cast", "mcast://239.1.2.3:5000?source=10.0.0.1"}),
            "cast: the key 'source' is for --receive only");
  EXPECT_EQ(refusal({"cast", "--payload-type", "33", "mcast://239.1.2.3:5000"}),
            "cast: --payload-type goes with --rtp");
  EXPECT_EQ(refusal({"cast", "--rtp", "--payload-type", "72", "mcast://239.1.2.3:5000"}),
            "cast: --payload-type must not be from 64 to 95, which look like RTCP");
  EXPECT_EQ(refusal({"cast", "--rtp", "mcast://239.1.2.3:65535"}),
            "cast: --rtp needs the next port too, for RTCP: take a port below 65535");
  EXPECT_NE(refusal({"cast", "tcp://localhost:1"}), "accepted");
  EXPECT_NE(refusal({"cast", "-r", "unix-dgram:/tmp/x"}), "accepted");
}

TEST(CastCommandLine, what_datagrams_have_no_use_for) {
  for (const char* option :
       {"--wait=1", "--max-clients=5", "--backlog=3", "--exec=date", "--linger=1"}) {
    EXPECT_NE(refusal({"listen", "-k", option, "udp://:7000"}), "accepted") << option;
  }
  EXPECT_NE(refusal({"listen", "-k", "--lines", "udp://:7000"}), "accepted");
  EXPECT_NE(refusal({"listen", "--echo", "--size=9", "udp://:7000"}), "accepted");
  EXPECT_NE(refusal({"connect", "--wait=1", "udp://localhost:7000"}), "accepted");
  EXPECT_NE(refusal({"connect", "--probe", "udp://localhost:7000"}), "accepted");
  EXPECT_NE(refusal({"connect", "--size=9", "localhost:7000"}), "accepted");
  EXPECT_NE(refusal({"connect", "--size=65508", "udp://localhost:7000"}), "accepted");
  EXPECT_EQ(refusal({"connect", "-4", "--lines", "--linger=2", "udp://localhost:7000"}),
            "accepted");
}

}  // namespace
}  // namespace ieum::cli
