#include <gtest/gtest.h>

#include "cast/cast.hpp"
#include "command_line.hpp"
#include "connect/connect.hpp"
#include "listen/listen.hpp"
#include "options/parse_options.hpp"
#include "subcommands.hpp"

namespace ieum::cli {
namespace {

/// What `parse` makes of the words behind the name of a subcommand.
template <class Command>
Parsed<Command> parsed(Parsed<Command> (*parse)(const GivenOptions&, const Environment&),
                       const std::vector<std::string>& words) {
  const auto options = options_of(*find_subcommand(words.front()));
  return parse(parse_options(options, std::span(words).subspan(1)), {});
}

std::string refusal(const std::vector<std::string>& words) {
  const auto action = parse_command_line(words, {});
  return action ? "accepted" : action.error();
}

TEST(CastCommandLine, what_is_asked_for) {
  const auto cast = parsed(parse_cast, {"cast", "--rtp", "--rate", "50M", "--payload-type", "96",
                                        "--size", "1000", "mcast://239.1.2.3:5000?ttl=3"});
  ASSERT_TRUE(cast) << cast.error();
  const CastCommand& command = *cast;
  EXPECT_TRUE(command.rtp);
  EXPECT_FALSE(command.receive);
  EXPECT_EQ(command.bits_per_second, 50'000'000U);
  EXPECT_EQ(command.payload_type, 96);
  EXPECT_EQ(command.common.datagram_bytes, 1000U);
  EXPECT_EQ(command.common.endpoint.setting(Key::ttl), 3);
}

TEST(CastCommandLine, receiving_without_a_host_is_any_address) {
  const auto cast = parsed(parse_cast, {"cast", "--receive", "udp://:5000"});
  ASSERT_TRUE(cast) << cast.error();
  EXPECT_EQ(cast->common.endpoint.target, "*:5000");
}

TEST(CastCommandLine, sizes_by_kind) {
  const auto udp = parsed(parse_connect, {"connect", "udp://localhost:7"});
  EXPECT_EQ(udp->common.datagram_bytes, 1452U);
  const auto path = parsed(parse_listen, {"listen", "unix-dgram:/tmp/x"});
  EXPECT_EQ(path->common.datagram_bytes, 65'507U);
}

TEST(CastCommandLine, what_cannot_be_is_one_sentence) {
  EXPECT_EQ(refusal({"cast"}),
            "cast: an address is missing, as in 'ieum cast mcast://239.1.2.3:5000'");
  EXPECT_EQ(refusal({"cast", "--rate", "5x", "mcast://239.1.2.3:5000"}),
            "cast: --rate takes bits a second from 1k to 1000G, as 300k, 50M or 1.5G, not '5x'");
  EXPECT_EQ(refusal({"cast", "-r", "--rate", "5M", "mcast://239.1.2.3:5000"}),
            "cast: --rate is for sending, not for --receive");
  EXPECT_EQ(refusal({"cast", "-i", "5", "mcast://239.1.2.3:5000"}),
            "cast: --idle requires --receive");
  EXPECT_EQ(refusal({"cast", "-r", "mcast://239.1.2.3:5000?ttl=2"}),
            "cast: the key 'ttl' is for sending only");
  EXPECT_EQ(refusal({"cast", "mcast://239.1.2.3:5000?source=10.0.0.1"}),
            "cast: the key 'source' is for --receive only");
  EXPECT_EQ(refusal({"cast", "--payload-type", "33", "mcast://239.1.2.3:5000"}),
            "cast: --payload-type requires --rtp");
  EXPECT_EQ(refusal({"cast", "--rtp", "--payload-type", "72", "mcast://239.1.2.3:5000"}),
            "cast: --payload-type must not be from 64 to 95, which look like RTCP");
  EXPECT_EQ(refusal({"cast", "--rtp", "mcast://239.1.2.3:65535"}),
            "cast: --rtp needs the next port too, for RTCP: take a port below 65535");
  EXPECT_NE(refusal({"cast", "tcp://localhost:1"}), "accepted");
  EXPECT_NE(refusal({"cast", "-r", "unix-dgram:/tmp/x"}), "accepted");
}

TEST(CastCommandLine, what_datagrams_have_no_use_for) {
  for (const char* option : {"--wait=1", "--max-clients=5", "--backlog=3", "--linger=1"}) {
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
