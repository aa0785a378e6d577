// Address: text and back, and what is no address.
#include <ieum/address.hpp>

#include <net/if.h>

#include <random>
#include <string>
#include <type_traits>
#include <utility>

#include <ieum/result.hpp>

#include "support/support.hpp"

namespace ieum {
namespace {

Address parsed(std::string_view text) {
  Result<Address> address = Address::parse(text);
  if (!address) ADD_FAILURE() << address.error().to_string();
  return address.value_or(Address());
}
std::string refused(std::string_view text) {
  const Result<Address> address = Address::parse(text);
  return address ? "accepted as " + address->to_string() : address.error().to_string();
}

TEST(Address, IsAPlainValue) {
  static_assert(std::is_trivially_copyable_v<Address>);
  static_assert(sizeof(Address) <= 116);
  constexpr Address none;
  EXPECT_EQ(none.family(), Family::none);
  EXPECT_EQ(none.to_string(), "");
  EXPECT_EQ(none, Address());
  EXPECT_FALSE(none.is_ip() || none.is_unix() || none.is_wildcard());
}

TEST(Address, ParsesAndFormats) {
  const std::pair<const char*, const char*> cases[] = {
      {"127.0.0.1:80", "127.0.0.1:80"},
      {"0.0.0.0:0", "0.0.0.0:0"},
      {"255.255.255.255:65535", "255.255.255.255:65535"},
      {"[::1]:80", "[::1]:80"},
      {"[0:0:0:0:0:0:0:1]:80", "[::1]:80"},
      {"[2001:DB8::A]:443", "[2001:db8::a]:443"},
      {"[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.4]:1"},
      {"[fe80::1%7]:80", "[fe80::1%7]:80"},
      {"[fe80::1%4294967295]:80", "[fe80::1%4294967295]:80"},
      {"*:80", "[::]:80"},
      {"unix:/run/app.sock", "unix:/run/app.sock"},
      {"unix:relative", "unix:relative"},
      {"unix:/with%20space", "unix:/with%20space"},
      {"unix:/with space", "unix:/with%20space"},
      {"unix:%40at", "unix:%40at"},
      {"unix:@abstract", "unix:@abstract"},
      {"unix:@%00%ff/x", nullptr},
      {"unix:/a:b:c", "unix:/a:b:c"},
      {"unix:/100%25", "unix:/100%25"},
      {"unix:/what%3F", "unix:/what%3F"},
      {"unix:/이음", "unix:/이음"},
      {"unix:/\xc2\x9b", "unix:/%C2%9B"},
      {"unix:/\x9b", "unix:/%9B"},
      {"unix:/\xe2\x80\xae", "unix:/%E2%80%AE"},
  };
  for (const auto& [text, formatted] : cases) {
    const Address address = parsed(text);
    EXPECT_TRUE(formatted == nullptr || address.to_string() == formatted) << address.to_string();
    EXPECT_EQ(parsed(address.to_string()), address) << text;
  }
}

TEST(Address, NamesTheInterfaceOfItsScope) {
  const unsigned loopback = if_nametoindex("lo");
  if (loopback == 0) GTEST_SKIP() << "no interface lo here";
  const Address address = parsed("[fe80::1%lo]:80");
  EXPECT_EQ(address.scope(), loopback);
  EXPECT_EQ(address.to_string(), "[fe80::1%" + std::to_string(loopback) + "]:80");
}

TEST(Address, TellsItsParts) {
  const Address ipv6 = parsed("[fe80::1%7]:443");
  EXPECT_EQ(ipv6.family(), Family::ipv6);
  EXPECT_EQ(ipv6.port(), 443);
  EXPECT_EQ(ipv6.scope(), 7U);
  EXPECT_EQ(ipv6.bytes().size(), 16U);
  const Address abstract = parsed("unix:@a%00b");
  EXPECT_EQ(abstract.family(), Family::unix_abstract);
  EXPECT_EQ(abstract.bytes(), std::string_view("a\0b", 3));
  EXPECT_EQ(abstract.port(), 0);
  EXPECT_TRUE(parsed("0.0.0.0:1").is_wildcard());
  EXPECT_TRUE(parsed("*:1").is_wildcard());
  EXPECT_FALSE(parsed("[::1]:1").is_wildcard());
  EXPECT_FALSE(parsed("unix:@a").is_wildcard());
  Address moved = Address::ipv4_loopback(1);
  moved.set_port(2);
  EXPECT_EQ(moved, parsed("127.0.0.1:2"));
}

TEST(Address, Differs) {
  EXPECT_NE(parsed("127.0.0.1:1"), parsed("127.0.0.1:2"));
  EXPECT_NE(parsed("127.0.0.1:1"), parsed("[::ffff:127.0.0.1]:1"));
  EXPECT_NE(parsed("[fe80::1%1]:1"), parsed("[fe80::1%2]:1"));
  EXPECT_NE(parsed("unix:a"), parsed("unix:@a"));
  EXPECT_NE(parsed("unix:a"), parsed("unix:ab"));
}

TEST(Address, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"", R"("" has no port: write HOST:PORT)"},
      {"unix:@", R"("unix:@" has no name after its @)"},
      {"127.0.0.1", R"("127.0.0.1" has no port: write HOST:PORT)"},
      {"7000", R"("7000" has no host: write HOST:PORT)"},
      {"127.0.0.1:", R"("127.0.0.1:" has no port from 0 to 65535 after its last colon)"},
      {"127.0.0.1:65536", R"("127.0.0.1:65536" has no port from 0 to 65535 after its last colon)"},
      {"127.0.0.1:-1", R"("127.0.0.1:-1" has no port from 0 to 65535 after its last colon)"},
      {"127.0.0.1:+1", R"("127.0.0.1:+1" has no port from 0 to 65535 after its last colon)"},
      {"127.0.0.1:80x", R"("127.0.0.1:80x" has no port from 0 to 65535 after its last colon)"},
      {"127.0.0.1: 80", R"("127.0.0.1: 80" has no port from 0 to 65535 after its last colon)"},
      {"127.0.0.1:99999999999999999999",
       R"("127.0.0.1:99999999999999999999" has no port from 0 to 65535 after its last colon)"},
      {"example.org:80", R"("example.org:80" holds no IP address; names are not looked up here)"},
      {":80", R"(":80" holds no IP address; names are not looked up here)"},
      {"1.2.3:80", R"("1.2.3:80" holds no IP address; names are not looked up here)"},
      {"1.2.3.256:80", R"("1.2.3.256:80" holds no IP address; names are not looked up here)"},
      {" 1.2.3.4:80", R"(" 1.2.3.4:80" holds no IP address; names are not looked up here)"},
      {"::1:80", R"("::1:80" holds an IPv6 address without brackets: write [ADDRESS]:PORT)"},
      {"[::1:80", R"("[::1:80" lacks the ] of its IPv6 address)"},
      {"[::1]", R"("[::1]" has no port: write [ADDRESS]:PORT)"},
      {"[]:80", R"("[]:80" holds no IPv6 address within its brackets)"},
      {"[127.0.0.1]:80", R"("[127.0.0.1]:80" holds no IPv6 address within its brackets)"},
      {"[:::]:80", R"("[:::]:80" holds no IPv6 address within its brackets)"},
      {"[fe80::1%]:80",
       R"("[fe80::1%]:80" names no network interface of this machine after its %)"},
      {"[fe80::1%nosuch0]:80",
       R"("[fe80::1%nosuch0]:80" names no network interface of this machine after its %)"},
      {"unix:", R"("unix:" has no path: write unix:/path or unix:@abstract)"},
      {"unix:/a%", R"("unix:/a%" has a % that is not followed by two hexadecimal digits)"},
      {"unix:/a%4", R"("unix:/a%4" has a % that is not followed by two hexadecimal digits)"},
      {"unix:/a%zz", R"("unix:/a%zz" has a % that is not followed by two hexadecimal digits)"},
      {"unix:/a%-1", R"("unix:/a%-1" has a % that is not followed by two hexadecimal digits)"},
      {"unix:/a%00b", R"("unix:/a%00b" has a zero byte in its path)"},
  };
  for (const auto& [text, why] : cases) {
    EXPECT_EQ(refused(text), std::string("parse address: invalid argument: ") + why);
  }
}

TEST(Address, TakesNothingForAnAddressUpToAZeroByte) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {"127.0.0.1\0.evil:80"sv, "[::1\0]:80"sv, "[fe80::1%lo\0x]:80"sv, "127.0.0.1:80\0"sv}) {
    EXPECT_FALSE(Address::parse(text)) << Address::parse(text)->to_string();
  }
}

TEST(Address, KnowsThatAnyFamilyWillDo) {
  EXPECT_TRUE(parsed("*:80").is_any_family());
  EXPECT_EQ(parsed("*:80"), Address::any_family(80));
  EXPECT_FALSE(parsed("[::]:80").is_any_family());
  EXPECT_EQ(parsed("*:80"), parsed("[::]:80"));
}

TEST(Address, CutsWhatItQuotes) {
  const std::string text = refused(std::string(1000, 'x'));
  EXPECT_EQ(text, "parse address: invalid argument: \"" + std::string(40, 'x') +
                      "…\" has no port: write HOST:PORT");
  std::string korean;
  for (int i = 0; i < 30; ++i) korean += "이";
  EXPECT_EQ(refused(korean).find("\xec\x9d…"), std::string::npos) << "cut within a character";
}

TEST(Address, HoldsUnixNamesOfAtMost107Bytes) {
  const std::string fits(Address::unix_name_bytes_max, 'x');
  EXPECT_EQ(parsed("unix:" + fits).bytes(), fits);
  EXPECT_EQ(parsed("unix:@" + fits).bytes(), fits);
  EXPECT_EQ(
      refused("unix:x" + fits),
      "parse address: file name too long: a Unix socket's path has at most 107 bytes, this one "
      "has 108");
  EXPECT_EQ(refused("unix:@x" + fits),
            "parse address: file name too long: an abstract name has at most 107 bytes, this one "
            "has 108");
  EXPECT_EQ(Address::unix_path("").error(), std::errc::invalid_argument);
  EXPECT_EQ(Address::unix_path(std::string_view("a\0b", 3)).error(), std::errc::invalid_argument);
}

TEST(Address, GoesRoundWhateverItIs) {
  std::mt19937_64 random(test::seed());
  auto byte = [&random] { return static_cast<std::uint8_t>(random()); };
  for (int i = 0; i < 5000; ++i) {
    const auto port = static_cast<std::uint16_t>(random());
    Address address;
    switch (random() % 4) {
      case 0: address = Address::ipv4({byte(), byte(), byte(), byte()}, port); break;
      case 1: {
        std::array<std::uint8_t, 16> ip{};
        const bool sparse = random() % 2 == 0;
        for (std::uint8_t& part : ip) part = sparse && random() % 3 != 0 ? std::uint8_t{0} : byte();
        address =
            Address::ipv6(ip, port, random() % 2 == 0 ? 0 : static_cast<std::uint32_t>(random()));
        break;
      }
      default: {
        const bool abstract = random() % 2 == 0;
        std::string name(random() % (Address::unix_name_bytes_max + 1), '\0');
        for (char& c : name) c = static_cast<char>(byte());
        if (!abstract) {
          for (char& c : name) c = c == '\0' ? '%' : c;
        }
        if (name.empty()) name = "@";
        address = *(abstract ? Address::unix_abstract(name) : Address::unix_path(name));
      }
    }
    const std::string text = address.to_string();
    const Result<Address> back = Address::parse(text);
    ASSERT_TRUE(back) << text << ": " << back.error().to_string();
    ASSERT_EQ(*back, address) << text;
    ASSERT_EQ(text.find_first_of(" \n\t\r"), std::string::npos) << "one word";
  }
}

TEST(Address, RefusesOrTakesAnyBytesWithoutHarm) {
  std::mt19937_64 random(test::seed());
  constexpr std::string_view pieces[] = {"unix:", "@", "[", "]",    ":",    "%",
                                         "::",    "1", ".", "fe80", "\xff", "*"};
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (auto n = random() % 12; n > 0; --n) text += pieces[random() % std::size(pieces)];
    const Result<Address> address = Address::parse(text);
    if (address) {
      ASSERT_EQ(Address::parse(address->to_string()), *address) << text;
    } else {
      ASSERT_FALSE(address.error().detail().empty()) << text;
    }
  }
}

}  // namespace
}  // namespace ieum
