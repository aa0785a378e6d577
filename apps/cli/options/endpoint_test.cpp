#include "options/endpoint.hpp"

#include <gtest/gtest.h>

namespace ieum::cli {
namespace {

Endpoint parsed(std::string_view text, Role role = Role::connect) {
  const auto endpoint = parse_endpoint(text, role);
  if (!endpoint) ADD_FAILURE() << text << ": " << endpoint.error();
  return endpoint.value_or(Endpoint{});
}

std::string refused(std::string_view text, Role role = Role::connect) {
  const auto endpoint = parse_endpoint(text, role);
  if (endpoint) ADD_FAILURE() << text << " was taken";
  return endpoint ? std::string{} : endpoint.error();
}

TEST(Endpoint, of_tcp) {
  for (const char* text : {"localhost:80", "127.0.0.1:80", "[::1]:80", "a-b.example.com:65535"}) {
    EXPECT_EQ(parsed(text).scheme, Scheme::tcp);
    EXPECT_EQ(parsed(text).target, text);
    EXPECT_EQ(parsed("tcp://" + std::string(text)).target, text);
    EXPECT_EQ(parsed("TCP://" + std::string(text)).target, text);
  }
}

TEST(Endpoint, without_a_host_is_this_host) {
  EXPECT_EQ(parsed(":80").target, "localhost:80");
  EXPECT_EQ(parsed(":80", Role::listen).target, "*:80");
  EXPECT_EQ(parsed("tcp://:0", Role::listen).target, "*:0");
}

TEST(Endpoint, of_unix_sockets_descriptors_and_standard_streams) {
  EXPECT_EQ(parsed("unix:/run/a.sock").target, "unix:/run/a.sock");
  EXPECT_EQ(parsed("unix:@name").scheme, Scheme::unix_stream);
  EXPECT_EQ(parsed("unix:/a%3Fb?replace=1", Role::listen).target, "unix:/a%3Fb");
  EXPECT_EQ(parsed("fd:3").descriptor, 3);
  EXPECT_EQ(parsed("-").scheme, Scheme::standard);
}

TEST(Endpoint, of_datagrams) {
  EXPECT_EQ(parsed("udp://localhost:53").scheme, Scheme::udp);
  EXPECT_EQ(parsed("udp://:53", Role::listen).target, "*:53");
  EXPECT_EQ(parsed("unix-dgram:/a").target, "unix:/a");
  EXPECT_TRUE(parsed("unix-dgram:@a").has_datagrams());
  const Endpoint group =
      parsed("mcast://239.1.2.3:5000?if=lo&ttl=3&loop=0&source=10.0.0.1", Role::cast);
  EXPECT_EQ(group.text_setting(Key::interface), "lo");
  EXPECT_EQ(group.text_setting(Key::source), "10.0.0.1");
  EXPECT_EQ(group.setting(Key::ttl), 3);
  EXPECT_EQ(group.setting(Key::loop), 0);
  EXPECT_EQ(parsed("mcast://[ff02::1234]:5000", Role::cast).target, "[ff02::1234]:5000");
  EXPECT_NE(refused("mcast://10.0.0.1:5000", Role::cast).find("is not a multicast group"),
            std::string::npos);
  EXPECT_NE(refused("mcast://239.1.2.3:5000").find("use 'ieum cast'"), std::string::npos);
  EXPECT_NE(refused("host:5000", Role::cast).find("casting is one to many"), std::string::npos);
}

TEST(Endpoint, takes_the_names_of_services) {
  EXPECT_EQ(parsed("h:http").target, "h:80");
  EXPECT_EQ(parsed("h:http").port, 80);
  EXPECT_EQ(parsed(":ssh", Role::listen).target, "*:22");
  EXPECT_EQ(parsed("udp://h:domain").port, 53);
  EXPECT_EQ(refused("h:nosuch"),
            "'h:nosuch' names a service that is not known here; write its port, a number from 1 to "
            "65535");
}

TEST(Endpoint, has_settings) {
  const Endpoint endpoint = parsed("tcp://h:1?nodelay=0&rcvbuf=64k&ttl=5&keepalive=60");
  EXPECT_EQ(endpoint.target, "h:1");
  EXPECT_EQ(endpoint.setting(Key::nodelay), 0);
  EXPECT_EQ(endpoint.setting(Key::rcvbuf), 65536);
  EXPECT_EQ(endpoint.setting(Key::ttl), 5);
  EXPECT_EQ(endpoint.setting(Key::keepalive), 60);
  EXPECT_EQ(endpoint.setting(Key::tos), std::nullopt);
}

TEST(Endpoint, says_what_is_wrong_with_its_place) {
  EXPECT_EQ(refused("localhost"), "'localhost' has no port; write HOST:PORT, as localhost:80");
  EXPECT_EQ(refused("9000", Role::listen), "'9000' has no host; write :9000");
  EXPECT_EQ(refused("9000"), "'9000' has no port; write HOST:PORT, as localhost:9000");
  EXPECT_EQ(refused(":80x"), "':80x' needs a port, a number from 1 to 65535, after its colon");
  EXPECT_EQ(refused("::1:80"),
            "\"::1:80\" holds an IPv6 address without brackets: write [ADDRESS]:PORT");
  EXPECT_EQ(refused("[::1]"), "\"[::1]\" has no port: write [ADDRESS]:PORT");
  EXPECT_EQ(refused("h:80:81"),
            "\"h:80:81\" has a colon in its host: write HOST:PORT or [ADDRESS]:PORT");
  EXPECT_EQ(refused("h:65536"),
            "'h:65536' needs a port, a number from 1 to 65535, after its colon");
  EXPECT_EQ(refused("h:0"), "'h:0' has port 0, where nobody can listen");
  EXPECT_EQ(refused("user@h:22"),
            "'user@h:22' names a user, which an address does not have; write HOST:PORT");
  EXPECT_EQ(refused("h:20-30"),
            "'h:20-30' is a range of ports; for each of them: for port in $(seq 20 30)");
  EXPECT_EQ(refused("이음:80"),
            "'이음:80' has no valid host before its port: write it in its ASCII form, as xn--…");
  EXPECT_EQ(refused("a..b:80"),
            "'a..b:80' has no valid host before its port: it has an empty part");
  EXPECT_EQ(refused(""), "an address must not be empty; write HOST:PORT");
  EXPECT_EQ(refused("unix:"), "\"unix:\" has no path: write unix:/path or unix:@abstract");
  EXPECT_EQ(refused("fd:x"), "'fd:x' does not name a descriptor; write fd:3");
}

TEST(Endpoint, suggests_a_scheme) {
  EXPECT_NE(refused("tpc://h:1").find("did you mean tcp://?"), std::string::npos);
  EXPECT_NE(refused("unxi://h:1").find("did you mean"), std::string::npos);
  EXPECT_NE(refused("http://h/").find("tcp://HOST:PORT"), std::string::npos);
  EXPECT_EQ(refused("udp:h:1"), "'udp:h:1' lacks the '//' after 'udp:'");
}

TEST(Endpoint, knows_the_forms_of_other_tools) {
  EXPECT_EQ(refused("udp:9"),
            "'udp:9' would be a host named 'udp'; write udp://localhost:9, or tcp://udp:9 if there "
            "is one");
  EXPECT_EQ(refused("tcp:9", Role::listen),
            "'tcp:9' would be a host named 'tcp'; write tcp://:9, or tcp://tcp:9 if there is one");
  EXPECT_EQ(parsed("tcp://udp:9").target, "udp:9");
  EXPECT_EQ(refused("TCP-LISTEN:9", Role::listen),
            "'TCP-LISTEN:9' is socat's form; here it is 'ieum listen :9'");
  EXPECT_EQ(refused("tcp-l:9,reuseaddr,fork"),
            "'tcp-l:9,reuseaddr,fork' is socat's form; here it is 'ieum listen -k :9'");
  EXPECT_EQ(refused("TCP4:localhost:9"),
            "'TCP4:localhost:9' is socat's form; here it is 'ieum connect -4 localhost:9'");
  EXPECT_EQ(refused("UDP-SENDTO:h:9"),
            "'UDP-SENDTO:h:9' is socat's form; here it is 'ieum connect udp://h:9'");
  EXPECT_EQ(refused("UNIX-CONNECT:/tmp/x"),
            "'UNIX-CONNECT:/tmp/x' is socat's form; here it is 'ieum connect unix:/tmp/x'");
  EXPECT_EQ(refused("EXEC:date"),
            "'EXEC:date' is socat's form; here it is 'ieum listen --exec COMMAND ADDRESS'");
  EXPECT_EQ(refused("OPENSSL-LISTEN:9,cert=f,fork", Role::listen),
            "'OPENSSL-LISTEN:9,cert=f,fork' is socat's form; here it is 'ieum listen -k tls://:9'");
  EXPECT_EQ(refused("STDIO"),
            "'STDIO' is socat's form; standard input and output are the address -");
  EXPECT_EQ(refused("/dev/udp/h/53"), "'/dev/udp/h/53' is bash's form; write udp://h:53");
  EXPECT_EQ(parsed("exec:80").target, "exec:80");  // a host may be named so
}

TEST(Endpoint, knows_what_is_not_built_in_yet) {
  for (const char* text : {"ws://h:1/x", "wss://h:1"}) {
    EXPECT_NE(refused(text).find("is not built into this version"), std::string::npos) << text;
  }
}

TEST(Endpoint, suggests_a_key) {
  EXPECT_EQ(refused("h:1?nodealy=1"),
            "in 'h:1?nodealy=1': unknown key 'nodealy' after '?'; did you mean 'nodelay'?");
  EXPECT_EQ(refused("h:1?reuseport=1"),
            "in 'h:1?reuseport=1': the key 'reuseport' is for tcp://, tls://, udp:// addresses of "
            "'ieum listen' only");
  EXPECT_EQ(refused("h:1?ttl"), "in 'h:1?ttl': the key 'ttl' has no value; write ttl=1-255");
  EXPECT_EQ(refused("h:1?ttl=0"), "in 'h:1?ttl=0': ttl takes a number from 1 to 255, not '0'");
  EXPECT_EQ(refused("h:1?nodelay=yes"), "in 'h:1?nodelay=yes': nodelay takes 0 or 1, not 'yes'");
  EXPECT_EQ(refused("h:1?ttl=5&ttl=6"), "in 'h:1?ttl=5&ttl=6': the key 'ttl' is given twice");
  EXPECT_EQ(refused("fd:3?ttl=5"),
            "in 'fd:3?ttl=5': the key 'ttl' is for tcp://, tls://, udp://, mcast:// "
            "addresses only");
}

TEST(Source, is_an_address_with_or_without_a_port) {
  EXPECT_EQ(parse_source("127.0.0.1").value().to_string(), "127.0.0.1:0");
  EXPECT_EQ(parse_source(":5000").value().to_string(), "0.0.0.0:5000");
  EXPECT_EQ(parse_source("127.0.0.1:5000").value().to_string(), "127.0.0.1:5000");
  EXPECT_EQ(parse_source("::1").value().to_string(), "[::1]:0");
  EXPECT_EQ(parse_source("[::1]").value().to_string(), "[::1]:0");
  EXPECT_EQ(parse_source("[::1]:7").value().to_string(), "[::1]:7");
  for (const char* text : {"", "*", "*:80", "localhost", "unix:/x", "1.2.3", "[::1"}) {
    EXPECT_FALSE(parse_source(text)) << text;
  }
}

}  // namespace
}  // namespace ieum::cli
