#include "inspect/filter.hpp"

#include <gtest/gtest.h>

namespace ieum::cli {
namespace {

Address at(std::string_view text) { return Address::parse(text).value(); }

TEST(Prefix, ContainsTheAddressesOfItsNetwork) {
  const auto ten = Prefix::parse("10.0.0.0/8");
  ASSERT_TRUE(ten);
  EXPECT_TRUE(ten->contains(at("10.255.1.2:80")));
  EXPECT_FALSE(ten->contains(at("11.0.0.1:80")));
  EXPECT_FALSE(ten->contains(at("[::1]:80")));
  const auto odd = Prefix::parse("192.168.4.0/22");
  ASSERT_TRUE(odd);
  EXPECT_TRUE(odd->contains(at("192.168.7.255:1")));
  EXPECT_FALSE(odd->contains(at("192.168.8.0:1")));
  const auto all = Prefix::parse("::/0");
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->contains(at("[2001:db8::1]:1")));
  const auto one = Prefix::parse("fe80::1");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->bits, 128U);
}

TEST(Prefix, RefusesWhatIsNone) {
  for (const char* text : {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x", "nginx", "/run/x",
                           "10.0.0.1:80", "", "*"}) {
    EXPECT_FALSE(Prefix::parse(text)) << text;
  }
}

TEST(Filter, AsksForTheProtocolsThatAreWanted) {
  const auto all = Filter::parse({});
  EXPECT_TRUE(all->takes_tcp() && all->takes_udp() && all->takes_unix());
  const std::vector<std::string> words{"UDP", ":53"};
  const auto udp = Filter::parse(words);
  EXPECT_FALSE(udp->takes_tcp() || udp->takes_unix());
  EXPECT_TRUE(udp->takes_udp());
  EXPECT_EQ(udp->text(), "UDP :53");
}

TEST(Filter, ASlipIsTakenForAProgramAndHintedAt) {
  const std::vector<std::string> words{"stucked"};
  const auto filter = Filter::parse(words);
  ASSERT_TRUE(filter);
  EXPECT_TRUE(filter->names_processes());
  EXPECT_EQ(filter->hint(), "; did you mean 'stuck'?");
}

// Taken for a program's name, they would match nothing, as if there were no such socket.
TEST(Filter, RefusesWhatIsMeantForAnAddressAndIsNone) {
  for (const std::string word :
       {"10.0.0.0/33", "10.0.0.0/", "::1/129", "300.1.1.1", "127.1", ":", ":abc", ":-1", ":http",
        ":8080-8090", ":99999", "127.0.0.1:", "127.0.0.1:99999", "[::1", "1::2::3"}) {
    const auto filter = Filter::parse(std::vector{word});
    ASSERT_FALSE(filter) << word;
    EXPECT_EQ(filter.error().find("names are not looked up"), std::string::npos) << word;
  }
  for (const std::string word : {"nginx", "7z", "Foo::Bar", "a/b", "python3.11", "::1",
                                 "::", "*:80", "[::1]:80", "10.0.0.0/8"}) {
    EXPECT_TRUE(Filter::parse(std::vector{word})) << word;
  }
}

}  // namespace
}  // namespace ieum::cli
