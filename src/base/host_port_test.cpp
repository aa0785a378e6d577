// HostPort: what it reads, what it refuses, and that nothing else ever comes out of it.
#include <ieum/host_port.hpp>

#include <net/if.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include <ieum/result.hpp>

#include "support/support.hpp"

namespace ieum {
namespace {

using namespace std::string_view_literals;

std::string outcome(const Result<HostPort>& place) {
  return place ? place->to_string() : place.error().to_string();
}

TEST(HostPort, ReadsNamesAndAddresses) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"example.com:80", "example.com:80"},
      {"Example.COM.:80", "Example.COM.:80"},
      {"localhost:0", "localhost:0"},
      {"xn--bcher-kva.example:65535", "xn--bcher-kva.example:65535"},
      {"a_b-c.1d:080", "a_b-c.1d:80"},
      {"127.0.0.1:80", "127.0.0.1:80"},
      {"[::1]:80", "[::1]:80"},
      {"[0:0::1]:80", "[::1]:80"},
      {"[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80"},
      {"[fe80::1%7]:80", "[fe80::1%7]:80"},
  };
  for (const auto& [text, expected] : cases) {
    const Result<HostPort> place = HostPort::parse(text);
    ASSERT_EQ(outcome(place), expected);
    EXPECT_EQ(*HostPort::parse(place->to_string()), *place);
    EXPECT_EQ(*HostPort::make(place->host(), place->port()), *place) << place->host();
  }
}

TEST(HostPort, TellsItsParts) {
  const HostPort name = *HostPort::parse("example.com:80");
  EXPECT_EQ(name.host(), "example.com");
  EXPECT_EQ(name.port(), 80);
  EXPECT_FALSE(name.address());
  const HostPort ip = *HostPort::parse("[::1]:81");
  EXPECT_EQ(ip.host(), "::1");
  EXPECT_EQ(ip.address(), Address::ipv6_loopback(81));
  EXPECT_EQ(*HostPort::make("[::1]", 81), ip);
  EXPECT_EQ(HostPort().host(), "");
  const unsigned loopback = if_nametoindex("lo");
  if (loopback == 0) return;
  const HostPort scoped = *HostPort::make("fe80::1%lo", 1);
  EXPECT_EQ(scoped.address()->scope(), loopback);
  EXPECT_EQ(scoped.host(), "fe80::1%" + std::to_string(loopback));
}

TEST(HostPort, RefusesWhatIsNoPort) {
  const std::vector<std::string_view> ports = {"",
                                               "65536",
                                               "+80",
                                               " 80",
                                               "80 ",
                                               "-1",
                                               "80x",
                                               "0x50",
                                               "8\0000"sv,
                                               "99999999999999999999",
                                               "\xd9\xa8\xd9\xa0",
                                               "80/",
                                               "80,"};
  for (const std::string_view port : ports) {
    const std::string text = "example.com:" + std::string(port);
    const Result<HostPort> place = HostPort::parse(text);
    ASSERT_FALSE(place) << text;
    EXPECT_EQ(place.error(), std::errc::invalid_argument);
    EXPECT_TRUE(
        place.error().detail().ends_with("has no port from 0 to 65535 after its last colon"))
        << place.error().to_string();
  }
  EXPECT_EQ(outcome(HostPort::parse("example.com:http")),
            "parse address: invalid argument: \"example.com:http\" names a service: write its port "
            "as a number");
  for (const std::int64_t port : {std::int64_t{-1}, std::int64_t{65536}, std::int64_t{65616}}) {
    EXPECT_EQ(outcome(HostPort::make("example.com", port)),
              "parse address: invalid argument: \"" + std::to_string(port) +
                  "\" is no port: they go from 0 to 65535");
  }
}

TEST(HostPort, TellsAnAddressWithoutAPortFromABadPort) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"[::1]", "\"[::1]\" has no port: write [ADDRESS]:PORT"},
      {"fe80::1:abcd",
       "\"fe80::1:abcd\" holds an IPv6 address without brackets: write [ADDRESS]:PORT"},
      {"h:80:http", "\"h:80:http\" has a colon in its host: write HOST:PORT or [ADDRESS]:PORT"},
      {"[::1]:x", "\"[::1]:x\" names a service: write its port as a number"},
  };
  for (const auto& [text, expected] : cases) {
    const Result<HostPort> place = HostPort::parse(text);
    ASSERT_FALSE(place) << text;
    EXPECT_EQ(place.error().detail(), expected);
  }
}

/// What a peer may send as a host to reach something else.
std::vector<std::string> hostile_hosts() {
  std::vector<std::string> hosts = {"",
                                    ".",
                                    "unix",
                                    "unix:",
                                    "unix:/x",
                                    "unix:/run/docker.sock",
                                    "UNIX:/x",
                                    "unix:@abstract",
                                    "[unix:/x]",
                                    "[unix:@x]",
                                    "@abstract",
                                    "/run/x",
                                    "./x",
                                    "tcp://127.0.0.1",
                                    "tcp://",
                                    "http://localhost/",
                                    "fd:3",
                                    "-",
                                    "*",
                                    "[*]",
                                    "127.0.0.1:22",
                                    "localhost:22",
                                    "a:b",
                                    "::1]",
                                    "[::1",
                                    "[[::1]]",
                                    "[]",
                                    "[127.0.0.1]",
                                    "[localhost]",
                                    " localhost",
                                    "localhost ",
                                    "local\thost",
                                    "localhost\n",
                                    "localhost\r\nX: y",
                                    " 127.0.0.1",
                                    "127.0.0.1 ",
                                    "127.1",
                                    "2130706433",
                                    "127.0.0.1.",
                                    "1.2.3.4.5",
                                    "user@host",
                                    "%6cocalhost",
                                    "host%eth0",
                                    "127.0.0.1%lo",
                                    "fe80::1%",
                                    "fe80::1%nosuch0",
                                    "fe80::1%1%1",
                                    "::1%lo/",
                                    "a..b",
                                    ".a",
                                    "b\xc3\xbc"
                                    "cher",
                                    "\xe2\x80\xae",
                                    "\xc2\x9b",
                                    "\x80",
                                    std::string(64, 'x'),
                                    std::string(1, '\0')};
  for (const std::string_view host : {"localhost", "127.0.0.1", "::1", "[::1]", "fe80::1%1"}) {
    hosts.push_back(std::string(host) + '\0');
    hosts.push_back(std::string(host) + std::string("\0.evil.example", 14));
    hosts.push_back('\0' + std::string(host));
  }
  std::string longest;
  while (longest.size() < 254) longest += "x.";
  hosts.push_back(longest + "x");
  hosts.push_back(std::string(100000, 'a'));
  return hosts;
}

TEST(HostPort, RefusesWhatIsNoHost) {
  for (const std::string& host : hostile_hosts()) {
    if (host == "unix" || host == "-") continue;  // names, if odd ones
    const Result<HostPort> place = HostPort::make(host, 80);
    ASSERT_FALSE(place) << "\"" << host << "\" was taken for " << place->to_string();
    EXPECT_EQ(place.error(), Errc::name_invalid) << place.error().to_string();
    EXPECT_FALSE(place.error().detail().empty()) << host;
    const Result<HostPort> text = HostPort::parse(host + ":80");
    // Of these a host and a port can be read, though not those that were meant.
    ASSERT_FALSE(text) << "\"" << host << ":80\" was taken for " << text->to_string();
  }
  EXPECT_EQ(outcome(HostPort::make("unix:/run/x", 80)),
            "resolve unix:/run/x: this can be no name: it has a colon, and is no IPv6 address");
  EXPECT_EQ(outcome(HostPort::parse("unix:/run/x:80")),
            "parse address: invalid argument: \"unix:/run/x:80\" has a colon in its host: write "
            "HOST:PORT or [ADDRESS]:PORT");
}

TEST(HostPort, GivesNamesOrIpAddressesOfWhateverBytes) {
  std::mt19937_64 random(test::seed());
  constexpr std::string_view pieces[] = {
      "unix:", "@",  "[",         "]", ":",    "%", "::",      "1",  ".", "fe80", "\xff",
      "*",     "lo", "127.0.0.1", "/", "\0"sv, " ", "example", "//", "-", ":80"};
  for (int i = 0; i < 50000; ++i) {
    std::string text;
    for (auto n = random() % 8; n > 0; --n) text += pieces[random() % std::size(pieces)];
    for (const Result<HostPort>& place : {HostPort::parse(text), HostPort::make(text, 80)}) {
      if (!place) continue;
      const std::string& host = place->host();
      if (place->address()) {
        ASSERT_TRUE(place->address()->is_ip()) << text;
      } else {
        ASSERT_EQ(host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_."), host.npos)
            << text;
      }
      ASSERT_EQ(*HostPort::make(host, place->port()), *place) << text;
    }
  }
}

}  // namespace
}  // namespace ieum
