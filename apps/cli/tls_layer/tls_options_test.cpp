#include "tls_layer/tls_options.hpp"

#include <gtest/gtest.h>

#include "command_line.hpp"

namespace ieum::cli {
namespace {

using Words = std::vector<std::string>;

std::string refused(const Words& words) {
  const auto action = parse_command_line(words, {});
  return action ? "it was taken" : action.error();
}
bool taken(const Words& words) { return parse_command_line(words, {}).has_value(); }

const std::string pin = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

TEST(TlsOptions, are_for_addresses_with_tls) {
  for (const Words& option :
       {Words{"--insecure"}, Words{"--ca", "f"}, Words{"--pin", pin}, Words{"--cert", "f"},
        Words{"--alpn", "h2"}, Words{"--servername", "a.test"}, Words{"--key-log", "f"}}) {
    Words words{"connect", "host:1"};
    words.insert(words.end(), option.begin(), option.end());
    EXPECT_EQ(refused(words),
              "connect: " + option.front() + " needs TLS; write the address as tls://HOST:PORT");
    words[1] = "tls://host:1";
    EXPECT_TRUE(taken(words)) << option.front();
  }
  EXPECT_EQ(refused({"listen", ":1", "--self-signed"}),
            "listen: --self-signed needs TLS; write the address as tls://HOST:PORT");
  EXPECT_EQ(refused({"connect", "udp://host:1", "--insecure"}),
            "connect: --insecure needs TLS; write the address as tls://HOST:PORT");
}

TEST(TlsOptions, exclude_each_other) {
  EXPECT_EQ(refused({"connect", "tls://h:1", "--insecure", "--ca", "f"}),
            "connect: --ca has no effect with --insecure, which takes any certificate");
  EXPECT_EQ(refused({"connect", "tls://h:1", "--key", "f"}), "connect: --key requires --cert");
  EXPECT_EQ(refused({"listen", "tls://:1", "--self-signed", "--cert", "f"}),
            "listen: --cert cannot be combined with --self-signed, which makes a certificate and "
            "its key");
  EXPECT_EQ(refused({"listen", "tls://:1"}),
            "listen: tls:// needs a certificate: give one with --cert and --key, or write "
            "--self-signed");
}

TEST(TlsOptions, have_values_that_make_sense) {
  EXPECT_TRUE(taken({"connect", "tls://h:1", "--pin", pin + ";" + pin}));
  for (const std::string& wrong : {std::string("sha256//AAAA"), "sha1//" + pin.substr(8), pin + ";",
                                   pin.substr(0, pin.size() - 1) + "A", std::string()}) {
    EXPECT_TRUE(refused({"connect", "tls://h:1", "--pin", wrong})
                    .starts_with("connect: --pin takes sha256//BASE64"))
        << wrong;
  }
  for (const char* wrong : {"", "h2,", ",h2", "h2,,h3"}) {
    EXPECT_TRUE(refused({"connect", "tls://h:1", "--alpn", wrong})
                    .starts_with("connect: --alpn takes names of protocols"))
        << wrong;
  }
  EXPECT_EQ(refused({"connect", "tls://h:1", "--servername", "a b"}),
            "connect: --servername takes the name of a host, not 'a b'");
  EXPECT_EQ(refused({"connect", "tls://h:1", "--ca", ""}),
            "connect: --ca takes the name of a file");
}

TEST(TlsOptions, say_what_a_server_has_instead) {
  EXPECT_EQ(refused({"listen", "tls://:1", "--insecure"}),
            "listen: unknown option '--insecure'; clients need no certificate, unless --ca says "
            "whose");
  EXPECT_EQ(refused({"connect", "--ssl", "h:1"}),
            "connect: unknown option '--ssl'; for TLS, write tls://HOST:PORT as the address");
}

TEST(TlsOptions, have_the_key_with_the_certificate_unless_it_is_named) {
  GivenOptions given;
  given.options = {{.names = "--cert", .count = 1, .texts = {"both.pem"}}};
  const Endpoint endpoint{.scheme = Scheme::tls};
  const auto settings = read_tls_options(given, Role::connect, endpoint);
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->key, "both.pem");
}

}  // namespace
}  // namespace ieum::cli
